//! `batch` names one argument, whose elements are the entries.

use std::collections::HashMap;

use cachewright::{cache_defaults, cached};

#[cached(batch = id)]
async fn no_such_argument(ids: &[i64]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, 1)).collect()
}

#[cached(batch = self)]
async fn no_receiver(ids: &[i64]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, 1)).collect()
}

#[cached(batch = (ids, names))]
async fn no_name(ids: &[i64], names: &[String]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, names.len() as u8)).collect()
}

#[cached(batch = ids, batch = names)]
async fn two(ids: &[i64], names: &[String]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, names.len() as u8)).collect()
}

#[cached(batch = ids, key(ids, city))]
async fn with_a_chosen_key(ids: &[i64], city: &str) -> HashMap<i64, usize> {
    ids.iter().map(|id| (*id, city.len())).collect()
}

#[cached(batch = ids, skip(ids))]
async fn skipped(ids: &[i64], city: &str) -> HashMap<i64, usize> {
    ids.iter().map(|id| (*id, city.len())).collect()
}

#[cached(batch = ids, outcome = "value")]
async fn with_an_outcome(ids: &[i64]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, 1)).collect()
}

#[cached(batch = ids)]
async fn conditional(#[cfg(all())] ids: &[i64]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, 1)).collect()
}

#[cached(batch = first)]
async fn in_a_pattern((first, _): (Vec<i64>, u8)) -> HashMap<i64, u8> {
    first.into_iter().map(|id| (id, 1)).collect()
}

struct Users;

#[cache_defaults(batch = ids)]
impl Users {
    #[cached]
    async fn of_a_block(&self, ids: &[i64]) -> HashMap<i64, u8> {
        ids.iter().map(|id| (*id, 1)).collect()
    }
}

#[cached(batch = ids, stale_while_revalidate = "1m", stale_if_error = "1h", verify = 0.1)]
fn fresh(ids: &[u64]) -> Vec<(u64, u64)> {
    ids.iter().map(|id| (*id, *id)).collect()
}

fn main() {}
