//! One computation for all callers that miss together.
//!
//! The first caller leads: it runs its own body, inside its own future, so borrowed arguments and
//! futures that aren't `'static` work. Later ones follow: they wait for what the leader stores.
//! Nobody's life depends on the leader:
//!
//! - A leader that is dropped or panics leaves a *permit*, and a follower takes it and leads.
//! - After an error, which goes to the leader's caller alone, 1, 2, 4, … followers get a permit:
//!   not all at once, for the error may mean overload, and not one by one, for then the last
//!   would wait for ever.
//! - A follower waits no longer than its patience, then leads as well. A leader that is parked in
//!   a `select!` therefore delays others, but hangs none.
//! - Whoever is already inside a cached body does not follow: it might wait for itself.
//!
//! A reader that begins after an invalidation must not get what was computed from before it. So a
//! flight carries the time of the invalidation clock at which it was opened, and only a reader for
//! whom an entry of that time would be valid joins it; any other opens a flight of its own, which
//! takes the place of the old one. All that is ever shared was computed after the flight opened.

mod follower;

pub(crate) use follower::{Follower, Turn};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;

use crate::agenda::{Agenda, Item};
use crate::clock::Tick;
use crate::memory::entry::{Entry, EntryKey, Slots};
use crate::memory::invalidations::{Born, Invalidations};
use crate::mutants::{Mutant, active};
use crate::sync::{Mutex, MutexGuard, lock};

const SHARDS: usize = 16;

/// The computations that are under way in one cache, by the hash of their entry.
#[derive(Debug)]
pub(crate) struct Flights {
    shards: Box<[Mutex<Shard>]>,
    agenda: Arc<Agenda>,
}

type Shard = HashMap<u64, Arc<Flight>>;

/// What a caller that missed does next.
#[derive(Debug)]
pub(crate) enum Role {
    /// Run the body, for everybody who waits.
    Lead(Leader),
    /// Wait for whoever leads.
    Follow(Follower),
    /// Run the body for itself alone.
    Alone,
}

impl Flights {
    pub(crate) fn new(agenda: Arc<Agenda>) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect(),
            agenda,
        })
    }

    /// Joins the flight of an entry, or opens one. `may_follow` is false for a caller that is
    /// inside a cached body.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: &EntryKey,
        slots: &Slots,
        invalidations: &Invalidations,
        may_follow: bool,
    ) -> Role {
        let opened = invalidations.now();
        let mut shard = self.shard(key.hash);
        if let Some(flight) = shard.get(&key.hash) {
            let same = flight.key.is(key.instance, &key.bytes);
            let current =
                active(Mutant::StaleFlightJoined) || invalidations.permit(slots, flight.opened);
            match (same, current, may_follow) {
                (false, ..) | (true, true, false) => return Role::Alone,
                (true, true, true) => return Role::Follow(Follower::register(self, flight)),
                (true, false, _) => {}
            }
        }
        let flight = Arc::new(Flight::new(key.clone(), opened));
        shard.insert(key.hash, Arc::clone(&flight));
        drop(shard);
        Role::Lead(Leader {
            flights: Arc::clone(self),
            flight,
            ended: false,
        })
    }

    /// Takes a flight out of the table, and off the agenda, once nobody runs, waits or may run.
    fn retire(&self, flight: &Arc<Flight>) {
        let mut shard = self.shard(flight.key.hash);
        let current = shard
            .get(&flight.key.hash)
            .is_some_and(|current| Arc::ptr_eq(current, flight));
        if current && (active(Mutant::RetiredEarly) || lock(&flight.state).is_over()) {
            shard.remove(&flight.key.hash);
        }
        drop(shard);
        let mut state = lock(&flight.state);
        if state.is_over()
            && let Watch::Arranged(item) = std::mem::replace(&mut state.watch, Watch::None)
        {
            drop(state);
            self.agenda.cancel(item);
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[(hash >> 32) as usize % SHARDS])
    }

    /// How many flights are under way.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }
}

