use cachewright::{cached, invalidate_cache};

#[cached(tll = 300, prefix = "user", banana)]
fn one(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*", ttl = 300)]
fn two(id: u64) -> u64 {
    id
}

fn main() {
    // The functions are still there: a mistake in an annotation is one error and not a hundred.
    two(one(1));
}
