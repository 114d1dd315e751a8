//! The protocols of the memory tier, of the flights and of what a store has not acknowledged, under
//! every kind of schedule.
//!
//! Run with `scripts/shuttle.sh`. Each test explores random schedules of a small world: real
//! caches, a database that is one version number, readers and writers. Then it breaks one rule at
//! a time and demands to see the test fail.

mod pending;
mod updates;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use shuttle::future::{block_on, yield_now};
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread;

use crate::Cache;
use crate::mutants::{Mutant, with};
use crate::testing::SteppedClock;

/// Schedules for the rules as they are.
const SCHEDULES: usize = 20_000;
/// Schedules in which a broken rule has to show.
const SCHEDULES_TO_CATCH: usize = 60_000;

fn cache() -> Cache {
    let clock = SteppedClock::new();
    Cache::builder().clock(clock).build().unwrap()
}

/// Holds `world` to its assertions, and each of `mutants` to breaking them.
fn explore(mutants: &[Mutant], world: fn()) {
    with(None, || shuttle::check_random(world, SCHEDULES));
    for mutant in mutants {
        let caught = with(Some(*mutant), || {
            let run = || shuttle::check_random(world, SCHEDULES_TO_CATCH);
            catch_unwind(AssertUnwindSafe(run)).is_err()
        });
        assert!(caught, "{mutant:?} was not caught");
    }
}

/// The version that a read of `key` gives, computing it from the database if need be.
fn read(cache: &Cache, database: &AtomicU64) -> u64 {
    block_on(cache.get_or_set("key", None, async || {
        let version = database.load(SeqCst);
        yield_now().await;
        Ok::<_, ()>(version)
    }))
    .unwrap()
}

#[test]
fn no_read_gives_what_was_computed_before_an_invalidation_that_it_follows() {
    fn world() {
        let (cache, database, promised) = (cache(), Arc::default(), Arc::default());
        let readers = (0..2).map(|_| {
            let (cache, database, promised) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                for _ in 0..2 {
                    let floor = promised.load(SeqCst);
                    let version = read(&cache, &database);
                    assert!(version >= floor, "read {version}, promised {floor}");
                }
            })
        });
        let writers = (0..2).map(|_| {
            let (cache, database, promised) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                let version = database.fetch_add(1, SeqCst) + 1;
                block_on(cache.invalidate("key")).unwrap();
                promised.fetch_max(version, SeqCst);
            })
        });
        let threads: Vec<_> = readers.chain(writers).collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(cache.stats().computations, 0);
        let version = read(&cache, &database);
        assert_eq!(version, 2);
    }

    explore(
        &[
            Mutant::ClockStandsStill,
            Mutant::SlotRunsBackwards,
            Mutant::StampedAfterBody,
            Mutant::SlotsIgnored,
            Mutant::CompletedTooEarly,
            Mutant::VerifiedTooLate,
            Mutant::StaleFlightJoined,
        ],
        world,
    );
}

#[test]
fn a_value_that_was_set_is_not_replaced_by_an_older_computation() {
    fn world() {
        let (cache, database, promised) = (cache(), Arc::default(), Arc::default());
        let reader = {
            let (cache, database, _) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                read(&cache, &database);
            })
        };
        let version = database.fetch_add(1, SeqCst) + 1;
        block_on(cache.set("key", version, None)).unwrap();
        let found: Option<u64> = block_on(cache.get("key")).unwrap();
        assert_ne!(found, Some(0));
        reader.join().unwrap();
        let found: Option<u64> = block_on(cache.get("key")).unwrap();
        assert_ne!(found, Some(0));
    }

    explore(
        &[Mutant::UnannouncedComputation, Mutant::StampedAfterBody],
        world,
    );
}

#[test]
fn a_value_that_was_set_stays_whatever_is_being_computed() {
    fn world() {
        let cache = cache();
        let reader = {
            let cache = cache.clone();
            thread::spawn(move || {
                let compute = async || {
                    yield_now().await;
                    Ok::<_, ()>(0_u64)
                };
                block_on(cache.get_or_set("key", None, compute)).unwrap()
            })
        };
        block_on(cache.set("key", 1_u64, None)).unwrap();
        assert_eq!(block_on(cache.get("key")).unwrap(), Some(1_u64));
        reader.join().unwrap();
        assert_eq!(block_on(cache.get("key")).unwrap(), Some(1_u64));
    }

    explore(
        &[
            Mutant::StoresInTwoSteps,
            Mutant::SupersedesInTwoSteps,
            Mutant::NoSecondLook,
            Mutant::UnannouncedComputation,
        ],
        world,
    );
}

