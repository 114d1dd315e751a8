//! Counters: whole numbers that are counted up in one atomic step, beside the entries.

mod local;

use std::fmt;
use std::time::Duration;

use crate::cache::Cache;
use crate::error::Error;
use crate::layout::Key;
use crate::policy::SHORTEST_TTL;
use crate::segment::escape;
use crate::shared::Shared;
use crate::store::{Counters, Written};
use crate::traffic::Operation;

pub(crate) use local::LocalCounters;

/// The longest time that is told to a store: a century, so that no sum overflows there.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A counter of a cache: what rate limits, quotas and statistics are made of.
///
/// It is a kind of its own: [`Cache::get`] does not see it, a value under the same key does not
/// disturb it, and neither [`invalidate`](Cache::invalidate) nor [`clear`](Cache::clear) nor a
/// [rollout](Cache::set_rollout) touches it, for to forget a count would be to let through what it
/// limits.
///
/// # Where it is
///
/// In the process if the cache has no store: not bounded by the bound of the entries, so give those
/// that come and go a time to live. What has expired is freed as others come.
///
/// In the store if there is one, and never anywhere else: while the store can't be had, each
/// operation is an error, also in a cache that [falls back to
/// memory](crate::CacheBuilder::fall_back_to_memory). Each process would count for itself, from zero
/// on, and whether to admit or to refuse when nobody counts is for the caller to decide.
///
/// # Concurrent calls
///
/// Each operation is one atomic step, in a store across all its processes; exceptions are said.
///
/// # Cancellation and lost answers
///
/// An operation that was dropped, or ended with an outage, may have been done. It is never
/// repeated: nobody could tell twice from once.
///
/// # Errors
///
/// Of each operation: an [input error](Error::is_invalid_input) if the key is empty; a
/// [configuration error](Error::is_configuration) if the cache's store has no counters; an
/// [outage](Error::is_outage) if the store is not reached in time or has no room; a [data
/// error](Error::is_data) if something else than a number stands there.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::Cache;
/// use std::time::Duration;
///
/// let cache = Cache::builder().build()?;
/// let attempts = cache.counter("login:ada");
/// for attempt in 1..=3 {
///     assert_eq!(attempts.increment_within(1, Duration::from_secs(60)).await?, attempt);
/// }
/// let too_many = attempts.get().await?.unwrap_or(0) >= 3;
/// assert!(too_many);
/// # Ok::<(), cache_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "a counter does nothing until it is asked to"]
pub struct Counter {
    cache: Cache,
    /// Rendered; empty if the key is.
    path: Box<str>,
}

impl Cache {
    /// The counter under a key. It comes into being when it is first incremented or set.
    ///
    /// The handle can be kept, cloned and sent about. An empty key is refused by its operations.
    pub fn counter(&self, key: &str) -> Counter {
        let path = match key {
            "" => String::new(),
            key => key.split(':').map(escape).collect::<Vec<_>>().join(":"),
        };
        Counter {
            cache: self.clone(),
            path: path.into(),
        }
    }
}

/// Where a counter is.
enum Place<'a> {
    Local(&'a LocalCounters),
    Shared(Remote<'a>),
}

/// A counter in a store.
struct Remote<'a> {
    shared: &'a Shared,
    counters: &'a dyn Counters,
    key: Key,
}

impl Counter {
    /// Adds `by`, which may be negative, and gives the sum. A counter that does not exist begins at
    /// zero and has no time to live.
    ///
    /// # Errors
    ///
    /// Those of the [type](Self), and an [input error](Error::is_invalid_input) if the sum would
    /// leave the range of `i64`: then nothing is added.
    pub async fn increment(&self, by: i64) -> Result<i64, Error> {
        self.add(by, None).await
    }

    /// Adds `by` and gives the sum, and lets a counter that has no time to live, a new one
    /// therefore, end `window` from now: what a rate limit counts with. The window is fixed: it
    /// begins with the first increment, later ones don't prolong it, and with the next one it
    /// begins anew.
    ///
    /// # Errors
    ///
    /// Those of [`increment`](Self::increment), and an [input error](Error::is_invalid_input) for a
    /// window of zero.
    pub async fn increment_within(&self, by: i64, window: Duration) -> Result<i64, Error> {
        if window.is_zero() {
            return Err(Error::invalid_input(
                "the window of a counter is zero: it has to last for some time",
            ));
        }
        self.add(by, Some(in_range(window))).await
    }

    async fn add(&self, by: i64, window: Option<Duration>) -> Result<i64, Error> {
        match self.place()? {
            Place::Local(counters) => {
                let clock = &self.cache.inner().clock;
                let ends = window.map(|window| clock.after(window));
                counters.add(&self.path, by, ends, clock.now())
            }
            Place::Shared(remote) => remote.add(by, window).await,
        }
    }

    /// The count, or `None` if there is none: it was never counted, has expired or was removed.
    ///
    /// # Errors
    ///
    /// Those of the [type](Self).
    pub async fn get(&self) -> Result<Option<i64>, Error> {
        match self.place()? {
            Place::Local(counters) => Ok(counters.get(&self.path, self.cache.inner().clock.now())),
            Place::Shared(remote) => remote.get().await,
        }
    }

