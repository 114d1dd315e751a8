use cachewright::{cached, invalidate_cache};

#[cached(crate = "cachewright")]
fn text(id: u64) -> u64 {
    id
}

#[invalidate_cache("user", crate = <u8 as Trait>::cachewright, crate)]
fn qualified(id: u64) -> u64 {
    id
}

fn main() {
    text(qualified(1));
}
