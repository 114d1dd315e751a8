//! A store that goes wrong by script, under a service.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::testing::{
    Corruption, Fault, Operation, ScriptedStore, assert_cached, assert_not_cached,
};

use crate::service::World;

const CORRUPTIONS: [Corruption; 4] = [
    Corruption::Flipped,
    Corruption::Truncated,
    Corruption::Another,
    Corruption::Shifted,
];

#[tokio::test]
async fn a_corrupted_reply_is_never_an_answer() {
    for corruption in CORRUPTIONS {
        let world = World::new();
        let service = world.service();
        for id in 1..=3 {
            assert_eq!(service.read(id).await, Ok(0));
        }
        // If what is corrupted were an answer, it would be the one from before.
        world.number.store(7, std::sync::atomic::Ordering::SeqCst);
        let fault = Fault::Corrupt(corruption);
        world.store.next(1, Operation::Read, fault);
        assert_not_cached!(service.read(1), "{corruption:?}").await;
        assert_cached!(
            service.read(1),
            "{corruption:?}: the reply was, not what is held"
        )
        .await;
        // So that the reply to the read before is of another entry.
        assert_cached!(service.read(2)).await;

        world.store.next(1, Operation::Read, fault);
        assert_eq!(service.read(1).await, Ok(7), "{corruption:?}");
        assert_eq!(service.bodies(), 4, "{corruption:?}");
        assert_eq!(service.read(2).await, Ok(0), "{corruption:?}");
    }
}

#[tokio::test]
async fn a_value_that_is_set_is_not_there_while_its_reply_is_corrupted() {
    for corruption in CORRUPTIONS {
        let world = World::new();
        let cache = world.cache();
        for key in ["user:1", "user:2"] {
            cache.set(key, key.to_owned(), None).await.unwrap();
        }
        let fault = Fault::Corrupt(corruption);
        world.store.next(1, Operation::Read, fault);
        let found = cache.get::<String>("user:1").await;
        assert!(
            matches!(found, Ok(None) | Err(_)),
            "{corruption:?}: {found:?}"
        );
        let found = cache.get::<String>("user:1").await.unwrap();
        assert_eq!(found.as_deref(), Some("user:1"), "{corruption:?}");
    }
}

#[tokio::test]
async fn other_operations_than_reads_are_done_as_always() {
    let world = World::new();
    let fault = Fault::Corrupt(Corruption::Flipped);
    world.store.next(usize::MAX, Operation::Write, fault);
    let service = world.service();
    service.read(1).await.unwrap();
    assert_cached!(service.read(1)).await;
}

#[tokio::test]
async fn a_delayed_operation_is_answered_when_the_clock_says_so() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    world
        .store
        .next(1, Operation::Read, Fault::Delayed(Duration::from_secs(3)));
    let mut cx = Context::from_waker(Waker::noop());
    let mut read = pin!(service.read(1));
    assert!(read.as_mut().poll(&mut cx).is_pending());
    world.clock.advance(Duration::from_secs(2));
    assert!(read.as_mut().poll(&mut cx).is_pending());
    assert_eq!(world.store.hanging(), 1);
    world.clock.advance(Duration::from_secs(1));
    assert!(read.as_mut().poll(&mut cx).is_ready());
    assert_eq!((service.bodies(), world.store.hanging()), (1, 0));
}

#[tokio::test]
async fn a_delay_in_real_time_ends_by_itself() {
    let store = ScriptedStore::new();
    let builder = cachewright::Cache::builder().namespace("app");
    let builder = builder.store(store.clone());
    let cache = builder
        .store_timeout(Duration::from_secs(30))
        .build()
        .unwrap();
    cache.set("user:1", 1_u8, None).await.unwrap();
    store.next(1, Operation::Read, Fault::Delayed(Duration::from_millis(1)));
    assert_eq!(cache.get("user:1").await.unwrap(), Some(1_u8));
}