    /// Sets the count, for `ttl` from now on, or for ever with `None`. A ttl of zero
    /// [removes](Self::remove) the counter.
    ///
    /// In a store, `None` takes two steps, a removal and an increment: one that a concurrent call
    /// adds between them counts from zero, and is part of the count afterwards. If only the first is
    /// done, the counter is gone.
    ///
    /// # Errors
    ///
    /// Those of the [type](Self).
    pub async fn set(&self, value: i64, ttl: impl Into<Option<Duration>>) -> Result<(), Error> {
        let ttl = ttl.into();
        if ttl.is_some_and(|ttl| ttl.is_zero()) {
            return self.remove().await;
        }
        let ttl = ttl.map(in_range);
        match self.place()? {
            Place::Local(counters) => {
                let clock = &self.cache.inner().clock;
                let ends = ttl.map(|ttl| clock.after(ttl));
                counters.set(&self.path, value, ends, clock.now());
                Ok(())
            }
            Place::Shared(remote) => match ttl {
                Some(ttl) => remote.set(value, ttl).await,
                None => {
                    remote.remove().await?;
                    remote.add(value, None).await.map(drop)
                }
            },
        }
    }

    /// Lets the counter end `ttl` from now, whatever it was told before, and tells whether there
    /// is one. Zero [removes](Self::remove) it.
    ///
    /// # Errors
    ///
    /// Those of the [type](Self).
    pub async fn expire(&self, ttl: Duration) -> Result<bool, Error> {
        if ttl.is_zero() {
            let there = self.get().await;
            self.remove().await?;
            return Ok(there?.is_some());
        }
        let ttl = in_range(ttl);
        match self.place()? {
            Place::Local(counters) => {
                let clock = &self.cache.inner().clock;
                Ok(counters.expire(&self.path, clock.after(ttl), clock.now()))
            }
            Place::Shared(remote) => remote.expire(ttl).await,
        }
    }

    /// Removes the counter: the next increment begins at zero.
    ///
    /// # Errors
    ///
    /// Those of the [type](Self).
    pub async fn remove(&self) -> Result<(), Error> {
        match self.place()? {
            Place::Local(counters) => counters.remove(&self.path),
            Place::Shared(remote) => remote.remove().await?,
        }
        Ok(())
    }

    fn place(&self) -> Result<Place<'_>, Error> {
        if self.path.is_empty() {
            return Err(Error::invalid_input("the key is empty"));
        }
        let inner = self.cache.inner();
        // Not `Inner::shared()`: memory does not stand in for a store that counts.
        let Some(shared) = &inner.shared else {
            return Ok(Place::Local(&inner.counters));
        };
        let counters = shared.store.counters().ok_or_else(|| {
            Error::configuration(
                "the cache's store has no counters: use a store that offers them, or a cache \
                 without a store to count in this process alone",
            )
        })?;
        let key = shared.layout.counter(&self.path)?;
        Ok(Place::Shared(Remote {
            shared,
            counters,
            key,
        }))
    }
}

/// A time that a store can keep.
fn in_range(span: Duration) -> Duration {
    span.clamp(SHORTEST_TTL, LONGEST)
}

impl Remote<'_> {
    async fn add(&self, by: i64, window: Option<Duration>) -> Result<i64, Error> {
        let add = |deadline| self.counters.add(&self.key, by, window, deadline);
        let budget = &mut self.shared.budget();
        self.shared.ask(Operation::Count, None, budget, add).await
    }

    async fn get(&self) -> Result<Option<i64>, Error> {
        let keys = std::slice::from_ref(&self.key);
        let read = |deadline| self.shared.store.read(keys, deadline);
        let budget = &mut self.shared.budget();
        let reply = self.shared.ask(Operation::Read, None, budget, read).await?;
        match <[_; 1]>::try_from(reply) {
            Ok([text]) => text.as_deref().map(number).transpose(),
            Err(_) => Err(Error::data("the store did not answer one key with one")),
        }
    }

    async fn set(&self, value: i64, ttl: Duration) -> Result<(), Error> {
        let text = value.to_string().into_bytes();
        let write = |deadline| self.shared.store.write(&self.key, text, ttl, deadline);
        let budget = &mut self.shared.budget();
        let written = self.shared.ask(Operation::Write, None, budget, write);
        match written.await? {
            Written::Stored => Ok(()),
            Written::Full => Err(Error::full("the store has no room: the count was not set")),
        }
    }

    async fn expire(&self, ttl: Duration) -> Result<bool, Error> {
        let expire = |deadline| self.counters.expire(&self.key, ttl, deadline);
        let budget = &mut self.shared.budget();
        self.shared
            .ask(Operation::Count, None, budget, expire)
            .await
    }

    async fn remove(&self) -> Result<(), Error> {
        let keys = std::slice::from_ref(&self.key);
        let remove = |deadline| self.shared.store.remove(keys, deadline);
        let budget = &mut self.shared.budget();
        self.shared
            .ask(Operation::Remove, None, budget, remove)
            .await
    }
}

fn number(text: &[u8]) -> Result<i64, Error> {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::data("what stands under the counter's key is not a number"))
}

// A key may contain a user's data.
impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").finish_non_exhaustive()
    }
}
