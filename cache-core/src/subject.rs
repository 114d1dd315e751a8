//! What a call is about: the entry that would answer it, apart from its value.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Inner};
use crate::clock::{Tick, ticks};
use crate::error::Error;
use crate::function::{Function, Instance};
use crate::key::KeyWriter;
use crate::layout::{EntryKeys, FunctionEntry, Layout, Leaf};
use crate::memory::entry::{Entry, EntryKey, Later, Slots};
use crate::memory::invalidations::{Born, Slot, Stamp};
use crate::policy::MAX_TTL;
use crate::segment::SegmentWriter;
use crate::shared::Look;
use crate::stats::Series;
use crate::tag::Tags;

/// Everything about an entry that is known before its value is.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) key: EntryKey,
    pub(crate) slots: Slots,
    pub(crate) leaf: Slot,
    /// The rendered key prefix of a function, or the whole of a plain key.
    pub(crate) path: Cow<'static, str>,
    /// The tags of a function's entry; a plain key has none.
    pub(crate) tags: Tags,
    pub(crate) series: Arc<Series>,
    /// How many of the key's bytes are arguments; behind them are scopes.
    pub(crate) arguments: usize,
}

impl Subject {
    /// The subject of a call that was not answered. `None` if no key can be made of the arguments:
    /// such a call runs as if it were not cached.
    #[cold]
    pub(crate) fn of_call(
        cache: &Cache,
        instance: &'static Instance,
        hash: u64,
        writer: &mut KeyWriter,
        prefix: impl FnOnce(&mut SegmentWriter<'_>),
    ) -> Option<Self> {
        cache.inner().used();
        let subject = Self::known(cache, instance, hash, writer, prefix);
        subject.map_or_else(
            |error| {
                let series = cache.inner().statistics.series(instance.function());
                series.uncacheable(&error)
            },
            Some,
        )
    }

    /// The subject of a call, counted nowhere.
    ///
    /// # Errors
    ///
    /// If no key can be made of the arguments.
    pub(crate) fn known(
        cache: &Cache,
        instance: &'static Instance,
        hash: u64,
        writer: &mut KeyWriter,
        prefix: impl FnOnce(&mut SegmentWriter<'_>),
    ) -> Result<Self, Error> {
        let function = instance.function();
        if let Some(error) = writer.take_error() {
            return Err(error);
        }
        let (path, tags) = Tags::with_prefix(function, prefix)?;
        let series = cache.inner().statistics.series(function);
        let invalidations = &cache.inner().memory.invalidations;
        let leaf = invalidations.leaf(leaf_name(function), writer.argument_bytes());
        Ok(Self {
            key: EntryKey {
                hash,
                instance,
                bytes: writer.bytes().into(),
            },
            slots: invalidations.slots_of_call(&path, function.name(), leaf, &tags),
            leaf,
            path,
            tags,
            series,
            arguments: writer.argument_bytes().len(),
        })
    }

    /// The first segment of its keys, as it stands in the source.
    pub(crate) fn first_segment(&self) -> &str {
        let function = self.key.instance.function();
        if function.is_plain() {
            return self.plain_key().split(':').next().unwrap_or_default();
        }
        function.segments().next().unwrap_or_default()
    }

    /// The plain key as it was given; empty for a function.
    pub(crate) fn plain_key(&self) -> &str {
        if !self.key.instance.function().is_plain() {
            return "";
        }
        std::str::from_utf8(&self.key.bytes).unwrap_or_default()
    }

    /// The keys of the entry in a store.
    pub(crate) fn keys(&self, layout: &Layout) -> Result<EntryKeys, Error> {
        let EntryKey {
            instance, bytes, ..
        } = &self.key;
        let function = instance.function();
        if function.is_plain() {
            return layout.plain_entry(&self.path);
        }
        layout.function_entry(&FunctionEntry {
            prefix: &self.path,
            function: function.name(),
            version: function.version_number(),
            args_hash: *instance.identity().args_hash(bytes).as_bytes(),
            leaf: Leaf::of_call(leaf_name(function), &bytes[..self.arguments]),
            tags: &self.tags.names(),
        })
    }

    /// The entry in a store, which would live for `ttl` and what comes behind it.
    pub(crate) fn looked_for<'a>(&'a self, keys: &'a EntryKeys, ttl: Duration) -> Look<'a> {
        let function = self.key.instance.function();
        let policy = function.policy();
        Look {
            keys,
            path: &self.path,
            function: function.name(),
            tags: &self.tags,
            series: &self.series,
            policy,
            ttl: ttl.min(MAX_TTL) + policy.longest_stale(),
            counts: true,
        }
    }

    /// The entry of a value (or of an absence) that was computed from `born` on.
    pub(crate) fn entry<V: Any + Send + Sync>(
        &self,
        inner: &Inner,
        born: Born,
        value: Option<V>,
        lifetime: Lifetime,
        weigh: fn(&V) -> u64,
    ) -> Arc<Entry> {
        let weight = inner.weigh(|| {
            let owned = value.as_ref().map_or(0, weigh);
            (size_of::<Entry<Option<V>>>() + self.key.bytes.len()) as u64 + owned
        });
        let (deadline, later) = self.times(inner.clock.now(), lifetime, value.is_some());
        Arc::new(Entry {
            key: self.key.clone(),
            stamp: Stamp::new(born),
            deadline: deadline.into(),
            slots: self.slots.clone(),
            weight,
            later,
            path: self.path.clone(),
            series: Arc::clone(&self.series),
            value,
        })
    }
}

/// How long what was computed lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    pub(crate) ttl: Duration,
    /// How long it took to compute, if it may be of use when it is not quite fresh any more.
    pub(crate) cost: Option<Duration>,
}

impl Lifetime {
    /// That of what ends when its ttl does.
    pub(crate) fn fixed(ttl: Duration) -> Self {
        Self { ttl, cost: None }
    }
}

impl Subject {
    /// Until when an entry answers without a question, and what comes then. An absence is no use
    /// once it has expired.
    fn times(&self, now: Tick, lifetime: Lifetime, is_value: bool) -> (Tick, Option<Box<Later>>) {
        let ttl = lifetime.ttl.min(MAX_TTL);
        let expires = now.saturating_add(ticks(ttl));
        let policy = self.key.instance.function().policy();
        let Some(cost) = lifetime.cost.filter(|_| is_value && policy.ages()) else {
            return (expires, None);
        };
        let ends = expires.saturating_add(ticks(policy.longest_stale()));
        let fresh = ttl.saturating_sub(policy.early(ttl, cost));
        let later = Later { expires, ends };
        (now.saturating_add(ticks(fresh)), Some(Box::new(later)))
    }
}

/// What a leaf is made of beside the arguments: the bare name, for an invalidation knows no version.
fn leaf_name(function: &'static Function) -> &'static str {
    #[cfg(mutants)]
    if let Some(name) = function.name_of_a_versioned_leaf() {
        return name;
    }
    function.name()
}
