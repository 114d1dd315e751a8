//! Calls of synchronous functions, on threads.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Barrier, Mutex, mpsc};

use cachewright::warm;

use super::{Users, counts};

#[test]
fn calls_of_synchronous_functions_run_on_threads() {
    let users = Users::new();
    users.total(2).unwrap();
    let ids = [1, 2, 0, 13, 3];
    let report = warm(ids.iter().map(|id| || users.total(*id))).run_blocking();
    assert_eq!(counts(report), (2, 1, 2));
    assert_eq!(users.total(3), Ok(2));
    assert_eq!(users.bodies.load(SeqCst), 5);
}

#[test]
fn as_many_threads_work_as_was_said_and_no_more() {
    let (running, most) = (Mutex::new(0), Mutex::new(0));
    // None gets by before three are there.
    let barrier = Barrier::new(3);
    let calls = (0..30).map(|_| {
        || {
            let now = {
                let mut running = running.lock().unwrap();
                *running += 1;
                *running
            };
            let mut most = most.lock().unwrap();
            *most = now.max(*most);
            drop(most);
            barrier.wait();
            *running.lock().unwrap() -= 1;
        }
    });
    let report = warm(calls).concurrency(3).run_blocking();
    assert_eq!(counts(report), (30, 0, 0));
    assert_eq!(most.into_inner().unwrap(), 3);
}

#[test]
fn progress_is_told_on_the_thread_of_the_caller() {
    let users = Users::new();
    let here = std::thread::current().id();
    let (tell, told) = mpsc::channel();
    let report = warm((1..50).map(|id| {
        let users = &users;
        move || users.total(id)
    }))
    .on_progress(move |progress| {
        assert_eq!(std::thread::current().id(), here);
        tell.send(progress.ended()).unwrap();
    })
    .run_blocking();
    assert_eq!(counts(report), (48, 0, 1));
    let told: Vec<u64> = told.iter().collect();
    assert_eq!(told, (1..50).collect::<Vec<_>>());
}

#[test]
fn nothing_starts_no_thread() {
    let report = warm(Vec::<fn()>::new()).run_blocking();
    assert_eq!(counts(report), (0, 0, 0));
}

#[tokio::test]
async fn calls_belong_to_the_runtime_of_the_caller() {
    let users = Users::open();
    let calls = Arc::clone(&users);
    let spawning = move || drop(tokio::spawn(async move { calls.get(1).await }));
    let report = tokio::task::spawn_blocking(|| warm([spawning]).run_blocking());
    assert_eq!(counts(report.await.unwrap()), (1, 0, 0));
}
