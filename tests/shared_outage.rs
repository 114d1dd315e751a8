//! A store that fails: nothing old comes back, nobody waits for long, and it recovers.

#[path = "support/service.rs"]
mod service;

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use cache_core::store::Deadline;
use cachewright::testing::Operation::{Invalidate, Mint, Probe, Read};
use cachewright::testing::{Fault, ScriptedStore};
use service::{World, until};

const STEP: Duration = Duration::from_secs(2);

#[tokio::test]
async fn functions_run_uncached_while_the_store_is_down() {
    let world = World::new();
    let service = world.service();
    world.store.set_down(true);
    for bodies in 1..20 {
        assert_eq!(service.read(1).await, Ok(0));
        assert_eq!(service.bodies(), bodies);
    }
    assert!(world.store.keys().is_empty());
}

#[tokio::test]
async fn a_failed_read_mint_or_write_costs_a_computation_only() {
    for fault in [Fault::Outage, Fault::ReplyLost, Fault::Late, Fault::Refused] {
        for operation in 0..3 {
            let world = World::new();
            let service = world.service();
            world.store.next(operation, None, Fault::None);
            world.store.next(1, None, fault);
            assert_eq!(service.read(1).await, Ok(0));
            assert_eq!(service.read(1).await, Ok(0));
            let before = service.bodies();
            assert!(before <= 2);
            assert_eq!(service.read(1).await, Ok(0));
            assert_eq!(service.bodies(), before, "{fault:?} {operation}");
            assert_eq!(service.cache.stats().functions[0].errors, 1);
        }
    }
}

#[tokio::test]
async fn an_unacknowledged_invalidation_holds_here_until_the_store_has_it() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    b.read(1).await.unwrap();
    b.read(2).await.unwrap();
    world.store.set_down(true);
    a.write(1).await.unwrap();
    assert!(a.cache.invalidate("user:1").await.unwrap_err().is_outage());
    world.store.set_down(false);
    // Up again, and the entry is still there; `a` may not serve it, whoever else does.
    assert!(a.pending() > 0);
    world.store.forget_log();
    for bodies in 1..4 {
        assert_eq!((a.read(1).await, a.bodies()), (Ok(1), bodies));
    }
    assert_eq!(world.store.count(None), 0);
    assert_eq!((a.read(2).await, a.bodies()), (Ok(0), 3));
    assert_eq!(b.read(1).await, Ok(0));
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    assert_eq!(b.read(1).await, Ok(1));
    assert_eq!((a.read(1).await, a.bodies()), (Ok(1), 3));
}

#[tokio::test]
async fn an_acknowledgement_that_is_lost_is_asked_for_again() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    for fault in [Fault::ReplyLost, Fault::Late] {
        b.read(1).await.unwrap();
        world.store.next(1, Invalidate, fault);
        a.write(1).await.unwrap();
        assert_eq!(a.pending(), 1);
        world.clock.advance(Duration::ZERO);
        assert_eq!(a.pending(), 0);
        let number = world.number.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(b.read(1).await, Ok(number));
    }
}

#[tokio::test]
async fn retries_go_on_until_one_is_acknowledged() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    b.read(1).await.unwrap();
    // Other successes keep the breaker closed.
    world.store.next(9, Invalidate, Fault::Outage);
    a.write(1).await.unwrap();
    for _ in 0..8 {
        assert_eq!(a.pending(), 1);
        world.store.next(1, Mint, Fault::None);
        a.read(world.store.count(None) as u64 + 100).await.unwrap();
        world.clock.advance(STEP);
    }
    assert_eq!(a.pending(), 1);
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    assert_eq!(b.read(1).await, Ok(1));
}

#[tokio::test]
async fn what_is_entered_during_an_attempt_outlives_its_acknowledgement() {
    let world = World::new();
    let a = world.service();
    world.store.next(1, Invalidate, Fault::Outage);
    a.write(1).await.unwrap();
    world.store.next(1, Invalidate, Fault::ReplyHeld);
    world.store.next(2, Invalidate, Fault::Outage);
    let clock = world.clock.clone();
    let attempt = std::thread::spawn(move || clock.advance(Duration::ZERO));
    until(|| world.store.hanging() == 1).await;
    a.write(1).await.unwrap();
    world.store.release();
    attempt.join().unwrap();
    assert_eq!(a.pending(), 1);
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
}

