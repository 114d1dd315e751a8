//! What a body that may go on after the call cannot keep, by the type of the argument.
use std::fmt::Display;
use std::rc::Rc;

use cachewright::cached;

#[cached(skip(log), stale_while_revalidate = "1m")]
async fn changed(id: u64, log: &mut Vec<u64>) -> u64 {
    log.push(id);
    id
}

#[cached(refresh_ahead = 0.1)]
async fn changed_and_in_the_key(log: &mut Vec<u64>) -> usize {
    log.len()
}

#[cached(refresh_ahead = 0.1)]
async fn borrowed_inside(name: Option<&str>, words: &[&str]) -> usize {
    name.map_or(0, str::len) + words.len()
}

#[derive(serde::Serialize)]
struct Filter<'a>(&'a str);

#[cached(refresh_ahead = 0.1)]
fn borrowed_by_a_type(filter: Filter<'_>) -> usize {
    filter.0.len()
}

#[cached(skip(object), stale_if_error = "1h", timeout = "1s")]
async fn object(object: &dyn Display) -> String {
    object.to_string()
}

#[cached(refresh_ahead = 0.1)]
fn local(id: Rc<u64>) -> u64 {
    *id
}

#[cached(refresh_ahead = 0.1)]
async fn returned<'a>(text: &'a str) -> Result<u64, &'a str> {
    text.parse().map_err(|_| text)
}

// What is not mentioned is not kept.
#[cached(skip(_log, _names), refresh_ahead = 0.1)]
async fn unmentioned(id: u64, _log: &mut Vec<u64>, _names: Option<&str>) -> u64 {
    id
}

fn main() {}
