//! The tier that processes share: a store, and what is known about it here.
//!
//! Everything that is asked of the store goes through [`Shared::ask`], which heeds the breaker, the
//! caller's budget and the counts. What an answer proves is decided by [`fence`](crate::fence) and
//! [`entry`](crate::entry).

#[cfg(mutants)]
mod broken;
mod invalidate;
mod lease;
mod look;
mod many;
mod supervise;
mod sweep;
mod unreachable;

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::agenda::Agenda;
use crate::breaker::{Breaker, Permit, Side};
use crate::cache::Inner;
use crate::clock::Clock;
use crate::entry::Stamp;
use crate::error::Error;
use crate::layout::Layout;
use crate::pending::Pending;
use crate::stats::Series;
use crate::store::{BoxFuture, Deadline, Store};
use crate::sync::AtomicBool;
use crate::traffic::Operation;

pub(crate) use invalidate::Allowance;
pub(crate) use look::{Aged, Found, Look, Made};
pub(crate) use many::Filled;
pub(crate) use sweep::Sweeps;

/// A store with its supervision.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) layout: Layout,
    timeout: Duration,
    /// How long an entry may live in memory while the store has never been reached.
    pub(crate) fallback: Option<Duration>,
    reached: AtomicBool,
    pub(crate) breaker: Breaker,
    pub(crate) pending: Pending,
    /// Whether an attempt at what is pending is on the agenda.
    retrying: AtomicBool,
    pub(crate) sweeps: Sweeps,
    /// What has to be asked of the store beside the callers. A thread of its own, for it waits.
    pub(crate) errands: Arc<Agenda>,
    clock: Clock,
    /// Counts what is done on behalf of no function.
    plain: Arc<Series>,
    /// For errands, which must not keep the cache alive.
    cache: Weak<Inner>,
}

/// How a cache uses its store.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) timeout: Duration,
    pub(crate) fallback: Option<Duration>,
    /// Keys in a second; see [`Sweeps`].
    pub(crate) sweep_rate: u32,
}

impl Shared {
    pub(crate) fn new(
        terms: Terms,
        layout: Layout,
        clock: Clock,
        plain: Arc<Series>,
        cache: Weak<Inner>,
    ) -> Self {
        let Terms {
            store,
            timeout,
            fallback,
            sweep_rate,
        } = terms;
        let errands = Agenda::of_errands(clock.clone());
        Self {
            store,
            layout,
            timeout,
            fallback,
            clock,
            cache,
            reached: AtomicBool::new(false),
            breaker: Breaker::default(),
            pending: Pending::default(),
            retrying: AtomicBool::new(false),
            sweeps: Sweeps::new(sweep_rate),
            errands,
            plain,
        }
    }

    /// The times of a value that was made just now.
    pub(crate) fn stamp(&self, fresh: Duration, cost: Duration) -> Stamp {
        Stamp::new(self.clock.wall(), fresh, cost)
    }

    /// What a call may spend on the store.
    pub(crate) fn budget(&self) -> Budget {
        Budget(self.timeout)
    }

    /// Asks the store something, unless the breaker is open or the budget is spent.
    pub(crate) async fn ask<'a, T>(
        &'a self,
        operation: Operation,
        series: Option<&Series>,
        budget: &mut Budget,
        ask: impl FnOnce(Deadline) -> BoxFuture<'a, Result<T, Error>>,
    ) -> Result<T, Error> {
        let side = match operation {
            Operation::Read => Side::Read,
            _ => Side::Write,
        };
        let Some(permit) = self.breaker.permit() else {
            return Err(Error::outage(
                "the store failed repeatedly and is not asked until it answers a probe",
            ));
        };
        let began = Instant::now();
        let given_up = GivenUp {
            shared: self,
            side,
            permit,
            began,
        };
        let answer = ask(Deadline::after(budget.0)).await;
        std::mem::forget(given_up);
        let took = began.elapsed();
        budget.0 = budget.0.saturating_sub(took);
        series
            .unwrap_or(&self.plain)
            .note(operation, took, answer.as_ref().err());
        match &answer {
            // Of what it holds, and not of itself.
            Ok(_) => {
                self.breaker.succeeded(side);
                if !self.reached.load(Relaxed) && !self.breaker.is_open() {
                    self.reached.store(true, SeqCst);
                }
            }
            Err(error) if error.is_data() || error.is_invalid_input() || error.is_full() => {
                self.breaker.succeeded(side);
            }
            // A program that may not count may still cache.
            Err(error) if error.is_configuration() && operation == Operation::Count => {}
            Err(error) => {
                if self.breaker.failed(side, permit) {
                    self.opened(error);
                }
            }
        }
        answer
    }
}

/// An operation that its caller may give up waiting for. If it waited for a good part of what a
/// call may wait at all, that is a failure: else callers with less patience than the budget would
/// wait for a store that hangs again and again.
struct GivenUp<'a> {
    shared: &'a Shared,
    side: Side,
    permit: Permit,
    began: Instant,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        let long = self.began.elapsed() >= self.shared.timeout / 5;
        if long && self.shared.breaker.failed(self.side, self.permit) {
            let error = Error::outage("the store does not answer before its callers give up");
            self.shared.opened(&error);
        }
    }
}

/// What is left of the time that a call may spend waiting for the store. The time that its body
/// takes is not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(Duration);

impl Budget {
    /// No more of it than is left until `end`.
    fn until(self, end: Deadline) -> Self {
        Self(self.0.min(end.remaining()))
    }
}
