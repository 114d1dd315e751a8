//! Conditions on calls and values: `bypass_if`, `store_if`, `ttl_with`, `jitter`.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached};

struct Shop {
    cache: Cache,
    bodies: AtomicU32,
}

impl Shop {
    fn new(clock: &SteppedClock) -> Self {
        let cache = Cache::builder().clock(clock.clone()).build().unwrap();
        Self {
            cache,
            bodies: AtomicU32::new(0),
        }
    }

    fn ran(&self) -> u32 {
        self.bodies.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, bypass_if = fresh || id == 0, skip(fresh))]
    async fn price(&self, id: u32, fresh: bool) -> u32 {
        self.ran()
    }

    #[cached(cache = self.cache, store_if = |names: &Vec<String>| names.len() > least)]
    async fn names(&self, least: usize) -> Vec<String> {
        self.ran();
        vec!["Ada".to_owned()]
    }

    #[cached(cache = self.cache, ttl_with = |seconds| Duration::from_secs(*seconds))]
    async fn lease(&self, seconds: u64) -> Option<u64> {
        self.ran();
        Some(seconds)
    }
}

#[tokio::test]
async fn a_bypassed_call_neither_reads_nor_writes() {
    let shop = Shop::new(&SteppedClock::new());
    assert_eq!(shop.price(7, true).await, 1);
    assert_eq!(shop.price(7, false).await, 2);
    assert_eq!(shop.price(7, true).await, 3);
    assert_eq!(shop.price(7, false).await, 2);
    assert_eq!(shop.price(0, false).await, 4);
    assert_eq!(shop.price(0, false).await, 5);
}

#[tokio::test]
async fn only_values_that_meet_the_condition_are_kept() {
    let shop = Shop::new(&SteppedClock::new());
    for _ in 0..2 {
        shop.names(0).await;
        shop.names(1).await;
    }
    assert_eq!(shop.bodies.load(SeqCst), 3);
}

#[tokio::test]
async fn a_value_says_how_long_it_is_kept() {
    let clock = SteppedClock::new();
    let shop = Shop::new(&clock);
    shop.lease(10).await;
    clock.advance(Duration::from_secs(9));
    shop.lease(10).await;
    assert_eq!(shop.bodies.load(SeqCst), 1);
    clock.advance(Duration::from_secs(1));
    shop.lease(10).await;
    assert_eq!(shop.bodies.load(SeqCst), 2);
}
