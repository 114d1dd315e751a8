//! One clock for all invalidations of a cache.
//!
//! An invalidation takes the next time of the clock and raises the slots of what it covers to it;
//! an entry carries the time that the clock showed *before* its computation began, and is valid as
//! long as none of its slots is above that. There is nothing to register, nothing to scan and no
//! table that grows: names are hashed onto a fixed number of slots, and two names that share one
//! merely invalidate each other's entries now and then.
//!
//! Looking at the slots of an entry costs a few memory accesses far from each other. So an entry
//! also remembers how many invalidations had been *completed* when its slots were last found in
//! order; as long as that number stands, they still are.
//!
//! # Orderings
//!
//! *Never stale.* Let an invalidation `I` draw `t`, and let a computation that began before `I`
//! have read the clock as `born`. The clock is read with `Acquire` and before the body, so
//! `born >= t` would mean that the increment happened before the body, and with it all that the
//! writer did earlier: the body would have seen the new data. So what is old has `born < t`. A read
//! that begins after `I` returned sees the slot at `t` or above, because `I`'s write happened
//! before it and atomics never run backwards; `t > born` rejects the entry.
//!
//! *Remembering.* An invalidation is counted as completed (`Release`) after it has raised its
//! slots; a reader takes the count (`Acquire`) before it looks at the slots, and stores that count
//! with the entry when they are in order. The count only grows by read-modify-writes, so whoever
//! reads `n` sees the slots that the first `n` invalidations to complete have raised. A read that
//! begins after `I` returned finds a count with `I` in it. If the entry remembers the same count,
//! then whoever stored it looked at slots that `I` had already raised.
//!
//! *Computations in flight.* `supersede` raises a slot only if a computation of that slot may be
//! under way, and what it stores has to stay. A lock for each of a thousand groups of leaves makes
//! three steps exclude each other: a computation announces itself, reads the clock and looks into
//! the memory; it stores its result unless its slots were raised; a superseder moves the clock,
//! raises the slot of announced computations and stores. So a computation that begins before it is
//! outdated, and one that begins after it finds what was stored. No user's code runs under a lock.
//!
//! *Writing through.* A writer that stores what it returns announces itself before its body, as a
//! computation does, and stores under the time from then if it is alone when the body has ended. A
//! computation that was under way could hold older data and store them over the writer's; one that
//! begins when the writer has looked reads what was written. If it is not alone, or a slot was raised
//! meanwhile, it raises the slot of its leaf instead, still announced.
//!
//! `orderings.rs` has loom look for executions of the memory model that say otherwise.

use std::hash::BuildHasher;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};

use crate::clock::Clock;
use crate::mutants::{Mutant, active};
use crate::sync::{AtomicU64, Mutex, lock};

/// A position in the table of invalidation times.
pub(crate) type Slot = u16;

/// What the clock showed before a computation began.
pub(crate) type Born = u64;

/// When an entry was computed, and when it was last found valid.
#[derive(Debug)]
pub(crate) struct Stamp {
    born: Born,
    /// How many invalidations had been completed when no slot was above `born`.
    verified: AtomicU64,
}

impl Stamp {
    pub(crate) fn new(born: Born) -> Self {
        const NEVER: u64 = u64::MAX;
        Self {
            born,
            verified: AtomicU64::new(NEVER),
        }
    }

    pub(crate) fn born(&self) -> Born {
        self.born
    }
}

// Shuttle's and loom's atomics are large and slow to make, and they explore thousands of caches.
const EXPLORED: bool = cfg!(any(shuttle, weak_memory));
const SLOTS: usize = if EXPLORED { 1 << 4 } else { 1 << 16 };
const COUNTERS: usize = if EXPLORED { 1 << 2 } else { 1 << 10 };

