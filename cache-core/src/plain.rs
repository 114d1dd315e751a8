//! Entries that are addressed by a key of the caller's, not by a function.

#[cfg(mutants)]
mod broken;
mod lifetime;
mod many;

use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::call::{CacheValue, Call, Miss};
use crate::deferral;
use crate::error::Error;
use crate::fence::Nonce;
use crate::function::Function;
use crate::handling::{Coding, Encodable, Handling, Unstored};
use crate::layout::EntryKeys;
use crate::memory::entry::{Entry, EntryKey};
use crate::mutants::{Mutant, active};
use crate::outcome::ResultOf;
use crate::pending::Regions;
use crate::segment::escape_path;
use crate::shared::{Found, Look, Shared};
use crate::store::Swap;
use crate::subject::{Lifetime, Subject};
use crate::tag::Tags;
use crate::traffic::MissReason;

/// Stands for all of them: one key is one entry, whatever the type of its value.
pub(crate) static PLAIN: Function = Function::new("", "", "", "", 0);

/// A key in a cache.
pub(crate) struct PlainKey<'a> {
    cache: &'a Cache,
    subject: Subject,
}

impl<'a> PlainKey<'a> {
    pub(crate) fn new(cache: &'a Cache, key: &str) -> Result<Self, Error> {
        if key.is_empty() {
            return Err(Error::invalid_input("the key is empty"));
        }
        let inner = cache.inner();
        inner.used();
        let instance = PLAIN.instance::<fn(), ()>(None);
        let path = escape_path(key);
        let invalidations = &inner.memory.invalidations;
        let leaf = invalidations.leaf("", key.as_bytes());
        let subject = Subject {
            key: EntryKey {
                hash: inner.memory.seed(instance).hash(key.as_bytes()),
                instance,
                bytes: key.as_bytes().into(),
            },
            slots: invalidations.slots_of_plain_key(&path, leaf),
            leaf,
            path: path.into(),
            tags: Tags::NONE,
            series: Arc::clone(&inner.plain),
            arguments: key.len(),
        };
        Ok(Self { cache, subject })
    }

    /// Whether a rollout leaves the key out, and counts it if so.
    pub(crate) fn is_bypassed(&self) -> bool {
        let inner = self.cache.inner();
        inner.rollout.is_restricted() && inner.bypasses_plain(self.subject.plain_key())
    }

    /// Whether the block that this is called in has outdated the key, without having invalidated it
    /// yet.
    fn is_outdated(&self) -> bool {
        deferral::covers(self.cache.inner(), &self.subject.slots)
    }

    /// The same for a key in a store; counts a miss, too.
    fn counted_outdated(&self) -> bool {
        let outdated = self.is_outdated();
        if outdated {
            let series = &self.subject.series;
            series.missed_shared(MissReason::Pending);
        }
        outdated
    }

    /// How long a value lives whose caller does not say.
    fn default_ttl(&self) -> Duration {
        let inner = self.cache.inner();
        let set = inner.ttls.of(self.subject.first_segment());
        set.unwrap_or(inner.default_ttl)
    }

    fn look_up(&self) -> Option<Arc<Entry>> {
        let EntryKey {
            hash,
            instance,
            bytes,
        } = &self.subject.key;
        let inner = self.cache.inner();
        inner.memory.get(*hash, instance, bytes, inner.clock.now())
    }

    /// Puts a value into memory, takes it out again and compares.
    pub(crate) fn comes_back_from_memory(self, value: [u8; 16]) -> Result<(), Error> {
        let inner = self.cache.inner();
        let born = inner.memory.invalidations.now();
        let ttl = inner.default_ttl;
        let entry = self
            .subject
            .entry(inner, born, Some(value), Lifetime::fixed(ttl), |_| 0);
        inner.replace(entry, self.subject.leaf);
        let found = self.look_up();
        let found: Option<[u8; 16]> = found.and_then(|entry| entry.value().flatten());
        inner.memory.remove(&self.subject.key, self.subject.leaf);
        match (found, self.look_up()) {
            (Some(found), None) if found == value => Ok(()),
            (None, _) => Err(Error::data("what was stored is not there")),
            (Some(_), _) => Err(Error::data(
                "what is there is not what was stored or removed",
            )),
        }
    }

    fn value<V: CacheValue>(&self) -> Option<V> {
        let entry = self.look_up().filter(|_| !self.is_outdated())?;
        let value = entry.value::<V>().flatten()?;
        entry.series.hit();
        Some(value)
    }

    /// The value that memory has; counts a miss, too.
    fn counted_value<V: CacheValue>(&self) -> Option<V> {
        let value = self.value();
        if value.is_none() {
            self.subject.series.missed();
        }
        value
    }

    pub(crate) async fn get<V: CacheValue>(&self) -> Result<Option<V>, Error> {
        let Some(shared) = self.cache.inner().shared() else {
            return Ok(self.counted_value());
        };
        if self.counted_outdated() {
            return Ok(None);
        }
        let keys = self.subject.keys(&shared.layout)?;
        let look = self.looked_for(&keys, self.default_ttl());
        let budget = &mut shared.budget();
        match shared.look(look, &self.coding(), budget).await? {
            Found::Entry(value, ..) => Ok(value),
            Found::Aged(..) | Found::Nothing(_) | Found::Barred => Ok(None),
        }
    }

