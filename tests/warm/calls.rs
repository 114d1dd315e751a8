//! Calls that are made within one future.

use std::future::pending;
use std::iter;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use cachewright::{Rollout, WarmProgress, cached, defer, warm};

use super::{Users, counts};

#[tokio::test]
async fn what_was_warmed_is_answered_from_the_cache() {
    let users = Users::open();
    let ids = [1, 2, 3];
    let report = warm(ids.iter().map(|id| users.get(*id))).run().await;
    assert_eq!(counts(report), (3, 0, 0));
    for id in ids {
        assert_eq!(users.get(id).await, Ok(id));
    }
    assert_eq!(users.bodies.load(SeqCst), 3);
    let row = &users.cache.stats().functions[0];
    assert_eq!(
        (row.misses, row.hits),
        (3, 3),
        "warming counts as any calls do"
    );
}

#[tokio::test]
async fn what_is_cached_already_is_skipped() {
    let users = Users::open();
    users.get(2).await.unwrap();
    let report = warm([1, 2, 3].map(|id| users.get(id))).run().await;
    assert_eq!(counts(report), (2, 1, 0));
    let again = warm([1, 2, 3].map(|id| users.get(id))).run().await;
    assert_eq!(counts(again), (0, 3, 0));
}

#[tokio::test]
async fn a_call_of_several_functions_is_skipped_if_all_answer_from_the_cache() {
    let users = Users::open();
    let all = async |id| (users.get(id).await, users.both(id).await);
    users.get(1).await.unwrap();
    // `both` hits `get`, and computes itself.
    assert_eq!(counts(warm([all(1)]).run().await), (1, 0, 0));
    assert_eq!(counts(warm([all(1)]).run().await), (0, 1, 0));
    // `get` hits, and `both` does not.
    users.cache.invalidate("both").await.unwrap();
    assert_eq!(counts(warm([all(1)]).run().await), (1, 0, 0));
}

#[tokio::test]
async fn a_batch_is_skipped_if_all_of_it_is_there_and_fails_if_its_body_does() {
    let users = Users::open();
    let batches: [&[u64]; 5] = [&[1, 2], &[2, 1], &[2, 3], &[1, 4], &[3]];
    let report = warm(batches.map(|ids| users.several(ids))).concurrency(1);
    assert_eq!(counts(report.run().await), (2, 2, 1));
    assert_eq!(users.bodies.load(SeqCst), 3);
    let of_nothing = warm([users.several(&[])]);
    assert_eq!(counts(of_nothing.run().await), (1, 0, 0));
    let totals = || warm([|| users.totals(&[1, 2])]).run_blocking();
    assert_eq!(counts(totals()), (1, 0, 0));
    assert_eq!(counts(totals()), (0, 1, 0));
}

#[tokio::test]
async fn a_call_of_no_cached_function_is_done() {
    let users = Users::open();
    assert_eq!(counts(warm([async {}]).run().await), (1, 0, 0));
    let spawned = Arc::clone(&users);
    let spawned = warm([tokio::spawn(async move { spawned.get(1).await })]);
    assert_eq!(counts(spawned.run().await), (1, 0, 0));
    users.cache.set_rollout(Rollout::Off).unwrap();
    assert_eq!(counts(warm([users.get(1)]).run().await), (1, 0, 0));
}

#[tokio::test]
async fn failures_and_panics_are_counted_and_end_nothing() {
    let users = Users::open();
    let report = warm([4, 13, 5, 4, 6].map(|id| users.get(id)))
        .concurrency(1)
        .run()
        .await;
    assert_eq!(counts(report), (2, 0, 3));
    assert_eq!(users.running(), 0);
    assert_eq!(users.cache.stats().computations, 0);
    // What they return is lost, unless the call looks at it.
    let told = Mutex::new(Vec::new());
    let call = async |id| {
        let tell = |error: &String| told.lock().unwrap().push(error.clone());
        users.get(id).await.inspect_err(tell)
    };
    assert_eq!(counts(warm([call(4), call(5)]).run().await), (0, 1, 1));
    assert_eq!(told.into_inner().unwrap(), ["there is no 4"]);
}

/// What a body makes of the errors inside of it is its own matter.
#[tokio::test]
async fn an_error_inside_of_a_body_is_none_of_the_call() {
    let users = Users::open();
    assert_eq!(counts(warm([users.both(4)]).run().await), (1, 0, 0));
    users.get(5).await.unwrap();
    assert_eq!(counts(warm([users.both(5)]).run().await), (1, 0, 0));
    assert_eq!(counts(warm([users.both(5)]).run().await), (0, 1, 0));
    assert_eq!(counts(warm([users.warmed(6)]).run().await), (1, 0, 0));
    assert_eq!(users.warmed(6).await, (1, 0, 1), "also within a body");
}

