use cachewright::invalidate_cache;

#[invalidate_cache("user:*", outcome = "result")]
fn set(id: u64) -> u64 {
    id
}

fn main() {}
