//! The handle of a cache, and what can be done with it directly.

mod inner;
mod living;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::builder::{CacheBuilder, Plan};
use crate::call::{CacheValue, Call};
use crate::error::{Error, LOG};
use crate::mutants::{Mutant, active};
use crate::pattern::Pattern;
use crate::pending::Regions;
use crate::plain::PlainKey;
use crate::shared::Allowance;
use crate::stats::Stats;
use crate::store::Deadline;
use crate::tag;

pub(crate) use inner::Inner;

/// A cache: what annotated functions store in, and a key-value store of its own.
///
/// A handle is one pointer; clones are the same cache. Two caches built apart share nothing. An empty
/// one takes about 540 KB, the table of its invalidations, and some 200 µs to build: cheap enough
/// for one in each test.
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
/// let cache = Cache::builder().namespace("shop").build()?;
/// cache.set("user:42:name", "Ada".to_owned(), Duration::from_secs(60)).await?;
/// assert_eq!(cache.get("user:42:name").await?, Some("Ada".to_owned()));
///
/// cache.invalidate("user:42:*").await?;
/// assert_eq!(cache.get::<String>("user:42:name").await?, None);
/// # Ok::<(), cache_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

impl Cache {
    /// Starts building a cache.
    pub fn builder() -> CacheBuilder {
        CacheBuilder::new()
    }

