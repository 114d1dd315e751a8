use cachewright::cached;

const MINUTE: u64 = 60;

#[cached(ttl = 5 * MINUTE)]
fn get(id: u64) -> u64 {
    id
}

fn main() {}
