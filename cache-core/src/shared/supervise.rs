//! What is done about a store that fails: probing it, and trying pending invalidations again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::Shared;
use super::invalidate::Allowance;
use crate::body::block_on;
use crate::cache::Inner;
use crate::clock::Tick;
use crate::error::{Error, LOG};
use crate::fence::Nonce;
use crate::mutants::{Mutant, active};
use crate::pending::Attempt;
use crate::store::Deadline;
use crate::traffic::Operation;

/// An open breaker is probed this often, give or take a third, so that the processes that share a
/// store do not all come at once.
const PROBE_EVERY: Duration = Duration::from_millis(300);

/// A probe may take this long where a call may take less: it has to connect.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long connecting at the start may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many nodes, leaves and tags are invalidated in one step.
const BATCH: usize = 1_000;

/// How long after an attempt that failed the next one comes.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);

impl Shared {
    /// Asks the store whether it does all that is needed, whatever the breaker says.
    pub(crate) async fn probe(&self, timeout: Duration) -> Result<(), Error> {
        let canary = self.layout.canary(&Nonce::random()?);
        let began = std::time::Instant::now();
        let answer = self.store.probe(&canary, Deadline::after(timeout)).await;
        let took = began.elapsed();
        let error = answer.as_ref().err();
        self.plain.note(Operation::Probe, took, error);
        answer
    }

    /// A probe whose success or failure is what callers meet from now on.
    pub(crate) async fn connect(&self, inner: &Inner) -> Result<(), Error> {
        match self.probe(CONNECT_TIMEOUT).await {
            Ok(()) => self.returned(inner),
            Err(error) => {
                if self.breaker.trip() {
                    self.opened(&error);
                }
                if error.is_configuration() || !self.is_fallen_back() {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The breaker has just been opened.
    pub(super) fn opened(&self, error: &Error) {
        if active(Mutant::ForgottenWhenOpened) {
            while let Some(attempt) = self.pending.attempt(BATCH) {
                self.pending.acknowledged(&attempt);
            }
        }
        let store = self.store.describe();
        if self.is_fallen_back() {
            tracing::warn!(target: LOG, store, %error, "the store can't be had: entries are kept in memory, for a short time each");
        } else if error.is_configuration() {
            tracing::error!(target: LOG, store, %error, "the store can't be used: functions run as if they were not cached");
        } else {
            tracing::warn!(target: LOG, store, %error, "the store fails: functions run as if they were not cached");
        }
        self.probe_later();
    }

    fn probe_later(&self) {
        let third = PROBE_EVERY / 3;
        let jitter = RandomState::new().hash_one(()) % 1_000;
        let jitter = third.mul_f64(2.0 * jitter as f64 / 1_000.0);
        self.errand(PROBE_EVERY - third + jitter, |inner, shared| {
            let _again = OnPanic(|| shared.probe_later());
            match block_on(shared.probe(shared.timeout.max(PROBE_TIMEOUT))) {
                Ok(()) => shared.returned(inner),
                Err(_) => shared.probe_later(),
            }
        });
    }

    /// The store has answered a probe.
    fn returned(&self, inner: &Inner) {
        self.noted_reached(inner);
        if self.breaker.close() {
            let store = self.store.describe();
            tracing::info!(target: LOG, store, "the store answers again");
        }
        if !active(Mutant::NoRetryOnReturn) {
            self.retry_soon();
        }
    }

    /// Whether functions are to be cached in memory because the store was never reached.
    pub(crate) fn is_fallen_back(&self) -> bool {
        self.fallback.is_some() && self.breaker.is_open() && !self.reached.load(SeqCst)
    }

    /// What was kept in memory instead of in the store has heard nobody's invalidations.
    fn noted_reached(&self, inner: &Inner) {
        if !self.reached.swap(true, SeqCst)
            && self.fallback.is_some()
            && !active(Mutant::FallbackNeverDropped)
        {
            inner.memory.invalidations.invalidate_all();
            inner.memory.remove_invalidated();
        }
    }

    /// Has pending invalidations tried now, unless that is arranged, or the breaker is open: then
    /// the probe that closes it sees to them.
    pub(super) fn retry_soon(&self) {
        if active(Mutant::PendingNotRetried) {
            return;
        }
        if self.pending.len() > 0 && !self.breaker.is_open() && !self.retrying.swap(true, SeqCst) {
            // The first attempt is made even if what is invalidating now was the last to hold the
            // cache. Later ones end with it.
            let cache = self.cache.upgrade();
            self.retry_after(Duration::ZERO, FIRST_RETRY, cache);
        }
    }

    fn retry_after(&self, span: Duration, next: Duration, held: Option<Arc<Inner>>) {
        self.errand(span, move |_, shared| {
            let _held = held;
            let again = || shared.retry_after(next, (next * 2).min(LAST_RETRY), None);
            let _again = OnPanic(again);
            match block_on(shared.drain(Deadline::after(Duration::MAX))) {
                Err(_) if active(Mutant::RetryGivesUp) => {}
                Err(_) if !shared.breaker.is_open() => again(),
                _ => {
                    shared.retrying.store(false, SeqCst);
                    // For what was entered, or a breaker that was closed, after the last look.
                    if !active(Mutant::NoLastLook) {
                        shared.retry_soon();
                    }
                }
            }
        });
    }

    /// Tries all that is pending, again and again, until none is left or time is up.
    pub(crate) async fn drain_within(&self, span: Duration) -> Result<(), Error> {
        let deadline = self.clock.after(span);
        let end = Deadline::after(span);
        loop {
            let Err(error) = self.drain(end).await else {
                return Ok(());
            };
            if self.clock.now() >= deadline {
                return Err(error);
            }
            let next = self.clock.after(FIRST_RETRY).min(deadline);
            self.errands.wait_until(next).await;
        }
    }

    /// Tries all that is pending, until `end`.
    async fn drain(&self, end: Deadline) -> Result<(), Error> {
        while let Some(attempt) = self.pending.attempt(BATCH) {
            self.attempt(&attempt, end).await?;
            self.pending.acknowledged(&attempt);
        }
        Ok(())
    }

    async fn attempt(&self, attempt: &Attempt, end: Deadline) -> Result<(), Error> {
        if attempt.everything {
            self.unlink_all(Allowance::EachStep(end)).await?;
        }
        let regions = attempt.regions();
        if regions.names_nothing() {
            return Ok(());
        }
        let budget = &mut self.budget().until(end);
        self.unlink(regions, None, budget).await
    }

    /// Has something asked of the store beside the callers, if the cache still exists then.
    pub(super) fn errand(
        &self,
        after: Duration,
        job: impl FnOnce(&Inner, &Shared) + Send + 'static,
    ) {
        let job = self.if_it_exists(job);
        self.errands.add(self.clock.after(after), job);
    }

    /// The same, for what nobody waits for.
    pub(super) fn errand_at_leisure(
        &self,
        when: Tick,
        job: impl FnOnce(&Inner, &Shared) + Send + 'static,
    ) {
        self.errands.add_at_leisure(when, self.if_it_exists(job));
    }

    fn if_it_exists(
        &self,
        job: impl FnOnce(&Inner, &Shared) + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let cache = self.cache.clone();
        move || {
            if let Some(inner) = cache.upgrade()
                && let Some(shared) = &inner.shared
            {
                job(&inner, shared);
            }
        }
    }
}

/// A store is foreign code. That it panics must not end what is done again and again.
pub(super) struct OnPanic<F: Fn()>(pub(super) F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}
