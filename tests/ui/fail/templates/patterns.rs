use cachewright::invalidate_cache;

#[invalidate_cache("")]
fn empty(id: u64) {
    let _ = id;
}

#[invalidate_cache("user:", pattern = "user profile")]
fn malformed(id: u64) {
    let _ = id;
}

#[invalidate_cache("user:%2")]
fn bad_escape(id: u64) {
    let _ = id;
}

#[invalidate_cache(pattern = user)]
fn not_a_text(id: u64) {
    let _ = id;
}

fn main() {}