    fn coding<V: CacheValue>(&self) -> Coding<'_, V> {
        Encodable::new().coding(&self.cache.inner().packaging, None)
    }

    fn looked_for<'k>(&'k self, keys: &'k EntryKeys, ttl: Duration) -> Look<'k> {
        self.subject.looked_for(keys, ttl)
    }

    /// Looks the key up as the call of a function that returns a `Result`.
    pub(crate) fn call<V: CacheValue, E>(
        self,
        ttl: Option<Duration>,
    ) -> Call<Result<V, E>, ResultOf> {
        if let Some(value) = self.value() {
            return Call::hit(ResultOf, Some(value));
        }
        Call::miss(Miss {
            cache: self.cache.clone(),
            subject: Some(self.subject),
            shape: ResultOf,
            ttl,
            none_ttl: None,
            handling: Handling::shared(),
            codec: None,
            replaces: None,
            sampled: None,
        })
    }

    /// Puts a value in the place of whatever is stored or being computed.
    pub(crate) async fn set<V: CacheValue>(self, value: V, ttl: Duration) -> Result<(), Error> {
        let inner = self.cache.inner();
        if let Some(shared) = inner.shared() {
            return self.set_shared(shared, &value, ttl).await;
        }
        // The time to store it with is taken when it is stored.
        let born = inner.memory.invalidations.now();
        let ttl = inner.bounded_by_fallback(ttl, Duration::ZERO);
        let weigh = Handling::shared().weigh;
        let entry = self
            .subject
            .entry(inner, born, Some(value), Lifetime::fixed(ttl), weigh);
        inner.replace(entry, self.subject.leaf);
        self.invalidate_later();
        if inner.shared().is_some() {
            // The store was reached meanwhile, and memory hears of no other process any more.
            inner.memory.remove(&self.subject.key, self.subject.leaf);
        }
        Ok(())
    }

    /// Reads every generation, then swaps the key's own, so that nothing from before answers any
    /// more and no computation under way can store; then stores under what was read and the swap
    /// left, unless somebody else came in between. Read after the swap, a generation could be
    /// newer than an invalidation that the value must not outlive.
    async fn set_shared<V: CacheValue>(
        &self,
        shared: &Shared,
        value: &V,
        ttl: Duration,
    ) -> Result<(), Error> {
        #[cfg(mutants)]
        if broken::sets_otherwise() {
            return self.set_otherwise(shared, value, ttl).await;
        }
        let keys = self.subject.keys(&shared.layout)?;
        let look = self.looked_for(&keys, ttl);
        let mut budget = shared.budget();
        let nonce = Nonce::random()?;
        let outdated = Outdated(&self.subject.path, shared);
        let observed = shared.observe(look, &mut budget).await?;
        let fence = shared.complete(look, observed, &mut budget).await;
        let swap = shared.swap(look, nonce, &mut budget).await?;
        std::mem::forget(outdated);
        if swap == Swap::Full {
            // What is there must not answer all the same, and that needs no room.
            let node = [Box::from(&*self.subject.path)];
            let series = Some(look.series);
            let regions = Regions::of_nodes(&node);
            return shared.invalidate(regions, series, &mut budget).await;
        }
        let Some(fence) = fence.and_then(|fence| fence.after_swap(&swap)) else {
            return Ok(());
        };
        let coding = self.coding();
        let stamp = shared.stamp(ttl, Duration::ZERO);
        match coding.encode_entry(&keys, &fence, Some(value), stamp) {
            Ok(entry) => shared.fill(look, entry, ttl, &mut budget).await,
            Err(Unstored::Unencodable(error)) => Err(error),
            Err(reason @ Unstored::TooLarge(_)) => {
                look.series.unstored(&reason);
                Ok(())
            }
        }
    }

    pub(crate) async fn remove(self) -> Result<(), Error> {
        let inner = self.cache.inner();
        inner.memory.remove(&self.subject.key, self.subject.leaf);
        let Some(shared) = &inner.shared else {
            return Ok(());
        };
        let node = [Box::from(&*self.subject.path)];
        let series = Some(&*self.subject.series);
        let regions = Regions::of_nodes(&node);
        shared
            .invalidate(regions, series, &mut shared.budget())
            .await
    }

    /// Invalidates the key in the store when it is dropped.
    fn outdated(&self) -> Option<Outdated<'_>> {
        let shared = self.cache.inner().shared.as_ref();
        shared.map(|shared| Outdated(&self.subject.path, shared))
    }

    /// While memory stands in for a store that can't be reached: what the store holds is outdated.
    fn invalidate_later(&self) {
        if let Some(shared) = &self.cache.inner().shared {
            let node = [Box::from(&*self.subject.path)];
            shared.invalidate_later(Regions::of_nodes(&node));
        }
    }
}

/// What a `set` replaces, as long as it is not known whether it has. Dropped, it invalidates the
/// key: nobody may be given what was there before a `set` that may have taken place.
struct Outdated<'a>(&'a str, &'a Shared);

impl Drop for Outdated<'_> {
    fn drop(&mut self) {
        if active(Mutant::SetNotGuarded) {
            return;
        }
        self.1
            .invalidate_later(Regions::of_nodes(&[Box::from(self.0)]));
    }
}
