//! The orderings of the invalidation clock, under every execution that the memory model allows.
//!
//! Run with `scripts/loom.sh`. The database is an atomic that is read and written `Relaxed`, so
//! all that orders its reads and writes are the orderings of the clock itself. Each test breaks
//! the orderings that it is about and demands to see a violation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use loom::sync::atomic::AtomicU64;
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::memory::invalidations::{Invalidations, Slot, Stamp};
use crate::mutants::{Mutant, with};

const SLOTS: [Slot; 1] = [3];
const LEAF: Slot = SLOTS[0];

/// One entry over one database.
struct World {
    invalidations: Invalidations,
    database: AtomicU64,
    entry: Mutex<Option<Arc<(u64, Stamp)>>>,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            invalidations: Invalidations::new(),
            database: AtomicU64::new(0),
            entry: Mutex::new(None),
        })
    }

    /// Computes the entry from the database.
    fn fill(&self) {
        let (computing, ()) = self.invalidations.begin(LEAF, || ());
        let version = self.database.load(Relaxed);
        let store = || self.store(version, computing.born());
        self.invalidations.complete(LEAF, store);
        drop(computing);
    }

    fn store(&self, version: u64, born: u64) {
        *self.entry.lock().unwrap() = Some(Arc::new((version, Stamp::new(born))));
    }

    /// What a read gives, if the entry is there and valid.
    fn read(&self) -> Option<u64> {
        let entry = self.entry.lock().unwrap().clone()?;
        let (version, stamp) = &*entry;
        let permitted = self.invalidations.permit_entry(&SLOTS, stamp);
        permitted.then_some(*version)
    }
}

fn explore(mutants: &[Mutant], world: fn()) {
    with(None, || loom::model(world));
    for mutant in mutants {
        let caught = with(Some(*mutant), || {
            catch_unwind(AssertUnwindSafe(|| loom::model(world))).is_err()
        });
        assert!(caught, "{mutant:?} was not caught");
    }
}

#[test]
fn a_read_after_an_invalidation_refuses_what_was_computed_before_it() {
    explore(
        &[
            Mutant::NothingAcquired,
            Mutant::CompletedTooEarly,
            Mutant::ClockStandsStill,
            Mutant::SlotsIgnored,
        ],
        || {
            let world = World::new();
            let filler = {
                let world = Arc::clone(&world);
                thread::spawn(move || world.fill())
            };
            let reader = {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    world.read();
                })
            };
            world.database.store(1, Relaxed);
            world.invalidations.invalidate(&SLOTS);
            assert_ne!(world.read(), Some(0));
            filler.join().unwrap();
            reader.join().unwrap();
            assert_ne!(world.read(), Some(0));
        },
    );
}

#[test]
fn what_was_set_is_not_replaced_by_what_was_being_computed() {
    explore(&[Mutant::UnannouncedComputation], || {
        let world = World::new();
        let filler = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.fill())
        };
        world.database.store(1, Relaxed);
        let store = |born| world.store(1, born);
        world.invalidations.supersede(LEAF, store);
        assert_ne!(world.read(), Some(0));
        filler.join().unwrap();
        assert_ne!(world.read(), Some(0));
    });
}
