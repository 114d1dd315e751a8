//! Hits in Redis of which the body runs too.

mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cachewright::testing::SteppedClock;
use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::RedisServer;
use redis::{builder, row};

/// How long after a difference the cache looks once more.
const MOMENT: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Shop {
    cache: Cache,
    price: Arc<AtomicU32>,
}

impl Shop {
    // Nearly every hit; `verify` is a share below 1.
    #[cached(cache = self.cache, key_prefix = "shop", verify = 0.999999)]
    async fn price(&self) -> u32 {
        self.price.load(SeqCst)
    }

    #[invalidate_cache("shop:*", cache = self.cache)]
    async fn set_price(&self, price: u32) {
        self.price.store(price, SeqCst);
    }

    fn forget_to_invalidate(&self, price: u32) {
        self.price.store(price, SeqCst);
    }
}

/// Two processes that share a server, a database and a clock.
fn shops(server: &RedisServer) -> (Shop, Shop, SteppedClock) {
    let clock = SteppedClock::new();
    let cache = || builder(&server.url()).clock(clock.clone()).build().unwrap();
    let here = Shop {
        cache: cache(),
        price: Arc::new(AtomicU32::new(1)),
    };
    let there = Shop {
        cache: cache(),
        ..here.clone()
    };
    (here, there, clock)
}

#[tokio::test]
async fn what_another_process_forgot_to_invalidate_is_found() {
    let server = RedisServer::start();
    let (here, there, clock) = shops(&server);
    assert_eq!(here.price().await, 1);
    there.forget_to_invalidate(2);
    assert_eq!(here.price().await, 2, "what the body gives");
    clock.advance(MOMENT);
    assert_eq!(row(&here.cache, "price").missed_invalidations, 1);
}

#[tokio::test]
async fn what_another_process_is_about_to_invalidate_is_no_false_alarm() {
    let server = RedisServer::start();
    let (here, there, clock) = shops(&server);
    assert_eq!(here.price().await, 1);
    there.forget_to_invalidate(2);
    assert_eq!(here.price().await, 2);
    there.set_price(2).await;
    // The same value under the same key, and yet another entry.
    assert_eq!(there.price().await, 2);
    clock.advance(MOMENT);
    let stats = row(&here.cache, "price");
    assert_eq!((stats.verified, stats.missed_invalidations), (1, 0));
}
