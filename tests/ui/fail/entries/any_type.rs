use cachewright::invalidate_cache;

fn get(db: impl Clone, id: u64) -> u64 {
    let _ = db;
    id
}

// Nobody knows which type is left out.
#[invalidate_cache(entry = get(_, id))]
fn skipped(id: u64) {}

fn main() {
    get((), 1);
}
