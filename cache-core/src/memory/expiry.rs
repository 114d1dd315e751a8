//! When to look for expired entries, and where.
//!
//! Expired entries are never served, but they take up room until somebody removes them. Asking the
//! engine for them would lock every shard for as long as it takes to look at every entry, so the
//! hashes of the entries are noted here by deadline, in buckets of one second, and a sweep visits
//! just those that are due.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::{SECOND, Tick};

/// How many notes may be superfluous before the queue is thinned out.
const SLACK: usize = 4_096;

/// The hashes of entries by the second in which they expire.
#[derive(Debug)]
pub(crate) struct Expiry {
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    buckets: BTreeMap<u64, Vec<u64>>,
    notes: usize,
    /// When there are more notes than this, most are of entries that are gone.
    most: usize,
}

/// What has to be arranged after an entry was noted.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Arrange {
    /// A sweep at this moment.
    pub(crate) sweep: Option<Tick>,
    /// Thinning out, soon.
    pub(crate) thin_out: bool,
}

/// The bucket whose sweep finds everything with this deadline expired.
fn bucket(deadline: Tick) -> u64 {
    deadline / SECOND + 1
}

impl Expiry {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                buckets: BTreeMap::new(),
                notes: 0,
                most: SLACK,
            }),
        }
    }

    /// Notes an entry.
    pub(crate) fn note(&self, hash: u64, deadline: Tick) -> Arrange {
        let mut queue = self.lock();
        queue.notes += 1;
        let thin_out = queue.notes == queue.most + 1;
        let hashes = queue.buckets.entry(bucket(deadline)).or_default();
        hashes.push(hash);
        Arrange {
            sweep: (hashes.len() == 1).then(|| bucket(deadline).saturating_mul(SECOND)),
            thin_out,
        }
    }

    /// Takes the hashes of every entry whose bucket is over.
    pub(crate) fn due(&self, now: Tick) -> Vec<u64> {
        let mut queue = self.lock();
        let later = queue.buckets.split_off(&(now / SECOND + 1));
        let due = std::mem::replace(&mut queue.buckets, later);
        let due: Vec<u64> = due.into_values().flatten().collect();
        queue.notes -= due.len();
        due
    }

    /// Forgets the notes of entries that are gone or were replaced; `deadline` gives the deadline
    /// of the entry under a hash. Goes bucket by bucket, so that nobody waits long for the lock.
    /// Sweeps and this must not run at the same time.
    pub(crate) fn thin_out(&self, deadline: impl Fn(u64) -> Option<Tick>) {
        let seconds: Vec<u64> = self.lock().buckets.keys().copied().collect();
        for second in seconds {
            let mut hashes = self.take(second);
            let before = hashes.len();
            hashes.sort_unstable();
            hashes.dedup();
            hashes.retain(|hash| deadline(*hash).map(bucket) == Some(second));
            self.put_back(second, hashes, before);
        }
        let mut queue = self.lock();
        queue.most = 2 * queue.notes + SLACK;
    }

    fn take(&self, second: u64) -> Vec<u64> {
        let mut queue = self.lock();
        let hashes = queue.buckets.get_mut(&second);
        hashes.map(std::mem::take).unwrap_or_default()
    }

    /// Puts back what is left of a bucket that had `before` notes, beside those made meanwhile.
    fn put_back(&self, second: u64, hashes: Vec<u64>, before: usize) {
        let mut queue = self.lock();
        queue.notes -= before - hashes.len();
        let bucket = queue.buckets.entry(second).or_default();
        bucket.extend(hashes);
        if bucket.is_empty() {
            queue.buckets.remove(&second);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn gives_what_is_due_once_and_asks_for_one_sweep_a_second() {
        let expiry = Expiry::new();
        assert_eq!(expiry.note(1, 5 * SECOND).sweep, Some(6 * SECOND));
        assert_eq!(expiry.note(2, 5 * SECOND + 1).sweep, None);
        assert_eq!(expiry.note(3, 6 * SECOND).sweep, Some(7 * SECOND));
        assert!(expiry.due(5 * SECOND + 1).is_empty());
        assert_eq!(expiry.due(6 * SECOND), [1, 2]);
        assert!(expiry.due(6 * SECOND).is_empty());
        assert_eq!(expiry.due(7 * SECOND), [3]);
        assert_eq!(expiry.lock().notes, 0);
    }

    #[test]
    fn refilling_the_same_entry_for_ever_does_not_grow_the_queue() {
        let expiry = Expiry::new();
        let mut thinned_out = 0;
        for i in 0..100_000_u64 {
            let deadline = 1_000 * SECOND + i * SECOND / 100;
            if expiry.note(1, deadline).thin_out {
                expiry.thin_out(|hash| (hash == 1).then_some(deadline));
                thinned_out += 1;
                assert_eq!(expiry.lock().notes, 1);
            }
        }
        assert!((20..30).contains(&thinned_out), "{thinned_out}");
        assert!(expiry.lock().notes <= SLACK + 3);
    }

    #[test]
    fn thinning_out_keeps_the_notes_of_what_is_alive_and_is_asked_for_seldom() {
        let expiry = Expiry::new();
        let asked = (0..100_000_u64).filter(|hash| {
            let arrange = expiry.note(*hash, (hash % 10) * SECOND);
            if arrange.thin_out {
                expiry.thin_out(|hash| Some((hash % 10) * SECOND));
            }
            arrange.thin_out
        });
        assert!(asked.count() < 10);
        assert_eq!(expiry.due(20 * SECOND).len(), 100_000);
    }
}
