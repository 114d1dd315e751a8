//! Bodies that run when their call has been answered: how many, for how long, where, and what is left
//! of those that do not come to their end.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use cache_core::testing::{ScriptedStore, SteppedClock};
use cachewright::{Cache, CacheBuilder, cached, defer};
use tokio::sync::Semaphore;
use tracing::Instrument;

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(100);

#[derive(Clone)]
struct Service(Arc<Inner>);

struct Inner {
    cache: Cache,
    clock: SteppedClock,
    asked: AtomicU32,
    /// Bodies that came to their end.
    ended: AtomicU32,
    dropped: AtomicU32,
    is_slow: AtomicBool,
    panics: AtomicBool,
    permits: Semaphore,
    /// How often a synchronous body may go on.
    passes: Mutex<u32>,
    passed: Condvar,
    ran_on: Mutex<Vec<ThreadId>>,
    /// The spans that bodies ran in.
    spans: Mutex<Vec<Option<tracing::Id>>>,
}

/// A subscriber that knows which span a thread is in.
mod spans {
    use std::cell::RefCell;
    use std::sync::Mutex;

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};
    use tracing_core::span::Current;

    thread_local! {
        static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
    }

    pub(crate) fn current() -> Option<Id> {
        ENTERED.with_borrow(|entered| entered.last().cloned())
    }

    /// The spans that there were, by their ids less one.
    #[derive(Default)]
    pub(crate) struct Spans(Mutex<Vec<&'static Metadata<'static>>>);

    impl Subscriber for Spans {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.is_span()
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            let mut spans = self.0.lock().unwrap();
            spans.push(span.metadata());
            Id::from_u64(spans.len() as u64)
        }

        fn enter(&self, id: &Id) {
            ENTERED.with_borrow_mut(|entered| entered.push(id.clone()));
        }

        fn exit(&self, _: &Id) {
            ENTERED.with_borrow_mut(Vec::pop);
        }

        fn current_span(&self) -> Current {
            let Some(id) = current() else {
                return Current::none();
            };
            let metadata = self.0.lock().unwrap()[id.into_u64() as usize - 1];
            Current::new(id, metadata)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {}
    }
}

/// Counts the bodies that were given up.
struct Unfinished<'a>(&'a Inner, bool);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, SeqCst);
        }
    }
}

impl Service {
    fn new(builder: CacheBuilder) -> Self {
        let clock = SteppedClock::new();
        let cache = builder.clock(clock.clone()).build().unwrap();
        Self(Arc::new(Inner {
            cache,
            clock,
            asked: AtomicU32::new(0),
            ended: AtomicU32::new(0),
            dropped: AtomicU32::new(0),
            is_slow: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            permits: Semaphore::new(0),
            passes: Mutex::new(0),
            passed: Condvar::new(),
            ran_on: Mutex::default(),
            spans: Mutex::default(),
        }))
    }

    #[cached(cache = self.0.cache, ttl = 100, stale_while_revalidate = 1000)]
    async fn get(&self, id: u32) -> u32 {
        self.body().await + id
    }

    #[cached(cache = self.0.cache, ttl = 100, stale_if_error = 1000, timeout = 1)]
    async fn get_in_time(&self) -> Result<u32, String> {
        Ok(self.body().await)
    }

    #[cached(cache = self.0.cache, ttl = 100, stale_while_revalidate = 1000)]
    fn get_in_sync(&self) -> u32 {
        self.sync_body()
    }

    #[cached(cache = self.0.cache, ttl = 100, stale_if_error = 1000, timeout = 1)]
    fn get_in_sync_in_time(&self) -> Result<u32, String> {
        Ok(self.sync_body())
    }

    async fn body(&self) -> u32 {
        let number = self.0.asked.fetch_add(1, SeqCst) + 1;
        self.0.spans.lock().unwrap().push(spans::current());
        let mut unfinished = Unfinished(&self.0, false);
        if self.0.is_slow.load(SeqCst) {
            self.0.permits.acquire().await.unwrap().forget();
        }
        assert!(!self.0.panics.load(SeqCst), "told to");
        unfinished.1 = true;
        self.0.ended.fetch_add(1, SeqCst);
        number
    }

