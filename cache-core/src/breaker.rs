//! Whether a store is asked at all.
//!
//! A store that hangs costs each caller its whole deadline, so after a few failures in a row it is
//! not asked any more: the breaker is *open*. What closes it again is a probe that the cache makes
//! by itself, never a caller's own operation.

use std::sync::atomic::Ordering::SeqCst;

use crate::sync::{AtomicBool, AtomicU32, AtomicU64};

/// So many failures in a row open the breaker.
pub(crate) const FAILURES: u32 = 5;

/// Reads are counted apart from everything else: a server that answers reads and refuses writes
/// could take no invalidation either, and is as good as dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Read,
    Write,
}

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    open: AtomicBool,
    /// How often it was closed. What began before is no sign of what is now.
    era: AtomicU64,
    reads: AtomicU32,
    writes: AtomicU32,
}

/// The leave to ask the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit {
    era: u64,
}

impl Breaker {
    /// Leave to ask the store, unless the breaker is open.
    pub(crate) fn permit(&self) -> Option<Permit> {
        let era = self.era.load(SeqCst);
        (!self.is_open()).then_some(Permit { era })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(SeqCst)
    }

    pub(crate) fn succeeded(&self, side: Side) {
        let failures = self.failures(side);
        // Looked at first, so that successes share the line without writing to it.
        if failures.load(SeqCst) > 0 {
            failures.store(0, SeqCst);
        }
    }

    /// Notes a failure. True if it is the one that opened the breaker.
    pub(crate) fn failed(&self, side: Side, permit: Permit) -> bool {
        if self.era.load(SeqCst) != permit.era {
            return false;
        }
        self.failures(side).fetch_add(1, SeqCst) + 1 >= FAILURES && self.trip()
    }

    /// Opens the breaker. True if it was closed.
    pub(crate) fn trip(&self) -> bool {
        !self.open.swap(true, SeqCst)
    }

    /// Closes the breaker, after a probe has succeeded. True if it was open.
    pub(crate) fn close(&self) -> bool {
        self.reads.store(0, SeqCst);
        self.writes.store(0, SeqCst);
        self.era.fetch_add(1, SeqCst);
        self.open.swap(false, SeqCst)
    }

    fn failures(&self, side: Side) -> &AtomicU32 {
        match side {
            Side::Read => &self.reads,
            Side::Write => &self.writes,
        }
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, side: Side, times: u32) -> bool {
        let permit = breaker.permit().unwrap();
        (0..times).any(|_| breaker.failed(side, permit))
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_probe_closes_it() {
        let breaker = Breaker::default();
        assert!(!fail(&breaker, Side::Read, FAILURES - 1));
        breaker.succeeded(Side::Read);
        assert!(!fail(&breaker, Side::Read, FAILURES - 1));
        assert!(fail(&breaker, Side::Read, 1));
        assert!(breaker.is_open() && breaker.permit().is_none());
        assert!(breaker.close());
        assert!(breaker.permit().is_some());
        assert!(!fail(&breaker, Side::Read, FAILURES - 1));
    }

    #[test]
    fn reads_that_succeed_do_not_hide_writes_that_fail() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES - 1 {
            assert!(!fail(&breaker, Side::Write, 1));
            breaker.succeeded(Side::Read);
        }
        assert!(fail(&breaker, Side::Write, 1));
    }

    #[test]
    fn what_was_sent_before_it_opened_does_not_open_it_again() {
        let breaker = Breaker::default();
        let late = breaker.permit().unwrap();
        assert!(fail(&breaker, Side::Read, FAILURES));
        breaker.close();
        assert!((0..100).all(|_| !breaker.failed(Side::Read, late)));
        assert!(!breaker.is_open());
    }
}
