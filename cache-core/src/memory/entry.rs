//! What the memory tier holds: the value itself, not its encoding.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use smallvec::SmallVec;

use super::invalidations::{Slot, Stamp};
use crate::clock::Tick;
use crate::function::Instance;
use crate::stats::Series;

/// The slots of one entry. Those of a function under six segments fit without allocating.
pub(crate) type Slots = SmallVec<[Slot; 8]>;

/// Who an entry belongs to: the exact bytes that make two calls the same.
#[derive(Debug, Clone)]
pub(crate) struct EntryKey {
    /// Hash of the two fields below, keyed per cache.
    pub(crate) hash: u64,
    pub(crate) instance: &'static Instance,
    pub(crate) bytes: SmallVec<[u8; 16]>,
}

impl EntryKey {
    #[inline]
    pub(crate) fn is(&self, instance: &'static Instance, bytes: &[u8]) -> bool {
        std::ptr::eq(self.instance, instance) && *self.bytes == *bytes
    }

    /// The key under which people know the entry, behind this path.
    pub(crate) fn visible(&self, namespace: Option<&str>, path: &str) -> String {
        let mut segments: Vec<_> = namespace.into_iter().collect();
        if !path.is_empty() {
            segments.push(path);
        }
        let name = self.instance.function().versioned_name();
        let hash = self.instance.identity().args_hash(&self.bytes).to_string();
        if !name.is_empty() {
            segments.extend([name.as_str(), &hash]);
        }
        segments.join(":")
    }
}

/// An entry. `V` is `Option<T>`: `None` stands for an absence that the policy keeps.
///
/// Value and bookkeeping share one allocation. What decides over a hit stands together at its
/// beginning: with ten thousand entries in use, cache lines are what a hit spends its time on.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry<V: ?Sized = dyn Any + Send + Sync> {
    /// Until when it answers without a question. Changeable, for `expire`: a load of it costs what one
    /// of a plain number does.
    pub(crate) deadline: AtomicU64,
    pub(crate) stamp: Stamp,
    pub(crate) key: EntryKey,
    pub(crate) slots: Slots,
    pub(crate) weight: u64,
    /// What it is good for afterwards, if for anything.
    pub(crate) later: Option<Box<Later>>,
    /// The rendered key prefix of a function, or the whole of a plain key.
    pub(crate) path: Cow<'static, str>,
    pub(crate) series: Arc<Series>,
    pub(crate) value: V,
}

/// The times of an entry that is of use beyond the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Later {
    /// When it expires.
    pub(crate) expires: Tick,
    /// When it can't be used for anything any more.
    pub(crate) ends: Tick,
}

impl Entry {
    /// Until when it answers without a question.
    #[inline]
    pub(crate) fn deadline(&self) -> Tick {
        self.deadline.load(Relaxed)
    }

    /// When it expires.
    pub(crate) fn expires(&self) -> Tick {
        let later = self.later.as_ref();
        later.map_or_else(|| self.deadline(), |later| later.expires)
    }

    /// When it can't be used for anything any more.
    pub(crate) fn ends(&self) -> Tick {
        let later = self.later.as_ref();
        later.map_or_else(|| self.deadline(), |later| later.ends)
    }

    /// Lets one that has no other time end at another moment. Whether it is valid does not depend on that alone.
    pub(crate) fn end_at(&self, deadline: Tick) {
        self.deadline.store(deadline, Relaxed);
    }

    /// The value, if it is of this type: `Some(None)` is a kept absence.
    #[inline]
    pub(crate) fn value<T: Clone + 'static>(&self) -> Option<Option<T>> {
        self.value.downcast_ref::<Option<T>>().cloned()
    }

    /// The key under which people know the entry.
    pub(crate) fn visible_key(&self, namespace: Option<&str>) -> String {
        self.key.visible(namespace, &self.path)
    }
}
