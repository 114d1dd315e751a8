use cachewright::{cached, invalidate_cache};

#[cached]
const fn constant(id: u64) -> u64 {
    id
}

#[cached]
unsafe fn not_safe(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*")]
extern "C" fn foreign(id: u64) -> u64 {
    id
}

fn main() {}
