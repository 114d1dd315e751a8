//! Invalidating the entries of functions of one name with given arguments, and no others.

#[path = "support/service.rs"]
mod service;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::__private::{KeyWriter, Returns, invalidation};
use cachewright::Cache;
use cachewright::testing::{Fault, Operation, SteppedClock};
use serde::{Serialize, Serializer};
use service::World;

/// What a function is given: the cache, and a database that counts how often it is asked.
struct Place {
    cache: Cache,
    bodies: AtomicU64,
}

impl Place {
    fn new(cache: Cache) -> Self {
        Self {
            cache,
            bodies: AtomicU64::new(0),
        }
    }

    fn ask(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    /// How many bodies ran while `calls` was awaited.
    async fn bodies_of(&self, calls: impl Future) -> u64 {
        let before = self.bodies.load(SeqCst);
        calls.await;
        self.bodies.load(SeqCst) - before
    }
}

mod old {
    #[cachewright::cached(cache = place.cache, ttl = 600, key_prefix = "user:{id}", skip(place))]
    pub(super) async fn profile(place: &super::Place, id: u64) -> u64 {
        let _ = id;
        place.ask()
    }
}

mod new {
    #[cachewright::cached(cache = place.cache, ttl = 600, key_prefix = "person:{id}", version = 2, skip(place))]
    pub(super) async fn profile(place: &super::Place, id: u64) -> Option<u64> {
        let _ = id;
        Some(place.ask())
    }

