use cachewright::{cached, update_cache};

struct Users;

impl Users {
    #[cached]
    async fn get(&self, id: u64) -> Result<Option<String>, ()> {
        Ok(Some(id.to_string()))
    }

    #[update_cache(entry = self.get(id))]
    async fn rename(&self, id: u64) -> Result<(), ()> {
        let _ = id;
        Ok(())
    }

    #[update_cache(entry = self.get(id))]
    async fn number(&self, id: u64) -> Option<u64> {
        Some(id)
    }
}

fn main() {
    let _ = (Users.rename(1), Users.number(1));
}
