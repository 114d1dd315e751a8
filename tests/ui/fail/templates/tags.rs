//! A tag is one name, and every one of them is proved on each hit.
use cachewright::{cached, invalidate_cache};

#[cached(tags("team:*", "catalog"))]
fn star(id: u64) -> u64 {
    id
}

#[cached(tags("catalog", "team:{id}", "catalog"))]
fn twice(id: u64) -> u64 {
    id
}

#[cached(tags())]
fn none(id: u64) -> u64 {
    id
}

#[cached(tags("", "team:"))]
fn empty(id: u64) -> u64 {
    id
}

#[cached(tags = "catalog")]
fn not_a_list(id: u64) -> u64 {
    id
}

#[cached(tags(catalog))]
fn no_text(id: u64) -> u64 {
    id
}

#[cached(tags("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17"))]
fn too_many(id: u64) -> u64 {
    id
}

#[cached(tags("catalog"), tags("team"))]
fn given_twice(id: u64) -> u64 {
    id
}

#[invalidate_cache(tags("team:*"))]
fn star_of_a_writer(id: u64) {
    let _ = id;
}

#[invalidate_cache(tags())]
fn none_of_a_writer(id: u64) {
    let _ = id;
}

#[invalidate_cache("user:*", tag("team"))]
fn misspelt(id: u64) {
    let _ = id;
}

fn main() {}
