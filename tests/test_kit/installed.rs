//! An installed cache for each test, though all run in one process.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::testing::{
    SteppedClock, assert_cached, assert_not_cached, in_current_cache, install_for_test, with_cache,
    with_cache_blocking,
};
use cachewright::{Cache, cached, installed, invalidate_cache};
use tokio::sync::Barrier;

#[cached(key_prefix = "shared:{id}")]
async fn of_all(id: u64) -> u64 {
    id
}

#[cached(key_prefix = "shared:{id}")]
fn of_all_blocking(id: u64) -> u64 {
    id
}

#[invalidate_cache("shared:{id}")]
async fn write(id: u64) -> u64 {
    id
}

fn named(name: &str) -> Cache {
    Cache::builder().namespace(name).build().unwrap()
}

fn current() -> Option<&'static str> {
    installed().namespace()
}

#[tokio::test]
async fn a_test_has_an_installed_cache_of_its_own() {
    let cache = install_for_test(named("own"));
    assert_not_cached!(of_all(1)).await;
    of_all(1).await;
    of_all_blocking(1);
    assert_cached!(of_all(1)).await;
    assert_cached!(of_all_blocking(1));
    assert_eq!(cache.keys().len(), 2);
    write(1).await;
    assert_not_cached!(of_all(1)).await;
    assert_eq!(cache.stats().invalidations, 1);

    of_all(1).await;
    drop(cache);
    assert_ne!(current(), Some("own"));
    assert_not_cached!(of_all(1)).await;
}

#[test]
fn tests_on_other_threads_do_not_see_each_other() {
    std::thread::scope(|threads| {
        for name in ["a", "b", "c", "d"] {
            threads.spawn(move || {
                let cache = install_for_test(named(name));
                for id in 0..100 {
                    of_all_blocking(id);
                    assert_eq!(current(), Some(name));
                }
                assert_eq!(cache.keys().len(), 100);
            });
        }
    });
    assert_eq!(current(), None);
}

#[test]
fn guards_nest_and_end_in_any_order() {
    let outer = install_for_test(named("outer"));
    let inner = install_for_test(named("inner"));
    assert_eq!(current(), Some("inner"));
    drop(outer);
    assert_eq!(current(), Some("inner"));
    let last = install_for_test(named("last"));
    assert_eq!(current(), Some("last"));
    drop(last);
    assert_eq!(current(), Some("inner"));
    drop(inner);
    assert_eq!(current(), None);
}

#[test]
fn a_test_that_panics_leaves_nothing_installed() {
    let ended = std::panic::catch_unwind(|| {
        let _cache = install_for_test(named("own"));
        std::panic::resume_unwind(Box::new(()));
    });
    ended.unwrap_err();
    assert_eq!(current(), None);
}

#[tokio::test]
async fn tasks_of_a_current_thread_runtime_are_inside() {
    let _cache = install_for_test(named("own"));
    let task = tokio::spawn(async { current() });
    assert_eq!(task.await.unwrap(), Some("own"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_of_tasks_has_its_cache_on_every_thread() {
    let meet = Arc::new(Barrier::new(2));
    let tree = |name| {
        let meet = Arc::clone(&meet);
        with_cache(named(name), async move {
            let leaf = in_current_cache(async move {
                meet.wait().await;
                of_all(1).await;
                tokio::spawn(in_current_cache(async { current() })).await
            });
            let inside = tokio::spawn(leaf).await.unwrap().unwrap();
            let outside = tokio::spawn(async { current() }).await.unwrap();
            assert_eq!((inside, outside), (Some(name), None));
            let cache = installed().clone();
            let blocking = move || with_cache_blocking(cache, current);
            assert_eq!(tokio::task::spawn_blocking(blocking).await.unwrap(), inside);
            assert_cached!(of_all(1)).await;
            assert_eq!(installed().keys().len(), 1);
        })
    };
    let (one, other) = (tokio::spawn(tree("one")), tokio::spawn(tree("other")));
    one.await.unwrap();
    other.await.unwrap();
    assert_eq!(current(), None);
}

#[test]
fn futures_that_are_polled_in_turn_keep_their_caches_apart() {
    let mut cx = Context::from_waker(Waker::noop());
    let step = |name| {
        with_cache(named(name), async move {
            for _ in 0..3 {
                assert_eq!(current(), Some(name));
                let mut first = true;
                std::future::poll_fn(|_| match std::mem::take(&mut first) {
                    true => std::task::Poll::Pending,
                    false => std::task::Poll::Ready(()),
                })
                .await;
            }
        })
    };
    let (mut one, mut other) = (pin!(step("one")), pin!(step("other")));
    for _ in 0..3 {
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(other.as_mut().poll(&mut cx).is_pending());
        assert_eq!(current(), None);
    }
    assert!(one.poll(&mut cx).is_ready());
}

#[test]
fn a_future_that_is_sent_stays_sendable() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&with_cache(named("own"), of_all(1)));
    is_send(&in_current_cache(of_all(1)));
}

/// What was installed for each body.
type Seen = Arc<Mutex<Vec<Option<&'static str>>>>;

#[cached(skip(seen), ttl = 10, stale_while_revalidate = 1000)]
async fn aging(id: u64, seen: Seen) -> u64 {
    seen.lock().unwrap().push(current());
    id
}

#[cached(skip(seen), ttl = 10, stale_while_revalidate = 1000)]
fn aging_blocking(id: u64, seen: Seen) -> u64 {
    seen.lock().unwrap().push(current());
    id
}

#[tokio::test]
async fn a_body_in_the_background_has_the_cache_of_its_call() {
    let clock = SteppedClock::new();
    let cache = Cache::builder().namespace("own").clock(clock.clone());
    let (seen, seen_blocking) = (Seen::default(), Seen::default());
    with_cache(cache.build().unwrap(), async {
        for _ in 0..2 {
            aging(1, Arc::clone(&seen)).await;
            aging_blocking(1, Arc::clone(&seen_blocking));
            clock.advance(Duration::from_secs(11));
        }
    })
    .await;
    for seen in [seen, seen_blocking] {
        while seen.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*seen.lock().unwrap(), [Some("own"); 2]);
    }
}
