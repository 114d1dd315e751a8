//! What is kept: `Ok` and `Some`, whatever the type is called; `None` if asked for; `Err` never.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached, invalidate_cache};

type Fallible<T> = std::result::Result<T, String>;
type Maybe = Option<u64>;

struct Source {
    cache: Cache,
    clock: SteppedClock,
    runs: AtomicU64,
}

impl Source {
    fn new() -> Self {
        let clock = SteppedClock::new();
        let cache = Cache::builder().clock(clock.clone());
        Self {
            cache: cache.default_ttl(Duration::from_secs(100)).build().unwrap(),
            clock,
            runs: AtomicU64::new(0),
        }
    }

    fn run(&self) -> u64 {
        self.runs.fetch_add(1, SeqCst) + 1
    }

    /// How many bodies `calls` ran.
    async fn runs<T>(&self, calls: impl AsyncFnOnce(&Self) -> T) -> u64 {
        let before = self.runs.load(SeqCst);
        calls(self).await;
        self.runs.load(SeqCst) - before
    }

    #[cached(cache = self.cache)]
    async fn aliased(&self, fails: bool) -> Fallible<u64> {
        let run = self.run();
        if fails {
            Err(format!("run {run}"))
        } else {
            Ok(run)
        }
    }

    #[cached(cache = self.cache)]
    async fn optional(&self, found: bool) -> Maybe {
        let run = self.run();
        found.then_some(run)
    }

    #[cached(cache = self.cache, none_ttl = 30)]
    async fn absent_kept(&self, found: bool) -> Option<u64> {
        let run = self.run();
        found.then_some(run)
    }

    #[cached(cache = self.cache, none_ttl = "30s", ttl = "1m")]
    async fn result_option(&self, what: &str) -> Fallible<Option<u64>> {
        let run = self.run();
        match what {
            "error" => Err("no".to_owned()),
            "none" => Ok(None),
            _ => Ok(Some(run)),
        }
    }

    #[cached(cache = self.cache)]
    async fn nested(&self) -> Option<Option<u64>> {
        self.run();
        Some(None)
    }

    #[cached(cache = self.cache, ttl = 60)]
    async fn seconds(&self) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, ttl = "1m30s")]
    async fn text(&self) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, ttl = Duration::from_millis(span), skip(span))]
    async fn expression(&self, span: u64) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, outcome = "value")]
    async fn generic<T: cachewright::CacheValue>(&self, value: T) -> T {
        self.run();
        value
    }

    async fn lives(&self, secs: u64, call: impl AsyncFn(&Self) -> u64) {
        let first = call(self).await;
        self.clock.advance(Duration::from_secs(secs - 1));
        assert_eq!(call(self).await, first, "a second before");
        self.clock.advance(Duration::from_secs(1));
        assert_ne!(call(self).await, first, "at the deadline");
    }
}

#[tokio::test]
async fn errors_are_never_kept_under_any_alias() {
    let source = Source::new();
    let fails = async |source: &Source| source.aliased(true).await.unwrap_err();
    assert_eq!(source.runs(fails).await, 1);
    assert_eq!(source.runs(fails).await, 1);
    let succeeds = async |source: &Source| source.aliased(false).await.unwrap();
    assert_eq!(source.runs(succeeds).await, 1);
    assert_eq!(source.runs(succeeds).await, 0);
}

#[tokio::test]
async fn none_is_not_kept_unless_asked_for() {
    let source = Source::new();
    assert_eq!(source.runs(async |s| s.optional(false).await).await, 1);
    assert_eq!(source.runs(async |s| s.optional(false).await).await, 1);
    assert_eq!(source.cache.stats().entries, 0);
    assert_eq!(source.runs(async |s| s.optional(true).await).await, 1);
    assert_eq!(source.runs(async |s| s.optional(true).await).await, 0);
}

