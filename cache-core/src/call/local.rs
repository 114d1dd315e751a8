//! A call whose entry is kept in the process.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::{Condition, LocalValue, Miss, Work};
use crate::body::inside;
use crate::clock::duration;
use crate::flight::{Leader, Role, Turn};
use crate::memory::entry::Entry;
use crate::memory::invalidations::Computing;
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Shape};
use crate::subject::{Lifetime, Subject};

impl<S, V: LocalValue> Miss<S, V> {
    pub(super) async fn compute_locally<R, B, K>(&self, subject: &Subject, work: Work<B, K>) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        // What replaces a value in the background is no call.
        if self.replaces.is_none() {
            subject.series.missed();
        }
        if !self.coalesces(subject) {
            return self.run(subject, &self.begin(subject).0, work).await.0;
        }
        let inner = self.cache.inner();
        let mut wanted = self.wanted(subject);
        if self.handling.encodable.is_some() {
            wanted.oldest = inner.oldest_to_join();
        }
        let mut role = inner
            .flights
            .join(wanted, &inner.memory.invalidations, inner.may_follow());
        if let Role::Follow(follower) = role {
            role = match self.follow(follower).await {
                Turn::Result(entry) => match self.restore(&entry) {
                    Some(answer) => {
                        subject.series.coalesced.fetch_add(1, Relaxed);
                        return answer;
                    }
                    None => Role::Alone,
                },
                Turn::Lead(leader) => Role::Lead(leader),
            };
        }
        match role {
            Role::Lead(leader) => self.lead(subject, leader, work).await,
            Role::Follow(_) | Role::Alone => {
                let (computing, found) = self.begin(subject);
                // No `match`: it would hold an answer, which need not be `Send`, across the await.
                if let Some((answer, _)) = self.answer(subject, found) {
                    return answer;
                }
                self.run(subject, &computing, work).await.0
            }
        }
    }

    /// Announces a computation, and gives what is stored: between this caller's look-up and its
    /// turn, another may have finished, or set a value.
    pub(super) fn begin(&self, subject: &Subject) -> (Computing<'_>, Option<Arc<Entry>>) {
        let memory = &self.cache.inner().memory;
        let look = || memory.peek(&subject.key);
        memory.invalidations.begin(subject.leaf, look)
    }

    /// The answer that was found, with its entry, if it is one.
    pub(super) fn answer<R>(
        &self,
        subject: &Subject,
        found: Option<Arc<Entry>>,
    ) -> Option<(R, Arc<Entry>)>
    where
        S: Shape<R, Value = V>,
    {
        let inner = self.cache.inner();
        if active(Mutant::NoSecondLook) {
            return None;
        }
        let now = inner.clock.now();
        let entry = found.filter(|entry| inner.memory.answers(entry, &subject.key, now))?;
        let answer = self.restore(&entry)?;
        subject.series.coalesced.fetch_add(1, Relaxed);
        Some((answer, entry))
    }

    async fn lead<R, B, K>(&self, subject: &Subject, leader: Leader, work: Work<B, K>) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        // Until the flight is over, a reader can come by the result through it.
        let (computing, found) = self.begin(subject);
        if let Some((answer, entry)) = self.answer(subject, found) {
            leader.finish(entry);
            return answer;
        }
        match self.run(subject, &computing, work).await {
            (answer, Some(entry)) => {
                if active(Mutant::AnnouncementEndsEarly) {
                    drop(computing);
                    // Shuttle changes threads at its own primitives only.
                    (0..4).for_each(|_| drop(self.begin(subject)));
                }
                leader.finish(entry);
                answer
            }
            (answer, None) => {
                leader.fail();
                answer
            }
        }
    }

    /// Runs the body and keeps what is to be kept. The entry is for those who wait, whether or
    /// not it is kept; there is none after an error.
    async fn run<R, B, K>(
        &self,
        subject: &Subject,
        computing: &Computing<'_>,
        work: Work<B, K>,
    ) -> (R, Option<Arc<Entry>>)
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        let mut born = computing.born();
        let began = self.cache.inner().clock.now();
        let answer = inside(pin!((work.body)())).await;
        if active(Mutant::StampedAfterBody) {
            born = self.cache.inner().memory.invalidations.now();
        }
        let value = match self.shape.outcome(&answer) {
            Outcome::Value(value) => Some(value.clone()),
            Outcome::Absent => None,
            Outcome::Failure => {
                subject.series.failures.fetch_add(1, Relaxed);
                return (answer, None);
            }
        };
        let inner = self.cache.inner();
        let mut ttl = self.time_to_live(subject, value.as_ref(), &work.condition);
        let took = duration(inner.clock.now().saturating_sub(began));
        if self.handling.encodable.is_some() {
            // The body's time is a part of the value's age.
            ttl = inner.bounded_by_fallback(ttl, took);
        }
        #[cfg(debug_assertions)]
        self.check_round_trip::<R>(subject, value.as_ref(), ttl);
        let lifetime = Lifetime {
            ttl,
            cost: self.ages_here().then_some(took),
        };
        let entry = subject.entry(inner, born, value, lifetime, self.handling.weigh);
        // Memory may have stood in for a store when the call began, and hears of no other process
        // any more once the store was reached. What that did not outdate began after it, and sees
        // it here.
        let belongs_here = self.handling.encodable.is_none() || inner.shared().is_none();
        if ttl.is_zero() {
            self.remove_former(subject);
        } else if belongs_here {
            inner.keep(Arc::clone(&entry), subject.leaf);
        }
        (answer, Some(entry))
    }
}
