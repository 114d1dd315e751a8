//! Invalidations of writers whose outcome was never known, to be done once more when it must have
//! settled.

use std::collections::BTreeMap;

use crate::clock::{SECOND, Tick};
use crate::layout::Leaf;
use crate::memory::invalidations::Slot;
use crate::pending::Regions;
use crate::sync::{Mutex, MutexGuard, lock};

/// What writers would have invalidated, had their outcome been known, by the second in which that
/// is to be done. Equal ones of one second are one.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    seconds: Mutex<Seconds>,
}

/// The targets of each second, with the number of their latest entry.
#[derive(Debug, Default)]
struct Seconds {
    due: BTreeMap<u64, BTreeMap<Target, u64>>,
    entered: u64,
}

/// What an invalidation covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) slots: Vec<Slot>,
    /// For a store; empty where there is none, as are the leaves and the tags.
    pub(crate) nodes: Vec<Box<str>>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) tags: Vec<Box<str>>,
    /// A placeholder or an argument could not be rendered, and nothing narrower is known to be right.
    pub(crate) everything: bool,
}

impl Target {
    /// What is to be invalidated in a store.
    pub(crate) fn regions(&self) -> Regions<'_> {
        Regions {
            nodes: &self.nodes,
            leaves: &self.leaves,
            tags: &self.tags,
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
        seconds.entered += 1;
        let number = seconds.entered;
        let targets = seconds.due.entry(second).or_default();
        let first = targets.is_empty();
        targets.insert(target, number);
        first.then(|| second.saturating_mul(SECOND))
    }

    /// Does what is due. Each is forgotten after it was done: in between it would be nowhere, and
    /// whoever shuts down would not wait for it.
    pub(crate) fn settle(&self, now: Tick, mut invalidate: impl FnMut(&Target)) {
        while let Some((second, target, number)) = self.first_due(now) {
            invalidate(&target);
            let mut seconds = self.lock();
            // Unless another writer has entered it once more.
            if let Some(targets) = seconds.due.get_mut(&second)
                && targets.get(&target) == Some(&number)
            {
                targets.remove(&target);
            }
            seconds.due.retain(|_, targets| !targets.is_empty());
        }
    }

    fn first_due(&self, now: Tick) -> Option<(u64, Target, u64)> {
        let seconds = self.lock();
        let (second, targets) = seconds.due.first_key_value()?;
        let (target, number) = targets.first_key_value()?;
        (*second <= now / SECOND).then(|| (*second, target.clone(), *number))
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().due.values().map(BTreeMap::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Seconds> {
        lock(&self.seconds)
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
        assert_eq!(settle(&settling, 5 * SECOND - 1), []);
        assert_eq!(settle(&settling, 5 * SECOND), [target(1), target(2)]);
        assert_eq!(settle(&settling, 6 * SECOND), [target(1)]);
        assert_eq!(settling.len(), 0);
    }

    fn settle(settling: &Settling, now: Tick) -> Vec<Target> {
        let mut done = Vec::new();
        settling.settle(now, |target| done.push(target.clone()));
        done
    }

    #[test]
    fn what_is_being_done_still_counts_and_is_done_again_if_it_is_entered_meanwhile() {
        let settling = Settling::default();
        settling.add(target(1), SECOND);
        let mut done = 0;
        settling.settle(Tick::MAX, |_| {
            assert_eq!(settling.len(), 1);
            done += 1;
            if done == 1 {
                settling.add(target(1), SECOND);
            }
        });
        assert_eq!((done, settling.len()), (2, 0));
    }
}
