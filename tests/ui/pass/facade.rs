//! The facade under another path, as a crate that re-exports it has it.
#![deny(warnings)]

mod my {
    pub use cachewright as facade;
}

#[my::facade::cached(crate = crate::my::facade, ttl = 300, none_ttl = 30, key_prefix = "user:{id}")]
async fn get(id: u64) -> Option<u64> {
    Some(id)
}

#[my::facade::cached(crate = my::facade, outcome = "result", tier = "memory")]
fn get_blocking(id: u64) -> Result<u64, ()> {
    Ok(id)
}

#[my::facade::invalidate_cache("user:{id}", entry = get(id), entry = get_blocking(id), crate = crate::my::facade)]
async fn set(id: u64) {}

fn main() {
    let _ = (get(1), get_blocking(2), set(3));
}
