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
//!
//! Before a store there is a second condition, for the invalidations of other processes: a flight
//! carries the fence that its leader was shown before the body ran, and whoever joins it was shown
//! the same one after its own call began. A caller takes a [`Seat`] before it asks, so that a flight
//! which ends while the reply is on its way can still be joined: what such a caller was shown may be
//! from before the result was stored. `docs/model/flights.py` explores it.

mod follower;

pub(crate) use follower::{Follower, Turn};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;

use crate::agenda::{Agenda, Item};
use crate::clock::Tick;
use crate::fence::Fence;
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

#[derive(Debug, Default)]
struct Shard {
    flights: HashMap<u64, Arc<Flight>>,
    /// Callers that are asking a store about an entry. While there are any, a flight that is over
    /// stays: one of them may find that it was the computation it wants.
    attending: HashMap<u64, usize>,
    /// How many seats were taken so far.
    seated: u64,
}

/// What a caller that missed looks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) key: &'a EntryKey,
    pub(crate) slots: &'a Slots,
    /// The generations that a store has shown the caller; none without a store.
    pub(crate) fence: Option<&'a Fence>,
    /// The number of the caller's seat; none without a store.
    pub(crate) seat: Option<u64>,
    pub(crate) now: Tick,
    /// A computation that began earlier is too old for the caller.
    pub(crate) oldest: Tick,
}

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
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            agenda,
        })
    }

    /// Takes a seat before a store is asked about an entry. Whatever flight of that entry ends from
    /// now on can still be joined: its computation may be the one that the reply allows.
    pub(crate) fn attend(self: &Arc<Self>, hash: u64) -> Seat {
        let mut shard = self.shard(hash);
        *shard.attending.entry(hash).or_default() += 1;
        let number = shard.seated;
        shard.seated += 1;
        drop(shard);
        Seat {
            flights: Arc::clone(self),
            hash,
            number,
        }
    }

    /// Joins the flight of an entry, or opens one. `may_follow` is false for a caller that is
    /// inside a cached body.
    pub(crate) fn join(
        self: &Arc<Self>,
        wanted: Wanted<'_>,
        invalidations: &Invalidations,
        may_follow: bool,
    ) -> Role {
        let key = wanted.key;
        let opened = invalidations.now();
        let mut shard = self.shard(key.hash);
        if let Some(flight) = shard.flights.get(&key.hash) {
            let same = flight.key.is(key.instance, &key.bytes);
            let current = active(Mutant::StaleFlightJoined)
                || (invalidations.permit(wanted.slots, flight.opened) && flight.suits(wanted));
            match (same, current, may_follow) {
                (false, ..) | (true, true, false) => return Role::Alone,
                (true, true, true) => return Role::Follow(Follower::register(self, flight)),
                (true, false, _) => {}
            }
        }
        let flight = Arc::new(Flight::new(wanted, opened));
        let former = shard.flights.insert(key.hash, Arc::clone(&flight));
        drop(shard);
        // Its result is a value of the user's.
        drop(former);
        Role::Lead(Leader {
            flights: Arc::clone(self),
            flight,
            published: false,
            ended: false,
        })
    }

    /// Takes a flight out of the table, and off the agenda, once nobody runs, waits or may run.
    fn retire(&self, flight: &Arc<Flight>) {
        let hash = flight.key.hash;
        let mut shard = self.shard(hash);
        let current = shard
            .flights
            .get(&hash)
            .is_some_and(|current| Arc::ptr_eq(current, flight));
        let attended = shard.attending.contains_key(&hash);
        let over = !attended && lock(&flight.state).is_over();
        if current && (active(Mutant::RetiredEarly) || over) {
            shard.flights.remove(&hash);
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
        self.shards
            .iter()
            .map(|shard| lock(shard).flights.len())
            .sum()
    }
}

/// Kept by a caller while it asks a store about an entry, or stores one.
#[derive(Debug)]
pub(crate) struct Seat {
    flights: Arc<Flights>,
    hash: u64,
    number: u64,
}

impl Seat {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut shard = self.flights.shard(self.hash);
        if let Some(attending) = shard.attending.get_mut(&self.hash) {
            *attending -= 1;
            if *attending > 0 {
                return;
            }
        }
        shard.attending.remove(&self.hash);
        let flight = shard.flights.get(&self.hash);
        let over = flight.is_some_and(|flight| lock(&flight.state).is_over());
        let retired = over.then(|| shard.flights.remove(&self.hash));
        drop(shard);
        // Its result is a value of the user's.
        drop(retired);
    }
}

/// One computation and those who wait for it.
#[derive(Debug)]
pub(crate) struct Flight {
    key: EntryKey,
    /// What a store had shown its first leader before the body ran.
    fence: Option<Fence>,
    opened: Born,
    began: Tick,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What a leader computed; stays as long as anybody holds the flight.
    result: Option<Arc<Entry>>,
    /// Whose seat has a lower number may have the result. Until it is stored, that is everybody.
    admitted: u64,
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
    fn new(wanted: Wanted<'_>, opened: Born) -> Self {
        let state = State {
            result: None,
            admitted: 0,
            leaders: 1,
            permits: 0,
            next_release: 1,
            waiting: BTreeMap::new(),
            wakers: BTreeMap::new(),
            registered: 0,
            watch: Watch::None,
        };
        Self {
            key: wanted.key.clone(),
            fence: wanted.fence.cloned(),
            opened,
            began: wanted.now,
            state: Mutex::new(state),
        }
    }

    /// Whether the computation is under the generations that the caller was shown, and not too old.
    /// One that is over suits only those who had a seat before its result was stored: the entry may
    /// have been changed or gone since, and a key in demand always has somebody seated.
    fn suits(&self, wanted: Wanted<'_>) -> bool {
        let state = lock(&self.state);
        let in_time = match &state.result {
            None => true,
            Some(result) => {
                wanted.seat.is_some_and(|seat| seat < state.admitted)
                    && result.expires() > wanted.now
            }
        };
        let same_fence = self.fence.as_ref() == wanted.fence;
        #[cfg(mutants)]
        let same_fence = same_fence
            || (active(Mutant::IncompleteFenceShared)
                && wanted.fence.is_some_and(Fence::has_holes));
        in_time && same_fence && self.began >= wanted.oldest
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
    /// Whether it stores a result that everybody has got.
    published: bool,
    ended: bool,
}

impl Leader {
    /// Hands everybody the result, while the leader goes on to store it. Whatever becomes of that,
    /// the result stands.
    pub(crate) fn publish(&mut self, result: Arc<Entry>) {
        // What another leader left is a value of the user's: dropped after the lock.
        let mut result = Some(result);
        // An entry with a key of its own can be told to expire as soon as the store has it, which is
        // before the leader hears of it: who comes now must not get it from here.
        let admitted = if self.flight.key.instance.function().is_plain() {
            self.seated()
        } else {
            self.published = true;
            u64::MAX
        };
        self.flight.update(|state| {
            std::mem::swap(&mut state.result, &mut result);
            state.admitted = admitted;
        });
    }

    /// How many seats were taken so far.
    fn seated(&self) -> u64 {
        self.flights.shard(self.flight.key.hash).seated
    }

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
        self.leave(change);
    }

    fn leave(&self, change: impl FnOnce(&mut State)) {
        let admitted = self.published.then(|| self.seated());
        self.flight.update(|state| {
            state.leaders -= 1;
            state.admitted = admitted.unwrap_or(state.admitted);
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
        self.leave(|state| {
            if !active(Mutant::NoHandOver) {
                state.permits += 1;
            }
        });
    }
}
