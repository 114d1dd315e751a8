//! The body of a batch may run more than once, so what it consumes is copied.

use std::collections::HashMap;

use cachewright::cached;
use serde::Serialize;

#[derive(Serialize)]
struct Once;

#[cached(batch = ids)]
async fn consumes(ids: &[i64], once: Once) -> HashMap<i64, u8> {
    drop(once);
    ids.iter().map(|id| (*id, 1)).collect()
}

#[cached(batch = ids, skip(count))]
async fn changes(ids: &[i64], count: &mut u64) -> HashMap<i64, u8> {
    *count += 1;
    ids.iter().map(|id| (*id, 1)).collect()
}

fn main() {}
