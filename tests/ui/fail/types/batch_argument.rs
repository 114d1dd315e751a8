//! A batch is made of a collection of which the body can be given a part.

use std::collections::HashMap;

use cachewright::cached;

#[cached(batch = id)]
async fn of_a_number(id: i64) -> HashMap<i64, u8> {
    HashMap::from([(id, 1)])
}

#[cached(batch = ids)]
async fn of_an_array(ids: [i64; 2]) -> HashMap<i64, u8> {
    ids.iter().map(|id| (*id, 1)).collect()
}

#[cached(batch = prices)]
async fn of_what_has_no_equality(prices: &[f64]) -> Vec<Option<u8>> {
    prices.iter().map(|_| None).collect()
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Opaque;

#[cached(batch = opaque)]
async fn of_what_is_no_key(opaque: &[Opaque]) -> Vec<Option<u8>> {
    opaque.iter().map(|_| None).collect()
}

fn main() {}
