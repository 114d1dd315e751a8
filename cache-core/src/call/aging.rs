//! A call whose answer is not as fresh as could be.
//!
//! What may answer is found by the look-up: it is of use by its [age](crate::freshness), and no
//! invalidation has outdated it. Here it is decided who waits for the body, and who does not.

use std::sync::atomic::Ordering::Relaxed;

use super::{Condition, Ground, LocalValue, Looked, Miss, Work, answer};
use crate::cache::Inner;
use crate::clock::{Tick, duration};
use crate::freshness::Use;
use crate::memory::invalidations::Born;
use crate::observation;
use crate::outcome::{Outcome, Shape};
use crate::shared::Aged;
use crate::subject::Subject;
use crate::traffic::MissReason;

/// A value that may answer though it is not as fresh as could be.
pub(super) struct Held<V> {
    pub(super) aged: Aged<V>,
    /// What the invalidation clock showed before it was computed, or before a store was asked for it.
    pub(super) born: Born,
    /// When it can't be used for anything any more, unless a store sees to that.
    pub(super) ends: Tick,
}

impl<S, V: LocalValue> Miss<S, V> {
    /// Whether values are kept for longer than they are fresh. Those for which memory stands in for a
    /// store are not: it hears of no other process' invalidations.
    pub(crate) fn ages_here(&self) -> bool {
        self.handling.encodable.is_none() || self.cache.inner().shared.is_none()
    }

    /// What memory has that did not answer at once.
    pub(super) fn look_in_memory(&self, subject: &Subject) -> Looked<V> {
        let policy = subject.key.instance.function().policy();
        if !policy.ages() || self.replaces.is_some() {
            return Looked::At(Ground::Memory, None);
        }
        Looked::At(Ground::Memory, self.held_in_memory(subject))
    }

    pub(super) fn held_in_memory(&self, subject: &Subject) -> Option<Held<V>> {
        let inner = self.cache.inner();
        let now = inner.clock.now();
        let entry = inner.memory.aged(&subject.key, now)?;
        let value = entry.value::<V>()??;
        let policy = subject.key.instance.function().policy();
        let usable = match duration(now.saturating_sub(entry.expires())) {
            _ if entry.expires() > now => Use::Ahead,
            ago => policy.use_of_expired(ago),
        };
        let aged = Aged {
            value,
            usable,
            id: 0,
        };
        let born = entry.stamp.born();
        let ends = entry.ends();
        (usable != Use::Expired).then_some(Held { aged, born, ends })
    }

    /// Removes what is not fresh any more, because what has outdated it is not to be kept: it would answer
    /// in the place of what the body has just said.
    pub(super) fn remove_former(&self, subject: &Subject) {
        let inner = self.cache.inner();
        if subject.key.instance.function().policy().ages() {
            inner.memory.remove_former(&subject.key, inner.clock.now());
        }
    }

    /// Whether a value that was found may still answer: its last window has not ended since, and nothing
    /// has outdated it.
    pub(super) async fn may_still_answer(&self, subject: &Subject, held: &Held<V>) -> bool {
        if held.ends <= self.cache.inner().clock.now() {
            return false;
        }
        let is_in_store = self.place(subject).is_some();
        if is_in_store && !self.still_stands(subject, held).await {
            return false;
        }
        let invalidations = &self.cache.inner().memory.invalidations;
        invalidations.permit(&subject.slots, held.born)
    }

    /// Answers with a value that is not as fresh as could be.
    pub(super) fn reuse<R>(&self, subject: &Subject, held: Held<V>) -> R
    where
        S: Shape<R, Value = V>,
    {
        observation::answered();
        let series = &subject.series;
        match self.place(subject) {
            Some(_) => drop(series.shared_hits.fetch_add(1, Relaxed)),
            None => series.hit(),
        }
        if held.aged.usable != Use::Ahead {
            series.stale.fetch_add(1, Relaxed);
        }
        answer(self.shape, Some(held.aged.value))
    }

    /// Counts that a value was found that does not answer, as yet.
    pub(super) fn missed(&self, subject: &Subject) {
        // Memory counts what it computes.
        if self.place(subject).is_some() {
            subject.series.missed_shared(MissReason::Expired);
        }
    }

    /// Computes as [`compute`](Self::compute) does. If the body fails, a value that has expired may
    /// answer.
    pub(super) async fn compute_or_stale<R, B, K>(&self, work: Work<B, K>) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
        R: Send,
    {
        let Some(subject) = &self.subject else {
            return self.compute(work).await;
        };
        match self.look(subject).await {
            Looked::Answer(kept) => answer(self.shape, kept),
            Looked::Sampled(sample) => self.verify(subject, sample, work).await,
            Looked::At(ground, held) => self.compute_or_reuse(subject, ground, held, work).await,
        }
    }

    pub(super) async fn compute_or_reuse<R, B, K>(
        &self,
        subject: &Subject,
        ground: Ground,
        held: Option<Held<V>>,
        work: Work<B, K>,
    ) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
        R: Send,
    {
        let Some(held) = held else {
            return self.compute_at(subject, ground, work).await;
        };
        if self.is_quiet(subject) {
            return self.reuse(subject, held);
        }
        self.missed(subject);
        let computed = self.compute_at(subject, ground, work).await;
        self.computed_or(subject, held, computed).await
    }

    /// What was computed, or if the body failed, a value that has expired, if it still may answer.
    pub(super) async fn computed_or<R>(&self, subject: &Subject, held: Held<V>, computed: R) -> R
    where
        S: Shape<R, Value = V>,
        R: Send,
    {
        if !matches!(self.shape.outcome(&computed), Outcome::Failure) {
            return computed;
        }
        self.cache.inner().quieten(subject.key.hash);
        if self.may_still_answer(subject, &held).await {
            return self.reuse(subject, held);
        }
        computed
    }

    pub(super) fn is_quiet(&self, subject: &Subject) -> bool {
        let inner = self.cache.inner();
        inner
            .refreshes
            .is_quiet(subject.key.hash, inner.clock.now())
    }
}

impl Inner {
    /// Does not have an entry computed anew for a while, unless somebody has to wait for it.
    pub(super) fn quieten(&self, hash: u64) {
        let until = self.clock.after(self.retry_after);
        self.refreshes.quieten(hash, self.clock.now(), until);
    }
}
