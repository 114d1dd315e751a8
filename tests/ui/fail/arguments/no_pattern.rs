use cachewright::invalidate_cache;

#[invalidate_cache]
fn write(id: u64) -> u64 {
    id
}

#[invalidate_cache(on = "always")]
fn write_again(id: u64) -> u64 {
    id
}

fn main() {}
