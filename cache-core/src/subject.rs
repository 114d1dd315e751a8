//! What a call is about: the entry that would answer it, apart from its value.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;

use crate::cache::{Cache, Inner};
use crate::error::{Error, LOG};
use crate::function::Instance;
use crate::key::KeyWriter;
use crate::memory::entry::{Entry, EntryKey, Slots};
use crate::memory::invalidations::{Born, Slot, Stamp};
use crate::policy::MAX_TTL;
use crate::segment::{SegmentWriter, render};
use crate::stats::Series;

/// How heavy the parts of a value are that lie outside of it.
pub(crate) type Weigh<V> = fn(&V) -> u64;

/// The size of what a value serializes to: an estimate of what it owns on the heap.
pub(crate) fn weigh_serialized<V: Serialize>(value: &V) -> u64 {
    let mut writer = KeyWriter::new();
    writer.argument(value);
    writer.bytes().len() as u64
}

/// Everything about an entry that is known before its value is.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) key: EntryKey,
    pub(crate) slots: Slots,
    pub(crate) leaf: Slot,
    /// The rendered key prefix of a function, or the whole of a plain key.
    pub(crate) path: Cow<'static, str>,
    pub(crate) series: Arc<Series>,
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
        let series = cache.inner().statistics.series(function);
        let path = match writer.error() {
            Some(error) => return series.uncacheable(error),
            None => match render_prefix(function.key_prefix(), prefix) {
                Err(error) => return series.uncacheable(&error),
                Ok(path) => path,
            },
        };
        series.misses.fetch_add(1, Relaxed);
        tracing::debug!(
            target: LOG,
            key_prefix = function.key_prefix(),
            function = function.name(),
            "miss"
        );
        let invalidations = &cache.inner().memory.invalidations;
        let leaf = invalidations.leaf(function.name(), writer.argument_bytes());
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
        })
    }

    /// The entry of a value (or of an absence) that was computed from `born` on.
    pub(crate) fn entry<V: Any + Send + Sync>(
        &self,
        inner: &Inner,
        born: Born,
        value: Option<V>,
        ttl: Duration,
        weigh: Weigh<V>,
    ) -> Arc<Entry> {
        let weight = inner.weigh(|| {
            let owned = value.as_ref().map_or(0, weigh);
            (size_of::<Entry<Option<V>>>() + self.key.bytes.len()) as u64 + owned
        });
        Arc::new(Entry {
            key: self.key.clone(),
            stamp: Stamp::new(born),
            deadline: inner.clock.after(ttl.min(MAX_TTL)),
            slots: self.slots.clone(),
            weight,
            path: self.path.clone(),
            series: Arc::clone(&self.series),
            value,
        })
    }
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