    fn sync_body(&self) -> u32 {
        let number = self.0.asked.fetch_add(1, SeqCst) + 1;
        self.0
            .ran_on
            .lock()
            .unwrap()
            .push(std::thread::current().id());
        if self.0.is_slow.load(SeqCst) {
            let mut passes = self.0.passes.lock().unwrap();
            while *passes == 0 {
                passes = self.0.passed.wait(passes).unwrap();
            }
            *passes -= 1;
        }
        assert!(!self.0.panics.load(SeqCst), "told to");
        self.0.ended.fetch_add(1, SeqCst);
        number
    }

    fn pass(&self) {
        *self.0.passes.lock().unwrap() += 1;
        self.0.passed.notify_all();
    }

    fn asked(&self) -> u32 {
        self.0.asked.load(SeqCst)
    }

    fn slow(&self, slow: bool) {
        self.0.is_slow.store(slow, SeqCst);
    }

    fn advance(&self, span: Duration) {
        self.0.clock.advance(span);
    }

    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn there_are_no_more_at_once_than_are_allowed() {
    let service = Service::new(Cache::builder().background_limit(3));
    for id in 0..10 {
        service.get(id).await;
    }
    service.advance(TTL);
    service.slow(true);
    for id in 0..10 {
        assert_eq!(service.get(id).await, 2 * id + 1, "answered all the same");
    }
    service.settle().await;
    assert_eq!(service.asked(), 13);
    service.0.permits.add_permits(10);
    service.settle().await;
    service.slow(false);
    // Those that found no room had their pause.
    service.advance(SECOND);
    for id in 0..10 {
        service.get(id).await;
        service.settle().await;
    }
    assert_eq!(service.asked(), 20);
}

#[tokio::test]
async fn with_a_limit_of_none_nothing_runs_in_the_background() {
    let service = Service::new(Cache::builder().background_limit(0));
    assert_eq!(service.get(0).await, 1);
    assert_eq!(service.get_in_time().await, Ok(2));
    service.advance(TTL);
    assert_eq!(service.get(0).await, 1);
    assert_eq!(service.get_in_time().await, Ok(3), "waits for its body");
    service.settle().await;
    assert_eq!(service.asked(), 3);
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_given_up_and_tried_again_later() {
    let service = Service::new(Cache::builder().background_timeout(10 * SECOND));
    service.get(0).await;
    service.advance(TTL);
    service.slow(true);
    service.get(0).await;
    service.settle().await;
    service.advance(9 * SECOND);
    service.settle().await;
    assert_eq!(service.0.dropped.load(SeqCst), 0);
    service.advance(SECOND);
    service.settle().await;
    assert_eq!(service.0.dropped.load(SeqCst), 1);
    service.slow(false);
    service.get(0).await;
    service.settle().await;
    assert_eq!(service.asked(), 2, "not at once");
    service.advance(SECOND);
    service.get(0).await;
    service.settle().await;
    assert_eq!(service.get(0).await, 3);
}

#[tokio::test]
async fn none_outlives_the_shutdown_of_the_cache() {
    let service = Service::new(Cache::builder());
    service.get(0).await;
    service.get(1).await;
    service.advance(TTL);
    service.get(0).await;
    service.settle().await;
    service.slow(true);
    service.get(1).await;
    // The one comes to its end meanwhile, and the other does not.
    let cache = service.0.cache.clone();
    let shutdown = tokio::spawn(async move { cache.shutdown(5 * SECOND).await });
    service.settle().await;
    assert!(!shutdown.is_finished());
    service.advance(5 * SECOND);
    shutdown.await.unwrap().unwrap();
    service.settle().await;
    assert_eq!(service.0.ended.load(SeqCst), 3);
    assert_eq!(service.0.dropped.load(SeqCst), 1);
}

#[tokio::test]
async fn a_shutdown_ends_when_they_do() {
    let service = Service::new(Cache::builder());
    service.get(0).await;
    service.advance(TTL);
    service.get(0).await;
    // Its clock stands still.
    service.0.cache.shutdown(5 * SECOND).await.unwrap();
    assert_eq!(service.0.ended.load(SeqCst), 2);
}

#[tokio::test]
async fn a_panic_in_the_background_reaches_nobody_and_is_not_repeated_at_once() {
    let service = Service::new(Cache::builder());
    service.get(0).await;
    service.advance(TTL);
    service.0.panics.store(true, SeqCst);
    for _ in 0..3 {
        assert_eq!(service.get(0).await, 1);
        service.settle().await;
    }
    assert_eq!(service.asked(), 2);
    service.0.panics.store(false, SeqCst);
    service.advance(SECOND);
    service.get(0).await;
    service.settle().await;
    assert_eq!(service.get(0).await, 3);
}

#[tokio::test]
async fn a_caller_that_is_dropped_hands_its_body_over_to_others_and_not_to_the_background() {
    let service = Service::new(Cache::builder());
    assert_eq!(service.get_in_time().await, Ok(1));
    service.advance(TTL);
    service.slow(true);
    let caller = tokio::spawn({
        let service = service.clone();
        async move { service.get_in_time().await }
    });
    service.settle().await;
    caller.abort();
    service.settle().await;
    assert_eq!(service.0.dropped.load(SeqCst), 1);
    service.slow(false);
    assert_eq!(service.get_in_time().await, Ok(3));
}

#[tokio::test]
async fn callers_that_come_while_another_waits_are_answered_in_time_too() {
    let service = Service::new(Cache::builder());
    assert_eq!(service.get_in_time().await, Ok(1));
    service.advance(TTL);
    service.slow(true);
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.get_in_time().await })
        })
        .collect();
    service.settle().await;
    service.advance(SECOND);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok(1));
    }
    assert_eq!(service.asked(), 2);
    service.0.permits.add_permits(1);
    service.settle().await;
    assert_eq!(service.get_in_time().await, Ok(2));
}

