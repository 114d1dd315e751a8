//! A call that is made as far as its look-up tells which entry it is of, and does nothing else.

use std::cell::Cell;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use cachewright::__private::{Rehearsed, Unknown, rehearse, rehearse_blocking};
use cachewright::{Cache, Rollout, cached, defer, invalidate_cache};
use serde::Serialize;

type Learned = Result<Box<Rehearsed>, Unknown>;

struct Service {
    cache: Cache,
    tenant: u32,
    bodies: AtomicU64,
}

#[async_trait]
trait Boxed {
    async fn boxed(&self, id: u64) -> u64;
}

trait Named {
    fn native(&self, id: u64) -> impl Future<Output = u64> + Send;
}

impl Service {
    fn new() -> Self {
        Self {
            cache: Cache::builder().namespace("app").build().unwrap(),
            tenant: 7,
            bodies: AtomicU64::new(0),
        }
    }

    fn run(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    #[cached(cache = self.cache, ttl = "1m", key_prefix = "user:{id}", scope = self.tenant)]
    async fn of_tenant(&self, id: u64) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, skip(_trace))]
    async fn traced(&self, id: u64, _trace: &str) -> u64 {
        id + self.run()
    }

    #[cached(cache = self.cache)]
    async fn generic<T: Serialize + Send + Sync>(&self, of: T) -> u64 {
        drop(of);
        self.run()
    }

    #[cached(cache = self.cache)]
    fn blocking(&self, id: u64) -> u64 {
        id + self.run()
    }

    #[cached(cache = self.cache, ttl = self.lifetime(), none_ttl = self.lifetime() / 2)]
    async fn lasting(&self, id: u64) -> Option<u64> {
        Some(id + self.run())
    }

    #[cached(cache = self.cache, store_if = |answer: &u64| *answer > id)]
    async fn conditional(&self, id: u64) -> u64 {
        id + self.run()
    }

    #[cached(cache = self.cache)]
    async fn unwritable(&self, _of: Unwritable) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache)]
    async fn countdown(&self, from: u64) -> u64 {
        self.run();
        match from.checked_sub(1) {
            Some(next) => Box::pin(self.countdown(next)).await,
            None => 0,
        }
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn write(&self, id: u64) -> u64 {
        id + self.run()
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    fn write_blocking(&self, id: u64) -> u64 {
        id + self.run()
    }

    /// Reached through this.
    async fn wrapper(&self, id: u64) -> u64 {
        self.of_tenant(id).await + 1
    }

    /// Nobody caches this.
    async fn bare(&self) -> u64 {
        self.run()
    }

    fn lifetime(&self) -> Duration {
        // An expression may make a call of its own, which is a call like any other.
        Duration::from_secs(60 + self.blocking(0))
    }

    fn has_done_nothing(&self) -> bool {
        let stats = self.cache.stats();
        let idle = stats.functions.is_empty() && stats.invalidations == 0;
        idle && self.cache.keys().is_empty() && self.bodies.load(SeqCst) == 0
    }
}

#[async_trait]
impl Boxed for Service {
    #[cached(cache = self.cache)]
    async fn boxed(&self, id: u64) -> u64 {
        id + self.run()
    }
}

impl Named for Service {
    #[cached(cache = self.cache)]
    async fn native(&self, id: u64) -> u64 {
        id + self.run()
    }
}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

fn key(learned: Learned) -> String {
    learned.unwrap().visible_key().unwrap()
}

fn why(learned: Learned) -> Unknown {
    learned.unwrap_err()
}

/// Rehearses a call, makes it, and expects what was learned to be the key of the one entry.
macro_rules! agrees {
    ($service:ident => $call:expr) => {{
        let $service = Service::new();
        let learned = key(rehearse($call));
        assert!($service.has_done_nothing());
        $call.await;
        assert_eq!($service.cache.keys(), [learned.as_str()]);
        assert_eq!(key(rehearse($call)), learned, "though it is there now");
        learned
    }};
}

#[tokio::test]
async fn the_entry_is_the_one_that_the_call_then_fills() {
    let scoped = agrees!(service => service.of_tenant(42));
    assert!(scoped.starts_with("app:user:42:of_tenant:"), "{scoped}");
    agrees!(service => service.traced(1, "a"));
    agrees!(service => service.generic("a"));
    agrees!(service => service.generic(vec![1_u8]));
    agrees!(service => service.boxed(1));
    agrees!(service => service.native(1));
    agrees!(service => service.wrapper(1));
}

#[tokio::test]
async fn what_is_skipped_tells_nothing_apart_and_what_scopes_does() {
    let service = Service::new();
    let traced = |trace| key(rehearse(service.traced(1, trace)));
    assert_eq!(traced("a"), traced("b"));
    let other = Service {
        tenant: 8,
        ..Service::new()
    };
    let (own, others) = (rehearse(service.of_tenant(1)), rehearse(other.of_tenant(1)));
    assert_ne!(key(own), key(others));
}

#[tokio::test]
async fn instances_of_a_generic_function_are_told_apart() {
    let service = Service::new();
    let of_a_number = key(rehearse(service.generic(1_u64)));
    let of_a_small_one = key(rehearse(service.generic(1_u8)));
    assert_ne!(of_a_number, of_a_small_one);
}

#[test]
fn a_synchronous_call_is_stopped_without_a_panic_that_anybody_sees() {
    static PANICS: AtomicU64 = AtomicU64::new(0);
    let before = std::panic::take_hook();
    let mine = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == mine {
            PANICS.fetch_add(1, SeqCst);
        }
        before(info);
    }));
    let service = Service::new();
    let learned = key(rehearse_blocking(|| service.blocking(1)));
    assert!(service.has_done_nothing());
    assert_eq!(PANICS.load(SeqCst), 0);
    service.blocking(1);
    assert_eq!(service.cache.keys(), [learned]);
}

