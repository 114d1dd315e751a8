use std::collections::HashMap;

use cachewright::{cached, invalidate_cache};

#[cached(key_prefix = "user:{ids}:{pair}:{id}")]
fn get(ids: &[u64], pair: (u64, u64), id: u64) -> u64 {
    ids.len() as u64 + pair.0 + id
}

#[cached(key_prefix = "{filter}:{name}:{pair.0}")]
fn find(filter: &HashMap<String, String>, name: Option<&str>, pair: (u64, u64)) -> usize {
    filter.len() + name.map_or(0, str::len) + pair.0 as usize
}

#[invalidate_cache("user:{ids}:*")]
fn set(ids: Option<Vec<u64>>) {
    drop(ids);
}

fn main() {
    get(&[1], (1, 2), 3);
    set(None);
}
