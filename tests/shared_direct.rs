//! Keys of one's own in a store that processes share.

#[path = "support/service.rs"]
mod service;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::Cache;
use cachewright::testing::{Fault, Operation};
use service::{World, until};
use tokio::sync::Semaphore;

fn two(world: &World) -> (Cache, Cache) {
    (world.cache(), world.cache())
}

async fn get(cache: &Cache) -> Option<u64> {
    cache.get("user:42:name").await.unwrap()
}

async fn set(cache: &Cache, value: u64) {
    cache.set("user:42:name", value, None).await.unwrap();
}

#[tokio::test]
async fn values_are_set_here_and_found_replaced_and_removed_there() {
    let world = World::new();
    let (a, b) = two(&world);
    assert_eq!(get(&b).await, None);
    set(&a, 1).await;
    assert_eq!(get(&b).await, Some(1));
    set(&b, 2).await;
    assert_eq!((get(&a).await, get(&b).await), (Some(2), Some(2)));
    a.remove("user:42:name").await.unwrap();
    assert_eq!((get(&a).await, get(&b).await), (None, None));
    set(&a, 3).await;
    b.set("user:42:name", 4_u64, Duration::ZERO).await.unwrap();
    assert_eq!(get(&a).await, None);
}

#[tokio::test]
async fn a_value_ends_with_its_time_to_live() {
    let world = World::new();
    let (a, b) = two(&world);
    let minute = Duration::from_secs(60);
    a.set("user:42:name", 1_u64, minute).await.unwrap();
    world.clock.advance(minute - Duration::from_millis(1));
    assert_eq!(get(&b).await, Some(1));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!((get(&a).await, get(&b).await), (None, None));
}

#[tokio::test]
async fn every_prefix_of_a_key_invalidates_it_everywhere() {
    let world = World::new();
    let (a, b) = two(&world);
    for pattern in ["user:42:name", "user:42:*", "user:*"] {
        set(&a, 1).await;
        a.set("user:43:name", 2_u64, None).await.unwrap();
        b.invalidate(pattern).await.unwrap();
        assert_eq!(get(&a).await, None, "{pattern}");
        let other = a.get::<u64>("user:43:name").await.unwrap();
        assert_eq!(other.is_none(), pattern == "user:*");
    }
    set(&a, 1).await;
    b.clear().await.unwrap();
    assert_eq!(get(&a).await, None);
}

#[tokio::test]
async fn setting_one_key_leaves_those_beside_it() {
    let world = World::new();
    let (a, b) = two(&world);
    for id in 0..100_u64 {
        a.set(&format!("user:{id}"), id, None).await.unwrap();
    }
    for id in 0..100_u64 {
        assert_eq!(b.get(&format!("user:{id}")).await.unwrap(), Some(id));
    }
}

#[tokio::test]
async fn get_or_set_computes_once_for_both_processes() {
    let world = World::new();
    let (a, b) = two(&world);
    let compute = async |value: u64| Ok::<_, String>(value);
    let name = "user:42:name";
    assert_eq!(a.get_or_set(name, None, || compute(1)).await, Ok(1));
    assert_eq!(b.get_or_set(name, None, || compute(2)).await, Ok(1));
    let failing = a.get_or_set("other", None, async || Err::<u64, _>("no"));
    assert_eq!(failing.await, Err("no"));
    assert_eq!(b.get::<u64>("other").await.unwrap(), None);
}

/// A `get_or_set` in `cache` that has begun to compute an old value, and what lets it go on.
async fn computing(cache: &Cache) -> (tokio::task::JoinHandle<Result<u64, ()>>, Arc<Semaphore>) {
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (cache, announce, wait) = (cache.clone(), begun.clone(), gate.clone());
    let task = tokio::spawn(async move {
        let compute = async || {
            announce.add_permits(1);
            wait.acquire().await.unwrap().forget();
            Ok(0)
        };
        cache.get_or_set("user:42:name", None, compute).await
    });
    begun.acquire().await.unwrap().forget();
    (task, gate)
}

#[tokio::test]
async fn what_is_set_is_not_overwritten_by_a_computation_under_way() {
    for (computer, setter) in [(0, 0), (0, 1)] {
        let world = World::new();
        let caches = [world.cache(), world.cache()];
        let (task, gate) = computing(&caches[computer]).await;
        set(&caches[setter], 1).await;
        gate.add_permits(1);
        assert_eq!(task.await.unwrap(), Ok(0));
        for cache in &caches {
            assert_ne!(get(cache).await, Some(0), "{computer} {setter}");
        }
    }
}

#[tokio::test]
async fn what_is_removed_is_not_stored_again_by_a_computation_under_way() {
    for remover in 0..2 {
        let world = World::new();
        let caches = [world.cache(), world.cache()];
        let (task, gate) = computing(&caches[0]).await;
        caches[remover].remove("user:42:name").await.unwrap();
        gate.add_permits(1);
        assert_eq!(task.await.unwrap(), Ok(0));
        assert_eq!((get(&caches[0]).await, get(&caches[1]).await), (None, None));
    }
}

