//! Expansions rely on no name of the user's: neither of the prelude nor of items around the function.
#![no_implicit_prelude]
#![deny(warnings)]

extern crate cachewright as renamed;

mod core {}
mod std {}
mod cachewright {}

#[allow(dead_code)]
struct Result;
#[allow(dead_code)]
struct Option;

const FUNCTION: u64 = 3;

#[renamed::cached(ttl = 60, key_prefix = "user:{id}")]
async fn get(id: u64) -> u64 {
    id + FUNCTION
}

#[renamed::cached(ttl = ::core::time::Duration::from_secs(1), scope = FUNCTION)]
fn get_blocking(id: u64) -> ::core::result::Result<u64, ()> {
    ::core::result::Result::Ok(id + FUNCTION)
}

#[renamed::invalidate_cache("user:{id}:*")]
async fn set(id: u64) -> ::core::option::Option<u64> {
    ::core::option::Option::Some(id)
}

#[renamed::invalidate_cache(entry = get(id), entry = get_blocking(7))]
async fn forget(id: u64) {}

#[renamed::update_cache(entry = get(id), on = "always")]
async fn replace(id: u64) -> ::core::option::Option<u64> {
    ::core::option::Option::Some(id)
}

fn main() {
    let _ = (get(1), set(1), forget(1), replace(1));
    let _ = get_blocking(1);
}
