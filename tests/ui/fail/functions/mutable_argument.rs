use cachewright::cached;

#[cached]
fn get(db: &mut Vec<u64>, id: u64) -> u64 {
    db.push(id);
    id
}

#[cached(skip(db))]
fn skipped(db: &mut Vec<u64>, id: u64) -> u64 {
    db.push(id);
    id
}

fn main() {}
