//! What a call is about: the entry that would answer it, apart from its value.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Inner};
use crate::error::Error;
use crate::function::{Function, Instance};
use crate::key::KeyWriter;
use crate::layout::{EntryKeys, FunctionEntry, Layout, Leaf};
use crate::memory::entry::{Entry, EntryKey, Slots};
use crate::memory::invalidations::{Born, Slot, Stamp};
use crate::policy::MAX_TTL;
use crate::segment::{SegmentWriter, render};
use crate::stats::Series;

/// Everything about an entry that is known before its value is.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) key: EntryKey,
    pub(crate) slots: Slots,
    pub(crate) leaf: Slot,
    /// The rendered key prefix of a function, or the whole of a plain key.
    pub(crate) path: Cow<'static, str>,
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
        writer: &KeyWriter,
        prefix: impl FnOnce(&mut SegmentWriter<'_>),
    ) -> Option<Self> {
        let function = instance.function();
        cache.inner().used();
        let series = cache.inner().statistics.series(function);
        let path = match writer.error() {
            Some(error) => return series.uncacheable(error),
            None => match render_prefix(function.key_prefix(), prefix) {
                Err(error) => return series.uncacheable(&error),
                Ok(path) => path,
            },
        };
        let invalidations = &cache.inner().memory.invalidations;
        let leaf = invalidations.leaf(leaf_name(function), writer.argument_bytes());
        Some(Self {
            key: EntryKey {
                hash,
                instance,
                bytes: writer.bytes().into(),
            },
            slots: invalidations.slots_of_call(&path, function.name(), leaf),
            leaf,
            path,
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
            tags: &[],
        })
    }

    /// The entry of a value (or of an absence) that was computed from `born` on.
    pub(crate) fn entry<V: Any + Send + Sync>(
        &self,
        inner: &Inner,
        born: Born,
        value: Option<V>,
        ttl: Duration,
        weigh: fn(&V) -> u64,
    ) -> Arc<Entry> {
        let weight = inner.weigh(|| {
            let owned = value.as_ref().map_or(0, weigh);
            (size_of::<Entry<Option<V>>>() + self.key.bytes.len()) as u64 + owned
        });
        Arc::new(Entry {
            key: self.key.clone(),
            stamp: Stamp::new(born),
            deadline: inner.clock.after(ttl.min(MAX_TTL)).into(),
            slots: self.slots.clone(),
            weight,
            path: self.path.clone(),
            series: Arc::clone(&self.series),
            value,
        })
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

fn render_prefix(
    template: &'static str,
    fill: impl FnOnce(&mut SegmentWriter<'_>),
) -> Result<Cow<'static, str>, Error> {
    if template.contains('{') {
        render(template, fill).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(template))
    }
}
