use cachewright::{cached, invalidate_cache};

#[cached(ttl = 300)]
#[derive(Clone)]
pub struct Service;

#[invalidate_cache("user:*")]
impl Service {
    fn get(&self) -> u64 {
        1
    }
}

fn main() {
    Service.get();
}
