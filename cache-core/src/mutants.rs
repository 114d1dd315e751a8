//! Deliberate faults for the tests that explore schedules and orderings.
//!
//! A test of a protocol is only worth something if it fails when a rule of the protocol is broken.
//! Under `cfg(shuttle)` and `cfg(weak_memory)` each rule named here can be broken at run time; in every other build
//! [`active`] is a constant `false` and disappears.

/// A rule that a test may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// An invalidation takes no new time of the clock.
    ClockStandsStill,
    /// A slot takes the time of the last invalidation instead of the highest.
    SlotRunsBackwards,
    /// An invalidation counts as completed before its slots are raised.
    CompletedTooEarly,
    /// A read remembers a count of completed invalidations that it took after looking at slots.
    VerifiedTooLate,
    /// An entry is stamped with the time after its body ran.
    StampedAfterBody,
    /// A computation does not announce itself to direct writes.
    UnannouncedComputation,
    /// The clock and the count of completed invalidations are read without `Acquire`.
    NothingAcquired,
    /// A computation is no longer announced when its result can still be had from its flight.
    AnnouncementEndsEarly,
    /// A computation that ends may be overtaken between its last look at the slots and its store.
    StoresInTwoSteps,
    /// A computation may begin while a value is being set that is not in its place yet.
    SupersedesInTwoSteps,
    /// A read does not compare the slots with the entry.
    SlotsIgnored,
    /// A reader joins a computation that an invalidation has overtaken.
    StaleFlightJoined,
    /// A leader that is dropped tells nobody.
    NoHandOver,
    /// An error of the leader tells nobody.
    NoRelease,
    /// A leader does not look again after it took the lead.
    NoSecondLook,
    /// A follower that is dropped keeps the permit it was woken for.
    PermitKept,
    /// A flight leaves the table while followers are waiting.
    RetiredEarly,
}

#[cfg(not(any(shuttle, weak_memory)))]
#[inline(always)]
pub(crate) const fn active(_mutant: Mutant) -> bool {
    false
}

#[cfg(any(shuttle, weak_memory))]
pub(crate) use under_test::{active, with};

#[cfg(any(shuttle, weak_memory))]
mod under_test {
    use super::Mutant;
    use std::sync::Mutex;

    // Tests of different mutants run in turn: shuttle's threads are not the test's thread, so the
    // choice can't be thread-local.
    static TURN: Mutex<()> = Mutex::new(());
    static ACTIVE: Mutex<Option<Mutant>> = Mutex::new(None);

    pub(crate) fn active(mutant: Mutant) -> bool {
        *ACTIVE.lock().unwrap_or_else(|e| e.into_inner()) == Some(mutant)
    }

    /// Runs `test` with one rule broken, or none.
    pub(crate) fn with<T>(mutant: Option<Mutant>, test: impl FnOnce() -> T) -> T {
        let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
        *ACTIVE.lock().unwrap_or_else(|e| e.into_inner()) = mutant;
        let result = test();
        *ACTIVE.lock().unwrap_or_else(|e| e.into_inner()) = None;
        result
    }
}
