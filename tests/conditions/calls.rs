//! `bypass_if`: calls that are not cached at all.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use cachewright::{Cache, cached};

struct Prices {
    cache: Cache,
    bodies: AtomicU32,
    is_open: bool,
}

impl Prices {
    fn new() -> Self {
        Self {
            cache: Cache::builder().build().unwrap(),
            bodies: AtomicU32::new(0),
            is_open: false,
        }
    }

    #[cached(cache = self.cache, bypass_if = fresh || id == 0, skip(fresh))]
    async fn price(&self, id: u32, fresh: bool) -> u32 {
        self.bodies.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, bypass_if = self.is_open)]
    fn closing(&self, id: &str) -> u32 {
        self.bodies.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, bypass_if = panics(id))]
    async fn strict(&self, id: u32) -> u32 {
        self.bodies.fetch_add(1, SeqCst) + 1
    }
}

fn panics(id: u32) -> bool {
    assert!(id < 9, "it is asked");
    false
}

#[tokio::test]
async fn a_bypassed_call_neither_reads_nor_writes() {
    let prices = Prices::new();
    assert_eq!(prices.price(7, true).await, 1);
    assert_eq!(prices.price(7, false).await, 2);
    assert_eq!(prices.price(7, true).await, 3);
    assert_eq!(prices.price(7, false).await, 2);
    assert_eq!(prices.price(0, false).await, 4);
    assert_eq!(prices.price(0, false).await, 5);
    let row = &prices.cache.stats().functions[0];
    assert_eq!((row.bypassed, row.hits, row.misses), (4, 1, 1));
}

#[tokio::test]
async fn a_bypassed_call_waits_for_nobody_and_nobody_for_it() {
    let prices = Prices::new();
    let calls = (prices.price(7, true), prices.price(7, true));
    assert_eq!(tokio::join!(calls.0, calls.1), (1, 2));
    assert_eq!(prices.cache.stats().computations, 0);
}

#[test]
fn a_condition_may_ask_self_and_a_synchronous_function_may_have_one() {
    let mut prices = Prices::new();
    assert_eq!(prices.closing("a"), 1);
    assert_eq!(prices.closing("a"), 1);
    prices.is_open = true;
    assert_eq!(prices.closing("a"), 2);
    prices.is_open = false;
    assert_eq!(prices.closing("a"), 1);
}

#[tokio::test]
async fn a_panic_of_the_condition_is_the_callers_and_leaves_nothing_behind() {
    let prices = std::sync::Arc::new(Prices::new());
    let asked = std::sync::Arc::clone(&prices);
    let ended = tokio::spawn(async move { asked.strict(9).await }).await;
    assert!(ended.unwrap_err().is_panic());
    assert_eq!(prices.cache.stats().computations, 0);
    assert_eq!(prices.strict(8).await, 1);
    assert_eq!(prices.strict(8).await, 1);
}
