use cachewright::cached;

#[cached(key(id), skip(db))]
fn both(id: u64, db: u64) -> u64 {
    id + db
}

#[cached(skip(bd, self))]
fn unknown_skip(id: u64, db: u64) -> u64 {
    id + db
}

#[cached(key(ident, filter.city, self.region))]
fn unknown_key(id: u64, filter_by: u64) -> u64 {
    id + filter_by
}

#[cached(key(a))]
fn in_a_pattern((a, b): (u64, u64)) -> u64 {
    a + b
}

fn main() {}
