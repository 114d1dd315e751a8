//! A cache in the paused time of a tokio runtime.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::testing::{
    Fault, Operation, ScriptedStore, TokioClock, assert_cached, assert_not_cached,
};
use cachewright::{Cache, cached, invalidate_cache};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, advance, sleep};

use crate::service::until;

const MINUTE: Duration = Duration::from_secs(60);

struct Service {
    cache: Cache,
    bodies: AtomicU64,
    gate: Notify,
}

impl Service {
    fn with(cache: Cache) -> Arc<Self> {
        Arc::new(Self {
            cache,
            bodies: AtomicU64::new(0),
            gate: Notify::new(),
        })
    }

    fn new() -> Arc<Self> {
        let builder = Cache::builder().clock(TokioClock::current());
        Self::with(builder.build().unwrap())
    }

    #[cached(cache = self.cache, ttl = "1m", key_prefix = "user:{id}")]
    async fn get(&self, id: u64) -> u64 {
        self.bodies.fetch_add(1, SeqCst);
        id
    }

    #[cached(cache = self.cache)]
    async fn slow(&self) -> u64 {
        let body = self.bodies.fetch_add(1, SeqCst);
        if body == 0 {
            self.gate.notified().await;
        }
        body
    }

    #[invalidate_cache("user:*", cache = self.cache)]
    async fn write(&self) {
        self.gate.notified().await;
    }

    #[invalidate_cache("user:{id}", cache = self.cache)]
    async fn write_one(&self, id: u64) -> u64 {
        id
    }

    fn invalidations(&self) -> u64 {
        self.cache.stats().invalidations
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_ends_when_the_time_of_the_runtime_says_so() {
    let service = Service::new();
    service.get(1).await;
    advance(MINUTE - Duration::from_millis(1)).await;
    assert_cached!(service.get(1)).await;
    advance(Duration::from_millis(1)).await;
    assert_not_cached!(service.get(1)).await;

    service.get(1).await;
    sleep(MINUTE).await;
    assert_not_cached!(service.get(1), "time moves by itself, too").await;
    service.get(1).await;
    assert_eq!(service.bodies.load(SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_follower_waits_for_its_patience_and_no_longer() {
    let service = Service::new();
    let mut leader = pin!(service.slow());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut cx).is_pending());
    let began = Instant::now();
    assert_eq!(service.slow().await, 1);
    let waited = began.elapsed();
    let patience = Duration::from_secs(10);
    assert!(waited >= patience && waited < patience * 2, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_dropped_invalidates_again_when_its_outcome_has_settled() {
    let service = Service::new();
    {
        let mut write = pin!(service.write());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(write.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(service.invalidations(), 1);
    // A reader fills before the writer's statement has got to the database.
    service.get(1).await;
    advance(Duration::from_secs(29)).await;
    yield_now().await;
    assert_cached!(service.get(1)).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(service.invalidations(), 2);
    assert_not_cached!(service.get(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_reclaimed_when_something_is_kept() {
    let service = Service::new();
    for round in 0..3 {
        for id in 0..10 {
            service.get(round * 10 + id).await;
        }
        sleep(MINUTE * 2).await;
    }
    service.get(30).await;
    until(|| service.cache.stats().entries == 1).await;
}

#[test]
fn that_entries_expire_moves_no_time() {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(async {
        let service = Service::new();
        service.get(1).await;
        let before = Instant::now();
        let (answer, answered) = oneshot::channel();
        std::thread::spawn(move || {
            // Long enough for the runtime to have nothing else to do: then it would move the time.
            std::thread::sleep(Duration::from_millis(20));
            answer.send(()).unwrap();
        });
        answered.await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_cached!(service.get(1)).await;
    });
}

#[tokio::test(start_paused = true)]
async fn what_a_store_has_not_acknowledged_is_tried_again() {
    let clock = TokioClock::current();
    let store = ScriptedStore::with_clock(clock.clone());
    let cache = Cache::builder().namespace("app").clock(clock);
    let cache = cache.store(store.clone()).store_timeout(MINUTE).build();
    let service = Service::with(cache.unwrap());
    service.get(1).await;
    store.next(3, Operation::Invalidate, Fault::Outage);
    service.write_one(1).await;
    assert_not_cached!(service.get(1)).await;
    let patience = std::time::Instant::now() + MINUTE;
    while service.cache.stats().pending_invalidations > 0 {
        assert!(std::time::Instant::now() < patience, "it is not tried");
        sleep(Duration::from_millis(100)).await;
    }
    service.get(1).await;
    assert_cached!(service.get(1)).await;

    store.next(1, Operation::Read, Fault::Delayed(MINUTE / 2));
    let began = Instant::now();
    service.get(1).await;
    assert!(began.elapsed() >= MINUTE / 2);

    sleep(MINUTE).await;
    assert_not_cached!(service.get(1), "the store has the same time").await;
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_is_gone_leaves_no_task() {
    let service = Service::new();
    let mut cx = Context::from_waker(Waker::noop());
    let follower = {
        let mut leader = Box::pin(service.slow());
        assert!(leader.as_mut().poll(&mut cx).is_pending());
        let mut follower = Box::pin(service.slow());
        assert!(follower.as_mut().poll(&mut cx).is_pending());
        drop(leader);
        follower
    };
    drop(follower);
    yield_now().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 1);
    drop(service);
    until(|| tasks() == 0).await;
}

#[test]
fn a_cache_that_outlives_its_runtime_still_works() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let service = runtime.block_on(async { Service::new() });
    drop(runtime);
    let runtime = Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(service.get(1)), 1);
    runtime.block_on(async { assert_cached!(service.get(1)).await });
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_runtime_without_time_is_refused() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(TokioClock::current()) });
}
