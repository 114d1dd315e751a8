//! Building a cache.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::codec::{CacheCodec, Compression};
use crate::error::Error;
use crate::handling::Packaging;
use crate::layout::Layout;
use crate::policy::{DEFAULT_TTL, is_storable};
use crate::rollout::{Rollout, Rules};
use crate::setting::Ttls;
use crate::store::Store;

/// How many keys of a store are looked at in a second for what is unreachable.
const SWEEP_RATE: u32 = 10_000;

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
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) store_timeout: Duration,
    pub(crate) fallback: Option<Duration>,
    pub(crate) sweep_rate: u32,
    pub(crate) background_limit: usize,
    pub(crate) background_timeout: Duration,
    pub(crate) retry_after: Duration,
    pub(crate) verify_after: Duration,
    pub(crate) clock: Clock,
    pub(crate) packaging: Packaging,
    ttls: Vec<(String, Duration)>,
    rollout: Rollout,
    rollouts: Vec<(String, Rollout)>,
}

/// What building makes of settings that have to be read.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For the store, if there is one.
    pub(crate) layout: Option<Layout>,
    pub(crate) ttls: Ttls,
    pub(crate) rules: Rules,
}

impl CacheBuilder {
    pub(crate) fn new() -> Self {
        Self {
            namespace: None,
            default_ttl: DEFAULT_TTL,
            bound: Bound::Entries(100_000),
            patience: Duration::from_secs(10),
            settle: Duration::from_secs(30),
            store: None,
            store_timeout: Duration::from_millis(250),
            fallback: None,
            sweep_rate: SWEEP_RATE,
            background_limit: 64,
            background_timeout: Duration::from_secs(30),
            retry_after: Duration::from_secs(1),
            verify_after: Duration::from_secs(1),
            clock: Clock::Coarse,
            packaging: Packaging::default(),
            ttls: Vec::new(),
            rollout: Rollout::On,
            rollouts: Vec::new(),
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

    /// How long the values of a part of the keys live, whatever the source says: above zero, at most
    /// 30 days. For operators, who may want to change it without a build.
    ///
    /// Of functions whose `key_prefix` begins with this segment, as it stands in the source (whose
    /// name it is, if they have no prefix), it replaces the `ttl` of the attribute and the
    /// [default](Self::default_ttl); but what an expression says is not to be kept, with a ttl of
    /// zero, is not kept. `none_ttl` stays as it is. Of keys that begin with it, it replaces the
    /// default: a call that gives a ttl gets what it gives.
    ///
    /// Segments are compared without regard to case, and what is neither an ASCII letter nor a digit
    /// counts as `_`. Said twice about one segment, the last holds.
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
    /// let cache = Cache::builder().ttl_of("user", Duration::from_secs(60)).build()?;
    /// cache.set("user:42", "Ada".to_owned(), None).await?;
    /// assert!(cache.ttl("user:42").await? <= Some(Duration::from_secs(60)));
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    pub fn ttl_of(mut self, segment: impl Into<String>, ttl: Duration) -> Self {
        self.ttls.push((segment.into(), ttl));
        self
    }

    /// What [`Cache::set_rollout`] would say first.
    pub fn rollout(mut self, rollout: Rollout) -> Self {
        self.rollout = rollout;
        self
    }

    /// What [`Cache::set_rollout_of`] would say first. Said twice about one prefix, the last holds.
    pub fn rollout_of(mut self, prefix: impl Into<String>, rollout: Rollout) -> Self {
        self.rollouts.push((prefix.into(), rollout));
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

    /// Keeps entries in a store that processes share, instead of in memory; functions with
    /// `tier = "memory"` keep theirs in memory all the same. Needs a [`namespace`](Self::namespace).
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// How long one call may wait for the store, all its operations together; 250 milliseconds by
    /// default, at least one. The time that a body takes does not count.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// While the store has not been reached since the start, keeps entries in memory, each for
    /// `max_age` at most. Without this, functions run as if they were not cached until the store
    /// answers.
    ///
    /// A process that keeps entries in memory hears of no other's invalidations: `max_age` is how
    /// long it may then serve what another process has invalidated. One second is a good choice. As
    /// soon as the store answers, those entries are dropped.
    pub fn fall_back_to_memory(mut self, max_age: Duration) -> Self {
        self.fallback = Some(max_age);
        self
    }

    /// How many keys of the store are looked at in a second to remove what invalidations have left
    /// unreachable; 10,000 by default, and 0 leaves it there until it expires.
    ///
    /// An invalidation does not look for the values that it covers, so they stay in the store, where
    /// nothing can be answered by them. A second after the store has acknowledged one, a *sweep*
    /// begins beside the callers, one for all invalidations of that second, and looks at every key of
    /// the database by its name, at those that are covered by what they begin with, and removes what
    /// is unreachable. One process of a namespace sweeps at a time, and none for longer than half of
    /// its time. It is a matter of room alone: whether it fails, is slow or off changes no answer.
    ///
    /// The database's other keys are looked at, too: 100 seconds for each million of them.
    pub fn sweep_rate(mut self, keys_per_second: u32) -> Self {
        self.sweep_rate = keys_per_second;
        self
    }

    /// How many bodies may run in the background at once, for `stale_while_revalidate`, `refresh_ahead`
    /// and `timeout`; 64 by default. When there are more to run, a value that answers meanwhile does so
    /// without being computed anew, until a later call finds room, and a caller with a `timeout` waits
    /// for its body. With 0 none ever runs in the background.
    pub fn background_limit(mut self, bodies: usize) -> Self {
        self.background_limit = bodies;
        self
    }

    /// How long a body may run in the background; 30 seconds by default. Then it is dropped, and what
    /// it would have computed is left to a later call. A synchronous body can't be dropped: it goes on,
    /// and counts on, until it ends by itself.
    pub fn background_timeout(mut self, timeout: Duration) -> Self {
        self.background_timeout = timeout;
        self
    }

    /// How long after a body has failed it is not tried again for the same entry, as long as an older
    /// value answers in its place under `stale_if_error` or `stale_while_revalidate`; one second by
    /// default.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause;
        self
    }

    /// How long after a verified hit (`verify = 0.001`) has differed from what its body gave it is
    /// looked at once more; one second by default. If it still answers then, an invalidation is missing.
    /// Make this longer than a writer takes from its commit to the acknowledged invalidation.
    pub fn verify_after(mut self, moment: Duration) -> Self {
        self.verify_after = moment;
        self
    }

    /// How values are encoded for the store, unless their function says so itself (`#[cached(codec =
    /// …)]`): [`Json`](crate::codec::Json) by default. In memory nothing is encoded.
    ///
    /// Entries that another codec of the project has encoded are still read, if it is compiled in:
    /// a change needs no flush, and costs no misses while old and new processes run side by side. A
    /// [codec of your own](crate::codec::Codec) needs the feature `own-codec` here, and is served by
    /// its number alone. Its values pass through `erased-serde`, which takes somewhat longer than a
    /// codec that a function names.
    ///
    /// # Example
    ///
    /// ```
    /// # use cache_core as cachewright;
    /// use cachewright::{Cache, codec::Json};
    ///
    /// let cache = Cache::builder().codec(Json).build()?;
    /// # Ok::<(), cache_core::Error>(())
    /// ```
    pub fn codec(mut self, codec: impl CacheCodec) -> Self {
        self.packaging.codec = codec.chosen().0;
        self
    }

    /// Compresses large values in the store; not at all by default. Needs the feature `zstd` or `lz4`.
    ///
    /// A process without the feature takes compressed entries for misses, and overwrites them: turn
    /// it on everywhere before one of them compresses.
    ///
    /// # Example
    ///
    #[cfg_attr(feature = "lz4", doc = "```")]
    #[cfg_attr(not(feature = "lz4"), doc = "```ignore")]
    /// # use cache_core as cachewright;
    /// use cachewright::{Cache, codec::Compression};
    ///
    /// let cache = Cache::builder().compression(Compression::lz4().above(4096)).build()?;
    /// # Ok::<(), cache_core::Error>(())
    /// ```
    pub fn compression(mut self, compression: Compression) -> Self {
        self.packaging.compression = Some(compression);
        self
    }

    /// How large a value in the store may be, in bytes of its encoding, before it is compressed: from 1
    /// to 256 MiB; 16 MiB by default.
    ///
    /// A larger one is not stored: its function runs each time, which is counted
    /// (`too_large` of `cache_errors_total`) and logged once. One that is larger already, or says that
    /// it would be when it is decompressed, is a miss. So this bounds the memory that anything in the
    /// store can make a reader take. A process that stores larger values than others read makes them
    /// miss, and overwrite.
    pub fn largest_value(mut self, bytes: usize) -> Self {
        self.packaging.largest_value = bytes;
        self
    }

    /// Takes the time from a clock that a test moves: a [`SteppedClock`](crate::testing::SteppedClock)
    /// by hand, a [`TokioClock`](crate::testing::TokioClock) with the paused time of its runtime.
    ///
    /// Now and then an invalidation takes an entry with it that it does not cover: in memory, names
    /// share 65,536 places, at random. With this clock it is the same entries in each run.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: impl Into<crate::testing::TestClock>) -> Self {
        self.clock = clock.into().0;
        self
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// A [configuration error](Error::is_configuration) that names the setting which can't work.
    pub fn build(self) -> Result<Cache, Error> {
        self.check_namespace()?;
        if !is_storable(self.default_ttl) {
            return Err(Error::configuration(format!(
                "default_ttl is {:?}: it must be above zero and at most 30 days",
                self.default_ttl
            )));
        }
        self.check_bound()?;
        self.packaging.check()?;
        let plan = Plan {
            layout: self.check_store()?,
            ttls: Ttls::read(&self.ttls)?,
            rules: Rules::read(self.rollout, &self.rollouts)?,
        };
        Ok(Cache::from_builder(self, plan))
    }

    fn check_bound(&self) -> Result<(), Error> {
        match self.bound {
            Bound::Entries(0) => Err(Error::configuration(
                "max_entries is 0: a cache needs room for at least one entry",
            )),
            Bound::Weight(0) => Err(Error::configuration(
                "max_weight is 0: a cache needs room for at least one byte",
            )),
            Bound::Entries(_) | Bound::Weight(_) => Ok(()),
        }
    }

    /// The names of a store's keys, if there is one.
    fn check_store(&self) -> Result<Option<Layout>, Error> {
        if self.store.is_none() {
            return Ok(None);
        }
        let zero = |setting, span: Duration| {
            let problem = format!("{setting} is {span:?}: it must be at least a millisecond");
            (span < Duration::from_millis(1)).then(|| Error::configuration(problem))
        };
        let fallback = self.fallback.map(|span| ("fall_back_to_memory", span));
        let spans = [Some(("store_timeout", self.store_timeout)), fallback];
        if let Some(error) = spans.into_iter().flatten().find_map(|(s, d)| zero(s, d)) {
            return Err(error);
        }
        match &self.namespace {
            Some(namespace) => Layout::new(namespace).map(Some),
            None => Err(Error::configuration(
                "a cache with a store needs a namespace (`CACHE_NAMESPACE` in the environment): \
                 programs that share a store would answer and invalidate for one another without",
            )),
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
