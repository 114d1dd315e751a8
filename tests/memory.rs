//! The memory tier: bounds, expiry without access, isolation, and no lock around users' code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cache_core::testing::SteppedClock;
use cachewright::{Cache, CacheBuilder, cached};

fn builder() -> (CacheBuilder, SteppedClock) {
    let clock = SteppedClock::new();
    (Cache::builder().clock(clock.clone()), clock)
}

#[tokio::test]
async fn is_bounded_by_entries() {
    let cache = Cache::builder().max_entries(100).build().unwrap();
    for i in 0..10_000_u32 {
        cache.set(&format!("key:{i}"), i, None).await.unwrap();
    }
    let entries = cache.stats().entries;
    assert!((50..=128).contains(&entries), "{entries}");
}

#[tokio::test]
async fn is_bounded_by_weight() {
    let cache = Cache::builder().max_weight(1 << 20).build().unwrap();
    for i in 0..2_000_u32 {
        cache
            .set(&format!("key:{i}"), "x".repeat(10_000), None)
            .await
            .unwrap();
    }
    let stats = cache.stats();
    assert!(stats.weight <= 1 << 20, "{stats:?}");
    assert!((50..=104).contains(&stats.entries), "{stats:?}");
}

#[tokio::test]
async fn a_value_heavier_than_the_bound_is_not_kept() {
    let cache = Cache::builder().max_weight(1_000).build().unwrap();
    cache.set("heavy", "x".repeat(2_000), None).await.unwrap();
    assert_eq!(cache.get::<String>("heavy").await.unwrap(), None);
    assert_eq!(cache.stats().weight, 0);
}

#[tokio::test]
async fn expired_entries_are_reclaimed_without_being_touched() {
    let (builder, clock) = builder();
    let cache = builder.build().unwrap();
    let value = Arc::new(7_u64);
    for i in 0..100 {
        cache
            .set(
                &format!("short:{i}"),
                Arc::clone(&value),
                Duration::from_secs(10),
            )
            .await
            .unwrap();
        cache
            .set(
                &format!("long:{i}"),
                Arc::clone(&value),
                Duration::from_secs(60),
            )
            .await
            .unwrap();
    }
    clock.advance(Duration::from_secs(9));
    assert_eq!(cache.stats().entries, 200);
    clock.advance(Duration::from_secs(2));
    assert_eq!(cache.stats().entries, 100);
    clock.advance(Duration::from_secs(60));
    assert_eq!(cache.stats().entries, 0);
    assert_eq!(Arc::strong_count(&value), 1, "the values are gone, too");
}

#[tokio::test]
async fn the_caches_own_thread_reclaims_on_the_real_clock() {
    let cache = Cache::builder().build().unwrap();
    let value = Arc::new(7_u64);
    cache
        .set("key", Arc::clone(&value), Duration::from_millis(1))
        .await
        .unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while Arc::strong_count(&value) > 1 {
        assert!(Instant::now() < patience, "never reclaimed");
        std::thread::yield_now();
    }
    assert_eq!(cache.stats().entries, 0);
}

#[tokio::test]
async fn an_entry_that_was_refilled_outlives_the_deadline_of_the_first() {
    let (builder, clock) = builder();
    let cache = builder.build().unwrap();
    cache.set("key", 1, Duration::from_secs(10)).await.unwrap();
    clock.advance(Duration::from_secs(5));
    cache.set("key", 2, Duration::from_secs(10)).await.unwrap();
    clock.advance(Duration::from_secs(7));
    assert_eq!(cache.get("key").await.unwrap(), Some(2));
}

#[cached(cache = cache, skip(cache))]
async fn isolated(cache: &Cache, runs: &AtomicU64) -> u64 {
    runs.fetch_add(1, SeqCst)
}

#[tokio::test]
async fn two_caches_in_one_process_do_not_see_each_other() {
    let (first, second) = (
        Cache::builder().build().unwrap(),
        Cache::builder().build().unwrap(),
    );
    first.set("key", 1, None).await.unwrap();
    assert_eq!(second.get::<i32>("key").await.unwrap(), None);
    second.invalidate("key").await.unwrap();
    second.clear().await.unwrap();
    assert_eq!(first.get("key").await.unwrap(), Some(1));
    assert_eq!(
        second.stats().functions.iter().map(|f| f.hits).sum::<u64>(),
        0
    );
    assert_eq!(first.keys(), ["key"]);
    assert!(second.keys().is_empty());
}

#[tokio::test]
async fn clearing_frees_the_memory_and_spares_what_comes_after() {
    let cache = Cache::builder().build().unwrap();
    let value = Arc::new(1_u64);
    cache.set("key", Arc::clone(&value), None).await.unwrap();
    cache.clear().await.unwrap();
    assert_eq!(Arc::strong_count(&value), 1);
    cache.set("key", Arc::clone(&value), None).await.unwrap();
    assert_eq!(cache.get("key").await.unwrap(), Some(value));
}

#[tokio::test]
async fn setting_many_keys_does_not_lose_them_to_each_other() {
    let cache = Cache::builder().build().unwrap();
    for i in 0..50_000_u32 {
        cache.set(&format!("key:{i}"), i, None).await.unwrap();
    }
    let mut found = 0;
    for i in 0..50_000_u32 {
        found += u32::from(cache.get(&format!("key:{i}")).await.unwrap() == Some(i));
    }
    assert!(found > 49_500, "{found}");
}

/// A value whose clone and drop use the cache, as a user's might.
struct Reentrant(Cache);

impl Clone for Reentrant {
    fn clone(&self) -> Self {
        self.touch();
        Self(self.0.clone())
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        self.touch();
    }
}

impl Reentrant {
    fn touch(&self) {
        let set = self.0.set("touched", 1, None);
        let mut set = std::pin::pin!(set);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(set.as_mut().poll(&mut cx).is_ready());
    }
}

#[cached(cache = cache, skip(cache), tier = "memory", key_prefix = "reentrant")]
async fn reentrant(cache: &Cache, id: u32) -> Reentrant {
    let _ = id;
    Reentrant(cache.clone())
}

#[tokio::test]
async fn values_may_use_the_cache_when_they_are_cloned_and_dropped() {
    let cache = Cache::builder().max_entries(32).build().unwrap();
    for round in 0..2 {
        for id in 0..500 {
            drop(reentrant(&cache, id).await);
            drop(reentrant(&cache, id).await);
        }
        match round {
            0 => cache.invalidate("reentrant").await.unwrap(),
            _ => cache.clear().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_dropped_cache_frees_what_it_held() {
    let value = Arc::new(1_u64);
    let cache = Cache::builder().build().unwrap();
    cache.set("key", Arc::clone(&value), None).await.unwrap();
    drop(cache);
    let patience = Instant::now() + Duration::from_secs(60);
    while Arc::strong_count(&value) > 1 {
        assert!(Instant::now() < patience, "leaked");
        std::thread::yield_now();
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let refused = [
        (Cache::builder().max_entries(0), "max_entries"),
        (Cache::builder().max_weight(0), "max_weight"),
        (Cache::builder().default_ttl(Duration::ZERO), "default_ttl"),
        (
            Cache::builder().default_ttl(Duration::from_secs(2_592_001)),
            "default_ttl",
        ),
        (Cache::builder().namespace(""), "namespace"),
        (Cache::builder().namespace("a:b"), "namespace"),
    ];
    for (builder, setting) in refused {
        let error = builder.build().unwrap_err();
        assert!(
            error.is_configuration() && error.to_string().contains(setting),
            "{error}"
        );
    }
}
