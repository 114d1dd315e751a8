//! The facade under another name, without `crate = …`.
#![no_implicit_prelude]

mod cachewright {}

#[::cachewright::cached(crate = cachewright, ttl = 300)]
fn get(id: u64) -> u64 {
    id
}

fn main() {
    get(1);
}
