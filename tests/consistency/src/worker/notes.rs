//! What the process notes, and when its invalidations have been acknowledged.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use cachewright::Cache;

use crate::clock::{Moment, now};
use crate::record::{Event, Journal, Promise, Record};

/// The history, and what it still owes the oracle.
#[derive(Debug)]
pub struct Notes {
    journal: Journal,
    /// Since the last [`Event::Drained`], something was pending when its caller went on.
    unacknowledged: AtomicBool,
    /// The same of [`Event::Settled`].
    unsettled: AtomicBool,
    /// The process is being shut down.
    closed: AtomicBool,
    /// One look at a time: another could find what the first has in hand.
    looking: Mutex<()>,
}

impl Notes {
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            unacknowledged: AtomicBool::new(false),
            unsettled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            looking: Mutex::default(),
        }
    }

    /// Notes what began at `start` and has just ended.
    pub fn add(&self, event: Event, task: u16, start: Moment) {
        self.add_until(event, task, start, now());
    }

    pub fn add_until(&self, event: Event, task: u16, start: Moment, end: Moment) {
        self.journal.note(&Record {
            event,
            task,
            start,
            end,
        });
        let (Event::Invalidated { promise, .. } | Event::Set { promise, .. }) = event else {
            return;
        };
        if promise != Promise::Acknowledged {
            self.unacknowledged.store(true, SeqCst);
        }
        if promise == Promise::Unsettled {
            self.unsettled.store(true, SeqCst);
        }
    }

    /// Whether the store has acknowledged everything, as of some moment since this was called. It is how a caller learns what an
    /// annotated writer's invalidation came to.
    pub fn promise(cache: &Cache) -> Promise {
        let stats = cache.stats();
        if stats.pending_invalidations == stats.settling_invalidations {
            Promise::Acknowledged
        } else {
            Promise::Pending
        }
    }

    /// From now on nothing settles in its time: whoever is shut down does it at once.
    pub fn close(&self) {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, SeqCst);
    }

    /// Looks whether what was pending is not any more. To be called often.
    pub fn look(&self, cache: &Cache) {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        for (owed, event) in [
            (&self.unacknowledged, Event::Drained),
            (&self.unsettled, Event::Settled),
        ] {
            let early = event == Event::Settled && self.closed.load(SeqCst);
            if early || !owed.swap(false, SeqCst) {
                continue;
            }
            // In this order: what becomes pending after this moment is for the next look.
            let start = now();
            let stats = cache.stats();
            let settling = match event {
                Event::Drained => stats.settling_invalidations,
                _ => 0,
            };
            if stats.pending_invalidations == settling {
                self.add(event, 0, start);
            } else {
                owed.store(true, SeqCst);
            }
        }
        self.journal.flush();
    }
}
