//! Transactions whose writers' invalidations other processes must hear of.

#[path = "support/bank.rs"]
mod bank;
#[path = "support/service.rs"]
mod service;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bank::{Bank, Tx, is_kept, poll, rolled_back};
use cachewright::testing::{Fault, Operation};
use cachewright::{Cache, defer, defer_blocking};
use service::World;

/// As long as any writer's outcome takes to settle.
const SETTLED: Duration = Duration::from_secs(60);

fn process(world: &World) -> Arc<Bank> {
    Arc::new(Bank::new(world.cache()))
}

fn pending(cache: &Cache) -> u64 {
    cache.stats().pending_invalidations
}

/// A transaction of three writers.
async fn transfer(bank: &Bank) -> Result<(), String> {
    defer(async {
        let tx = Tx::default();
        bank.write(1, &tx).await?;
        bank.write(2, &tx).await?;
        bank.write(1, &tx).await?;
        bank.commit(&tx);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn other_processes_see_a_transaction_when_its_block_has_returned() {
    let world = World::new();
    let (a, b) = (process(&world), process(&world));
    for id in 1..=3 {
        b.read(id, None).await.unwrap();
    }
    defer(async {
        a.write(1, &Tx::default()).await?;
        a.write(2, &Tx::default()).await?;
        // Neither does a writer ask the store, nor does it wait.
        assert_eq!(world.store.count(Operation::Invalidate), 0);
        assert!(is_kept(&b, 1).await);
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(world.store.count(Operation::Invalidate), 1);
    assert!(!is_kept(&b, 1).await && !is_kept(&b, 2).await && is_kept(&b, 3).await);
}

#[tokio::test]
async fn a_block_that_fails_tells_the_store_only_what_is_always_invalidated() {
    let world = World::new();
    let (a, b) = (process(&world), process(&world));
    b.read(1, None).await.unwrap();
    b.read(2, None).await.unwrap();
    let done: Result<(), String> = defer(async {
        a.write(1, &Tx::default()).await?;
        a.doubt(2, Ok(())).await?;
        rolled_back()
    })
    .await;
    assert_eq!(done, rolled_back());
    world.clock.advance(Duration::ZERO);
    assert!(is_kept(&b, 1).await && !is_kept(&b, 2).await);
}

#[tokio::test]
async fn what_the_store_does_not_acknowledge_after_the_block_is_pending() {
    let world = World::new();
    let (a, b) = (process(&world), process(&world));
    b.read(1, None).await.unwrap();
    b.read(3, None).await.unwrap();
    world.store.next(1, Operation::Invalidate, Fault::Outage);
    transfer(&a).await.unwrap();
    assert_eq!(pending(&a.cache), 2);
    assert!(!is_kept(&a, 1).await && !is_kept(&a, 1).await && is_kept(&a, 3).await);
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(pending(&a.cache), 0);
    assert!(!is_kept(&b, 1).await && is_kept(&a, 1).await);
}

#[tokio::test]
async fn a_call_that_gives_up_waiting_for_the_store_leaves_it_pending() {
    // The second cache's store has not been told of anything then.
    let (world, other) = (World::new(), World::new());
    let (a, b) = (process(&world), process(&other));
    let observer = process(&other);
    a.read(1, None).await.unwrap();
    observer.read(1, None).await.unwrap();
    world.store.next(1, Operation::Invalidate, Fault::Hang);
    {
        let mut block = pin!(defer(async {
            a.write_blocking(1, &Tx::default())?;
            b.write_blocking(1, &Tx::default())
        }));
        assert!(!poll(block.as_mut()));
        assert_eq!(world.store.hanging(), 1);
        assert_eq!(other.store.count(Operation::Invalidate), 0);
    }
    world.store.release();
    for world in [&world, &other] {
        world.clock.advance(Duration::from_secs(2));
    }
    assert_eq!((pending(&a.cache), pending(&b.cache)), (0, 0));
    assert!(!is_kept(&a, 1).await && !is_kept(&observer, 1).await);
}

#[test]
fn a_store_that_panics_leaves_what_it_and_the_others_are_to_be_told_pending() {
    let worlds = [World::new(), World::new()];
    let [a, b] = worlds.each_ref().map(process);
    let observers = worlds.each_ref().map(process);
    for observer in &observers {
        observer.read_blocking(1, None).unwrap();
    }
    (worlds[0].store).next(1, Operation::Invalidate, Fault::Panic);
    let block = || {
        defer_blocking(|| {
            a.write_blocking(1, &Tx::default())?;
            b.write_blocking(1, &Tx::default())
        })
    };
    catch_unwind(AssertUnwindSafe(block)).unwrap_err();
    for (world, observer) in worlds.iter().zip(&observers) {
        world.clock.advance(Duration::from_secs(2));
        observer.read_blocking(1, None).unwrap();
        assert_eq!(observer.bodies(), 2);
    }
    assert_eq!((pending(&a.cache), pending(&b.cache)), (0, 0));
}

#[tokio::test]
async fn a_block_that_outlives_its_cache_tells_the_store() {
    for fault in [Fault::None, Fault::Outage] {
        let world = World::new();
        let (a, b) = (process(&world), process(&world));
        b.read(1, None).await.unwrap();
        world.store.next(1, Operation::Invalidate, fault);
        defer(async move {
            a.write(1, &Tx::default()).await?;
            drop(a);
            Ok::<_, String>(())
        })
        .await
        .unwrap();
        world.clock.advance(Duration::ZERO);
        assert!(!is_kept(&b, 1).await, "{fault:?}");
    }
}

#[tokio::test]
async fn a_dropped_block_is_invalidated_for_every_process_at_once_and_again() {
    for polls in 0..8 {
        for fault in [Fault::None, Fault::ReplyHeld] {
            let world = World::new();
            let (a, b) = (process(&world), process(&world));
            b.read(1, None).await.unwrap();
            world.store.next(1, Operation::Invalidate, fault);
            let ended = {
                let mut block = pin!(transfer(&a));
                (0..polls).any(|_| poll(block.as_mut()))
            };
            world.store.clear_script();
            world.clock.advance(Duration::ZERO);
            let is_outdated = polls > 0;
            assert_eq!(is_kept(&b, 1).await, !is_outdated, "{polls} {fault:?}");
            let again = is_outdated && a.number() == 0;
            assert_eq!(pending(&a.cache) > 0, again, "{polls} {fault:?}");
            world.clock.advance(SETTLED);
            world.clock.advance(Duration::ZERO);
            assert_eq!(is_kept(&b, 1).await, !again, "{polls} {fault:?}");
            assert_eq!(pending(&a.cache), 0);
            assert_eq!(ended, polls == 7 && fault == Fault::None);
        }
    }
}

#[tokio::test]
async fn what_a_block_has_outdated_is_not_asked_of_the_store_and_the_rest_is() {
    let world = World::new();
    let (a, b) = (process(&world), process(&world));
    b.read(1, None).await.unwrap();
    b.read(2, None).await.unwrap();
    let key = "account:1:limit";
    b.cache.set(key, 10_u64, None).await.unwrap();
    let _: Result<(), String> = defer(async {
        let tx = Tx::default();
        assert_eq!(a.read(1, Some(&tx)).await, Ok(0));
        assert_eq!(a.cache.get::<u64>(key).await.unwrap(), Some(10));
        assert_eq!(a.bodies(), 0);
        a.write(1, &tx).await?;
        world.store.forget_log();
        assert_eq!(a.read(1, Some(&tx)).await, Ok(1));
        assert_eq!(a.read_blocking(1, Some(&tx)), Ok(1));
        assert_eq!(a.cache.get::<u64>(key).await.unwrap(), None);
        assert_eq!(a.cache.get_many::<u64>(&[key]).await.unwrap(), [None]);
        assert!(!a.cache.exists(key).await.unwrap());
        let computed = a.cache.get_or_set(key, None, async || Ok::<_, String>(11));
        assert_eq!(computed.await, Ok(11));
        assert_eq!(world.store.log(), []);
        assert!(is_kept(&a, 2).await);
        rolled_back()
    })
    .await;
    assert!(is_kept(&a, 1).await && is_kept(&b, 1).await);
    assert_eq!(a.cache.get::<u64>(key).await.unwrap(), Some(10));
}

#[tokio::test]
async fn what_is_computed_inside_is_neither_stored_nor_shared() {
    let world = World::new();
    let bank = process(&world);
    defer(bank.read(1, Some(&Tx::of(1)))).await.unwrap();
    assert_eq!(world.log(), [Operation::Read]);
    assert!(world.store.keys().is_empty());

    let mut outside = pin!(bank.slow(1));
    let mut inside = pin!(defer(bank.slow(1)));
    assert!(!poll(outside.as_mut()) && !poll(inside.as_mut()));
    assert_eq!(bank.bodies(), 3);
    bank.gate.add_permits(2);
    inside.await.unwrap();
    outside.await.unwrap();
}

#[test]
fn thousands_of_nodes_are_invalidated_in_steps() {
    let world = World::new();
    let (a, b) = (process(&world), process(&world));
    (0..3_500).for_each(|id| drop(b.read_blocking(id, None)));
    world.store.forget_log();
    defer_blocking(|| {
        let tx = Tx::default();
        (0..3_500).try_for_each(|id| a.write_blocking(id, &tx))
    })
    .unwrap();
    assert!((4..10).contains(&world.store.count(Operation::Invalidate)));
    (0..3_500).for_each(|id| drop(b.read_blocking(id, None)));
    assert_eq!(b.bodies(), 7_000);
}

#[test]
fn more_nodes_than_are_kept_are_widened_and_none_is_lost() {
    let world = World::new();
    let (a, b) = (process(&world), process(&world));
    let accounts = [0, 1, 10_000, 19_999];
    for id in accounts {
        b.read_blocking(id, None).unwrap();
    }
    let before = b.bodies();
    world.store.forget_log();
    defer_blocking(|| {
        let tx = Tx::default();
        (0..20_000).try_for_each(|id| a.write_blocking(id, &tx))
    })
    .unwrap();
    assert!(world.store.count(Operation::Invalidate) <= 10);
    for id in accounts {
        b.read_blocking(id, None).unwrap();
    }
    assert_eq!(b.bodies(), before + 4);
}
