use cachewright::cached;

struct Database;

#[cached]
async fn get(db: &Database, id: u64) -> u64 {
    let _ = db;
    id
}

fn main() {}
