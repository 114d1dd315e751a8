use cachewright::cached;

#[cached(outcome = "option")]
fn get(id: u64) -> u64 {
    id
}

fn main() {}
