//! Entries that are addressed by a key of the caller's, not by a function.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::cache::Cache;
use crate::call::{CacheValue, Call, LocalValue, Miss};
use crate::error::Error;
use crate::function::Function;
use crate::memory::entry::{Entry, EntryKey};
use crate::outcome::ResultOf;
use crate::segment::escape;
use crate::subject::{Subject, weigh_serialized};

/// Stands for all of them: one key is one entry, whatever the type of its value.
pub(crate) static PLAIN: Function = Function::new("", "", "", "", 0);

/// A key in a cache.
pub(crate) struct PlainKey<'a> {
    cache: &'a Cache,
    key: EntryKey,
}

impl<'a> PlainKey<'a> {
    pub(crate) fn new(cache: &'a Cache, key: &str) -> Result<Self, Error> {
        if key.is_empty() {
            return Err(Error::invalid_input("the key is empty"));
        }
        let instance = PLAIN.instance::<fn(), ()>();
        let key = EntryKey {
            hash: cache.inner().memory.seed(instance).hash(key.as_bytes()),
            instance,
            bytes: key.as_bytes().into(),
        };
        Ok(Self { cache, key })
    }

    pub(crate) fn look_up(&self) -> Option<Arc<Entry>> {
        let EntryKey {
            hash,
            instance,
            bytes,
        } = &self.key;
        let inner = self.cache.inner();
        inner.memory.get(*hash, instance, bytes, inner.clock.now())
    }

    pub(crate) fn count_miss(&self) {
        self.cache.inner().plain.misses.fetch_add(1, Relaxed);
    }

    fn into_subject(self) -> Subject {
        let Self { cache, key } = self;
        let inner = cache.inner();
        let segments = String::from_utf8_lossy(&key.bytes);
        let path = segments
            .split(':')
            .map(escape)
            .collect::<Vec<_>>()
            .join(":");
        let invalidations = &inner.memory.invalidations;
        let leaf = invalidations.leaf("", &key.bytes);
        Subject {
            slots: invalidations.slots_of_plain_key(&path, leaf),
            leaf,
            path: path.into(),
            series: Arc::clone(&inner.plain),
            key,
        }
    }

    /// Looks the key up as the call of a function that returns a `Result`.
    pub(crate) fn call<V: CacheValue, E>(
        self,
        ttl: Option<Duration>,
    ) -> Call<Result<V, E>, ResultOf> {
        if let Some(entry) = self.look_up()
            && let Some(Some(value)) = entry.value::<V>()
        {
            entry.series.hit();
            return Call::hit(ResultOf, Some(value));
        }
        self.count_miss();
        Call::miss(Miss {
            cache: self.cache.clone(),
            subject: Some(self.into_subject()),
            shape: ResultOf,
            ttl,
            none_ttl: None,
            weigh: weigh_serialized::<V>,
        })
    }

    /// Puts a value in the place of whatever is stored or being computed, or nothing.
    pub(crate) fn replace<V: LocalValue + serde::Serialize>(self, value: Option<(V, Duration)>) {
        let cache = self.cache;
        let (inner, subject) = (cache.inner(), self.into_subject());
        match value {
            Some((value, ttl)) => {
                // The time to store it with is taken when it is stored.
                let born = inner.memory.invalidations.now();
                let weigh = weigh_serialized::<V>;
                let entry = subject.entry(inner, born, Some(value), ttl, weigh);
                inner.replace(entry, subject.leaf);
            }
            None => inner.memory.remove(&subject.key, subject.leaf),
        }
    }
}
