use cachewright::invalidate_cache;

struct Users;

impl Users {
    fn get(&self, id: u64, page: u8) -> u64 {
        id + u64::from(page)
    }

    fn by_name(&self, name: &str) -> usize {
        name.len()
    }

    #[invalidate_cache(entry = self.get("7", 1))]
    fn a_value_of_another_type(&self) {}

    #[invalidate_cache(entry = self.get(id, 1))]
    fn a_place_of_another_type(&self, id: u32) {}

    #[invalidate_cache(entry = self.by_name(name))]
    fn a_place_to_be_coerced(&self, name: &String) {}

    #[invalidate_cache(entry = self.get(id))]
    fn too_few(&self, id: u64) {}

    #[invalidate_cache(entry = self.get(id, 1, 2))]
    fn too_many(&self, id: u64) {}

    #[invalidate_cache(entry = total(id, 1))]
    fn too_many_for_a_path(&self, id: u64) {}
}

fn total(id: u64) -> u64 {
    id
}

fn main() {
    Users.a_value_of_another_type();
    total(Users.get(1, 2) + Users.by_name("") as u64);
}