#[tokio::test]
async fn too_many_to_remember_are_widened_and_all_hold() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    for id in [0, 12_000, 20_000] {
        b.read(id).await.unwrap();
    }
    world.store.set_down(true);
    for id in 0..12_001 {
        a.write(id).await.unwrap();
    }
    assert!(a.pending() < 10_000, "{}", a.pending());
    world.store.set_down(false);
    for id in [0, 12_000] {
        assert_eq!(a.read(id).await, Ok(12_001));
    }
    world.clock.advance(STEP);
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    for id in [0, 12_000, 20_000] {
        assert_eq!(b.read(id).await, Ok(12_001));
    }
}

#[tokio::test]
async fn clearing_without_the_store_holds_here_until_the_store_has_it() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    b.read(1).await.unwrap();
    world.store.next(1, None, Fault::None);
    world.store.next(1, None, Fault::Outage);
    assert!(a.cache.clear().await.unwrap_err().is_outage());
    assert_eq!(a.pending(), 1);
    a.read(1).await.unwrap();
    assert_eq!(a.bodies(), 1);
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    b.read(1).await.unwrap();
    assert_eq!(b.bodies(), 2);
}

#[tokio::test]
async fn shutting_down_has_what_is_pending_done_or_says_how_many() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    b.read(1).await.unwrap();
    b.read(2).await.unwrap();
    world.store.next(2, Invalidate, Fault::Outage);
    a.write(1).await.unwrap();
    a.write(2).await.unwrap();
    let error = a.cache.shutdown(Duration::ZERO).await.unwrap_err();
    assert!(error.is_outage());
    assert_eq!(error.to_string(), "2 invalidations were not acknowledged");
    a.cache.shutdown(STEP).await.unwrap();
    assert_eq!(a.pending(), 0);
    assert_eq!((b.read(1).await, b.read(2).await), (Ok(2), Ok(2)));
}

#[tokio::test]
async fn shutting_down_tries_again_while_there_is_time() {
    let world = World::new();
    let a = world.service();
    world.store.next(3, Invalidate, Fault::Outage);
    a.write(1).await.unwrap();
    let cache = a.cache.clone();
    let shutdown = tokio::spawn(async move { cache.shutdown(Duration::from_secs(60)).await });
    until(|| {
        world.clock.advance(Duration::from_millis(10));
        shutdown.is_finished()
    })
    .await;
    shutdown.await.unwrap().unwrap();
    assert_eq!(a.pending(), 0);
}

#[tokio::test]
async fn five_failures_open_the_breaker_and_a_probe_closes_it() {
    let world = World::new();
    let service = world.service();
    world.store.set_down(true);
    for _ in 0..20 {
        service.read(1).await.unwrap();
        assert!(world.store.count(None) <= 5);
    }
    assert_eq!(world.store.count(Read), 5);
    for _ in 0..3 {
        let before = world.store.count(Probe);
        world.clock.advance(STEP);
        assert!(world.store.count(Probe) > before);
    }
    assert_eq!(world.store.count(Read), 5);
    world.store.set_down(false);
    world.clock.advance(STEP);
    let before = service.bodies();
    service.read(1).await.unwrap();
    service.read(1).await.unwrap();
    assert_eq!(service.bodies(), before + 1);
    let probes = world.store.count(Probe);
    world.clock.advance(STEP);
    assert_eq!(world.store.count(Probe), probes);
}

#[tokio::test]
async fn four_failures_do_not_open_the_breaker() {
    let world = World::new();
    let service = world.service();
    for _ in 0..5 {
        world.store.next(4, Read, Fault::Outage);
        for _ in 0..5 {
            service.read(1).await.unwrap();
        }
    }
    world.clock.advance(STEP);
    assert_eq!((world.store.count(Read), world.store.count(Probe)), (25, 0));
}

#[tokio::test]
async fn writes_that_fail_open_the_breaker_though_reads_succeed() {
    let world = World::new();
    let service = world.service();
    world.store.set_refusing_writes(true);
    for _ in 0..20 {
        service.read(1).await.unwrap();
    }
    assert_eq!((world.store.count(Read), world.store.count(Mint)), (5, 5));
    // A probe asks for what an invalidation needs.
    world.clock.advance(STEP);
    service.read(1).await.unwrap();
    assert_eq!(world.store.count(Read), 5);
    world.store.set_refusing_writes(false);
    world.clock.advance(STEP);
    service.read(1).await.unwrap();
    assert_eq!(world.store.count(Read), 6);
}

