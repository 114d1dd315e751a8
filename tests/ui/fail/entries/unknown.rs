use cachewright::invalidate_cache;

struct Users;

impl Users {
    #[invalidate_cache(entry = self.gte(id))]
    fn method(&self, id: u64) {}

    fn get(&self, id: u64) -> u64 {
        id
    }
}

#[invalidate_cache(entry = users::gte(id))]
fn path(id: u64) {}

#[invalidate_cache(entry = users::private(id))]
fn private(id: u64) {}

#[invalidate_cache(entry = users::get(ident))]
fn argument(id: u64) {}

mod users {
    pub fn get(id: u64) -> u64 {
        id
    }

    fn private(id: u64) -> u64 {
        get(id)
    }
}

fn main() {
    Users.method(Users.get(users::get(1)));
    path(1);
    private(1);
    argument(1);
}