/// One `set` of 1 that meets a fault at one operation, and goes on after a whole `set` of 2.
async fn overtaken(operation: Operation, fault: Fault) -> Option<u64> {
    let world = World::new();
    let (a, b) = two(&world);
    // So that there is nothing to mint above the key.
    set(&b, 0).await;
    world.store.next(1, operation, fault);
    let first = a.clone();
    let overtaken = tokio::spawn(async move { set(&first, 1).await });
    until(|| world.store.hanging() == 1).await;
    set(&b, 2).await;
    world.store.release();
    overtaken.await.unwrap();
    let found = get(&a).await;
    assert_eq!(get(&b).await, found);
    found
}

#[tokio::test]
async fn of_two_that_set_at_once_the_one_that_was_overtaken_never_stays() {
    use Operation::{Read, Swap, Write};
    for (operation, fault) in [
        (Read, Fault::ReplyHeld),
        (Swap, Fault::Hang),
        (Swap, Fault::ReplyHeld),
        (Write, Fault::Hang),
        (Write, Fault::ReplyHeld),
    ] {
        let found = overtaken(operation, fault).await;
        assert_ne!(found, Some(1), "{operation:?} {fault:?}");
    }
    // It reads the key's generations after the other is done: it is the later one.
    assert_eq!(overtaken(Read, Fault::Hang).await, Some(1));
    assert_eq!(overtaken(Write, Fault::ReplyHeld).await, Some(2));
}

#[tokio::test]
async fn a_set_that_fails_at_any_point_leaves_nothing_old() {
    for fault in [Fault::Outage, Fault::ReplyLost, Fault::Late, Fault::Refused] {
        for operation in 0..4 {
            let world = World::new();
            let (a, b) = two(&world);
            set(&a, 1).await;
            world.store.next(operation, None, Fault::None);
            world.store.next(1, None, fault);
            let answer = a.set("user:42:name", 2_u64, None).await;
            world.store.clear_script();
            let told = format!("{fault:?} {operation} {answer:?}");
            assert_ne!(
                a.get::<u64>("user:42:name").await.unwrap(),
                Some(1),
                "{told}"
            );
            world.clock.advance(Duration::ZERO);
            assert_ne!(get(&b).await, Some(1), "{told}");
            assert_eq!(a.stats().pending_invalidations, 0);
            // What was late comes after all: it may cost an entry and brings nothing back.
            while world.store.late() > 0 {
                world.store.deliver(0);
            }
            assert_ne!(get(&b).await, Some(1), "{told}");
            set(&b, 3).await;
            assert_eq!(get(&a).await, Some(3));
        }
    }
}

#[tokio::test]
async fn a_set_that_is_dropped_at_any_point_leaves_nothing_old() {
    for fault in [Fault::Hang, Fault::ReplyHeld] {
        for operation in 0..4 {
            let world = World::new();
            let (a, b) = two(&world);
            set(&a, 1).await;
            world.store.next(operation, None, Fault::None);
            world.store.next(1, None, fault);
            {
                let mut setting = pin!(a.set("user:42:name", 2_u64, None));
                let _ = setting
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()));
            }
            world.store.clear_script();
            assert_ne!(get(&a).await, Some(1), "{fault:?} {operation}");
            world.clock.advance(Duration::ZERO);
            assert_ne!(get(&b).await, Some(1), "{fault:?} {operation}");
            assert_eq!(a.stats().pending_invalidations, 0);
        }
    }
}

#[tokio::test]
async fn without_the_store_direct_operations_say_so() {
    let world = World::new();
    let cache = world.cache();
    world.store.set_down(true);
    let outage = |error: cachewright::Error| assert!(error.is_outage(), "{error}");
    outage(cache.get::<u64>("key").await.unwrap_err());
    outage(cache.set("key", 1_u64, None).await.unwrap_err());
    outage(cache.remove("key").await.unwrap_err());
    outage(cache.clear().await.unwrap_err());
    let computed = cache.get_or_set("key", None, async || Ok::<u64, ()>(7));
    assert_eq!(computed.await, Ok(7));
}

#[tokio::test]
async fn a_full_store_takes_no_value_and_keeps_no_old_one() {
    let world = World::new();
    let (a, b) = two(&world);
    set(&a, 1).await;
    world.store.set_full(true);
    a.set("user:42:name", 2_u64, None).await.unwrap();
    assert_eq!((get(&a).await, get(&b).await), (None, None));
    assert_eq!(world.store.count(Operation::Swap), 2);
    assert_eq!(a.stats().pending_invalidations, 0);
}

#[tokio::test]
async fn a_value_is_stored_though_its_generations_are_not_prolonged() {
    let world = World::new();
    let (a, b) = two(&world);
    world.store.next(1, Operation::Prolong, Fault::Outage);
    let day = Duration::from_secs(24 * 60 * 60);
    a.set("user:42:name", 1_u64, day).await.unwrap();
    assert_eq!(world.store.count(Operation::Prolong), 1);
    assert_eq!(get(&b).await, Some(1));
}
