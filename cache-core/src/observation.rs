//! What became of the cached functions inside of a call: whether they answered from the cache.
//!
//! What is inside is decided by poll, as for deferrals. A call that is watched is polled by one thread at a time,
//! so what is seen is a handful of bits in that thread.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard};

use crate::ambient::Ambient;
use crate::body;
use crate::sync::{lock_std, thread_local};

/// Somebody watches.
const WATCHED: u8 = 1;
const ANSWERED: u8 = 2;
const COMPUTED: u8 = 4;
const FAILED: u8 = 8;

/// What is seen on this thread.
#[derive(Clone, Copy)]
struct Sight {
    bits: u8,
    /// How many bodies were around the call: what is further inside is a matter of the functions that they are of.
    depth: usize,
}

thread_local! {
    static SEEN: Cell<Sight> = const { Cell::new(Sight { bits: 0, depth: 0 }) };
}

/// Calls are watched, until this is dropped.
///
/// A program warms its caches when it starts, and hits are not to look for a watcher ever after: the last to go
/// says so.
#[derive(Debug)]
pub(crate) struct Open(());

static OPEN: Mutex<usize> = Mutex::new(0);

impl Open {
    pub(crate) fn new() -> Self {
        let mut open = Self::lock();
        if *open == 0 {
            Ambient::Observation.opens();
        }
        *open += 1;
        Self(())
    }

    fn lock() -> MutexGuard<'static, usize> {
        lock_std(&OPEN)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = Self::lock();
        *open -= 1;
        if *open == 0 {
            Ambient::Observation.is_over();
        }
    }
}

/// What was seen of a call so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen(u8);

impl Seen {
    /// Runs a part of the call, and notes what it does, if there is something [`Open`].
    pub(crate) fn watch<T>(&mut self, part: impl FnOnce() -> T) -> T {
        struct Watched<'a> {
            seen: &'a mut Seen,
            outer: Sight,
        }

        impl Drop for Watched<'_> {
            fn drop(&mut self) {
                _ = SEEN.try_with(|seen| self.seen.0 |= seen.replace(self.outer).bits);
            }
        }

        let sight = Sight {
            bits: WATCHED,
            depth: body::depth(),
        };
        let Ok(outer) = SEEN.try_with(|seen| seen.replace(sight)) else {
            return part();
        };
        let _watched = Watched { seen: self, outer };
        part()
    }

    /// Whether the cache answered for every cached function that the call asked for, and there was one.
    pub(crate) fn was_cached(self) -> bool {
        self.0 & (ANSWERED | COMPUTED) == ANSWERED
    }

    /// Whether a cached function came to an error.
    pub(crate) fn has_failed(self) -> bool {
        self.0 & FAILED != 0
    }
}

/// A cached function answers from the cache.
#[cold]
#[inline(never)]
pub(crate) fn answered() {
    note(ANSWERED);
}

/// A cached function has run its body, or waited for somebody who did.
pub(crate) fn computed(failed: impl FnOnce() -> bool) {
    if Ambient::Observation.was_ever() {
        note(if failed() {
            COMPUTED | FAILED
        } else {
            COMPUTED
        });
    }
}

fn note(what: u8) {
    _ = SEEN.try_with(|seen| {
        let mut sight = seen.get();
        if sight.bits & WATCHED != 0 && body::depth() == sight.depth {
            sight.bits |= what;
            seen.set(sight);
        }
    });
}
