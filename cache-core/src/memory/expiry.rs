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
    /// The bucket for whose end a sweep is arranged: no later one than the first that there is.
    next: Option<u64>,
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

/// When a bucket is over.
fn end(bucket: u64) -> Tick {
    bucket.saturating_mul(SECOND)
}

impl Expiry {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                buckets: BTreeMap::new(),
                notes: 0,
                most: SLACK,
                next: None,
            }),
        }
    }

    /// Notes an entry.
    pub(crate) fn note(&self, hash: u64, deadline: Tick) -> Arrange {
        let mut queue = self.lock();
        queue.notes += 1;
        let thin_out = queue.notes == queue.most + 1;
        let bucket = bucket(deadline);
        queue.buckets.entry(bucket).or_default().push(hash);
        let earlier = queue.next.is_none_or(|next| bucket < next);
        if earlier {
            queue.next = Some(bucket);
        }
        Arrange {
            sweep: earlier.then(|| end(bucket)),
            thin_out,
        }
    }

    /// Takes the hashes of every entry whose bucket is over, and gives the moment of the next sweep
    /// if that has to be arranged.
    ///
    /// One sweep is arranged at a time, not one for each bucket: a single entry that is refilled
    /// with ever other times to live fills any number of buckets.
    pub(crate) fn due(&self, now: Tick) -> (Vec<u64>, Option<Tick>) {
        let mut queue = self.lock();
        let over = now / SECOND;
        let later = queue.buckets.split_off(&(over + 1));
        let due = std::mem::replace(&mut queue.buckets, later);
        let due: Vec<u64> = due.into_values().flatten().collect();
        queue.notes -= due.len();
        if queue.next.is_some_and(|next| next > over) {
            return (due, None);
        }
        queue.next = queue.buckets.first_key_value().map(|(bucket, _)| *bucket);
        (due, queue.next.map(end))
    }

    /// Forgets the notes of entries that are gone or were replaced; `deadline` gives the deadline
    /// of the entry under a hash. Goes bucket by bucket, so that nobody waits long for the lock.
    /// Sweeps and this must not run at the same time.
    pub(crate) fn thin_out(&self, deadline: impl Fn(u64) -> Option<Tick>) {
        let mut queue = self.lock();
        // To be asked for again even if this attempt ends in the panic of a value's drop.
        queue.most = queue.notes + SLACK;
        let seconds: Vec<u64> = queue.buckets.keys().copied().collect();
        drop(queue);
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
    fn gives_what_is_due_once_and_asks_for_one_sweep_at_a_time() {
        let expiry = Expiry::new();
        assert_eq!(expiry.note(1, 5 * SECOND).sweep, Some(6 * SECOND));
        assert_eq!(expiry.note(2, 5 * SECOND + 1).sweep, None);
        assert_eq!(expiry.note(3, 6 * SECOND).sweep, None);
        assert_eq!(expiry.note(4, 4 * SECOND).sweep, Some(5 * SECOND));
        assert_eq!(expiry.due(4 * SECOND + 1), (vec![], None));
        assert_eq!(expiry.due(5 * SECOND), (vec![4], Some(6 * SECOND)));
        assert_eq!(expiry.due(6 * SECOND), (vec![1, 2], Some(7 * SECOND)));
        // The sweep that was arranged first, and is superfluous since.
        assert_eq!(expiry.due(6 * SECOND), (vec![], None));
        assert_eq!(expiry.due(7 * SECOND), (vec![3], None));
        assert_eq!(expiry.lock().notes, 0);
        assert_eq!(expiry.note(5, 8 * SECOND).sweep, Some(9 * SECOND));
    }

    #[test]
    fn refilling_an_entry_with_ever_other_times_asks_for_few_sweeps() {
        let expiry = Expiry::new();
        let asked = (0..100_000_u64).filter(|i| {
            let deadline = (i * 7_919 % 86_400) * SECOND;
            let arrange = expiry.note(1, deadline);
            if arrange.thin_out {
                expiry.thin_out(|_| Some(deadline));
            }
            arrange.sweep.is_some()
        });
        assert!(asked.count() < 20);
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
        assert_eq!(expiry.due(20 * SECOND).0.len(), 100_000);
    }
}
