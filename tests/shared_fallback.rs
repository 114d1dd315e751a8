//! Memory in the place of a store that was not reached since the start.

#[path = "support/service.rs"]
mod service;

use std::time::Duration;

use cachewright::testing::Fault;
use cachewright::testing::Operation::{Invalidate, Probe, Read};
use cachewright::{Cache, Error};
use service::{World, until};

const AGE: Duration = Duration::from_millis(200);
const STEP: Duration = Duration::from_secs(2);

fn falling_back(world: &World) -> Cache {
    world.builder().fall_back_to_memory(AGE).build().unwrap()
}

async fn started_without(world: &World) -> Result<Cache, Error> {
    world.store.set_down(true);
    let cache = falling_back(world);
    cache.connect().await?;
    Ok(cache)
}

#[tokio::test]
async fn entries_are_kept_in_memory_for_a_short_time_each() {
    let world = World::new();
    let service = world.service_with(started_without(&world).await.unwrap());
    world.store.forget_log();
    service.read(1).await.unwrap();
    service.read(1).await.unwrap();
    assert_eq!((service.bodies(), world.store.count(Read)), (1, 0));
    world.clock.advance(AGE);
    service.read(1).await.unwrap();
    assert_eq!(service.bodies(), 2);
    service.cache.set("key", 7_u64, None).await.unwrap();
    assert_eq!(service.cache.get::<u64>("key").await.unwrap(), Some(7));
    world.clock.advance(AGE);
    assert_eq!(service.cache.get::<u64>("key").await.unwrap(), None);
}

#[tokio::test]
async fn ones_own_invalidations_hold_in_memory_and_later_in_the_store() {
    let world = World::new();
    let other = world.service();
    other.read(1).await.unwrap();
    let service = world.service_with(started_without(&world).await.unwrap());
    assert_eq!(service.read(1).await, Ok(0));
    service.write(1).await.unwrap();
    assert_eq!(service.read(1).await, Ok(1));
    assert_eq!(service.pending(), 1);
    world.store.set_down(false);
    world.clock.advance(STEP);
    world.clock.advance(Duration::ZERO);
    assert_eq!(service.pending(), 0);
    assert_eq!(other.read(1).await, Ok(1));
}

#[tokio::test]
async fn what_memory_kept_goes_when_the_store_answers() {
    let world = World::new();
    // By the clock, it would not expire during the test.
    let builder = world
        .builder()
        .fall_back_to_memory(Duration::from_secs(3600));
    world.store.set_down(true);
    let service = world.service_with(builder.build().unwrap());
    service.cache.connect().await.unwrap();
    service.read(1).await.unwrap();
    assert_eq!(service.cache.stats().entries, 1);
    // Not heard of here.
    let other = world.service();
    other.write(1).await.unwrap();
    assert_eq!(service.read(1).await, Ok(0));
    world.store.set_down(false);
    world.clock.advance(STEP);
    assert_eq!(service.read(1).await, Ok(1));
    assert_eq!(service.cache.stats().entries, 0);
    assert!(!world.store.keys().is_empty());
}

#[tokio::test]
async fn once_reached_the_store_is_never_replaced_by_memory() {
    let world = World::new();
    let cache = falling_back(&world);
    cache.connect().await.unwrap();
    let service = world.service_with(cache);
    world.store.set_down(true);
    for bodies in 1..20 {
        assert_eq!((service.read(1).await, service.bodies()), (Ok(0), bodies));
    }
    assert_eq!(service.cache.stats().entries, 0);
}

#[tokio::test]
async fn without_connecting_the_first_failures_bring_memory_in() {
    let world = World::new();
    world.store.set_down(true);
    let service = world.service_with(falling_back(&world));
    for _ in 0..20 {
        service.read(1).await.unwrap();
    }
    assert_eq!((service.bodies(), world.store.count(Read)), (6, 5));
}

#[tokio::test]
async fn a_wrong_configuration_is_loud_all_the_same() {
    let world = World::new();
    let cache = falling_back(&world);
    world.store.next(1, Probe, Fault::Refused);
    assert!(cache.connect().await.unwrap_err().is_configuration());
}

#[tokio::test]
async fn a_value_set_in_memory_outdates_what_the_store_holds() {
    let world = World::new();
    let other = world.cache();
    other.set("key", 1_u64, None).await.unwrap();
    let cache = started_without(&world).await.unwrap();
    cache.set("key", 2_u64, None).await.unwrap();
    assert_eq!(cache.get::<u64>("key").await.unwrap(), Some(2));
    world.store.set_down(false);
    world.clock.advance(STEP);
    world.clock.advance(Duration::ZERO);
    assert_eq!(other.get::<u64>("key").await.unwrap(), None);
    assert!(world.store.count(Invalidate) > 0);
}

#[tokio::test]
async fn what_is_computed_after_the_store_answered_is_not_kept_in_memory() {
    let world = World::new();
    let builder = world
        .builder()
        .fall_back_to_memory(Duration::from_secs(3600));
    world.store.set_down(true);
    let service = world.gated_with(builder.build().unwrap());
    service.cache.connect().await.unwrap();
    let read = || {
        let service = service.clone();
        tokio::spawn(async move { service.read(1).await })
    };
    let leader = read();
    until(|| service.bodies() == 1).await;
    let follower = read();
    tokio::task::yield_now().await;
    world.store.set_down(false);
    world.clock.advance(STEP);
    // The follower began without the store and computes when there is one.
    leader.abort();
    until(|| service.bodies() == 2).await;
    service.gate.add_permits(9);
    assert_eq!(follower.await.unwrap(), Ok(0));
    world.service().write(1).await.unwrap();
    assert_eq!(service.read(1).await, Ok(1));
}
