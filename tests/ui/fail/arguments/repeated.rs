use cachewright::{cached, invalidate_cache};

#[cached(ttl = 300, key_prefix = "user", ttl = "5m")]
fn one(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*", on = "ok", on = "always")]
fn two(id: u64) -> u64 {
    id
}

fn main() {}
