//! How long what stands under a key still lives, and changing that.

use std::time::Duration;

use super::PlainKey;
use crate::cache::Cache;
use crate::clock::duration;
use crate::error::Error;
use crate::policy::{MAX_TTL, SHORTEST_TTL};
use crate::shared::Shared;
use crate::store::Written;

impl Cache {
    /// Whether there is a valid value under a key, of whatever type: [`get`](Self::get) with
    /// another type finds nothing all the same. Counts as neither hit nor miss.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the key is empty, and those of the store.
    ///
    /// # Example
    ///
    /// ```
    /// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # rt.block_on(async {
    /// # use cache_core as cachewright;
    /// use cachewright::Cache;
    ///
    /// let cache = Cache::builder().build()?;
    /// cache.set("user:42", "Ada".to_owned(), None).await?;
    /// assert!(cache.exists("user:42").await?);
    /// assert!(!cache.exists("user:43").await?);
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    pub async fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.ttl(key).await?.is_some())
    }

    /// How long the value under a key still lives, or `None` if there is no valid one. Counts as
    /// neither hit nor miss.
    ///
    /// In memory it is exact. In a store it is an estimate: the moment at which the value was
    /// stored, by the clock of the machine that stored it, is compared with the wall clock of this
    /// machine. It is never above the time that the value was given; if this machine's clock is far
    /// ahead it is zero although the value is still there. The value itself ends by the store's
    /// clock.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the key is empty, and those of the store.
    pub async fn ttl(&self, key: &str) -> Result<Option<Duration>, Error> {
        let key = PlainKey::new(self, key)?;
        if key.is_bypassed() || key.is_outdated() {
            return Ok(None);
        }
        key.time_left().await
    }

    /// Lets the value under a key live for `ttl` from now, whatever it was given before, and tells
    /// whether there is one. At most 30 days; zero [removes](Self::remove) the key.
    ///
    /// Only a valid value is changed, and its validity is not: what is invalidated meanwhile is
    /// gone, and so is what was computed from before.
    ///
    /// # Concurrent calls
    ///
    /// A concurrent [`set`](Self::set) or [`remove`](Self::remove) wins: the value from before it
    /// never answers again. In a store, the value of a concurrent `set` may be lost, too, which the
    /// next reader takes for a miss.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if the key is empty, and those of the store; also
    /// an [outage](Error::is_outage) if the store has no room. The value may then end at the old
    /// time or at the new one.
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
    /// cache.set("session:7", 42_u64, Duration::from_secs(60)).await?;
    /// assert!(cache.expire("session:7", Duration::from_secs(1800)).await?);
    /// assert!(cache.ttl("session:7").await? > Some(Duration::from_secs(1700)));
    /// assert!(!cache.expire("session:8", Duration::from_secs(1800)).await?);
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    pub async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        let key = PlainKey::new(self, key)?;
        let bypassed = key.is_bypassed();
        if !bypassed && !ttl.is_zero() {
            return key.expire(ttl.min(MAX_TTL)).await;
        }
        // A call that is dropped before it removes has asked for it all the same.
        let outdated = key.outdated();
        let left = if bypassed {
            Ok(None)
        } else {
            key.time_left().await
        };
        std::mem::forget(outdated);
        // Whether or not it is known what is there.
        key.remove().await?;
        Ok(left?.is_some())
    }
}

impl PlainKey<'_> {
    async fn time_left(&self) -> Result<Option<Duration>, Error> {
        let inner = self.cache.inner();
        let Some(shared) = inner.shared() else {
            let now = inner.clock.now();
            let left = |deadline: u64| duration(deadline.saturating_sub(now));
            return Ok(self.look_up().map(|entry| left(entry.deadline())));
        };
        let keys = self.subject.keys(&shared.layout)?;
        let look = self.looked_for(&keys, self.default_ttl());
        let now = inner.clock.wall();
        let left = |entry: crate::entry::Entry<'_>| entry.stamp().fresh_for(now);
        shared
            .inspect(look, &self.coding::<()>(), &mut shared.budget(), left)
            .await
    }

    async fn expire(&self, ttl: Duration) -> Result<bool, Error> {
        let inner = self.cache.inner();
        if let Some(shared) = inner.shared() {
            return self.expire_shared(shared, ttl.max(SHORTEST_TTL)).await;
        }
        let Some(entry) = self.look_up() else {
            return Ok(false);
        };
        let mut deadline = inner.clock.after(ttl);
        if inner.shared.is_some() {
            // Memory stands in for a store, and hears of no other process: what it keeps must not
            // grow older than was allowed.
            deadline = deadline.min(entry.deadline());
        }
        inner.expire(&entry, deadline);
        Ok(true)
    }

    /// Stores the same value under the fence that it was read with: were it invalidated meanwhile,
    /// or replaced, the fence does not fit any more.
    async fn expire_shared(&self, shared: &Shared, ttl: Duration) -> Result<bool, Error> {
        let keys = self.subject.keys(&shared.layout)?;
        let look = self.looked_for(&keys, ttl);
        let mut budget = shared.budget();
        let now = self.cache.inner().clock.wall();
        let renewed = |entry: crate::entry::Entry<'_>| entry.restamped(now, ttl);
        let renewed = shared
            .inspect(look, &self.coding::<()>(), &mut budget, renewed)
            .await?;
        let Some(bytes) = renewed else {
            return Ok(false);
        };
        match shared.write(look, bytes, ttl, &mut budget).await? {
            Written::Stored => Ok(true),
            Written::Full => Err(Error::full(
                "the store has no room: how long the value lives is as it was",
            )),
        }
    }
}
