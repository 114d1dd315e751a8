use cachewright::invalidate_cache;

#[invalidate_cache("*", "booking*", "*:x", pattern = "{id}*")]
fn write(id: u64) {
    let _ = id;
}

fn main() {}