#[tokio::test]
async fn what_became_pending_while_the_breaker_was_open_is_done_when_it_closes() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    b.read(1).await.unwrap();
    world.store.set_down(true);
    for _ in 0..10 {
        a.write(1).await.unwrap();
    }
    assert_eq!(world.store.count(Invalidate), 5);
    assert_eq!(a.pending(), 1);
    world.store.set_down(false);
    world.clock.advance(STEP);
    world.clock.advance(Duration::ZERO);
    assert_eq!(a.pending(), 0);
    assert_eq!(b.read(1).await, Ok(10));
}

#[tokio::test]
async fn a_store_that_hangs_costs_its_deadline_and_no_more() {
    let world = World::new();
    let cache = world
        .builder()
        .store_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    let service = world.service_with(cache);
    world.store.next(usize::MAX, None, Fault::Hang);
    for bodies in 1..10 {
        assert_eq!((service.read(1).await, service.bodies()), (Ok(0), bodies));
    }
    assert_eq!(world.store.count(None), 5);
    assert_eq!(world.store.hanging(), 0);
}

#[tokio::test]
async fn callers_that_give_up_earlier_open_the_breaker_too() {
    let world = World::new();
    let timeout = Duration::from_millis(50);
    let cache = world.builder().store_timeout(timeout).build().unwrap();
    let service = world.service_with(cache);
    world.store.next(usize::MAX, None, Fault::Hang);
    for asked in 1..=5 {
        let mut reading = pin!(service.read(1));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(reading.as_mut().poll(&mut cx).is_pending());
        assert_eq!(world.store.count(None), asked);
        // A fifth of what it might have waited, from when it waits.
        let patience = Deadline::after(timeout / 5);
        until(|| patience.is_over()).await;
    }
    assert_eq!(service.read(1).await, Ok(0));
    assert_eq!(world.store.count(None), 5);
}

#[tokio::test]
async fn a_store_that_panics_is_probed_and_asked_again() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    b.read(1).await.unwrap();
    world.store.next(1, Invalidate, Fault::Outage);
    world.store.next(1, Invalidate, Fault::Panic);
    a.write(1).await.unwrap();
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 1);
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    assert_eq!(b.read(1).await, Ok(1));

    world.store.set_down(true);
    for _ in 0..5 {
        a.read(2).await.unwrap();
    }
    world.store.set_down(false);
    world.store.next(1, Probe, Fault::Panic);
    world.clock.advance(STEP);
    world.clock.advance(STEP);
    a.read(2).await.unwrap();
    let bodies = a.bodies();
    a.read(2).await.unwrap();
    assert_eq!(a.bodies(), bodies, "the breaker is closed");
}

#[tokio::test]
async fn all_operations_of_a_call_share_one_deadline() {
    let world = World::new();
    let timeout = Duration::from_millis(20);
    let cache = world.builder().store_timeout(timeout).build().unwrap();
    let service = world.service_with(cache);
    world.store.next(1, Read, Fault::ReplyHeld);
    let mut reading = pin!(service.read(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(reading.as_mut().poll(&mut cx).is_pending());
    let deadline = Deadline::after(timeout);
    until(|| deadline.is_over()).await;
    world.store.release();
    // The reply is there after all; nothing is left for the mint.
    assert_eq!(reading.await, Ok(0));
    assert_eq!(world.log(), [Read]);
}

#[tokio::test]
async fn connecting_says_what_is_wrong() {
    let world = World::new();
    let cache = world.cache();
    cache.connect().await.unwrap();
    world.store.next(1, Probe, Fault::Refused);
    assert!(cache.connect().await.unwrap_err().is_configuration());
    world.store.set_down(true);
    assert!(cache.connect().await.unwrap_err().is_outage());
    // The first failure opened the breaker.
    assert!(cache.get::<u64>("key").await.unwrap_err().is_outage());
    assert_eq!(world.store.count(Read), 0);
    world.store.set_down(false);
    cache.connect().await.unwrap();
    assert_eq!(cache.get::<u64>("key").await.unwrap(), None);
    assert!(world.store.keys().is_empty());
}

#[test]
fn a_store_needs_a_namespace() {
    let builder = cachewright::Cache::builder().store(ScriptedStore::new());
    assert!(builder.build().unwrap_err().is_configuration());
}
