//! Invalidations that the store has not acknowledged: who reads meanwhile, who enters others, who
//! tries them again, and the breaker.
//!
//! The clock is stepped by a thread of its own, which does what is due: it is the cache's errand.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Waker};
use std::time::Duration;

use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, AtomicU64};
use shuttle::thread::{self, JoinHandle};

use crate::Cache;
use crate::invalidation::invalidation;
use crate::invalidator::Invalidator;
use crate::mutants::{Mutant, with};
use crate::outcome::Value;
use crate::shared::Shared;
use crate::sync::interleave;
use crate::testing::{Fault, Operation, ScriptedStore, SteppedClock};

/// Schedules for the rules as they are, of each kind.
const SCHEDULES: usize = 3_000;
/// Schedules in which a broken rule has to show, of each kind.
const SCHEDULES_TO_CATCH: usize = 20_000;
/// For most of these mistakes to show, one thread has to come far while another stands still, which
/// hardly ever happens where each step is drawn by lot. So schedules of a second kind let the
/// same thread go on, and change their minds this often less one.
const DEPTH: usize = 3;

/// Longer than any pause between two attempts or probes.
const PAUSE: Duration = Duration::from_millis(1_100);
/// Never comes by itself.
const SETTLE: Duration = Duration::from_secs(24 * 60 * 60);
/// Outlives it.
const TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

static WRITE: Invalidator = Invalidator::new("write", "", "", 0);

/// Two processes over one store and one database.
#[derive(Clone)]
struct World {
    clock: SteppedClock,
    store: ScriptedStore,
    here: Cache,
    elsewhere: Cache,
    database: Arc<AtomicU64>,
    /// The version that whoever begins to read here now may rely on.
    promised: Arc<AtomicU64>,
}

impl World {
    fn new() -> Self {
        let clock = SteppedClock::new();
        let store = ScriptedStore::with_clock(clock.clone());
        let cache = || {
            let builder = Cache::builder().namespace("app").clock(clock.clone());
            let builder = builder.store(store.clone()).settle(SETTLE).default_ttl(TTL);
            builder.store_timeout(Duration::from_secs(60)).build()
        };
        Self {
            here: cache().unwrap(),
            elsewhere: cache().unwrap(),
            clock,
            store,
            database: Arc::default(),
            promised: Arc::default(),
        }
    }

    fn shared(&self) -> &Shared {
        self.here.inner().shared.as_ref().unwrap()
    }

    /// Reads here, and asserts that it is not older than was promised before.
    fn read(&self) -> u64 {
        let floor = self.promised.load(SeqCst);
        let version = read(&self.here, &self.database);
        assert!(version >= floor, "read {version}, promised {floor}");
        version
    }

    fn read_elsewhere(&self) -> u64 {
        read(&self.elsewhere, &self.database)
    }

    /// Writes and invalidates. Acknowledged or not, it is promised then.
    fn write(&self) {
        let version = self.database.fetch_add(1, SeqCst) + 1;
        let _ = block_on(self.here.invalidate("key"));
        self.promised.fetch_max(version, SeqCst);
    }

    /// Writes, but the writer is dropped before it has told whether it did.
    fn write_and_drop(&self) {
        let version = self.database.fetch_add(1, SeqCst) + 1;
        self.drop_writer();
        self.promised.fetch_max(version, SeqCst);
    }

    fn drop_writer(&self) {
        let writer = invalidation(&self.here, &WRITE).pattern("key", |_| {});
        let writing = pin!(writer.after(Value, pending::<()>));
        let polled = writing.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }

    fn spawn(&self, work: fn(&Self)) -> JoinHandle<()> {
        let world = self.clone();
        thread::spawn(move || work(&world))
    }

    /// The cache's errands, until nobody else does anything.
    fn run_errands_beside(&self, others: Vec<JoinHandle<()>>) {
        let over = Arc::new(AtomicBool::new(false));
        let errands = {
            let (world, over) = (self.clone(), Arc::clone(&over));
            thread::spawn(move || {
                while !over.load(SeqCst) {
                    world.clock.advance(PAUSE);
                    thread::yield_now();
                }
            })
        };
        others.into_iter().for_each(|other| other.join().unwrap());
        over.store(true, SeqCst);
        errands.join().unwrap();
    }

    /// A store that is well has everything told within a few attempts, by errands that are arranged
    /// already; and then no process reads anything from before.
    fn comes_to_rest(&self) {
        for _ in 0..5 {
            self.clock.advance(PAUSE);
        }
        let (pending, open) = (self.shared().pending.len(), self.shared().breaker.is_open());
        assert!(pending == 0 && !open, "{pending} pending, open: {open}");
        let version = self.database.load(SeqCst);
        assert_eq!((self.read(), self.read_elsewhere()), (version, version));
    }
}