#[tokio::test]
async fn none_is_kept_for_its_own_time() {
    let source = Source::new();
    assert_eq!(source.absent_kept(false).await, None);
    assert_eq!(
        source
            .runs(async |s| assert_eq!(s.absent_kept(false).await, None))
            .await,
        0
    );
    source.clock.advance(Duration::from_secs(29));
    assert_eq!(source.runs(async |s| s.absent_kept(false).await).await, 0);
    source.clock.advance(Duration::from_secs(1));
    assert_eq!(source.runs(async |s| s.absent_kept(false).await).await, 1);
}

#[tokio::test]
async fn a_result_of_an_option_splits_three_ways() {
    let source = Source::new();
    for (what, expected) in [("error", 2), ("none", 1), ("some", 1)] {
        let runs = source
            .runs(async |s| (s.result_option(what).await, s.result_option(what).await))
            .await;
        assert_eq!(runs, expected, "{what}");
    }
    assert_eq!(source.result_option("none").await, Ok(None));
}

#[tokio::test]
async fn an_option_in_an_option_is_a_value() {
    let source = Source::new();
    assert_eq!(source.nested().await, Some(None));
    assert_eq!(
        source
            .runs(async |s| assert_eq!(s.nested().await, Some(None)))
            .await,
        0
    );
}

#[tokio::test]
async fn a_hidden_return_type_is_what_the_attribute_says() {
    let source = Source::new();
    assert_eq!(source.generic(Some(1)).await, Some(1));
    assert_eq!(source.runs(async |s| s.generic(Some(1)).await).await, 0);
    assert_eq!(source.generic(None::<u8>).await, None);
    assert_eq!(source.runs(async |s| s.generic(None::<u8>).await).await, 0);
}

#[tokio::test]
async fn every_form_of_ttl_is_kept_to_the_second() {
    let source = Source::new();
    source.lives(60, async |s| s.seconds().await).await;
    source.lives(90, async |s| s.text().await).await;
    source.lives(45, async |s| s.expression(45_000).await).await;
    source
        .lives(100, async |s| s.aliased(false).await.unwrap())
        .await;
}

#[tokio::test]
async fn a_ttl_under_a_second_and_a_ttl_of_zero() {
    let source = Source::new();
    assert_eq!(source.runs(async |s| s.expression(250).await).await, 1);
    source.clock.advance(Duration::from_millis(249));
    assert_eq!(source.runs(async |s| s.expression(250).await).await, 0);
    source.clock.advance(Duration::from_millis(1));
    assert_eq!(source.runs(async |s| s.expression(0).await).await, 1);
    assert_eq!(
        source.runs(async |s| s.expression(0).await).await,
        1,
        "zero is not kept"
    );
}

#[derive(Debug, Clone, PartialEq)]
struct NotSerializable(Arc<u64>);

#[cached(tier = "memory")]
async fn local(id: u64) -> Option<NotSerializable> {
    Some(NotSerializable(Arc::new(id)))
}

#[tokio::test]
async fn the_memory_tier_keeps_what_is_merely_clone() {
    let (first, second) = (local(1).await.unwrap(), local(1).await.unwrap());
    assert!(Arc::ptr_eq(&first.0, &second.0));
}

#[cached(tier = "shared")]
async fn shared(id: u64) -> Arc<u64> {
    Arc::new(id)
}

#[tokio::test]
async fn without_a_shared_store_the_memory_is_the_store() {
    assert!(Arc::ptr_eq(&shared(1).await, &shared(1).await));
}

/// Has an `==` for one lifetime only.
struct Lasting<'a>(&'a str);

impl PartialEq for Lasting<'static> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

#[invalidate_cache("lasting", cache = _cache)]
fn written<'a>(_cache: &Cache, name: &'a str) -> Fallible<Lasting<'a>> {
    Ok(Lasting(name))
}

#[invalidate_cache("lasting", cache = _cache)]
async fn written_later<'a>(_cache: &Cache, name: &'a str) -> Option<Lasting<'a>> {
    Some(Lasting(name))
}

#[tokio::test]
async fn a_writer_returns_what_has_no_equality_for_its_lifetime() {
    let (source, name) = (Source::new(), String::from("Ada"));
    assert_eq!(written(&source.cache, &name).unwrap().0, name);
    assert_eq!(written_later(&source.cache, &name).await.unwrap().0, name);
}