    pub(crate) fn from_builder(builder: CacheBuilder, plan: Plan) -> Self {
        let cache = Self(Inner::new(builder, plan));
        living::note(&cache.0);
        cache
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The first segment of every visible key, if there is one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// The value under a key, if there is a valid one of this type.
    ///
    /// A key is segments between colons, such as `user:42:name`; each prefix of them can be
    /// invalidated. Keys of this kind never meet the entries of annotated functions. What a pending
    /// invalidation covers is not there, and neither is what was set as another type: a number that
    /// was set as a `u64` is no `i32`, which is what `1` is where nothing says otherwise.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the key is empty; what the store fails with.
    pub async fn get<V: CacheValue>(&self, key: &str) -> Result<Option<V>, Error> {
        let key = PlainKey::new(self, key)?;
        if key.is_bypassed() {
            return Ok(None);
        }
        key.get().await
    }

    /// Stores a value under a key for `ttl`, or for the cache's default time with `None`. At most
    /// 30 days; a ttl of zero removes the key.
    ///
    /// It replaces what is there, and no [`get_or_set`](Self::get_or_set) that is under way stores
    /// over it. Of two concurrent calls for one key, one wins. With a store the key may be empty after
    /// such a race instead, as after any eviction. An invalidation that begins after this has read
    /// the key's generations, which it does first, covers the value. Keys below this one, such as
    /// `user:42` below `user`, are invalidated.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the key is empty; what the store fails with: the
    /// value may be there then or not, and what was there before does not answer any more. A store
    /// that is full takes nothing, which is no error: the key is empty then.
    ///
    /// # Cancellation
    ///
    /// As after an error.
    pub async fn set<V: CacheValue>(
        &self,
        key: &str,
        value: V,
        ttl: impl Into<Option<Duration>>,
    ) -> Result<(), Error> {
        let key = PlainKey::new(self, key)?;
        key.set_or_remove(value, ttl.into()).await
    }

    /// The value under a key, or else that of `compute`, which is stored for `ttl` (`None`: the
    /// cache's default time) if it is an `Ok`.
    ///
    /// # Concurrent calls
    ///
    /// Calls for one key share one computation; its error goes to its caller alone, and others
    /// try for themselves. An empty key is computed without being cached.
    ///
    /// # Cancellation
    ///
    /// If the call that computes is dropped, one of those that wait computes in its stead.
    pub async fn get_or_set<V: CacheValue, E>(
        &self,
        key: &str,
        ttl: impl Into<Option<Duration>>,
        compute: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let call: Call<Result<V, E>, _> = match PlainKey::new(self, key) {
            Ok(key) if key.is_bypassed() => Call::bypassed(),
            Ok(key) => key.call(ttl.into()),
            Err(error) => {
                tracing::warn!(target: LOG, %error, "computed without being cached");
                return compute().await;
            }
        };
        call.or_compute(compute).await
    }

    /// Removes the value under a key. No [`get_or_set`](Self::get_or_set) that is under way stores
    /// it again.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the key is empty; what the store fails with, and
    /// then the removal is pending, as after [`invalidate`](Self::invalidate).
    pub async fn remove(&self, key: &str) -> Result<(), Error> {
        PlainKey::new(self, key)?.remove().await
    }

    /// Invalidates what a [`Pattern`] covers, such as `booking:*` or `user:42:*`.
    ///
    /// No read that begins after this has returned gives a value whose computation began before
    /// this began. The cost does not depend on the number of entries.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the pattern is malformed, or would cover
    /// everything: use [`clear`](Self::clear) for that.
    ///
    /// What the store fails with: it is not proven then that it has heard of the invalidation, which
    /// is *pending*. For this process it is done all the same, and it is tried again until the store
    /// acknowledges it.
    ///
    /// # Cancellation
    ///
    /// A call that is dropped leaves the invalidation pending.
    pub async fn invalidate(&self, pattern: &str) -> Result<(), Error> {
        let pattern = Pattern::parse(pattern)?;
        let invalidations = &self.0.memory.invalidations;
        invalidations.invalidate(&invalidations.slots_of_pattern(pattern.node()));
        self.0.statistics.invalidations.fetch_add(1, Relaxed);
        self.0.meter_invalidation("", "");
        tracing::debug!(target: LOG, "invalidated by pattern");
        let Some(shared) = &self.0.shared else {
            return Ok(());
        };
        let nodes: Vec<_> = pattern.named().map(Box::from).collect();
        let regions = Regions::of_nodes(&nodes);
        shared.invalidate(regions, None, &mut shared.budget()).await
    }

    /// Invalidates the entries that carry a tag, such as `team:7`: those of functions with
    /// `#[cached(tags("team:{team_id}"))]` whose `team_id` is 7.
    ///
    /// The promise is that of [`invalidate`](Self::invalidate), and so is the cost. A tag is written as
    /// it is, not as a pattern: its parts between colons are escaped as what fills a placeholder is, so
    /// a name with a blank in it is written with a blank. A tag is one name: `team` covers nothing of
    /// `team:7`. What can't be written like this a writer's `tags(…)` names alone: a value that has a
    /// colon or a `*` in it, a `None`, and in a segment such as `v{number}`, which is not a placeholder
    /// alone, a value that is empty or takes more than 128 bytes.
    ///
    /// ```
    /// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # rt.block_on(async {
    /// # use cache_core as cachewright;
    /// use cachewright::Cache;
    ///
    /// let cache = Cache::builder().build()?;
    /// cache.invalidate_tag("team:7").await?;
    /// assert!(cache.invalidate_tag("team:*").await.unwrap_err().is_invalid_input());
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the tag is empty or contains a `*`; what the store
    /// fails with: then the invalidation is pending, as after [`invalidate`](Self::invalidate).
    ///
    /// # Cancellation
    ///
    /// A call that is dropped leaves the invalidation pending.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), Error> {
        let tag = tag::named(tag)?;
        let invalidations = &self.0.memory.invalidations;
        invalidations.invalidate(&[invalidations.tag(&tag)]);
        self.0.statistics.invalidations.fetch_add(1, Relaxed);
        self.0.meter_invalidation("", "");
        tracing::debug!(target: LOG, "invalidated by tag");
        let Some(shared) = &self.0.shared else {
            return Ok(());
        };
        let tags = [tag.into()];
        let regions = Regions::of_tags(&tags);
        shared.invalidate(regions, None, &mut shared.budget()).await
    }

    /// Invalidates every entry of this cache, under the same promise as
    /// [`invalidate`](Self::invalidate), and frees the memory.
    ///
    /// # Errors
    ///
    /// What the store fails with: then it is pending, as after [`invalidate`](Self::invalidate).
    /// None in memory.
    pub async fn clear(&self) -> Result<(), Error> {
        self.0.memory.invalidations.invalidate_all();
        self.0.memory.remove_invalidated();
        self.0.statistics.invalidations.fetch_add(1, Relaxed);
        self.0.meter_invalidation("", "");
        tracing::debug!(target: LOG, "cleared");
        match &self.0.shared {
            Some(shared) => {
                shared
                    .invalidate_all(Allowance::EachStep(Deadline::after(Duration::MAX)))
                    .await
            }
            None => Ok(()),
        }
    }

