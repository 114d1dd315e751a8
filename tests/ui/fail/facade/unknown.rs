use cachewright::{cached, invalidate_cache};

#[cached(crate = ::nowhere, ttl = 300, none_ttl = 30, key_prefix = "user:{id}")]
fn get(id: u64) -> Option<u64> {
    Some(id)
}

#[invalidate_cache("user:{id}", entry = get(id), crate = crate::not_here)]
async fn set(id: u64) {}

fn main() {
    get(1);
    let _ = set(1);
}
