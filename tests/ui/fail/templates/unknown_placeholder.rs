use cachewright::{cached, invalidate_cache};

struct Service;

impl Service {
    #[cached(key_prefix = "user:{usre_id}:{city}")]
    fn get(&self, user_id: u64) -> u64 {
        user_id
    }

    #[invalidate_cache("user:{id}:*")]
    fn set(&self, user_id: u64) -> u64 {
        user_id
    }

    #[cached(key_prefix = "user:{self}")]
    fn whole(&self, user_id: u64) -> u64 {
        user_id
    }

    #[cached(key_prefix = "user:{self.region}")]
    fn without_receiver(user_id: u64) -> u64 {
        user_id
    }

    #[cached(key_prefix = "user:{a}")]
    fn in_a_pattern((a, b): (u64, u64)) -> u64 {
        a + b
    }

    #[cached(key_prefix = "user:{id}")]
    fn without_arguments() -> u64 {
        1
    }
}

fn main() {}
