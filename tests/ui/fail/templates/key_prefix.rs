use cachewright::cached;

#[cached(key_prefix = "")]
fn empty(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user::profile")]
fn empty_segment(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user profile")]
fn blank(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user/profile")]
fn bad_character(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "user:*")]
fn star(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "a:b:c:d:e:f:g:h:i")]
fn too_deep(id: u64) -> u64 {
    id
}

fn main() {}