/// One computation and those who wait for it.
#[derive(Debug)]
pub(crate) struct Flight {
    key: EntryKey,
    opened: Born,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What a leader computed; stays as long as anybody holds the flight.
    result: Option<Arc<Entry>>,
    leaders: usize,
    /// How many followers may become leaders now.
    permits: usize,
    /// How many permits the next error gives.
    next_release: usize,
    /// Who is registered, and until when they are willing to wait, once they have been polled.
    waiting: BTreeMap<u64, Option<Tick>>,
    /// Those of them who have not been woken since they were last polled.
    wakers: BTreeMap<u64, Waker>,
    registered: u64,
    watch: Watch,
}

/// Whether somebody will call `wake_impatient` when the first deadline comes.
#[derive(Debug, Clone, Copy)]
enum Watch {
    None,
    /// It is being arranged.
    Arranging,
    /// By this item of the agenda.
    Arranged(Item),
}

impl State {
    fn is_over(&self) -> bool {
        self.result.is_some() || (self.leaders == 0 && self.waiting.is_empty())
    }

    /// Everybody, not just as many as there are permits: a follower that is parked or about to be
    /// dropped must not keep the others waiting.
    fn take_wakers(&mut self) -> BTreeMap<u64, Waker> {
        std::mem::take(&mut self.wakers)
    }

    /// Those whose patience has ended. The others have nothing to look at.
    fn take_impatient(&mut self, now: Tick) -> Vec<Waker> {
        let Self {
            waiting, wakers, ..
        } = self;
        let ended = |deadline: &Option<Tick>| deadline.is_some_and(|deadline| deadline <= now);
        let impatient = waiting.iter().filter(|(_, deadline)| ended(deadline));
        impatient.filter_map(|(id, _)| wakers.remove(id)).collect()
    }
}

impl Flight {
    fn new(key: EntryKey, opened: Born) -> Self {
        let state = State {
            result: None,
            leaders: 1,
            permits: 0,
            next_release: 1,
            waiting: BTreeMap::new(),
            wakers: BTreeMap::new(),
            registered: 0,
            watch: Watch::None,
        };
        Self {
            key,
            opened,
            state: Mutex::new(state),
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        let wakers = state.take_wakers();
        drop(state);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Wakes those who have waited long enough. Gives the next deadline to call this at, if
    /// anybody still waits for one after `now`.
    pub(crate) fn wake_impatient(&self, now: Tick) -> Option<Tick> {
        let mut state = lock(&self.state);
        let deadlines = state.waiting.values().flatten().copied();
        let next = deadlines.filter(|deadline| *deadline > now).min();
        state.watch = if next.is_some() {
            Watch::Arranging
        } else {
            Watch::None
        };
        let wakers = state.take_impatient(now);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        next
    }

    /// Notes by which item of the agenda the flight is watched. Gives it back if the flight is over
    /// already, and nobody has to be woken.
    pub(crate) fn watched_by(&self, item: Item) -> Option<Item> {
        let mut state = lock(&self.state);
        if state.is_over() {
            return Some(item);
        }
        // Otherwise the item has been done already, and to note it would keep the next follower
        // from arranging another.
        if let Watch::Arranging = state.watch {
            state.watch = Watch::Arranged(item);
        }
        None
    }
}

/// The right and the duty to run the body for everybody who waits.
#[derive(Debug)]
pub(crate) struct Leader {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    ended: bool,
}

impl Leader {
    /// Hands everybody the result.
    pub(crate) fn finish(self, result: Arc<Entry>) {
        // What another leader left is a value of the user's: dropped after the lock.
        let mut result = Some(result);
        self.end(|state| std::mem::swap(&mut state.result, &mut result));
    }

    /// Keeps the error to itself and lets some others try.
    pub(crate) fn fail(self) {
        self.end(|state| {
            if state.leaders == 0 && state.permits == 0 && !active(Mutant::NoRelease) {
                state.permits = state.next_release;
                state.next_release = state.next_release.saturating_mul(2);
            }
        });
    }

    fn end(mut self, change: impl FnOnce(&mut State)) {
        self.ended = true;
        self.flight.update(|state| {
            state.leaders -= 1;
            change(state);
        });
        self.flights.retire(&self.flight);
    }
}

impl Drop for Leader {
    /// Dropped or unwinding: somebody else has to do it.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.flight.update(|state| {
            state.leaders -= 1;
            if !active(Mutant::NoHandOver) {
                state.permits += 1;
            }
        });
        self.flights.retire(&self.flight);
    }
}
