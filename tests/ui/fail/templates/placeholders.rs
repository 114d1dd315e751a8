use cachewright::cached;

#[cached(key_prefix = "user:{id")]
fn unclosed(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user:id}")]
fn unopened(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user:{}")]
fn empty(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user:{ id }")]
fn blank(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user:{id.to_string()}")]
fn call(id: u64) -> u64 {
    id
}

fn main() {}
