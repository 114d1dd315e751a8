use cachewright::invalidate_cache;

struct Database;

#[invalidate_cache("user:{db}:*")]
fn set(db: &Database) {
    let _ = db;
}

fn main() {}
