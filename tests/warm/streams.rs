//! Calls that have to be waited for themselves.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use cachewright::warm_stream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;

use super::{Users, counts};

#[tokio::test]
async fn any_stream_gives_calls() {
    let users = Users::open();
    let mut ids = tokio_stream::iter([1, 4, 2, 13]);
    let report = warm_stream(async || ids.next().await.map(|id| users.get(id)))
        .run()
        .await;
    assert_eq!(counts(report), (2, 0, 2));
}

#[tokio::test]
async fn calls_that_are_under_way_go_on_while_the_next_is_waited_for() {
    let users = Users::new();
    let (send, mut ids) = mpsc::channel(8);
    let mut run = pin!(
        warm_stream(async || ids.recv().await.map(|id| users.get(id)))
            .concurrency(2)
            .run()
    );
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    for id in [1, 2, 3] {
        send.try_send(id).unwrap();
    }
    assert!(run.as_mut().poll(&mut cx).is_pending());
    assert_eq!(users.running(), 2);
    users.gate.add_permits(2);
    assert!(run.as_mut().poll(&mut cx).is_pending());
    assert_eq!((users.running(), users.cache.stats().entries), (1, 2));
    users.gate.add_permits(1);
    drop(send);
    assert_eq!(counts(run.await), (3, 0, 0));
    assert_eq!(users.most(), 2);
}

/// The compiler does not see of an async closure that its future is `Send`.
#[tokio::test]
async fn the_run_of_a_stream_may_go_on_on_a_thread() {
    let users = Users::open();
    let calls = Arc::clone(&users);
    let mut ids = tokio_stream::iter(0..50).filter(|id| id % 2 == 1);
    let runtime = tokio::runtime::Handle::current();
    let run = tokio::task::spawn_blocking(move || {
        runtime.block_on(warm_stream(async || ids.next().await.map(|id| calls.get(id))).run())
    });
    assert_eq!(counts(run.await.unwrap()), (24, 0, 1));
}

#[tokio::test]
async fn a_stream_without_an_end_can_be_dropped() {
    let users = Users::open();
    let mut ids = tokio_stream::iter(std::iter::repeat(1));
    tokio::select! {
        biased;
        _ = warm_stream(async || ids.next().await.map(|id| users.get(id))).run() => unreachable!("it has no end"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(users.cache.stats().entries, 1);
}
