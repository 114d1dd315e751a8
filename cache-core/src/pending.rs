//! Invalidations that have to be done again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::memory::invalidations::Slot;

/// What a writer would have invalidated, had its outcome been known.
///
/// Kept until they are done: the count of them is in the statistics.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    added: u64,
    waiting: BTreeMap<u64, Target>,
}

/// What an invalidation covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) slots: Vec<Slot>,
    /// A placeholder could not be rendered, and nothing narrower is known to be right.
    pub(crate) everything: bool,
}

impl Pending {
    /// Enters an invalidation and gives the number to take it back with.
    pub(crate) fn add(&self, target: Target) -> u64 {
        let mut entries = self.lock();
        entries.added += 1;
        let number = entries.added;
        entries.waiting.insert(number, target);
        number
    }

    pub(crate) fn take(&self, number: u64) -> Option<Target> {
        self.lock().waiting.remove(&number)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
