//! The assertions over a store that processes share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cachewright::testing::{Fault, Operation, assert_cached, assert_not_cached};
use cachewright::{Cache, cached};

use crate::service::World;

struct Local {
    cache: Cache,
}

impl Local {
    #[cached(cache = self.cache, tier = "memory")]
    async fn local(&self, id: u64) -> u64 {
        id
    }

    #[cached(cache = self.cache, ttl = "1m")]
    fn blocking(&self, id: u64) -> u64 {
        id
    }
}

/// What the call of a future panics with.
fn failure(assertion: impl Future<Output = ()>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.unwrap().block_on(assertion)));
    let payload = ended.unwrap_err();
    payload.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn what_one_process_has_computed_is_cached_for_each_until_one_writes() {
    let world = World::new();
    let (one, other) = (world.service(), world.service());
    assert_not_cached!(other.read(1)).await;
    one.read(1).await.unwrap();
    assert_cached!(one.read(1)).await;
    assert_cached!(other.read(1)).await;
    other.write(1).await.unwrap();
    assert_not_cached!(one.read(1)).await;
    assert_not_cached!(other.read(1)).await;
    one.read(1).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    assert_not_cached!(one.read(1)).await;
}

#[tokio::test]
async fn the_store_is_read_and_nothing_else_and_no_hit_or_miss_is_counted() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    let (rows, entries) = (service.cache.stats().functions, world.store.keys());
    world.store.forget_log();
    assert_cached!(service.read(1)).await;
    assert_not_cached!(service.read(2)).await;
    assert_eq!(world.store.log(), [Operation::Read; 2]);
    assert_eq!(world.store.keys(), entries);
    assert_eq!(service.cache.stats().functions, rows);
    assert_eq!(service.bodies(), 1);
}

#[tokio::test]
async fn a_store_that_does_not_answer_fails_either_assertion() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    world.store.set_down(true);
    let (cached, not_cached) = (service.clone(), service.clone());
    let messages = std::thread::spawn(|| {
        [
            failure(async move { assert_cached!(cached.read(1)).await }),
            failure(async move { assert_not_cached!(not_cached.read(1)).await }),
        ]
    });
    for message in messages.join().unwrap() {
        assert!(message.contains("is not known: "), "{message}");
        assert!(message.contains("is not reached"), "{message}");
    }
}

#[tokio::test]
async fn what_an_invalidation_that_is_pending_covers_is_not_cached() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    world.store.next(1, Operation::Invalidate, Fault::Outage);
    service.write(1).await.unwrap();
    assert_eq!(service.pending(), 1);
    world.store.forget_log();
    assert_not_cached!(service.read(1)).await;
    assert_eq!(world.store.count(Operation::Read), 0);
}

#[tokio::test]
async fn entries_that_stay_in_memory_are_looked_for_there() {
    let world = World::new();
    let local = Local {
        cache: world.cache(),
    };
    local.local(1).await;
    world.store.set_down(true);
    assert_cached!(local.local(1)).await;
    assert_not_cached!(local.local(2)).await;
    assert_eq!(world.store.log(), []);
}

#[test]
fn a_synchronous_call_waits_for_the_store() {
    let world = World::new();
    let local = Local {
        cache: world.cache(),
    };
    assert_not_cached!(local.blocking(1));
    local.blocking(1);
    assert_cached!(local.blocking(1));
}

#[tokio::test]
async fn what_is_in_the_store_and_cannot_answer_is_not_cached() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    world.store.alter(|contents| {
        for key in contents.keys().collect::<Vec<_>>() {
            let bytes = contents.get(&key).unwrap_or_default().to_vec();
            if bytes.len() > 40 {
                contents.set(
                    &key,
                    bytes[..bytes.len() - 1].to_vec(),
                    Duration::from_secs(60),
                );
            }
        }
    });
    assert_not_cached!(service.read(1)).await;
    let message =
        std::thread::spawn(move || failure(async move { assert_cached!(service.read(1)).await }));
    let message = message.join().unwrap();
    assert!(message.contains("may not answer: "), "{message}");
}