    /// Connects to the store now, and asks it whether it does all that a cache needs. Without this
    /// the first call connects. Waits five seconds at most.
    ///
    /// Does nothing in memory. A cache that [falls back to
    /// memory](CacheBuilder::fall_back_to_memory) is content without an answer.
    ///
    /// # Errors
    ///
    /// A [configuration error](Error::is_configuration) if the store refuses: a wrong password, a
    /// missing permission, a version that is too old. An [outage](Error::is_outage) if it does not
    /// answer. The cache can be used all the same: functions run as if they were not cached until
    /// the store answers.
    pub async fn connect(&self) -> Result<(), Error> {
        match &self.0.shared {
            Some(shared) => shared.connect(&self.0).await,
            None => Ok(()),
        }
    }

    /// Has every invalidation done that is still pending, for at most `within`: those that the store
    /// has not acknowledged, and those of dropped writers, which are done at once and not when the
    /// writers' outcome has settled. Call it when the process is about to end; what is pending then
    /// is lost with it. What is [unreachable](CacheBuilder::sweep_rate) in the store is left there. Bodies
    /// that run in the background may end within the same time; then they are dropped. What
    /// [`Warm::spawn`](crate::Warm::spawn) has begun is cancelled at once. The cache can still be used.
    ///
    /// # Errors
    ///
    /// An [outage](Error::is_outage) that says how many are left.
    ///
    /// # Cancellation
    ///
    /// What is left stays pending.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        if !active(Mutant::NotSettledAtShutdown) {
            self.0.settle_now();
        }
        self.0.background.stop_errands();
        let deadline = self.0.clock.after(within);
        let drained = self.drain(within).await;
        let bodies = pin!(self.0.background.ended());
        if self.0.agenda.until(deadline, bodies).await.is_none() {
            self.0.background.stop();
        }
        drained
    }

    async fn drain(&self, within: Duration) -> Result<(), Error> {
        let Some(shared) = &self.0.shared else {
            return Ok(());
        };
        shared.sweeps.call_off();
        shared.drain_within(within).await.map_err(|error| {
            let left = shared.pending.len();
            Error::outage(format!("{left} invalidations were not acknowledged")).with_source(error)
        })
    }

    /// What the cache did so far. The counts of concurrent calls may be a moment apart.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let settling = self.0.settling.len() as u64;
        Stats {
            functions: self.0.statistics.read(),
            entries: self.0.memory.len() as u64,
            weight: self.0.memory.weight(),
            invalidations: self.0.statistics.invalidations.load(Relaxed),
            pending_invalidations: self.0.unacknowledged() + settling,
            settling_invalidations: settling,
            swept: (self.0.shared.as_ref()).map_or(0, |shared| shared.sweeps.swept.load(Relaxed)),
            computations: self.0.flights.len() as u64,
        }
    }

    /// The visible keys of the entries that would be served now, sorted:
    /// `{namespace}:{key_prefix}:{function}:{args_hash}`, or `{namespace}:{key}` for those that
    /// were set directly. Made for eyes and tests; it visits every entry. Of those in memory, that
    /// is: a store may have more of them than can be listed, so look with its own tools.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let entries = self.0.memory.valid_entries(self.0.clock.now());
        let mut keys: Vec<_> = entries
            .map(|entry| entry.visible_key(self.namespace()))
            .collect();
        keys.sort_unstable();
        keys
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("namespace", &self.0.namespace)
            .field("entries", &self.0.memory.len())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "testing", not(any(shuttle, weak_memory))))]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::testing::SteppedClock;

    #[test]
    fn a_flight_that_is_over_leaves_nothing_on_the_agenda() {
        let clock = SteppedClock::new();
        let cache = Cache::builder().clock(clock).build().unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        // Metrics have an item there, too.
        cache.inner().used();
        let before = cache.inner().agenda.len();
        for _ in 0..100 {
            let endless =
                || cache.get_or_set("key", None, async || pending::<Result<u8, ()>>().await);
            let (mut leader, mut follower) = (pin!(endless()), pin!(endless()));
            assert!(leader.as_mut().poll(&mut cx).is_pending());
            assert!(follower.as_mut().poll(&mut cx).is_pending());
            assert_eq!(cache.inner().agenda.len(), before + 1);
        }
        assert_eq!(cache.inner().agenda.len(), before);
    }
}
