//! Building a cache.

use std::time::Duration;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::Error;
use crate::policy::{DEFAULT_TTL, MAX_TTL};

/// What bounds the memory tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Entries(u64),
    Weight(u64),
}

/// The settings of a cache that is still to be built.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::Cache;
/// use std::time::Duration;
///
/// let cache = Cache::builder()
///     .namespace("shop")
///     .default_ttl(Duration::from_secs(300))
///     .max_entries(10_000)
///     .build()?;
/// assert_eq!(cache.namespace(), Some("shop"));
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CacheBuilder {
    pub(crate) namespace: Option<String>,
    pub(crate) default_ttl: Duration,
    pub(crate) bound: Bound,
    pub(crate) patience: Duration,
    pub(crate) settle: Duration,
    pub(crate) clock: Clock,
}

impl CacheBuilder {
    pub(crate) fn new() -> Self {
        Self {
            namespace: None,
            default_ttl: DEFAULT_TTL,
            bound: Bound::Entries(100_000),
            patience: Duration::from_secs(10),
            settle: Duration::from_secs(30),
            clock: Clock::Coarse,
        }
    }

    /// The first segment of every visible key: ASCII letters, digits, `_`, `.` and `-`. A shared store
    /// requires one; in memory it only shows in listings.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// How long an entry lives when its function does not say: above zero, at most 30 days; one
    /// hour by default.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl = ttl;
        self
    }

    /// Bounds the memory tier by the number of entries, at least 1; 100,000 by default. Replaces a
    /// bound by weight.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.bound = Bound::Entries(entries);
        self
    }

    /// Bounds the memory tier by what its entries weigh, in bytes, at least 1. Replaces the bound
    /// by entries.
    ///
    /// An entry weighs the length of its key, a constant for the bookkeeping, and the size of its
    /// value: in place, plus, unless the function says `tier = "memory"`, what the value takes when
    /// it is serialized, an estimate of what it owns on the heap. The bound is divided among up to
    /// four shards for each core, and a value heavier than its shard's share is not kept.
    pub fn max_weight(mut self, bytes: u64) -> Self {
        self.bound = Bound::Weight(bytes);
        self
    }

    /// How long a caller waits for another's computation before it runs its own; 10 seconds by
    /// default. Zero makes nobody wait.
    ///
    /// It is a safety net: a leader that fails, panics or is dropped is replaced at once. Only one
    /// that is alive but not polled, parked in a `select!` for example, is waited for in vain.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long after the drop of an unfinished writer its invalidation is done a second time; 30
    /// seconds by default.
    ///
    /// The commit of a writer whose future was dropped may reach the database after the drop, and
    /// a reader may fill in between. Make this at least the database's statement time-out.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Takes the time from a clock that a test moves by hand.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: crate::testing::SteppedClock) -> Self {
        self.clock = Clock::Stepped(clock);
        self
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// A [configuration error](Error::is_configuration) that names the setting which can't work.
    pub fn build(self) -> Result<Cache, Error> {
        self.check_namespace()?;
        if self.default_ttl.is_zero() || self.default_ttl > MAX_TTL {
            return Err(Error::configuration(format!(
                "default_ttl is {:?}: it must be above zero and at most 30 days",
                self.default_ttl
            )));
        }
        match self.bound {
            Bound::Entries(0) => Err(Error::configuration(
                "max_entries is 0: a cache needs room for at least one entry",
            )),
            Bound::Weight(0) => Err(Error::configuration(
                "max_weight is 0: a cache needs room for at least one byte",
            )),
            Bound::Entries(_) | Bound::Weight(_) => Ok(Cache::from_builder(self)),
        }
    }

    fn check_namespace(&self) -> Result<(), Error> {
        let Some(namespace) = &self.namespace else {
            return Ok(());
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if namespace.is_empty() || !namespace.chars().all(allowed) {
            return Err(Error::configuration(format!(
                "namespace is {namespace:?}: it must be one or more letters, digits, `_`, `.` or `-`"
            )));
        }
        Ok(())
    }
}
