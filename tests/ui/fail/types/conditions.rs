use cachewright::cached;

#[cached(ttl_with = |seconds| *seconds)]
fn seconds_are_no_duration(id: u64) -> u64 {
    id
}

#[cached(store_if = |name| name.len())]
async fn a_number_is_no_answer(id: u64) -> String {
    id.to_string()
}

#[cached(store_if = |loaded: &Result<u64, String>| loaded.is_ok())]
async fn it_sees_the_value(id: u64) -> Result<u64, String> {
    Ok(id)
}

#[cached(store_if = |name: String| name.is_empty())]
async fn it_borrows_the_value(id: u64) -> String {
    id.to_string()
}

fn is_small(value: u64) -> bool {
    value < 9
}

#[cached(store_if = is_small)]
async fn a_function_borrows_it_too(id: u64) -> u64 {
    id
}

#[cached(ttl_with = || std::time::Duration::ZERO)]
fn it_takes_the_value(id: u64) -> u64 {
    id
}

#[cached(bypass_if = id)]
fn a_number_is_no_condition(id: u64) -> u64 {
    id
}

#[cached(store_if = |name| !name.ends_with(&suffix))]
async fn the_body_takes_it_away(suffix: String) -> String {
    suffix
}

fn main() {}
