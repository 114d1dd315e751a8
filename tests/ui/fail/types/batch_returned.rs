//! What a batch returns has a place for the answer to each element.

use std::collections::{HashMap, HashSet};

use cachewright::cached;

#[cached(batch = ids)]
async fn a_number(ids: &[i64]) -> usize {
    ids.len()
}

#[cached(batch = ids)]
async fn a_list_of_values(ids: &[i64]) -> Result<Vec<i64>, String> {
    Ok(ids.to_vec())
}

#[cached(batch = ids)]
async fn keys_of_another_type(ids: &[i64]) -> HashMap<String, i64> {
    ids.iter().map(|id| (id.to_string(), *id)).collect()
}

#[cached(batch = ids)]
async fn a_list_for_a_set(ids: HashSet<i64>) -> Vec<Option<i64>> {
    ids.into_iter().map(Some).collect()
}

#[derive(Clone)]
struct Opaque;

#[cached(batch = ids)]
async fn what_can_not_be_kept(ids: &[i64]) -> HashMap<i64, Opaque> {
    ids.iter().map(|id| (*id, Opaque)).collect()
}

fn main() {}
