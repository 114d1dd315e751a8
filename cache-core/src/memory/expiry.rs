//! When to look for expired entries, and where.
//!
//! Expired entries are never served, but they take up room until somebody removes them. Asking the
//! engine for them would lock every shard for as long as it takes to look at every entry, so the
//! hashes of the entries are noted here by deadline, in buckets of one second, and a sweep visits
//! just those that are due.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::{SECOND, Tick};

/// How many notes may be superfluous before the queue is thinned out.
const SLACK: usize = 4_096;

/// The hashes of entries by the second in which they expire.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    buckets: BTreeMap<u64, Vec<u64>>,
    notes: usize,
}

/// The bucket whose sweep finds everything with this deadline expired.
fn bucket(deadline: Tick) -> u64 {
    deadline / SECOND + 1
}

impl Expiry {
    /// Notes an entry. Gives the moment to sweep at when nothing was to be swept then before.
    #[must_use]
    pub(crate) fn note(&self, hash: u64, deadline: Tick) -> Option<Tick> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.notes += 1;
        let hashes = queue.buckets.entry(bucket(deadline)).or_default();
        hashes.push(hash);
        (hashes.len() == 1).then(|| bucket(deadline).saturating_mul(SECOND))
    }

    /// Takes the hashes of every entry whose bucket is over.
    pub(crate) fn due(&self, now: Tick) -> Vec<u64> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let later = queue.buckets.split_off(&(now / SECOND + 1));
        let due = std::mem::replace(&mut queue.buckets, later);
        let due: Vec<u64> = due.into_values().flatten().collect();
        queue.notes -= due.len();
        due
    }

    /// Forgets notes of entries that are gone or were replaced, once there are many more notes
    /// than the `live` entries. `deadline` gives the deadline of the entry under a hash.
    pub(crate) fn thin_out(&self, live: usize, deadline: impl Fn(u64) -> Option<Tick>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.notes <= 2 * live + SLACK {
            return;
        }
        for (second, hashes) in &mut queue.buckets {
            hashes.sort_unstable();
            hashes.dedup();
            hashes.retain(|hash| deadline(*hash).map(bucket) == Some(*second));
        }
        queue.buckets.retain(|_, hashes| !hashes.is_empty());
        queue.notes = queue.buckets.values().map(Vec::len).sum();
    }

    #[cfg(all(test, not(shuttle)))]
    fn notes(&self) -> usize {
        self.queue.lock().unwrap().notes
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn gives_what_is_due_once_and_asks_for_one_sweep_a_second() {
        let expiry = Expiry::default();
        assert_eq!(expiry.note(1, 5 * SECOND), Some(6 * SECOND));
        assert_eq!(expiry.note(2, 5 * SECOND + 1), None);
        assert_eq!(expiry.note(3, 6 * SECOND), Some(7 * SECOND));
        assert!(expiry.due(5 * SECOND + 1).is_empty());
        assert_eq!(expiry.due(6 * SECOND), [1, 2]);
        assert!(expiry.due(6 * SECOND).is_empty());
        assert_eq!(expiry.due(7 * SECOND), [3]);
    }

    #[test]
    fn refilling_the_same_entry_for_ever_does_not_grow_the_queue() {
        let expiry = Expiry::default();
        for i in 0..100_000u64 {
            let deadline = 1_000 * SECOND + i;
            let _ = expiry.note(1, deadline);
            expiry.thin_out(1, |hash| (hash == 1).then_some(deadline));
        }
        assert!(expiry.notes() <= SLACK + 3, "{}", expiry.notes());
        assert_eq!(
            expiry
                .due(u64::MAX)
                .iter()
                .filter(|hash| **hash != 1)
                .count(),
            0
        );
    }
}