#[tokio::test]
async fn what_the_call_would_do_is_known_too() {
    let service = Service::new();
    let lasting = rehearse(service.lasting(1)).unwrap();
    let minute = Duration::from_secs(60);
    assert_eq!(lasting.ttl(), Some(minute));
    assert_eq!(lasting.none_ttl(), Some(minute / 2));
    assert_eq!(lasting.value_type(), "u64");
    assert_eq!(lasting.name(), "lasting");
    assert!(lasting.place().0.ends_with("rehearsal.rs"));
    assert!(!lasting.is_bypassed());
    // What its expressions call runs, and is no part of it.
    assert_eq!(service.bodies.load(SeqCst), 1);
    assert_eq!(service.cache.keys().len(), 1);
}

#[tokio::test]
async fn that_a_call_asks_something_about_its_value_is_known() {
    let service = Service::new();
    assert!(rehearse(service.conditional(1)).unwrap().is_conditional());
    assert!(!rehearse(service.traced(1, "a")).unwrap().is_conditional());
}

#[tokio::test]
async fn a_rollout_that_leaves_the_call_out_is_told_and_not_counted() {
    let service = Service::new();
    let on = key(rehearse(service.of_tenant(1)));
    service.cache.set_rollout(Rollout::Off).unwrap();
    let off = rehearse(service.of_tenant(1)).unwrap();
    assert!(off.is_bypassed());
    assert_eq!(off.visible_key().unwrap(), on);
    assert!(service.has_done_nothing());
}

#[tokio::test]
async fn arguments_that_cannot_be_written_are_told_and_not_counted() {
    let service = Service::new();
    let learned = rehearse(service.unwritable(Unwritable)).unwrap();
    assert!(learned.visible_key().is_err());
    assert!(service.has_done_nothing());
}

#[tokio::test]
async fn what_comes_by_no_cached_function_is_not_known() {
    let service = Service::new();
    assert_eq!(why(rehearse(ready(1))), Unknown::Ended);
    assert_eq!(why(rehearse(pending::<()>())), Unknown::Waits);
    assert_eq!(why(rehearse_blocking(|| 1)), Unknown::Ended);
    // Not annotated: there is nothing that could stop it.
    assert_eq!(why(rehearse(service.bare())), Unknown::Ended);
    assert_eq!(service.bodies.load(SeqCst), 1);
}

#[tokio::test]
async fn a_writer_is_stopped_before_its_body_and_invalidates_nothing() {
    let service = Service::new();
    let write = why(rehearse(service.write(1)));
    assert_eq!(write, Unknown::Writer("write"));
    let write = why(rehearse_blocking(|| service.write_blocking(1)));
    assert_eq!(write, Unknown::Writer("write_blocking"));
    assert!(service.has_done_nothing());
}

#[tokio::test]
async fn of_several_calls_the_first_counts_and_none_runs() {
    let service = Service::new();
    let both = async { tokio::join!(service.of_tenant(1), service.of_tenant(2), service.write(3)) };
    let learned = key(rehearse(both));
    assert!(service.has_done_nothing());
    assert_eq!(learned, key(rehearse(service.of_tenant(1))));
}

#[tokio::test]
async fn a_recursive_function_is_known_by_its_outermost_call() {
    let service = Service::new();
    let learned = key(rehearse(service.countdown(3)));
    assert!(service.has_done_nothing());
    service.countdown(3).await;
    assert_eq!(service.cache.keys().len(), 4);
    assert!(service.cache.keys().contains(&learned));
    assert_ne!(learned, key(rehearse(service.countdown(2))));
}