#[tokio::test]
async fn an_error_inside_of_a_deferral_counts_too() {
    let users = Users::open();
    let warmed = defer(async {
        let report = warm([4, 5].map(|id| users.get(id))).run().await;
        Ok::<_, ()>(report)
    });
    assert_eq!(counts(warmed.await.unwrap()), (1, 0, 1));
}

/// Lets the calls of a run end one by one, and gives how many bodies ran at once each time.
async fn step_through(users: &Users, calls: u64, concurrency: usize) -> Vec<usize> {
    let mut running = Vec::new();
    let mut run = pin!(
        warm((100..100 + calls).map(|id| users.get(id)))
            .concurrency(concurrency)
            .run()
    );
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if run.as_mut().poll(&mut cx).is_ready() {
            return running;
        }
        running.push(users.running());
        users.gate.add_permits(1);
    }
}

#[tokio::test]
async fn as_many_calls_are_under_way_as_was_said_and_no_more() {
    let users = Users::new();
    assert_eq!(step_through(&users, 5, 3).await, [3, 3, 3, 2, 1]);
    assert_eq!(users.most(), 3);
    let users = Users::new();
    assert_eq!(step_through(&users, 3, 0).await, [1, 1, 1], "one at least");
    let users = Users::new();
    let all = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    assert_eq!(step_through(&users, 10, usize::MAX).await, all);
}

#[tokio::test]
async fn calls_are_taken_from_the_iterator_when_there_is_room_for_them() {
    let users = Users::new();
    let mut taken = 0;
    let calls = (0..100).map(|id| {
        taken += 1;
        users.get(id)
    });
    {
        let mut run = pin!(warm(calls).concurrency(7).run());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(taken, 7);
}

#[tokio::test]
async fn calls_of_one_entry_share_a_computation() {
    let users = Users::new();
    let mut run = pin!(warm([7, 7, 7].map(|id| users.get(id))).run());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    users.gate.add_permits(1);
    assert_eq!(counts(run.await), (3, 0, 0));
    assert_eq!(users.bodies.load(SeqCst), 1);
}

#[tokio::test]
async fn progress_is_told_after_each_call_and_never_goes_back() {
    let users = Users::open();
    let told = Arc::new(Mutex::new(Vec::<WarmProgress>::new()));
    let tell = Arc::clone(&told);
    users.get(1).await.unwrap();
    let report = warm([1, 4, 13, 2, 1].map(|id| users.get(id)))
        .concurrency(2)
        .on_progress(move |progress| tell.lock().unwrap().push(progress))
        .run()
        .await;
    assert_eq!(counts(report), (1, 2, 2));
    let told = told.lock().unwrap();
    let ended: Vec<_> = told.iter().map(WarmProgress::ended).collect();
    assert_eq!(ended, [1, 2, 3, 4, 5]);
    assert!(told.iter().all(|progress| progress.total == Some(5)));
    for pair in told.windows(2) {
        let grows = |of: fn(&WarmProgress) -> u64| of(&pair[0]) <= of(&pair[1]);
        assert!(grows(|progress| progress.done) && grows(|progress| progress.failed));
        assert!(grows(|progress| progress.skipped) && pair[0].elapsed <= pair[1].elapsed);
    }
    assert!(report.elapsed >= told[4].elapsed);
}

#[tokio::test]
async fn how_many_there_are_is_told_only_if_it_is_known() {
    let users = Users::open();
    let told = Arc::new(Mutex::new(Some(0)));
    let tell = Arc::clone(&told);
    warm((1..4).filter(|id| id % 2 == 1).map(|id| users.get(id)))
        .on_progress(move |progress| *tell.lock().unwrap() = progress.total)
        .run()
        .await;
    assert_eq!(*told.lock().unwrap(), None);
}

#[tokio::test]
async fn nothing_is_done_at_once() {
    let report = warm(iter::empty::<std::future::Ready<()>>()).run().await;
    assert_eq!(counts(report), (0, 0, 0));
    assert_eq!(
        report.to_string().split(" in ").next(),
        Some("0 done, 0 skipped, 0 failed")
    );
}

#[tokio::test]
async fn a_run_that_is_dropped_drops_its_calls_and_keeps_what_was_computed() {
    let users = Users::new();
    {
        let mut run = pin!(warm((0..100).map(|id| users.get(id))).concurrency(3).run());
        let mut cx = Context::from_waker(Waker::noop());
        users.gate.add_permits(2);
        assert!(run.as_mut().poll(&mut cx).is_pending());
        assert_eq!(users.running(), 3);
    }
    assert_eq!(users.running(), 0);
    assert_eq!(users.cache.stats().entries, 2);
    assert_eq!(users.cache.stats().computations, 0);
}

/// Where every call is a hit, nothing would ever be pending.
#[tokio::test]
async fn a_run_without_an_end_gives_way_and_can_be_dropped() {
    let users = Users::open();
    let mut turns = 0;
    tokio::select! {
        biased;
        _ = warm(iter::repeat_with(|| users.get(1))).run() => unreachable!("it has no end"),
        () = async { while turns < 100 { turns += 1; tokio::task::yield_now().await; } } => {}
    }
    assert!(users.cache.stats().functions[0].hits > 100);
}

#[tokio::test]
async fn a_panic_of_the_iterator_or_of_the_callback_is_that_of_the_run() {
    let users = Users::open();
    let calls = Arc::clone(&users);
    let run = tokio::spawn(async move {
        let ids = (1..).inspect(|id| assert!(*id < 3, "it is asked"));
        warm(ids.map(|id| calls.get(id))).concurrency(1).run().await
    });
    assert!(run.await.unwrap_err().is_panic());
    let calls = Arc::clone(&users);
    let run = tokio::spawn(async move {
        let run = warm([1].map(|id| calls.get(id)));
        run.on_progress(|_| panic!("it is told")).run().await
    });
    assert!(run.await.unwrap_err().is_panic());
    assert_eq!(counts(warm([users.get(1)]).run().await), (0, 1, 0));
}

#[tokio::test]
async fn a_call_that_waits_is_not_polled_because_another_goes_on() {
    let polls = std::cell::Cell::new(0);
    let waits = std::future::poll_fn(|_| {
        polls.set(polls.get() + 1);
        Poll::<()>::Pending
    });
    let goes_on = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    };
    let calls: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>> =
        vec![Box::pin(waits), Box::pin(goes_on)];
    let ended = std::cell::Cell::new(false);
    tokio::select! {
        biased;
        _ = warm(calls).run() => unreachable!("one waits for ever"),
        () = async { for _ in 0..30 { tokio::task::yield_now().await; } } => ended.set(true),
    }
    assert!(ended.get());
    assert_eq!(polls.get(), 1);
}

