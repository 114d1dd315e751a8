//! Many keys at once.

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::PlainKey;
use crate::cache::Cache;
use crate::call::CacheValue;
use crate::error::Error;
use crate::handling::Encodable;
use crate::layout::EntryKeys;
use crate::policy::MAX_TTL;
use crate::shared::Shared;

/// So many values are set at once in a store.
const AT_ONCE: usize = 32;

impl Cache {
    /// The values under several keys, in the order of the keys: `None` where there is no valid one
    /// of this type. A key that is named twice is answered twice.
    ///
    /// In a store it is one round trip for all of them. Each value is as fresh as
    /// [`get`](Self::get) would give it; together they are not a snapshot.
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if a key is empty, and those of the store: there
    /// is no half answer.
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
    /// cache.set_many([("price:1", 10_u32), ("price:2", 20)], None).await?;
    /// let prices = cache.get_many::<u32>(&["price:2", "price:3", "price:1"]).await?;
    /// assert_eq!(prices, [Some(20), None, Some(10)]);
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    pub async fn get_many<V: CacheValue>(
        &self,
        keys: &[impl AsRef<str>],
    ) -> Result<Vec<Option<V>>, Error> {
        let keys = keys.iter().map(|key| PlainKey::new(self, key.as_ref()));
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        let Some(shared) = self.inner().shared() else {
            let value = |key: &PlainKey<'_>| {
                let is_on = !key.is_bypassed();
                is_on.then(|| key.counted_value()).flatten()
            };
            return Ok(keys.iter().map(value).collect());
        };
        let is_on = keys
            .iter()
            .map(|key| !key.is_bypassed() && !key.counted_outdated());
        let is_on: Vec<bool> = is_on.collect();
        let asked = keys.iter().zip(&is_on).filter(|(_, is_on)| **is_on);
        let asked: Vec<_> = asked.map(|(key, _)| key).collect();
        let mut values = self.get_many_shared(shared, &asked).await?.into_iter();
        let value = |is_on: bool| is_on.then(|| values.next().flatten()).flatten();
        Ok(is_on.into_iter().map(value).collect())
    }

    async fn get_many_shared<V: CacheValue>(
        &self,
        shared: &Shared,
        keys: &[&PlainKey<'_>],
    ) -> Result<Vec<Option<V>>, Error> {
        let names = keys.iter().map(|key| key.subject.keys(&shared.layout));
        let names: Vec<EntryKeys> = names.collect::<Result<_, _>>()?;
        let looks = keys.iter().zip(&names);
        let looks = looks.map(|(key, name)| key.looked_for(name, key.default_ttl()));
        let looks: Vec<_> = looks.collect();
        let coding = Encodable::new().coding(&self.inner().packaging, None);
        shared
            .look_many(&looks, &coding, &mut shared.budget())
            .await
    }

    /// Stores several values for `ttl`, as [`set`](Self::set) would each. Of a key that is named
    /// twice the last value is stored.
    ///
    /// In a store some thirty of them are on their way at once, each with the whole [time that a
    /// call may wait](crate::CacheBuilder::store_timeout).
    ///
    /// # Errors
    ///
    /// An [input error](Error::is_invalid_input) if a key is empty: then nothing was stored. Else
    /// the first error of the store, when all have been tried: it says nothing about which of the
    /// others were stored.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves some stored and others not; none of those that it may have reached still
    /// answers with its old value.
    pub async fn set_many<V: CacheValue>(
        &self,
        entries: impl IntoIterator<Item = (impl AsRef<str>, V)>,
        ttl: impl Into<Option<Duration>>,
    ) -> Result<(), Error> {
        let ttl = ttl.into();
        let entries = entries.into_iter().map(|(key, value)| {
            let key = PlainKey::new(self, key.as_ref())?;
            Ok::<_, Error>((key, value))
        });
        let entries = last_of_each(entries.collect::<Result<_, _>>()?);
        let sets = entries
            .into_iter()
            .map(|(key, value)| key.set_or_remove(value, ttl));
        all_of(sets).await
    }
}

impl PlainKey<'_> {
    pub(crate) async fn set_or_remove<V: CacheValue>(
        self,
        value: V,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let ttl = ttl.unwrap_or_else(|| self.default_ttl());
        if ttl.is_zero() || self.is_bypassed() {
            return self.remove().await;
        }
        self.set(value, ttl.min(MAX_TTL)).await
    }
}

/// Two concurrent sets of one key have no order, so only the last is done.
fn last_of_each<'a, V>(mut entries: Vec<(PlainKey<'a>, V)>) -> Vec<(PlainKey<'a>, V)> {
    let mut named = HashSet::new();
    entries.reverse();
    entries.retain(|(key, _)| named.insert(key.subject.key.bytes.clone()));
    entries.reverse();
    entries
}

/// Drives futures to their ends, some at once, and gives the first error.
async fn all_of<F>(futures: impl Iterator<Item = F>) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let mut waiting = futures.fuse();
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    let mut outcome = Ok(());
    poll_fn(|cx| {
        loop {
            running.extend(waiting.by_ref().take(AT_ONCE - running.len()).map(Box::pin));
            let before = running.len();
            running.retain_mut(|future| match future.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(ended) => {
                    if outcome.is_ok() {
                        outcome = ended;
                    }
                    false
                }
            });
            match running.len() {
                0 if before == 0 => return Poll::Ready(()),
                // Those that come next have to be polled before anybody is woken.
                after if after < before => {}
                _ => return Poll::Pending,
            }
        }
    })
    .await;
    outcome
}
