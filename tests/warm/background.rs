//! Runs that go on by themselves.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use cachewright::{Cache, Warming, warm};

use super::{Users, counts};

fn warming(users: &Arc<Users>, ids: impl Iterator<Item = u64> + Send + 'static) -> Warming {
    let calls = Arc::clone(users);
    let call = move |id| {
        let users = Arc::clone(&calls);
        async move { users.get(id).await }
    };
    warm(ids.map(call)).concurrency(2).spawn(&users.cache)
}

/// Gives the tasks of the runtime their turns until `done`.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_in_the_background_is_awaited_or_left_alone() {
    let users = Users::new();
    let warming = warming(&users, 0..3);
    // The service is ready meanwhile.
    until(|| users.running() == 2).await;
    assert!(!warming.is_over());
    assert_eq!(warming.progress().ended(), 0);
    users.gate.add_permits(1);
    until(|| warming.progress().ended() == 1).await;
    users.gate.add_permits(10);
    assert_eq!(counts(warming.await), (3, 0, 0));

    let left_alone = super::Users::open();
    drop(self::warming(&left_alone, 0..3));
    until(|| left_alone.cache.stats().entries == 3).await;
}

#[tokio::test]
async fn a_run_that_is_cancelled_drops_its_calls_and_reports() {
    let users = Users::new();
    users.gate.add_permits(3);
    let warming = warming(&users, 0..);
    until(|| warming.progress().done == 3 && users.running() == 2).await;
    warming.cancel();
    warming.cancel();
    let report = warming.await;
    assert!(report.is_cancelled);
    assert_eq!((report.done, report.skipped, report.failed), (3, 0, 0));
    assert!(report.to_string().ends_with(", cancelled"));
    assert_eq!(users.running(), 0);
}

#[tokio::test]
async fn a_run_ends_with_its_cache_which_does_not_wait_for_it() {
    let users = Users::new();
    let warming = warming(&users, 0..);
    until(|| users.running() == 2).await;
    users
        .cache
        .shutdown(Duration::from_secs(3600))
        .await
        .unwrap();
    assert!(warming.await.is_cancelled);
    assert_eq!(users.running(), 0);
}

#[tokio::test]
async fn a_run_takes_nothing_from_the_bodies_in_the_background() {
    let cache = Cache::builder().background_limit(1).build().unwrap();
    let users = Users::with(cache);
    let warmings: Vec<_> = (0..3)
        .map(|start| warming(&users, iter::once(start)))
        .collect();
    until(|| users.running() == 3).await;
    users.gate.add_permits(3);
    for warming in warmings {
        assert_eq!(counts(warming.await), (1, 0, 0));
    }
}

#[test]
fn outside_of_a_runtime_a_thread_does_it() {
    let users = Users::open();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let warming = warming(&users, 5..9);
    assert_eq!(counts(runtime.block_on(warming)), (4, 0, 0));
}

#[test]
fn a_run_whose_runtime_ends_is_cancelled() {
    let users = Users::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let warming = {
        let _entered = runtime.enter();
        warming(&users, 0..)
    };
    runtime.block_on(until(|| users.running() == 2));
    drop(runtime);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(warming).is_cancelled);
    assert_eq!(users.running(), 0);
}

#[tokio::test]
async fn a_run_that_panics_is_over() {
    let users = Users::open();
    let warming = warming(&users, (0..).inspect(|id| assert!(*id < 3, "it is asked")));
    assert!(warming.await.is_cancelled);
}
