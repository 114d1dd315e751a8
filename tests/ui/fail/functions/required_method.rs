use cachewright::{cached, invalidate_cache};

trait Service {
    #[cached]
    fn get(&self, id: u64) -> u64;

    #[invalidate_cache("user:*")]
    fn set(&self, id: u64) -> u64;
}

fn main() {}
