//! Other attributes on an annotated function, above ours and below.
#![deny(unused_must_use, deprecated, missing_docs)]

use std::panic::Location;
use std::sync::Mutex;

use cachewright::{cached, invalidate_cache};
use tracing::span;
use tracing::subscriber::{DefaultGuard, set_default};

use super::Database;

/// What a program gets to know of this function.
#[must_use = "asking costs something"]
#[inline]
#[doc(hidden)]
#[deprecated(note = "ask somebody else")]
#[allow(clippy::needless_return, reason = "it is what is tested")]
#[cached(cache = database.cache, skip(database))]
pub fn all_above(database: &Database, id: u64) -> Option<u64> {
    return Some(id + database.ask());
}

#[cached(cache = database.cache, skip(database))]
/// What a program gets to know of this function.
#[must_use = "asking costs something"]
#[inline(always)]
#[doc(hidden)]
#[deprecated(note = "ask somebody else")]
#[expect(clippy::needless_return, reason = "it is what is tested")]
#[cfg(not(any()))]
#[cfg_attr(not(any()), rustfmt::skip)]
pub async fn all_below(database: &Database, id: u64) -> Option<u64> {
    #![allow(clippy::let_and_return)]
    let asked = database.ask();
    return Some(id + asked);
}

#[invalidate_cache("", cache = database.cache)]
#[cfg(any())]
pub fn nowhere(database: &Database) {}

/// Writes.
#[must_use]
#[cold]
#[inline(never)]
#[invalidate_cache("traced", cache = database.cache)]
#[deprecated]
pub async fn write(database: &Database) -> u64 {
    database.asked()
}

#[tokio::test]
#[expect(deprecated)]
#[expect(unused_must_use)]
async fn lints_and_documents_are_kept() {
    let database = Database::new();
    all_above(&database, 1);
    all_below(&database, 1).await;
    assert_eq!(all_above(&database, 1), Some(2));
    assert_eq!(all_below(&database, 1).await, Some(3));
    write(&database).await;
}

#[track_caller]
#[cached(tier = "memory")]
fn tracked() -> &'static Location<'static> {
    Location::caller()
}

// A body is a closure, which has no caller that it could tell.
#[test]
fn a_tracked_caller_is_the_body_itself() {
    assert_eq!(tracked().file(), file!());
    assert!(tracked().line() < line!() - 5);
}

/// Notes the names of spans that are entered.
#[derive(Clone, Default)]
struct Spans(std::sync::Arc<Mutex<Vec<&'static str>>>);

impl Spans {
    fn listen(&self) -> DefaultGuard {
        set_default(self.clone())
    }

    fn made(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.0.lock().unwrap().push(span.metadata().name());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Database {
    #[tracing::instrument(skip_all, fields(id), err)]
    #[cached(cache = self.cache, key_prefix = "traced")]
    async fn above(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        Ok(id + self.ask())
    }

    #[cached(cache = self.cache, key_prefix = "traced")]
    #[tracing::instrument(skip_all, fields(id = id), ret)]
    async fn below(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        Ok(id + self.ask())
    }

    #[tracing::instrument(skip_all)]
    #[cached(cache = self.cache, key_prefix = "traced")]
    fn above_sync(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[tracing::instrument(skip_all)]
    #[invalidate_cache("traced", cache = self.cache)]
    async fn write_above(&self, id: u64) -> u64 {
        id
    }

    #[invalidate_cache("traced", cache = self.cache)]
    #[tracing::instrument(skip_all)]
    fn write_below(&self, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn tracing_above_sees_computations_and_below_sees_calls() {
    let (database, spans) = (Database::new(), Spans::default());
    let _listening = spans.listen();
    for first in [1, 3] {
        for _ in 0..2 {
            assert_eq!(database.above(1).await, Ok(1 + first));
            assert_eq!(database.below(1).await, Ok(2 + first));
        }
        assert_eq!(spans.made(), ["above", "below", "below"]);
        database.write_above(1).await;
        assert_eq!(spans.made(), ["write_above"]);
    }
    assert_eq!(database.above_sync(1), 6);
    assert_eq!(database.above_sync(1), 6);
    database.write_below(1);
    assert_eq!(database.above_sync(1), 7);
    assert_eq!(spans.made(), ["above_sync", "write_below", "above_sync"]);
}

/// A test is a function like any other.
#[tokio::test]
#[invalidate_cache("traced")]
async fn a_test_may_invalidate() {
    tokio::task::yield_now().await;
}

#[invalidate_cache("traced")]
#[tokio::test]
async fn a_test_may_invalidate_from_above() {
    tokio::task::yield_now().await;
}
