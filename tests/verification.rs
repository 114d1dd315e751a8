//! Hits of which the body runs too, in memory and in a store.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::{ScriptedStore, SteppedClock};
use cachewright::{Cache, CacheBuilder, FunctionStats, cached, invalidate_cache};

const MOMENT: Duration = Duration::from_secs(1);

/// A shop with a price that is changed by a writer who invalidates, and by one who does not.
struct Shop {
    cache: Cache,
    price: AtomicU32,
    is_down: bool,
}

impl Shop {
    // Nearly every hit; `verify` is a share below 1.
    #[cached(cache = self.cache, key_prefix = "shop", verify = 0.999999)]
    async fn price(&self) -> Result<u32, String> {
        if self.is_down {
            return Err("the database is down".to_owned());
        }
        Ok(self.price.load(SeqCst))
    }

    #[cached(cache = self.cache, key_prefix = "shop", verify = 0.999999)]
    fn price_in_sync(&self) -> Option<u32> {
        Some(self.price.load(SeqCst))
    }

    #[cached(cache = self.cache, key_prefix = "shop", verify = 0.999999, store_if = |price| *price < 10)]
    async fn low_price(&self) -> u32 {
        self.price.load(SeqCst)
    }

    #[invalidate_cache("shop:*", cache = self.cache)]
    async fn set_price(&self, price: u32) {
        self.price.store(price, SeqCst);
    }

    fn forget_to_invalidate(&self, price: u32) {
        self.price.store(price, SeqCst);
    }

    fn stats(&self, name: &str) -> FunctionStats {
        let mut rows = self.cache.stats().functions.into_iter();
        rows.find(|row| row.name == name).unwrap()
    }
}

/// In memory and in a store.
fn shops() -> [(Shop, SteppedClock); 2] {
    let shop = |builder: fn(&SteppedClock) -> CacheBuilder| {
        let clock = SteppedClock::new();
        let cache = builder(&clock).clock(clock.clone()).build().unwrap();
        let shop = Shop {
            cache,
            price: AtomicU32::new(1),
            is_down: false,
        };
        (shop, clock)
    };
    [
        shop(|_| Cache::builder()),
        shop(|clock| {
            let store = ScriptedStore::with_clock(clock.clone());
            Cache::builder().namespace("app").store(store)
        }),
    ]
}

#[tokio::test]
async fn a_forgotten_invalidation_is_found_and_the_fresh_value_returned() {
    for (shop, clock) in shops() {
        assert_eq!(shop.price().await, Ok(1));
        shop.forget_to_invalidate(2);
        assert_eq!(shop.price().await, Ok(2), "what the body gives");
        assert_eq!(shop.stats("price").missed_invalidations, 0, "not yet");
        clock.advance(MOMENT);
        let stats = shop.stats("price");
        assert_eq!((stats.verified, stats.missed_invalidations), (1, 1));
        assert_eq!((stats.hits, stats.misses), (1, 1));
    }
}

#[tokio::test]
async fn a_write_in_flight_is_no_false_alarm() {
    for (shop, clock) in shops() {
        assert_eq!(shop.price().await, Ok(1));
        // Committed, and not invalidated yet.
        shop.forget_to_invalidate(2);
        assert_eq!(shop.price().await, Ok(2));
        shop.set_price(2).await;
        assert_eq!(shop.price().await, Ok(2));
        clock.advance(MOMENT);
        assert_eq!(shop.stats("price").missed_invalidations, 0);
        assert_eq!(shop.price().await, Ok(2));
        clock.advance(MOMENT);
        assert_eq!(shop.stats("price").missed_invalidations, 0);
    }
}

#[tokio::test]
async fn a_body_that_fails_leaves_the_hit_as_it_is() {
    for (mut shop, clock) in shops() {
        assert_eq!(shop.price().await, Ok(1));
        shop.is_down = true;
        assert_eq!(shop.price().await, Ok(1));
        clock.advance(MOMENT);
        let stats = shop.stats("price");
        assert_eq!((stats.verified, stats.missed_invalidations), (0, 0));
    }
}

#[test]
fn synchronous_functions_are_verified_too() {
    for (shop, clock) in shops() {
        assert_eq!(shop.price_in_sync(), Some(1));
        shop.forget_to_invalidate(3);
        assert_eq!(shop.price_in_sync(), Some(3));
        clock.advance(MOMENT);
        assert_eq!(shop.stats("price_in_sync").missed_invalidations, 1);
    }
}

#[tokio::test]
async fn a_value_that_would_not_be_kept_accuses_nobody() {
    for (shop, clock) in shops() {
        assert_eq!(shop.low_price().await, 1);
        shop.forget_to_invalidate(10);
        assert_eq!(shop.low_price().await, 10);
        clock.advance(MOMENT);
        assert_eq!(shop.stats("low_price").missed_invalidations, 0);
        shop.forget_to_invalidate(9);
        assert_eq!(shop.low_price().await, 9);
        clock.advance(MOMENT);
        assert_eq!(shop.stats("low_price").missed_invalidations, 1);
    }
}
