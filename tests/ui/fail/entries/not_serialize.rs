use cachewright::invalidate_cache;

struct Database;

fn get(db: &Database, id: u64) -> u64 {
    let _ = db;
    id
}

#[invalidate_cache(entry = get(db, id))]
fn place(db: &Database, id: u64) {}

#[invalidate_cache(entry = get(&Database, id))]
fn value(id: u64) {}

// It is left out of the key.
#[invalidate_cache(entry = get(_, id))]
fn skipped(id: u64) {}

fn main() {
    get(&Database, 1);
}