#[tokio::test]
async fn a_rehearsal_inside_of_a_block_a_body_or_another_one_is_its_own() {
    let service = Service::new();
    let outside = key(rehearse(service.of_tenant(1)));
    let inside: Result<String, ()> = defer(async {
        service.write(1).await;
        Ok(key(rehearse(service.of_tenant(1))))
    })
    .await;
    assert_eq!(inside.unwrap(), outside);

    let cache = &service.cache;
    let in_body: Result<String, ()> = cache
        .get_or_set("key", None, async || {
            Ok(key(rehearse(service.of_tenant(1))))
        })
        .await;
    assert_eq!(in_body.unwrap(), outside);

    let nested = Cell::new(None);
    let outer = rehearse(async {
        nested.set(Some(key(rehearse(service.of_tenant(2)))));
        service.of_tenant(1).await
    });
    assert_eq!(key(outer), outside);
    assert_eq!(
        nested.into_inner(),
        Some(key(rehearse(service.of_tenant(2))))
    );
}

#[tokio::test]
async fn a_block_around_the_call_does_nothing() {
    let service = Service::new();
    let block = defer(async { Ok::<_, ()>(service.of_tenant(1).await) });
    let learned = key(rehearse(block));
    assert!(service.has_done_nothing());
    assert_eq!(learned, key(rehearse(service.of_tenant(1))));
}

/// Drives a future as a runtime does, with a waker of its own.
fn drive<T>(future: impl Future<Output = T>) -> T {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Nobody));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
}

#[test]
fn a_call_that_is_waited_for_on_the_thread_is_stopped_too() {
    let service = Service::new();
    let learned = key(rehearse_blocking(|| drive(service.of_tenant(1))));
    assert_eq!(learned, key(rehearse(service.of_tenant(1))));
    let inside = async { drive(service.of_tenant(1)) };
    assert_eq!(learned, key(rehearse(inside)));
    let inside = async { service.blocking(1) };
    let blocking = key(rehearse_blocking(|| service.blocking(1)));
    assert_eq!(blocking, key(rehearse(inside)));
    assert!(service.has_done_nothing());
}

#[tokio::test]
async fn a_panic_goes_on_and_ends_the_rehearsal() {
    let service = Service::new();
    let panic = || resume_unwind(Box::new("mine"));
    for ended in [
        catch_unwind(AssertUnwindSafe(|| rehearse(async { panic() }))),
        catch_unwind(AssertUnwindSafe(|| rehearse_blocking(panic))),
    ] {
        let payload = ended.map(drop).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"mine"));
        let before = service.bodies.load(SeqCst);
        service.cache.clear().await.unwrap();
        service.of_tenant(1).await;
        assert_eq!(service.bodies.load(SeqCst), before + 1, "a call as always");
    }
}

/// Makes a call when it is dropped.
struct Late<'a>(&'a Service, &'a Mutex<Vec<&'static str>>);

impl Drop for Late<'_> {
    fn drop(&mut self) {
        self.0.blocking(9);
        self.1.lock().unwrap().push("dropped");
    }
}

#[test]
fn what_the_call_holds_is_dropped_outside_of_the_rehearsal() {
    let (service, order) = (Service::new(), Mutex::default());
    let held = async {
        let _late = Late(&service, &order);
        service.of_tenant(1).await
    };
    let learned = rehearse(held);
    order.lock().unwrap().push("learned");
    assert_eq!(*order.lock().unwrap(), ["dropped", "learned"]);
    assert_eq!(service.bodies.load(SeqCst), 1, "of the call in the drop");

    let learned_too = rehearse_blocking(|| {
        let _late = Late(&service, &order);
        service.blocking(1)
    });
    assert_eq!(service.bodies.load(SeqCst), 1, "a hit");
    assert_eq!(key(learned), key(rehearse(service.of_tenant(1))));
    assert_eq!(
        key(learned_too),
        key(rehearse_blocking(|| service.blocking(1)))
    );
}

#[tokio::test]
async fn calls_of_other_threads_are_calls_as_always() {
    let service = Service::new();
    let learned = rehearse(async {
        std::thread::scope(|threads| {
            threads.spawn(|| service.blocking(1)).join().unwrap();
        });
        service.of_tenant(1).await
    });
    assert_eq!(service.bodies.load(SeqCst), 1);
    assert_eq!(service.cache.stats().functions[0].misses, 1);
    assert_eq!(key(learned), key(rehearse(service.of_tenant(1))));
}

#[test]
fn what_was_learned_can_be_sent_and_outlives_the_call() {
    let learned = {
        let service = Service::new();
        rehearse(service.of_tenant(1)).unwrap()
    };
    let sent = std::thread::spawn(move || learned.visible_key().unwrap());
    assert!(sent.join().unwrap().starts_with("app:user:1:of_tenant:"));
}

#[tokio::test]
async fn calls_after_a_rehearsal_hit_and_are_counted_as_before() {
    let service = Service::new();
    service.of_tenant(1).await;
    _ = rehearse(service.of_tenant(1)).unwrap();
    service.of_tenant(1).await;
    let stats = service.cache.stats();
    assert_eq!((stats.functions[0].hits, stats.functions[0].misses), (1, 1));
    assert_eq!(service.bodies.load(SeqCst), 1);
}
