#![allow(unused)]
use cachewright::invalidate_cache;

struct Users;

struct UserId(u64);

impl Users {
    async fn get(&self, id: u64) -> Result<u64, ()> {
        Ok(id)
    }

    #[invalidate_cache(entry = self.get)]
    async fn a_field(&self, id: u64) {}

    #[invalidate_cache(entry = self.get(id).await)]
    async fn awaited(&self, id: u64) {}

    #[invalidate_cache(entry = self.get(id)?)]
    async fn asked(&self, id: u64) -> Result<(), ()> {
        Ok(())
    }

    #[invalidate_cache(entry = "user:{id}", entry = UserId(id), entry = (self.get)(id), entry)]
    async fn something_else(&self, id: u64) {}

    #[invalidate_cache(entry = load(id))]
    async fn an_argument(&self, load: fn(u64) -> u64, id: u64) {}

    #[invalidate_cache(entry = self.get(id))]
    async fn without_self(id: u64) {}
}

fn main() {
    // The functions are still there.
    let _ = (Users.a_field(1), Users.awaited(1), Users.asked(1), Users::without_self(1));
}
