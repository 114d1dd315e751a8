use cachewright::{cached, invalidate_cache};

#[cached(entry = self.get(id), on = "always", pattern = "user:*")]
fn read(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*", key_prefix = "user", scope = id, version = 2)]
fn write(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*", on = "err", outcome = "unit", cache)]
fn values(id: u64) -> u64 {
    id
}

fn main() {
    read(write(values(1)));
}
