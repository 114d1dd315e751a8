//! A call whose entry is kept in a store.

#[cfg(mutants)]
mod broken;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::aging::Held;
use super::verification::{Sample, Sampled};
use super::{Condition, Ground, LocalValue, Looked, Miss, Work};
use crate::body::inside;
use crate::clock::{Tick, duration};
use crate::fence::{Fence, Observed};
use crate::flight::{Leader, Role, Seat, Turn, Wanted};
use crate::handling::Coding;
use crate::layout::EntryKeys;
use crate::memory::entry::Entry;
#[cfg(mutants)]
use crate::mutants::{Mutant, active};
use crate::outcome::Shape;
use crate::shared::{Budget, Found, Look, Made, Shared};
use crate::subject::{Lifetime, Subject};

/// What a call has been shown by a store.
pub(super) struct Footing {
    keys: EntryKeys,
    /// None if an invalidation that is pending covers the entry, or the store did not answer.
    observed: Option<Observed>,
    budget: Budget,
    /// Taken before the store is asked: the flight that the reply allows may have ended by then.
    seat: Seat,
    /// Whether there is a value that is not as fresh as could be.
    has_former: bool,
}

/// Where and how a call keeps what it computes.
struct Place<'a, V> {
    shared: &'a Shared,
    coding: Coding<'a, V>,
    look: Look<'a>,
    budget: Budget,
    seat: Seat,
    has_former: bool,
}

impl<S, V: LocalValue> Miss<S, V> {
    pub(crate) fn looked_for<'a>(&self, subject: &'a Subject, keys: &'a EntryKeys) -> Look<'a> {
        Look {
            counts: self.replaces.is_none(),
            ..subject.looked_for(keys, self.ttl_of_a_value(subject))
        }
    }

    /// Asks the store for the entry.
    pub(super) async fn look_in_store<R>(
        &self,
        subject: &Subject,
        shared: &Shared,
        coding: &Coding<'_, V>,
    ) -> Looked<V>
    where
        S: Shape<R, Value = V>,
    {
        let keys = match subject.keys(&shared.layout) {
            Ok(keys) => keys,
            Err(error) => {
                subject.series.uncacheable::<()>(&error);
                return Looked::At(Ground::Uncached, None);
            }
        };
        let mut budget = shared.budget();
        let inner = self.cache.inner();
        let seat = inner.flights.attend(subject.key.hash);
        let born = inner.memory.invalidations.now();
        let look = self.looked_for(subject, &keys);
        let mut is_replaced = false;
        let (observed, held) = match shared.look(look, coding, &mut budget).await {
            // The entry that is to be replaced does not answer, though it be drawn as fresh this time.
            Ok(Found::Entry(_, observed, id)) if self.replaces == Some(id) => {
                is_replaced = true;
                (Some(observed), None)
            }
            Ok(Found::Entry(kept, _, id)) if kept.is_some() || S::HAS_ABSENCE => {
                if self.samples(subject) {
                    let entry = Sampled::InStore(id);
                    return Looked::Sampled(Sample { kept, entry });
                }
                return Looked::Answer(kept);
            }
            Ok(Found::Aged(aged, observed)) => {
                let ends = Tick::MAX;
                (Some(observed), Some(Held { aged, born, ends }))
            }
            Ok(Found::Entry(_, observed, _) | Found::Nothing(observed)) => (Some(observed), None),
            Ok(Found::Barred) | Err(_) => (None, None),
        };
        let footing = Footing {
            keys,
            observed,
            budget,
            seat,
            has_former: is_replaced || held.is_some(),
        };
        Looked::At(Ground::Store(footing), held)
    }

    /// Whether a value that was found still stands in the store, and nothing has outdated it since.
    pub(super) async fn still_stands(&self, subject: &Subject, held: &Held<V>) -> bool {
        let Some((shared, coding)) = self.place(subject) else {
            return false;
        };
        let Ok(keys) = subject.keys(&shared.layout) else {
            return false;
        };
        let look = self.looked_for(subject, &keys);
        shared.still_stands(look, &coding, held.aged.id).await
    }

