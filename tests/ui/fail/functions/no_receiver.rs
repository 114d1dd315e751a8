use cachewright::{cached, invalidate_cache};

#[cached(scope = self.tenant, ttl = self.ttl, cache = self.cache)]
fn get(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*", cache = self.cache)]
fn set(id: u64) -> u64 {
    id
}

fn main() {}
