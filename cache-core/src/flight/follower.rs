//! Waiting for somebody else's result, no longer than one's patience lasts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Flight, Flights, Leader, Watch};
use crate::clock::Tick;
use crate::memory::entry::Entry;
use crate::mutants::{Mutant, active};
use crate::sync::lock;

/// A place in the queue for somebody else's result.
#[derive(Debug)]
pub(crate) struct Follower {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    id: u64,
    ended: bool,
}

/// What waiting came to.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Somebody computed it.
    Result(Arc<Entry>),
    /// Nobody did: now it is this caller's task.
    Lead(Leader),
}

impl Follower {
    /// Called under the lock of the flight's shard, so that the flight can't retire meanwhile.
    pub(super) fn register(flights: &Arc<Flights>, flight: &Arc<Flight>) -> Self {
        let mut state = lock(&flight.state);
        let id = state.registered;
        state.registered += 1;
        state.waiting.insert(id, None);
        Self {
            flights: Arc::clone(flights),
            flight: Arc::clone(flight),
            id,
            ended: false,
        }
    }

    /// Looks for a result or a permit; past `deadline`, takes the lead without one. `watch` is
    /// called when nobody has promised yet to call `wake_impatient` at that time.
    pub(crate) fn poll(
        &mut self,
        cx: &Context<'_>,
        now: Tick,
        deadline: Tick,
        watch: impl FnOnce(&Arc<Flight>),
    ) -> Poll<Turn> {
        // Cloning and dropping a waker is foreign code, which may even drop another follower of
        // this flight: it is done before and after the lock.
        let waker = cx.waker().clone();
        let mut state = lock(&self.flight.state);
        if let Some(result) = &state.result {
            let result = Arc::clone(result);
            drop(state);
            return Poll::Ready(Turn::Result(result));
        }
        if state.permits > 0 {
            state.permits -= 1;
        } else if now < deadline {
            state.waiting.insert(self.id, Some(deadline));
            let former = state.wakers.insert(self.id, waker);
            let watched = !matches!(state.watch, Watch::None);
            if !watched {
                state.watch = Watch::Arranging;
            }
            drop(state);
            drop(former);
            if !watched {
                watch(&self.flight);
            }
            return Poll::Pending;
        }
        state.leaders += 1;
        state.waiting.remove(&self.id);
        let former = state.wakers.remove(&self.id);
        self.ended = true;
        drop(state);
        drop(former);
        Poll::Ready(Turn::Lead(Leader {
            flights: Arc::clone(&self.flights),
            flight: Arc::clone(&self.flight),
            published: false,
            ended: false,
        }))
    }
}

impl Drop for Follower {
    /// Passes on the permit that it may have been woken for.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut state = lock(&self.flight.state);
        state.waiting.remove(&self.id);
        let own = state.wakers.remove(&self.id);
        if active(Mutant::PermitKept) {
            state.permits = 0;
        }
        // With a result in hand or without a permit there is nothing that others could do.
        let wakers = if state.permits > 0 && state.result.is_none() {
            state.take_wakers()
        } else {
            BTreeMap::new()
        };
        drop(state);
        drop(own);
        wakers.into_values().for_each(Waker::wake);
        self.flights.retire(&self.flight);
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use std::cell::Cell;

    use super::super::{Role, Wanted};
    use super::*;
    use crate::agenda::Agenda;
    use crate::clock::Clock;
    use crate::function::Function;
    use crate::memory::entry::{EntryKey, Slots};
    use crate::memory::invalidations::Invalidations;

    #[test]
    fn a_watch_that_is_over_before_it_is_noted_keeps_nobody_from_arranging_another() {
        static FUNCTION: Function = Function::new("watched", "", "", "", 0);
        let key = EntryKey {
            hash: 1,
            instance: FUNCTION.instance::<(), ()>(None),
            bytes: b"key".as_slice().into(),
        };
        let (flights, invalidations) = (
            Flights::new(Agenda::new(Clock::Coarse)),
            Invalidations::new(),
        );
        let slots = Slots::new();
        let wanted = Wanted {
            key: &key,
            slots: &slots,
            fence: None,
            seat: None,
            now: 0,
            oldest: 0,
        };
        let join = || flights.join(wanted, &invalidations, true);
        let (Role::Lead(_leader), Role::Follow(mut first), Role::Follow(mut second)) =
            (join(), join(), join())
        else {
            panic!("one leads, the others follow");
        };
        let cx = Context::from_waker(Waker::noop());
        let pending = first.poll(&cx, 0, 10, |flight| {
            // The deadline comes before the watcher is noted.
            assert_eq!(flight.wake_impatient(10), None);
            assert_eq!(flight.watched_by((10, 1)), None);
        });
        assert!(pending.is_pending());
        let Poll::Ready(Turn::Lead(_impatient)) = first.poll(&cx, 10, 10, |_| ()) else {
            panic!("its patience has ended");
        };
        let arranged = Cell::new(false);
        let pending = second.poll(&cx, 10, 20, |_| arranged.set(true));
        assert!(pending.is_pending());
        assert!(arranged.get(), "nobody would wake the second");
    }
}
