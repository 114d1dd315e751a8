use cachewright::cached;

#[cached(none_ttl = 30, outcome = "value")]
fn never_none(id: u64) -> u64 {
    id
}

fn main() {}
