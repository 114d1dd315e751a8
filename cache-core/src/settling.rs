//! Invalidations of writers whose outcome was never known, to be done once more when it must have
//! settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::{SECOND, Tick};
use crate::layout::Leaf;
use crate::memory::invalidations::Slot;
use crate::pending::Regions;

/// What writers would have invalidated, had their outcome been known, by the second in which that
/// is to be done. Equal ones of one second are one.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    seconds: Mutex<BTreeMap<u64, BTreeSet<Target>>>,
}

/// What an invalidation covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) slots: Vec<Slot>,
    /// For a store; empty where there is none, as are the leaves.
    pub(crate) nodes: Vec<Box<str>>,
    pub(crate) leaves: Vec<Leaf>,
    /// A placeholder or an argument could not be rendered, and nothing narrower is known to be right.
    pub(crate) everything: bool,
}

impl Target {
    /// What is to be invalidated in a store.
    pub(crate) fn regions(&self) -> Regions<'_> {
        Regions {
            nodes: &self.nodes,
            leaves: &self.leaves,
            everything: self.everything,
        }
    }
}

impl Settling {
    /// Enters an invalidation that is to be done at `due` or up to a second later. Gives the moment
    /// to take it at, if nothing was to be taken then before.
    pub(crate) fn add(&self, target: Target, due: Tick) -> Option<Tick> {
        let second = due.div_ceil(SECOND);
        let mut seconds = self.lock();
        let targets = seconds.entry(second).or_default();
        let first = targets.is_empty();
        targets.insert(target);
        first.then(|| second.saturating_mul(SECOND))
    }

    /// Takes what is due.
    pub(crate) fn take(&self, now: Tick) -> impl Iterator<Item = Target> {
        let mut seconds = self.lock();
        let later = seconds.split_off(&(now / SECOND + 1));
        let due = std::mem::replace(&mut *seconds, later);
        due.into_values().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().values().map(BTreeSet::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, BTreeSet<Target>>> {
        self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

    fn target(slot: Slot) -> Target {
        Target {
            slots: vec![slot],
            ..Target::default()
        }
    }

    #[test]
    fn equal_targets_of_one_second_are_one_and_none_is_early() {
        let settling = Settling::default();
        assert_eq!(settling.add(target(1), 5 * SECOND - 1), Some(5 * SECOND));
        for _ in 0..1_000 {
            assert_eq!(settling.add(target(1), 5 * SECOND), None);
            assert_eq!(settling.add(target(2), 5 * SECOND), None);
        }
        assert_eq!(settling.add(target(1), 5 * SECOND + 1), Some(6 * SECOND));
        assert_eq!(settling.len(), 3);
        assert_eq!(settling.take(5 * SECOND - 1).count(), 0);
        assert!(settling.take(5 * SECOND).eq([target(1), target(2)]));
        assert!(settling.take(6 * SECOND).eq([target(1)]));
        assert_eq!(settling.len(), 0);
    }
}