/// The version that a read gives. Nobody gives way of his own accord here, as the one who does is
/// held up until all the others are.
fn read(cache: &Cache, database: &AtomicU64) -> u64 {
    block_on(cache.get_or_set("key", None, async || {
        let version = database.load(SeqCst);
        interleave();
        Ok::<_, ()>(version)
    }))
    .unwrap()
}

/// Holds `world` to its assertions, and each of `mutants` to breaking them.
fn explore(mutants: &[Mutant], world: fn()) {
    let run = |schedules| {
        shuttle::check_pct(world, schedules, DEPTH);
        shuttle::check_random(world, schedules);
    };
    with(None, || run(SCHEDULES));
    for mutant in mutants {
        let caught = with(Some(*mutant), || {
            catch_unwind(AssertUnwindSafe(|| run(SCHEDULES_TO_CATCH))).is_err()
        });
        assert!(caught, "{mutant:?} was not caught");
    }
}

#[test]
fn no_read_gives_what_was_computed_before_an_invalidation_that_failed() {
    fn world() {
        let world = World::new();
        assert_eq!(world.read(), 0);
        world.store.next(2, Operation::Invalidate, Fault::Outage);
        let reader = world.spawn(|world| {
            world.read();
            world.read();
        });
        let writer = world.spawn(|world| world.write());
        world.run_errands_beside(vec![reader, writer]);
        world.comes_to_rest();
    }

    explore(
        &[
            Mutant::PendingDropped,
            Mutant::PendingLookedAtLate,
            Mutant::RetryGivesUp,
        ],
        world,
    );
}

#[test]
fn what_is_entered_while_others_are_tried_is_tried_too() {
    fn world() {
        let world = World::new();
        assert_eq!(world.read(), 0);
        world.write_and_drop();
        let errand = world.spawn(|world| world.clock.advance(PAUSE));
        let writer = world.spawn(|world| {
            world.read_elsewhere();
            world.write_and_drop();
            world.read();
        });
        errand.join().unwrap();
        writer.join().unwrap();
        world.comes_to_rest();
    }

    explore(
        &[Mutant::AttemptSettlesLaterOnes, Mutant::NoLastLook],
        world,
    );
}

#[test]
fn nothing_is_lost_when_the_breaker_opens_and_closes() {
    fn world() {
        let world = World::new();
        assert_eq!(world.read(), 0);
        let weather = world.spawn(|world| {
            world.store.set_down(true);
            for _ in 0..crate::breaker::FAILURES {
                world.read();
            }
            world.store.set_down(false);
        });
        let writers = (0..2).map(|_| {
            world.spawn(|world| {
                world.write();
                world.read();
            })
        });
        world.run_errands_beside(writers.chain([weather]).collect());
        world.comes_to_rest();
    }

    explore(
        &[
            Mutant::PendingDropped,
            Mutant::ForgottenWhenOpened,
            Mutant::NoRetryOnReturn,
            Mutant::RetryGivesUp,
        ],
        world,
    );
}

#[test]
fn a_dropped_writer_that_commits_late_is_seen_when_it_has_settled() {
    fn world() {
        let world = World::new();
        assert_eq!(world.read(), 0);
        let writer = world.spawn(|world| {
            world.drop_writer();
            world.database.fetch_add(1, SeqCst);
        });
        let reader = world.spawn(|world| {
            world.read();
            world.read_elsewhere();
        });
        world.run_errands_beside(vec![writer, reader]);
        world.clock.advance(SETTLE);
        world.comes_to_rest();
    }

    explore(&[Mutant::GuardFiresOnce], world);
}

#[test]
fn a_shutdown_has_done_what_was_pending_when_it_began() {
    fn world() {
        let world = World::new();
        assert_eq!(world.read(), 0);
        world.drop_writer();
        world.store.next(1, Operation::Invalidate, Fault::ReplyLost);
        let other = world.spawn(|world| world.write());
        let shutdown = world.spawn(|world| {
            world.read_elsewhere();
            world.database.fetch_add(1, SeqCst);
            let committed = world.database.load(SeqCst);
            let ended = block_on(world.here.shutdown(SETTLE));
            if ended.is_ok() {
                assert!(world.read_elsewhere() >= committed);
            }
        });
        world.run_errands_beside(vec![other, shutdown]);
        world.comes_to_rest();
    }

    explore(&[Mutant::NotSettledAtShutdown], world);
}
