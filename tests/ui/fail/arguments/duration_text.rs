use cachewright::cached;

#[cached(ttl = "")]
fn empty(id: u64) -> u64 {
    id
}

#[cached(ttl = "300")]
fn without_unit(id: u64) -> u64 {
    id
}

#[cached(ttl = "1 h")]
fn blank(id: u64) -> u64 {
    id
}

#[cached(ttl = "2w")]
fn unknown_unit(id: u64) -> u64 {
    id
}

#[cached(ttl = "30m1h")]
fn ascending(id: u64) -> u64 {
    id
}

fn main() {}
