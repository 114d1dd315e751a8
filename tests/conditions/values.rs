//! `store_if`: values that are not kept, and what becomes of those who wait.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached};
use tokio::sync::Semaphore;

struct Names {
    cache: Cache,
    /// One permit lets one body go on.
    gate: Semaphore,
    bodies: AtomicU32,
    asked: AtomicU32,
}

impl Names {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            cache: Cache::builder().clock(SteppedClock::new()).build().unwrap(),
            gate: Semaphore::new(0),
            bodies: AtomicU32::new(0),
            asked: AtomicU32::new(0),
        })
    }

    fn open(names: Arc<Self>) -> Arc<Self> {
        names.gate.add_permits(1_000);
        names
    }

    async fn body(&self, number: u32) -> u32 {
        self.bodies.fetch_add(1, SeqCst);
        self.gate.acquire().await.unwrap().forget();
        number
    }

    fn is_even(&self, number: u32) -> bool {
        self.asked.fetch_add(1, SeqCst);
        assert_ne!(number, 13, "it is asked");
        number.is_multiple_of(2)
    }

    #[cached(cache = self.cache, store_if = |kept| self.is_even(*kept))]
    async fn even(&self, number: u32) -> Result<u32, String> {
        Ok(self.body(number).await)
    }

    #[cached(cache = self.cache, ttl_with = |kept| Duration::from_secs(kept.checked_sub(13).unwrap().into()))]
    async fn lease(&self, number: u32) -> u32 {
        self.body(number).await
    }

    #[cached(
        cache = self.cache,
        store_if = |kept| *kept > 3 && self.is_even(*kept),
        ttl_with = |kept| { self.asked.fetch_add(100, SeqCst); Duration::from_secs((*kept).into()) },
    )]
    fn both(&self, number: u32) -> u32 {
        self.bodies.fetch_add(1, SeqCst);
        number
    }

    #[cached(cache = self.cache, store_if = |kept| *kept > 0 || self.recursive(id) == 1)]
    fn recursive(&self, id: u32) -> u32 {
        self.bodies.fetch_add(1, SeqCst)
    }
}

#[tokio::test]
async fn only_values_that_meet_the_condition_are_kept() {
    let names = Names::open(Names::new());
    for _ in 0..3 {
        assert_eq!(names.even(2).await, Ok(2));
        assert_eq!(names.even(3).await, Ok(3));
    }
    assert_eq!(names.bodies.load(SeqCst), 1 + 3);
    assert_eq!(names.asked.load(SeqCst), 1 + 3, "a hit is not asked about");
}

#[test]
fn a_value_that_is_not_kept_is_not_asked_how_long() {
    let names = Names::new();
    for _ in 0..2 {
        names.both(2);
        names.both(5);
        names.both(8);
    }
    assert_eq!(names.bodies.load(SeqCst), 2 + 2 + 1);
    // 5 twice and 8 once whether; 8 alone how long.
    assert_eq!(names.asked.load(SeqCst), 3 + 100);
}

#[tokio::test]
async fn those_who_wait_get_what_is_not_kept() {
    let names = Names::new();
    let mut calls: Vec<_> = (0..10).map(|_| Box::pin(names.even(3))).collect();
    let mut cx = Context::from_waker(Waker::noop());
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut cx).is_pending());
    }
    names.gate.add_permits(1);
    for call in calls {
        assert_eq!(call.await, Ok(3));
    }
    assert_eq!(names.bodies.load(SeqCst), 1);
    assert_eq!(names.cache.stats().entries, 0);
    assert_eq!(names.cache.stats().computations, 0);
}

/// What comes next when a caller computes and its condition panics.
async fn assert_handed_over<T>(names: &Names, call: impl Fn(u32) -> T)
where
    T: Future,
{
    let (mut follower, mut leader) = (pin!(call(12)), pin!(call(12)));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut cx).is_pending());
    assert!(follower.as_mut().poll(&mut cx).is_pending());
    assert_eq!(names.bodies.load(SeqCst), 1, "one follows");
    names.gate.add_permits(1);
    let panicked = poll_fn(|cx| {
        let poll = std::panic::AssertUnwindSafe(|| leader.as_mut().poll(cx).is_ready());
        Poll::Ready(std::panic::catch_unwind(poll))
    });
    assert!(panicked.await.is_err());
    assert_eq!(names.cache.stats().entries, 0, "nothing is kept");
    assert!(follower.as_mut().poll(&mut cx).is_pending());
    assert_eq!(names.bodies.load(SeqCst), 2, "the follower computes");
}

#[tokio::test]
async fn a_panic_of_a_condition_hands_over_and_keeps_nothing() {
    let names = Names::new();
    assert_handed_over(&names, |number| names.even(number + 1)).await;
    let names = Names::new();
    assert_handed_over(&names, |number| names.lease(number)).await;
    assert_eq!(names.cache.stats().computations, 0);
}

#[test]
fn a_condition_that_calls_its_own_function_does_not_wait_for_itself() {
    let names = Names::new();
    let (tell, told) = mpsc::channel();
    let asked = Arc::clone(&names);
    thread::spawn(move || tell.send((asked.recursive(7), asked.recursive(7))));
    let answers = told.recv_timeout(Duration::from_secs(10));
    assert_eq!(answers, Ok((0, 0)), "the outer value is kept");
    assert_eq!(names.bodies.load(SeqCst), 2);
}
