use cachewright::cached;

#[cached(key())]
fn no_key(id: u64) -> u64 {
    id
}

#[cached(skip())]
fn no_skip(id: u64) -> u64 {
    id
}

#[cached(skip(tenant), key_prefix = "{tenant}:{id}")]
fn shown(tenant: u64, id: u64) -> u64 {
    tenant + id
}

#[cached(skip(id, id))]
fn skipped_twice(id: u64) -> u64 {
    id
}

fn main() {
    no_key(no_skip(shown(1, 2)));
}