#[tokio::test]
async fn inside_of_a_transaction_nothing_runs_in_the_background() {
    let service = Service::new(Cache::builder());
    service.get(0).await;
    service.advance(TTL);
    let inside: Result<u32, String> = defer(async { Ok(service.get(0).await) }).await;
    assert_eq!(inside, Ok(2), "computed here, and not kept");
    service.settle().await;
    assert_eq!(service.asked(), 2);
}

#[test]
fn without_a_runtime_they_run_on_threads() {
    let service = Service::new(Cache::builder());
    assert_eq!(service.get_in_sync(), 1);
    service.advance(TTL);
    assert_eq!(service.get_in_sync(), 1);
    // It is kept a moment after it has come to its end.
    while service.get_in_sync() == 1 {
        std::thread::yield_now();
    }
    assert_eq!(service.get_in_sync(), 2);
    let ran_on = service.0.ran_on.lock().unwrap();
    assert!(ran_on[0] == std::thread::current().id() && ran_on[1] != ran_on[0]);
}

#[test]
fn a_synchronous_body_is_waited_for_no_longer_than_said() {
    let store = ScriptedStore::new();
    for builder in [
        Cache::builder(),
        Cache::builder().namespace("app").store(store),
    ] {
        let service = Service::new(builder);
        assert_eq!(service.get_in_sync_in_time(), Ok(1));
        service.advance(TTL);
        service.slow(true);
        let caller = std::thread::spawn({
            let service = service.clone();
            move || service.get_in_sync_in_time()
        });
        while service.asked() < 2 {
            std::thread::yield_now();
        }
        while !caller.is_finished() {
            service.advance(SECOND);
            std::thread::yield_now();
        }
        assert_eq!(caller.join().unwrap(), Ok(1));
        service.pass();
        service.slow(false);
        while service.get_in_sync_in_time() == Ok(1) {
            service.advance(SECOND / 100);
            std::thread::yield_now();
        }
        assert_eq!(service.asked(), 2);
    }
}

#[test]
fn what_a_synchronous_body_gives_in_time_is_the_answer_and_its_panic_too() {
    let service = Service::new(Cache::builder());
    assert_eq!(service.get_in_sync_in_time(), Ok(1));
    service.advance(TTL);
    assert_eq!(service.get_in_sync_in_time(), Ok(2));
    service.advance(TTL);
    service.0.panics.store(true, SeqCst);
    let call = std::panic::AssertUnwindSafe(|| service.get_in_sync_in_time());
    let panic = std::panic::catch_unwind(call).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"told to"));
}

#[tokio::test]
async fn they_keep_the_span_of_their_caller() {
    let _guard = tracing::subscriber::set_default(spans::Spans::default());
    let service = Service::new(Cache::builder());
    let call = async || {
        let span = tracing::info_span!("request");
        service.get(0).instrument(span.clone()).await;
        span.id()
    };
    let first = call().await;
    service.advance(TTL);
    let second = call().await;
    service.settle().await;
    let spans = service.0.spans.lock().unwrap();
    assert!(first.is_some() && first != second);
    assert_eq!(*spans, [first, second]);
}
