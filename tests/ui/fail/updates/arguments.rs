#![allow(unused)]
use cachewright::{cached, update_cache};

struct Users;

impl Users {
    #[cached]
    async fn get(&self, id: u64) -> Result<u64, ()> {
        Ok(id)
    }

    #[update_cache]
    async fn nothing(&self, id: u64) -> u64 {
        id
    }

    #[update_cache("user:{id}", pattern = "user:*")]
    async fn patterns(&self, id: u64) -> u64 {
        id
    }

    #[update_cache(entry = self.get(id), cache = self.cache, ttl = 3, ona = "always")]
    async fn others(&self, id: u64) -> u64 {
        id
    }

    #[update_cache(entry = self.get(_))]
    async fn without_an_argument(&self, id: u64) -> u64 {
        id
    }

    #[update_cache(entry = self.get(self.get(id).await?))]
    async fn waiting(&self, id: u64) -> Result<u64, ()> {
        Ok(id)
    }

    #[cached]
    #[update_cache(entry = self.get(id))]
    async fn reader_and_writer(&self, id: u64) -> u64 {
        id
    }

    #[update_cache(entry = self.get(id))]
    async fn without_self(id: u64) -> u64 {
        id
    }
}

fn main() {}
