//! What the health check finds in each tier.

#[path = "support/service.rs"]
mod service;

use std::time::Duration;

use cachewright::Cache;
use cachewright::testing::Fault;
use cachewright::testing::Operation::{Invalidate, Probe, Read, Write};
use service::World;

const STEP: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_cache_in_memory_is_well_and_keeps_nothing_of_the_check() {
    let cache = Cache::builder().build().unwrap();
    let health = cache.health().await;
    assert!(health.is_healthy(), "{health}");
    assert!(health.store.is_none() && health.memory.unwrap().error.is_none());
    assert_eq!(cache.stats().entries, 0);
}

#[tokio::test]
async fn memory_that_can_keep_nothing_is_not_well() {
    let cache = Cache::builder().max_weight(1).build().unwrap();
    let health = cache.health().await;
    assert!(!health.is_healthy());
    assert!(health.memory.unwrap().error.unwrap().contains("not there"));
}

#[tokio::test]
async fn a_store_is_written_read_compared_and_deleted() {
    let world = World::new();
    let cache = world.cache();
    let health = cache.health().await;
    assert!(health.is_healthy(), "{health}");
    assert_eq!(world.log(), [Write, Read, Invalidate, Read]);
    assert!(world.store.keys().is_empty());
}

#[tokio::test]
async fn what_fails_in_a_store_is_told() {
    for (operation, fault) in [(0, Fault::Outage), (1, Fault::Outage), (2, Fault::Refused)] {
        let world = World::new();
        world.store.next(operation, None, Fault::None);
        world.store.next(1, None, fault);
        let health = world.cache().health().await;
        assert!(!health.is_healthy());
        assert!(health.store.unwrap().check.error.is_some(), "{operation}");
    }
    let world = World::new();
    world.store.set_full(true);
    let store = world.cache().health().await.store.unwrap();
    assert!(store.check.error.unwrap().contains("room"));
}

#[tokio::test]
async fn a_store_that_gives_back_something_else_is_not_well() {
    let world = World::new();
    let cache = world.cache();
    // Deleted between the write and the read.
    world.store.next(1, Write, Fault::Late);
    assert!(!cache.health().await.is_healthy());
    world.store.next(1, Invalidate, Fault::Outage);
    assert!(!cache.health().await.is_healthy());
}

#[tokio::test]
async fn breaker_and_pending_invalidations_are_shown_until_the_store_is_back() {
    let world = World::new();
    let a = world.service();
    world.store.set_down(true);
    for _ in 0..5 {
        a.read(1).await.unwrap();
    }
    a.write(1).await.unwrap();
    let health = a.cache.health().await;
    let store = health.store.as_ref().unwrap();
    assert!(store.breaker_open && !store.fallen_back);
    assert_eq!(store.pending_invalidations, 1);
    let told = health.to_string();
    assert!(
        told.contains("breaker open, 1 invalidations pending"),
        "{told}"
    );

    world.store.set_down(false);
    // Well by itself, and not in use yet.
    let health = a.cache.health().await;
    assert!(health.store.as_ref().unwrap().check.error.is_none());
    assert!(!health.is_healthy());
    world.clock.advance(STEP);
    world.clock.advance(Duration::ZERO);
    let health = a.cache.health().await;
    assert!(health.is_healthy(), "{health}");
    assert_eq!(health.store.unwrap().pending_invalidations, 0);
}

#[tokio::test]
async fn a_cache_that_fell_back_to_memory_says_so() {
    let world = World::new();
    let cache = world.builder().fall_back_to_memory(Duration::from_secs(1));
    let cache = cache.build().unwrap();
    world.store.next(1, Probe, Fault::Outage);
    cache.connect().await.unwrap();
    let store = cache.health().await.store.unwrap();
    assert!(store.fallen_back);
}

#[tokio::test]
async fn it_serializes_for_an_endpoint() {
    let world = World::new();
    let json = serde_json::to_value(world.cache().health().await).unwrap();
    assert!(json["memory"]["error"].is_null());
    assert!(json["store"]["seconds"].is_f64() && json["store"]["description"].is_string());
    assert_eq!(json["store"]["breaker_open"], false);
}