#[test]
fn no_read_gives_what_was_computed_before_a_removal_that_it_follows() {
    fn world() {
        let (cache, database, promised) = (cache(), Arc::default(), Arc::default());
        let reader = {
            let (cache, database, _) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                read(&cache, &database);
            })
        };
        database.fetch_add(1, SeqCst);
        block_on(cache.remove("key")).unwrap();
        assert_eq!(read(&cache, &database), 1);
        reader.join().unwrap();
        assert_eq!(read(&cache, &database), 1);
    }

    explore(
        &[
            Mutant::AnnouncementEndsEarly,
            Mutant::UnannouncedComputation,
        ],
        world,
    );
}

#[test]
fn callers_that_miss_together_share_one_computation() {
    fn world() {
        let (cache, bodies) = (cache(), Arc::new(AtomicU64::new(0)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (cache, bodies) = (cache.clone(), Arc::clone(&bodies));
                thread::spawn(move || assert_eq!(count(&cache, &bodies), 1))
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(cache.stats().computations, 0);
    }

    explore(&[Mutant::NoSecondLook], world);
}

#[test]
fn when_the_leader_is_dropped_one_other_computes_for_all() {
    fn world() {
        let (cache, bodies) = (cache(), Arc::new(AtomicU64::new(0)));
        let quitter = {
            let cache = cache.clone();
            thread::spawn(move || {
                let endless = cache.get_or_set("key", None, async || {
                    yield_now().await;
                    std::future::pending::<Result<u64, ()>>().await
                });
                poll_some(endless, 2);
            })
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (cache, bodies) = (cache.clone(), Arc::clone(&bodies));
                thread::spawn(move || assert_eq!(count(&cache, &bodies), 1))
            })
            .collect();
        quitter.join().unwrap();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(cache.stats().computations, 0);
    }

    explore(&[Mutant::NoHandOver, Mutant::RetiredEarly], world);
}

#[test]
fn a_follower_that_is_dropped_passes_its_turn_on() {
    fn world() {
        let (cache, bodies) = (cache(), Arc::new(AtomicU64::new(0)));
        let quitters: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || {
                    let endless = cache.get_or_set("key", None, async || {
                        std::future::pending::<Result<u64, ()>>().await
                    });
                    poll_some(endless, 1);
                })
            })
            .collect();
        let patient = {
            let (cache, bodies) = (cache.clone(), Arc::clone(&bodies));
            thread::spawn(move || assert_eq!(count(&cache, &bodies), 1))
        };
        quitters
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        patient.join().unwrap();
        assert_eq!(cache.stats().computations, 0);
    }

    explore(&[Mutant::PermitKept, Mutant::NoHandOver], world);
}

#[test]
fn an_error_reaches_its_caller_and_lets_the_others_try() {
    fn world() {
        let (cache, bodies) = (cache(), Arc::new(AtomicU64::new(0)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (cache, bodies) = (cache.clone(), Arc::clone(&bodies));
                thread::spawn(move || {
                    let answer = block_on(cache.get_or_set("key", None, async || {
                        let number = bodies.fetch_add(1, SeqCst);
                        yield_now().await;
                        if number == 0 { Err(number) } else { Ok(number) }
                    }));
                    u64::from(answer.is_err())
                })
            })
            .collect();
        let errors: u64 = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        assert_eq!(errors, 1);
        assert_eq!(cache.stats().computations, 0);
    }

    explore(&[Mutant::NoRelease], world);
}

type Shared = (Cache, Arc<AtomicU64>, Arc<AtomicU64>);

fn shared(cache: &Cache, database: &Arc<AtomicU64>, promised: &Arc<AtomicU64>) -> Shared {
    (cache.clone(), Arc::clone(database), Arc::clone(promised))
}

/// Reads `key` with a body that counts how often one runs to its end.
fn count(cache: &Cache, bodies: &AtomicU64) -> u64 {
    block_on(cache.get_or_set("key", None, async || {
        yield_now().await;
        Ok::<_, ()>(bodies.fetch_add(1, SeqCst) + 1)
    }))
    .unwrap()
}

/// Polls a future a few times, then drops it.
fn poll_some(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(_) = future.as_mut().poll(&mut cx) {
            return;
        }
        thread::yield_now();
    }
}
