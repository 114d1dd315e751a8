//! What conditions may mention, in every shape of function.

use std::borrow::Cow;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use cachewright::{Cache, CacheValue, LocalValue, cached};

struct Service {
    cache: Cache,
    least: usize,
    bodies: AtomicU32,
}

struct Filter {
    least: usize,
    name: String,
}

fn is_short(value: &str) -> bool {
    value.len() < 5
}

fn at_least(least: usize) -> impl Fn(&str) -> bool {
    move |value| value.len() >= least
}

impl Service {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            cache: Cache::builder().build().unwrap(),
            least: 3,
            bodies: AtomicU32::new(0),
        })
    }

    fn body(&self, value: &str) -> String {
        self.bodies.fetch_add(1, SeqCst);
        value.to_owned()
    }

    #[cached(cache = self.cache, store_if = |kept| kept.len() >= self.least)]
    async fn of_self(&self, value: String) -> Option<String> {
        Some(self.body(&value))
    }

    #[cached(cache = self.cache, store_if = |kept: &String| kept.len() >= least.len())]
    async fn borrowed<'a>(&self, value: &'a str, least: &'a str) -> Result<String, Cow<'a, str>> {
        Ok(self.body(value))
    }

    // The body takes the filter away; a part that is `Copy` was taken before.
    #[cached(cache = self.cache, key(filter.name), store_if = |kept| kept.len() >= filter.least)]
    async fn owned(&self, filter: Filter) -> String {
        let Filter { name, .. } = filter;
        self.body(&name)
    }

    #[cached(
        cache = self.cache,
        store_if = { let service = Arc::clone(&self); move |kept| kept.len() >= service.least },
    )]
    async fn shared(self: Arc<Self>, value: &str) -> String {
        let value = self.body(value);
        drop(self);
        value
    }

    #[cached(cache = self.cache, store_if = is_short)]
    fn named(&self, value: &str) -> String {
        self.body(value)
    }

    #[cached(cache = self.cache, store_if = |kept| at_least(*first)(kept))]
    async fn taken_apart(&self, first: &usize, (value, _): (&str, u8)) -> Option<String> {
        Some(self.body(value))
    }

    // A function and a pattern may have one name, and a closure may bind it anew.
    #[cached(cache = self.cache, bypass_if = is_short("long enough"), store_if = |value| is_short(value))]
    fn same_names(&self, (value, is_short): (&str, u8)) -> String {
        let _ = is_short;
        self.body(value)
    }

    #[cached(
        cache = self.cache,
        outcome = "value",
        skip(keeps),
        store_if = |kept: &T| keeps(kept),
        ttl_with = |_| Duration::from_secs(60),
    )]
    async fn generic<T: CacheValue>(&self, value: T, keeps: fn(&T) -> bool) -> T {
        self.bodies.fetch_add(1, SeqCst);
        value
    }

    #[cached(cache = self.cache, tier = "memory", store_if = |kept| kept.0 > 3)]
    async fn local(&self, number: u32) -> Option<Local> {
        self.bodies.fetch_add(1, SeqCst);
        Some(Local(number))
    }

    #[cached(cache = self.cache, store_if = |kept| *kept > 3)]
    fn boxed(
        self: Arc<Self>,
        number: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u32, ()>> + Send>> {
        Box::pin(async move {
            self.bodies.fetch_add(1, SeqCst);
            Ok(number)
        })
    }
}

#[derive(Clone)]
struct Local(u32);

#[async_trait]
trait Names: Sync {
    async fn name(&self, id: u32, least: usize) -> Option<String>;

    async fn bodies(&self) -> u32;

    #[cached(store_if = |kept| *kept > limit, ttl_with = |_| Duration::from_secs(60))]
    async fn provided(&self, number: u32, limit: u32) -> u32 {
        self.bodies().await + number.max(limit.min(1))
    }
}

#[async_trait]
impl Names for Service {
    #[cached(cache = self.cache, store_if = |kept| kept.len() >= least.max(self.least))]
    async fn name(&self, id: u32, least: usize) -> Option<String> {
        Some(self.body(&"x".repeat(id as usize).repeat(least.min(1))))
    }

    async fn bodies(&self) -> u32 {
        self.bodies.fetch_add(1, SeqCst)
    }
}

/// Whether the second of two calls runs the body.
macro_rules! is_kept {
    ($service:ident, $call:expr) => {{
        let begin = $service.bodies.load(SeqCst);
        let _ = $call;
        assert_eq!($service.bodies.load(SeqCst), begin + 1);
        let _ = $call;
        $service.bodies.load(SeqCst) == begin + 1
    }};
}

