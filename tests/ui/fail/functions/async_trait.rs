use async_trait::async_trait;
use cachewright::{cached, invalidate_cache};

#[async_trait]
trait Users {
    #[cached]
    async fn required(&self, id: u64) -> u64;

    #[cached]
    async fn nothing(&self);

    async fn get(&self, pair: (u64, u64), id: u64) -> u64;
    async fn generic<T: Clone + Send>(&self, id: T) -> T;
    async fn borrowed<'a>(&self, text: &'a str) -> &'a str;
    async fn remove(&mut self, id: u64) -> u64;
    async fn forget(&self);
    async fn update(&self, pair: (u64, u64));
}

struct Stored;

#[async_trait]
impl Users for Stored {
    #[cached(key_prefix = "user:{first}", skip(second))]
    async fn get(&self, (first, second): (u64, u64), _: u64) -> u64 {
        first + second
    }

    #[cached]
    async fn generic<T: Clone + Send>(&self, id: T) -> T {
        id
    }

    #[cached]
    async fn borrowed<'a>(&self, text: &'a str) -> &'a str {
        text
    }

    #[cached]
    async fn forget(&self) {}

    #[cached]
    async fn remove(&mut self, id: u64) -> u64 {
        id
    }

    #[invalidate_cache("user:{firts}")]
    async fn update(&self, (first, _): (u64, u64)) {
        let _ = first;
    }
}

fn main() {}