/// What a slot stands for. Equal names of different kinds have slots of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Covered<'a> {
    /// A prefix of rendered key prefixes, such as `user:42`.
    Node(&'a str),
    /// A function below its rendered prefix: `user:42` and `get_profile`.
    Function(&'a str, &'a str),
    /// One entry: the function's bare name and its canonical arguments.
    Leaf(&'a str, &'a [u8]),
    /// Every entry with this rendered tag.
    Tag(&'a str),
}

/// The invalidation clock and the table of what was invalidated when.
#[derive(Debug)]
pub(crate) struct Invalidations {
    clock: OwnLine<AtomicU64>,
    /// How many invalidations have raised all their slots.
    completed: AtomicU64,
    /// When everything was last invalidated.
    floor: AtomicU64,
    slots: Box<[AtomicU64]>,
    /// How many computations are under way, by slot of the leaf.
    computing: Box<[Mutex<u32>]>,
    places: Places,
}

/// Where names fall in the table.
#[derive(Debug)]
enum Places {
    /// Elsewhere in each cache: nobody can choose names that meet.
    Random(foldhash::quality::RandomState),
    /// Those of every cache of a test, so that it meets the same names in each run.
    #[cfg(feature = "testing")]
    Repeated(foldhash::quality::FixedState),
}

/// On cache lines of its own: the clock is written by each `set`, and what would stand beside it is
/// read by each hit.
#[derive(Debug)]
#[repr(align(128))]
struct OwnLine<T>(T);

impl Invalidations {
    pub(crate) fn new() -> Self {
        Self {
            clock: OwnLine(AtomicU64::new(0)),
            completed: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            computing: (0..COUNTERS).map(|_| Mutex::new(0)).collect(),
            places: Places::Random(foldhash::quality::RandomState::default()),
        }
    }

    /// For a cache in the time of this clock. What else a name's slot covers is a matter of luck, and
    /// no matter of luck in a test that moves its clock.
    pub(crate) fn in_time_of(clock: &Clock) -> Self {
        match clock {
            Clock::Coarse => Self::new(),
            #[cfg(feature = "testing")]
            Clock::Stepped(_) | Clock::Tokio(_) => Self {
                places: Places::Repeated(foldhash::quality::FixedState::default()),
                ..Self::new()
            },
        }
    }

    /// The slot of a name. Slots may differ from cache to cache: they never leave it.
    pub(crate) fn slot(&self, covered: Covered<'_>) -> Slot {
        let hash = match &self.places {
            Places::Random(state) => state.hash_one(covered),
            #[cfg(feature = "testing")]
            Places::Repeated(state) => state.hash_one(covered),
        };
        (hash % SLOTS as u64) as Slot
    }

    /// The present time of the clock.
    #[inline]
    pub(crate) fn now(&self) -> Born {
        self.clock.0.load(acquire())
    }

    /// Whether the entry with these slots and this stamp is still valid.
    #[inline]
    pub(crate) fn permit_entry(&self, slots: &[Slot], stamp: &Stamp) -> bool {
        let completed = self.completed.load(acquire());
        if stamp.verified.load(Relaxed) == completed {
            return true;
        }
        let permitted = active(Mutant::SlotsIgnored) || self.permit(slots, stamp.born);
        if permitted {
            let completed = if active(Mutant::VerifiedTooLate) {
                self.completed.load(Acquire)
            } else {
                completed
            };
            stamp.verified.store(completed, Relaxed);
        }
        permitted
    }

    /// Whether an entry of these slots, computed from `born` on, would be valid.
    pub(crate) fn permit(&self, slots: &[Slot], born: Born) -> bool {
        // `Relaxed` suffices: see the module's notes on orderings.
        self.floor.load(Relaxed) <= born
            && slots
                .iter()
                .all(|slot| self.slots[usize::from(*slot)].load(Relaxed) <= born)
    }

    /// Invalidates every entry that has one of these slots and was computed from before now.
    pub(crate) fn invalidate(&self, slots: &[Slot]) {
        let time = self.advance();
        self.raise(
            slots.iter().map(|slot| &self.slots[usize::from(*slot)]),
            time,
        );
    }

    /// Invalidates every entry that was computed from before now.
    pub(crate) fn invalidate_all(&self) {
        let time = self.advance();
        self.raise([&self.floor], time);
    }

    /// Announces a computation, so that `supersede` does not overlook it, reads the clock and
    /// looks for what may have been stored meanwhile, all at once. The announcement must last until
    /// nobody can come by the result any more but through the memory.
    pub(crate) fn begin<T>(&self, leaf: Slot, look: impl FnOnce() -> T) -> (Computing<'_>, T) {
        let counter = self.counter(leaf);
        let mut computations = lock(counter);
        if !active(Mutant::UnannouncedComputation) {
            *computations += 1;
        }
        let born = self.now();
        let found = look();
        drop(computations);
        (Computing { counter, born }, found)
    }

    /// Whether nothing of this leaf is being computed but by whoever asks, who has announced it.
    pub(crate) fn is_alone(&self, leaf: Slot) -> bool {
        active(Mutant::WrittenBesideOthers) || *lock(self.counter(leaf)) <= 1
    }

    /// Has what was computed for this leaf stored, while nobody supersedes it.
    pub(crate) fn complete<T>(&self, leaf: Slot, store: impl FnOnce() -> T) -> T {
        if active(Mutant::StoresInTwoSteps) {
            return store();
        }
        let _undisturbed = lock(self.counter(leaf));
        store()
    }

    /// Has `replace` store or remove something under this leaf, with the time that it is given,
    /// and makes sure that no computation which is under way can store over it.
    ///
    /// The slot is left alone when nothing is being computed: it is shared with other entries, and
    /// a program that sets a hundred thousand keys must not lose half of them to each other.
    pub(crate) fn supersede<T>(&self, leaf: Slot, replace: impl FnOnce(Born) -> T) -> T {
        let computations = lock(self.counter(leaf));
        let time = self.advance();
        if *computations > 0 {
            self.raise([&self.slots[usize::from(leaf)]], time);
        }
        if active(Mutant::SupersedesInTwoSteps) {
            drop(computations);
            // Shuttle changes threads at its own primitives only.
            self.now();
            return replace(time);
        }
        replace(time)
    }

    fn counter(&self, leaf: Slot) -> &Mutex<u32> {
        &self.computing[usize::from(leaf) % COUNTERS]
    }

    fn advance(&self) -> Born {
        if active(Mutant::ClockStandsStill) {
            return self.clock.0.load(Acquire);
        }
        self.clock.0.fetch_add(1, AcqRel) + 1
    }

    /// Raises `slots` to `time`, then counts the invalidation as completed.
    fn raise<'a>(&self, slots: impl IntoIterator<Item = &'a AtomicU64>, time: Born) {
        if active(Mutant::CompletedTooEarly) {
            self.completed.fetch_add(1, Release);
        }
        for slot in slots {
            if active(Mutant::SlotRunsBackwards) {
                slot.store(time, Release);
            } else {
                slot.fetch_max(time, Release);
            }
        }
        if !active(Mutant::CompletedTooEarly) {
            self.completed.fetch_add(1, Release);
        }
    }
}