    pub(super) async fn compute_shared<R, B, K>(
        &self,
        subject: &Subject,
        footing: Footing,
        work: Work<B, K>,
    ) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        // Once it is reached, a store does not become memory again.
        let Some((shared, coding)) = self.place(subject) else {
            return inside(pin!((work.body)())).await;
        };
        let Footing {
            keys,
            observed,
            budget,
            seat,
            has_former,
        } = footing;
        let mut place = Place {
            shared,
            coding,
            look: self.looked_for(subject, &keys),
            budget,
            seat,
            has_former,
        };
        let fence = match observed {
            Some(observed) => {
                shared
                    .complete(place.look, observed, &mut place.budget)
                    .await
            }
            None => None,
        };
        #[cfg(mutants)]
        let fence = fence.or_else(|| broken::of_any_computation(&keys));
        match fence {
            Some(fence) => self.compute_fenced(subject, place, &fence, work).await,
            // Neither stored nor shared: see `docs/model/flights.py`.
            None => inside(pin!((work.body)())).await,
        }
    }

    async fn compute_fenced<R, B, K>(
        &self,
        subject: &Subject,
        place: Place<'_, V>,
        fence: &Fence,
        work: Work<B, K>,
    ) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        if !self.coalesces(subject) {
            return self.run_fenced(subject, place, fence, None, work).await;
        }
        let inner = self.cache.inner();
        let wanted = Wanted {
            fence: Some(fence),
            seat: Some(place.seat.number()),
            ..self.wanted(subject)
        };
        let invalidations = &inner.memory.invalidations;
        let leader = match inner
            .flights
            .join(wanted, invalidations, inner.may_follow())
        {
            Role::Lead(leader) => Some(leader),
            Role::Alone => None,
            Role::Follow(follower) => match self.follow(follower).await {
                Turn::Lead(leader) => Some(leader),
                Turn::Result(entry) => match self.restore(&entry) {
                    Some(answer) => {
                        subject.series.coalesced.fetch_add(1, Relaxed);
                        return answer;
                    }
                    None => None,
                },
            },
        };
        self.run_fenced(subject, place, fence, leader, work).await
    }

    /// Runs the body, hands the result to those who wait, and stores it under the fence, which was
    /// read before.
    async fn run_fenced<R, B, K>(
        &self,
        subject: &Subject,
        place: Place<'_, V>,
        fence: &Fence,
        mut leader: Option<Leader>,
        work: Work<B, K>,
    ) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        let inner = self.cache.inner();
        let born = inner.memory.invalidations.now();
        let began = inner.clock.now();
        let answer = inside(pin!((work.body)())).await;
        // From here on no `R` may be held across an await: its error need not be `Send`.
        let kept = match self.shape.take(answer) {
            Ok(kept) => kept,
            Err(failure) => {
                subject.series.failures.fetch_add(1, Relaxed);
                leader.into_iter().for_each(Leader::fail);
                return failure;
            }
        };
        let ttl = self
            .time_to_live(subject, kept.as_ref(), &work.condition)
            .min(crate::policy::MAX_TTL);
        let cost = duration(inner.clock.now().saturating_sub(began));
        #[cfg(debug_assertions)]
        self.check_round_trip::<R>(subject, kept.as_ref(), ttl);
        let lifetime = Lifetime::fixed(ttl);
        let entry = subject.entry(inner, born, kept, lifetime, self.handling.weigh);
        if let Some(leader) = &mut leader {
            leader.publish(Arc::clone(&entry));
        }
        if !ttl.is_zero() {
            place.store(&entry, fence, ttl, cost).await;
        } else if place.has_former {
            place.remove().await;
        }
        let restored = self.restore(&entry);
        if let Some(leader) = leader {
            leader.finish(entry);
        }
        restored.expect("a shape has a place for what it was taken apart into")
    }
}

impl<V: LocalValue> Place<'_, V> {
    /// Removes the former value, because the one that has outdated it is not to be kept.
    async fn remove(mut self) {
        self.shared.remove(self.look, &mut self.budget).await;
        drop(self.seat);
    }

    /// Stores what was computed. That it fails is counted, and costs a computation.
    async fn store(mut self, entry: &Entry, fence: &Fence, ttl: Duration, cost: Duration) {
        #[cfg(mutants)]
        if broken::is_for_sharing_alone(fence) {
            return;
        }
        #[cfg(mutants)]
        let later = match active(Mutant::FenceReadAfterBody) {
            true => self.fence_of_now().await,
            false => None,
        };
        #[cfg(mutants)]
        let fence = later.as_ref().unwrap_or(fence);
        let look = self.look;
        let Some(kept) = entry.value::<V>() else {
            return;
        };
        let made = Made {
            kept: kept.as_ref(),
            ttl,
            cost,
        };
        self.shared
            .keep(look, &self.coding, fence, made, &mut self.budget)
            .await;
        drop(self.seat);
    }
}
