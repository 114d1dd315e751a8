use cachewright::cached;

#[cached(ttl = 0, none_ttl = "0s")]
fn zero(id: u64) -> Option<u64> {
    Some(id)
}

#[cached(ttl = -5)]
fn negative(id: u64) -> u64 {
    id
}

#[cached(ttl = 2_592_001, none_ttl = "31d")]
fn too_long(id: u64) -> Option<u64> {
    Some(id)
}

#[cached(ttl = 99999999999999999999)]
fn overflow(id: u64) -> u64 {
    id
}

#[cached(ttl = 60 * 5)]
fn arithmetic(id: u64) -> u64 {
    id
}

#[cached(ttl = 0.5)]
fn fraction(id: u64) -> u64 {
    id
}

fn main() {}