#[cached]
async fn on_its_thread(id: u32) -> Result<u32, std::rc::Rc<str>> {
    Ok(id)
}

#[tokio::test]
async fn a_run_is_send_where_its_calls_are() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    let users = Users::open();
    let report = is_send(warm((0..3).map(|id| users.get(id))).run()).await;
    assert_eq!(counts(report), (3, 0, 0));
    let local = std::rc::Rc::new(7);
    let call = async { assert_eq!(on_its_thread(*local).await, Ok(7)) };
    assert_eq!(counts(warm([call]).run().await), (1, 0, 0));
    drop(pending::<()>());
}

#[test]
fn without_a_bound_calls_begin_in_turns_and_each_ends_once() {
    let (begun, ended) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let calls = iter::repeat_with(|| {
        begun.fetch_add(1, SeqCst);
        pending::<()>()
    });
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut run = pin!(warm(calls).concurrency(usize::MAX).run());
        for _ in 0..3 {
            assert!(run.as_mut().poll(&mut cx).is_pending());
        }
        assert!((3..1_000).contains(&begun.load(SeqCst)));
    }
    let users = Users::new();
    let told = Arc::clone(&ended);
    let ids = 100..10_100;
    let mut run = pin!(
        warm(ids.map(|id| users.get(id)))
            .concurrency(usize::MAX)
            .on_progress(move |_| _ = told.fetch_add(1, SeqCst))
            .run()
    );
    while users.bodies.load(SeqCst) < 10_000 {
        assert!(run.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(ended.load(SeqCst), 0);
    users.gate.add_permits(10_000);
    let report = loop {
        if let Poll::Ready(report) = run.as_mut().poll(&mut cx) {
            break report;
        }
    };
    assert_eq!(counts(report), (10_000, 0, 0));
    assert_eq!(ended.load(SeqCst), 10_000);
}