/// The ordering of the reads that what follows depends on.
#[inline]
fn acquire() -> Ordering {
    if active(Mutant::NothingAcquired) {
        Relaxed
    } else {
        Acquire
    }
}

/// A computation that is under way; dropped when its result is stored and its flight is over, or
/// when it is given up.
#[derive(Debug)]
pub(crate) struct Computing<'a> {
    counter: &'a Mutex<u32>,
    born: Born,
}

impl Computing<'_> {
    /// The time of the clock from which on it computes.
    pub(crate) fn born(&self) -> Born {
        self.born
    }
}

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        if !active(Mutant::UnannouncedComputation) {
            *lock(self.counter) -= 1;
        }
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_covered_and_older_is_rejected() {
        let invalidations = Invalidations::new();
        let (a, b) = ([1, 2], [2, 3]);
        let born = invalidations.now();
        invalidations.invalidate(&[1]);
        assert!(!invalidations.permit(&a, born));
        assert!(invalidations.permit(&b, born));
        assert!(invalidations.permit(&a, invalidations.now()));
    }

    #[test]
    fn clearing_rejects_everything_older() {
        let invalidations = Invalidations::new();
        let born = invalidations.now();
        invalidations.invalidate_all();
        assert!(!invalidations.permit(&[], born));
        assert!(invalidations.permit(&[], invalidations.now()));
    }

    #[test]
    fn superseding_spares_the_slot_unless_something_is_being_computed() {
        let invalidations = Invalidations::new();
        let born = invalidations.now();
        invalidations.supersede(7, |_| ());
        assert!(invalidations.permit(&[7], born));
        let (computing, ()) = invalidations.begin(7, || ());
        let stored = invalidations.supersede(7, |time| time);
        assert!(!invalidations.permit(&[7], computing.born()));
        assert!(invalidations.permit(&[7], stored));
        drop(computing);
        let born = invalidations.now();
        invalidations.supersede(7, |_| ());
        assert!(invalidations.permit(&[7], born));
    }

    #[test]
    fn equal_names_of_different_kinds_do_not_share_a_slot() {
        let invalidations = Invalidations::new();
        let differ = (0..64).any(|i| {
            let name = format!("user:{i}");
            invalidations.slot(Covered::Node(&name))
                != invalidations.slot(Covered::Function("", &name))
        });
        assert!(differ);
    }
}
