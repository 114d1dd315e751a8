use cachewright::{cached, invalidate_cache};

#[cached(tier = memory)]
fn not_a_text(id: u64) -> u64 {
    id
}

#[cached(tier = "redis", outcome = "some", version = "2")]
fn not_one_of_them(id: u64) -> u64 {
    id
}

#[cached(single_flight = "global")]
fn not_yet(id: u64) -> u64 {
    id
}

#[cached(ttl, skip = db)]
fn not_its_form(id: u64, db: u64) -> u64 {
    id + db
}

#[cached("user:{id}")]
fn without_name(id: u64) -> u64 {
    id
}

#[invalidate_cache("user:*" on = "always")]
fn without_comma(id: u64) -> u64 {
    id
}

fn main() {}