#[tokio::test]
async fn conditions_mention_self_and_arguments() {
    let service = Service::new();
    assert!(is_kept!(service, service.of_self("abc".to_owned()).await));
    assert!(!is_kept!(service, service.of_self("ab".to_owned()).await));
    assert!(is_kept!(service, service.borrowed("abc", "abc").await));
    assert!(!is_kept!(service, service.borrowed("ab", "abc").await));
    let filter = |name: &str| Filter {
        least: 2,
        name: name.to_owned(),
    };
    assert!(is_kept!(service, service.owned(filter("ab")).await));
    assert!(!is_kept!(service, service.owned(filter("a")).await));
    assert!(is_kept!(service, Arc::clone(&service).shared("abc").await));
    assert!(!is_kept!(service, Arc::clone(&service).shared("ab").await));
    assert!(is_kept!(service, service.taken_apart(&1, ("a", 0)).await));
    assert!(!is_kept!(service, service.taken_apart(&2, ("a", 0)).await));
}

#[test]
fn functions_are_named_and_may_be_named_like_what_a_pattern_binds() {
    let service = Service::new();
    assert!(is_kept!(service, service.named("abcd")));
    assert!(!is_kept!(service, service.named("abcde")));
    assert!(is_kept!(service, service.same_names(("abcd", 1))));
    assert!(!is_kept!(service, service.same_names(("abcde", 1))));
}

#[tokio::test]
async fn values_of_generic_functions_and_of_the_memory_tier_are_judged() {
    let service = Service::new();
    assert!(is_kept!(
        service,
        service.generic(1_u8, |kept| *kept < 2).await
    ));
    assert!(!is_kept!(
        service,
        service.generic(2_u8, |kept| *kept < 2).await
    ));
    assert!(is_kept!(
        service,
        service
            .generic("a".to_owned(), |kept| kept.is_ascii())
            .await
    ));
    assert!(is_kept!(service, service.local(4).await));
    assert!(!is_kept!(service, service.local(3).await));
}

#[tokio::test]
async fn boxed_functions_and_those_of_async_trait_have_conditions() {
    let service = Service::new();
    assert!(is_kept!(service, Arc::clone(&service).boxed(4).await));
    assert!(!is_kept!(service, Arc::clone(&service).boxed(3).await));
    let names: &dyn Names = &*service;
    assert!(is_kept!(service, names.name(4, 4).await));
    assert!(!is_kept!(service, names.name(3, 4).await));
    assert!(!is_kept!(service, names.name(2, 1).await));
    assert!(is_kept!(service, names.provided(2_000, 1_000).await));
    assert!(!is_kept!(service, names.provided(2, 1_000).await));
}

#[cached(bypass_if = limit.get() > 3, skip(limit), store_if = |kept| *kept > limit.get(), ttl_with = |_| Duration::from_secs(1))]
async fn of_a_cell(id: u32, limit: Cell<u32>) -> u32 {
    id
}

#[cached(skip(limit), store_if = |kept| *kept > limit.get(), outcome = "result")]
async fn fails_on_its_thread(id: u32, limit: Rc<Cell<u32>>) -> Result<u32, Rc<str>> {
    Ok(id)
}

#[cached(store_if = |kept| *kept > 3)]
async fn fails(id: u32) -> Result<u32, Rc<str>> {
    Ok(id)
}

#[cached(skip(sender), store_if = |kept| sender.send(*kept).is_ok())]
async fn told(id: u32, sender: std::sync::mpsc::Sender<u32>) -> u32 {
    id
}

/// Each condition goes into one future only, and is moved into it: what it mentions need not be `Sync`.
#[tokio::test]
async fn a_future_is_as_send_as_its_arguments() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    assert_eq!(is_send(of_a_cell(1, Cell::new(0))).await, 1);
    assert_eq!(is_send(fails(1)).await, Ok(1));
    let service = Service::new();
    is_send(service.of_self(String::new())).await;
    is_send(Arc::clone(&service).shared("")).await;
    let (sender, told_of) = std::sync::mpsc::channel();
    assert_eq!(is_send(told(5, sender)).await, 5);
    assert_eq!(told_of.try_recv(), Ok(5));
    assert_eq!(fails_on_its_thread(1, Rc::new(Cell::new(3))).await, Ok(1));
}

const _: () = {
    fn is_local<V: LocalValue>() {}
    let _ = is_local::<Local>;
};