    #[cachewright::cached(cache = place.cache, ttl = 600, key_prefix = "user:{id}", skip(place))]
    pub(super) async fn settings(place: &super::Place, id: u64) -> u64 {
        let _ = id;
        place.ask()
    }
}

async fn profiles(place: &Place, id: u64) {
    old::profile(place, id).await;
    new::profile(place, id).await;
}

/// What has nothing to do with the profile of 1, but stands below the same prefixes.
async fn bystanders(place: &Place) {
    profiles(place, 2).await;
    new::settings(place, 1).await;
    let key = place
        .cache
        .get_or_set("user:1:profile", None, async || Ok::<_, ()>(place.ask()));
    key.await.unwrap();
}

/// Writes, and invalidates the profile of one user.
async fn write(cache: &Cache, key: impl FnOnce(&mut KeyWriter)) {
    let shape = Returns::<()>::new().outcome();
    let invalidation = invalidation(cache, &WRITE).entry("profile", key);
    invalidation.after(shape, async || ()).await;
}

async fn write_profile_of(cache: &Cache, id: u64) {
    write(cache, |key| {
        key.argument(&id);
    })
    .await;
}

#[tokio::test]
async fn every_function_of_the_name_with_the_arguments_and_no_other_is_invalidated() {
    for store in [false, true] {
        let world = World::new();
        let place = Place::new(if store {
            world.cache()
        } else {
            Cache::builder().build().unwrap()
        });
        profiles(&place, 1).await;
        bystanders(&place).await;
        write_profile_of(&place.cache, 1).await;
        assert_eq!(place.bodies_of(bystanders(&place)).await, 0, "{store}");
        assert_eq!(place.bodies_of(profiles(&place, 1)).await, 2, "{store}");
        assert_eq!(place.bodies_of(profiles(&place, 1)).await, 0, "{store}");
    }
}

#[tokio::test]
async fn another_process_sees_it_at_once() {
    let world = World::new();
    let (a, b) = (Place::new(world.cache()), Place::new(world.cache()));
    profiles(&a, 1).await;
    bystanders(&a).await;
    write_profile_of(&b.cache, 1).await;
    assert_eq!(a.bodies_of(profiles(&a, 1)).await, 2);
    assert_eq!(b.bodies_of(profiles(&b, 1)).await, 0);
    assert_eq!(a.bodies_of(bystanders(&a)).await, 0);
}

#[tokio::test]
async fn a_computation_that_began_before_is_not_kept() {
    let place = Place::new(Cache::builder().build().unwrap());
    let slow = || {
        let shape = Returns::<u64>::new().outcome();
        let key = |key: &mut KeyWriter| {
            key.argument(&1_u64);
        };
        cachewright::__private::lookup(&place.cache, &SLOW, shape, key, |_| {})
    };
    let mut old = pin!(slow().or_compute(async || {
        tokio::task::yield_now().await;
        place.ask()
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(old.as_mut().poll(&mut cx).is_pending());
    write_profile_of(&place.cache, 1).await;
    assert!(old.as_mut().poll(&mut cx).is_ready());
    assert!(place.cache.keys().is_empty());
}

static WRITE: cachewright::__private::Invalidator =
    cachewright::__private::Invalidator::new("write", "", "", 0);

static SLOW: cachewright::__private::Function =
    cachewright::__private::Function::new("profile", "", "", "", 0);

#[tokio::test]
async fn while_it_is_pending_what_it_covers_runs_uncached_and_the_rest_is_cached() {
    let world = World::new();
    let (a, b) = (Place::new(world.cache()), Place::new(world.cache()));
    profiles(&b, 1).await;
    bystanders(&b).await;
    world.store.next(1, Operation::Invalidate, Fault::Outage);
    write_profile_of(&a.cache, 1).await;
    assert_eq!(a.cache.stats().pending_invalidations, 1);
    for _ in 0..2 {
        assert_eq!(a.bodies_of(profiles(&a, 1)).await, 2);
        assert_eq!(a.bodies_of(bystanders(&a)).await, 0);
    }
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(a.cache.stats().pending_invalidations, 0);
    assert_eq!(b.bodies_of(profiles(&b, 1)).await, 2);
    assert_eq!(a.bodies_of(profiles(&a, 1)).await, 0);
}

#[tokio::test]
async fn a_dropped_writer_invalidates_the_entry_at_once_and_again_after_settling() {
    let world = World::new();
    let memory = Cache::builder().clock(world.clock.clone()).build().unwrap();
    for cache in [memory, world.cache()] {
        let place = Place::new(cache);
        profiles(&place, 1).await;
        {
            let shape = Returns::<()>::new().outcome();
            let invalidation =
                invalidation(&place.cache, &WRITE).entry("profile", |key: &mut KeyWriter| {
                    key.argument(&1_u64);
                });
            let mut writer = pin!(invalidation.after(shape, std::future::pending::<()>));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(writer.as_mut().poll(&mut cx).is_pending());
        }
        world.clock.advance(Duration::ZERO);
        assert_eq!(place.bodies_of(profiles(&place, 1)).await, 2);
        bystanders(&place).await;
        // As long as any writer's outcome takes to settle.
        world.clock.advance(Duration::from_secs(120));
        world.clock.advance(Duration::ZERO);
        assert_eq!(place.cache.stats().pending_invalidations, 0);
        assert_eq!(place.bodies_of(profiles(&place, 1)).await, 2);
        assert_eq!(place.bodies_of(bystanders(&place)).await, 0);
    }
}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

#[tokio::test]
async fn an_argument_that_cannot_be_written_widens_it_to_everything() {
    let world = World::new();
    let memory = Cache::builder().clock(SteppedClock::new()).build().unwrap();
    for cache in [memory, world.cache()] {
        let place = Place::new(cache);
        profiles(&place, 1).await;
        bystanders(&place).await;
        write(&place.cache, |key| {
            key.argument(&Unwritable);
        })
        .await;
        assert_eq!(place.bodies_of(profiles(&place, 1)).await, 2);
        assert_eq!(place.bodies_of(bystanders(&place)).await, 4);
    }
}

#[tokio::test]
async fn no_name_is_scanned_for_what_a_single_entry_has_left() {
    let world = World::new();
    let place = Place::new(world.builder().sweep_rate(1_000).build().unwrap());
    profiles(&place, 1).await;
    write_profile_of(&place.cache, 1).await;
    // The same when it is pending first.
    world.store.next(1, Operation::Invalidate, Fault::Outage);
    write_profile_of(&place.cache, 1).await;
    for _ in 0..100 {
        world.clock.advance(Duration::from_millis(100));
    }
    assert_eq!(place.cache.stats().pending_invalidations, 0);
    assert_eq!(world.store.count(Operation::Invalidate), 3);
    assert_eq!(world.store.count(Operation::Scan), 0);
}
