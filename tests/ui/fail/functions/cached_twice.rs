use cachewright::{cached, invalidate_cache};

#[cached]
#[invalidate_cache("user:*")]
fn cached_first() -> u8 {
    0
}

#[invalidate_cache("user:*")]
#[cachewright::cached]
fn cached_last() -> u8 {
    0
}

#[cached]
#[cached(ttl = 3)]
fn cached_twice() -> u8 {
    0
}

// One writer may invalidate in several caches.
#[invalidate_cache("user:*")]
#[invalidate_cache("booking:*")]
fn invalidating_twice() {}

fn main() {}
