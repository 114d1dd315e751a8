//! A batch whose entries are kept in a store: read, completed and filled in a round trip each.

use std::collections::HashSet;
use std::sync::Arc;

use super::known::Known;
use super::rounds::{Began, Rounds, Task};
use crate::call::{Condition, LocalValue};
use crate::deferral;
use crate::fence::{Fence, Observed};
use crate::flight::Seat;
use crate::handling::Coding;
use crate::layout::{EntryKeys, Key};
use crate::outcome::Shape;
use crate::policy::MAX_TTL;
use crate::shared::{Budget, Filled, Found, Look, Shared};
use crate::subject::Subject;
use crate::traffic::MissReason;

/// What the store has shown of the elements that memory did not answer.
pub(super) struct Stored<'a, V> {
    shared: &'a Shared,
    coding: Coding<'a, V>,
    budget: Budget,
    /// For each element of the call that memory did not answer; none for what is not cached.
    entries: Vec<Option<Stand>>,
    /// The generations that stood there before.
    older: HashSet<Key>,
}

/// How one entry stands.
struct Stand {
    keys: EntryKeys,
    /// Taken before the store is asked: the flight that the reply allows may have ended by then.
    seat: Seat,
    fence: Option<Fence>,
}

impl<'a, V: LocalValue> Stored<'a, V> {
    /// Reads the entries and completes their fences, and gives what is not answered by that.
    pub(super) async fn find<S, E>(
        rounds: Rounds<'a, S, V>,
        shared: &'a Shared,
        coding: Coding<'a, V>,
        known: &mut Known<E, V>,
    ) -> (Self, Vec<usize>)
    where
        S: Shape<Option<V>, Value = V>,
    {
        let flights = &rounds.terms.cache.inner().flights;
        let mut stored = Self {
            shared,
            coding,
            budget: shared.budget(),
            entries: rounds.open.iter().map(|_| None).collect(),
            older: HashSet::new(),
        };
        for (at, keys) in keys_of(rounds, shared) {
            let seat = rounds.open[at].subject.as_ref();
            stored.entries[at] = seat.map(|subject| Stand {
                keys,
                seat: flights.attend(subject.key.hash),
                fence: None,
            });
        }
        let (mut rest, mut observed) = (Vec::new(), Vec::new());
        for (at, found) in stored.read(rounds).await.into_iter().enumerate() {
            if let Some(Found::Entry(kept, ..)) = found {
                known.set(rounds.open[at].index, kept);
                continue;
            }
            rest.push(at);
            if let Some(Found::Nothing(own)) = found {
                stored.note_older(at, &own);
                observed.push((at, own));
            }
        }
        stored.complete(rounds, observed).await;
        (stored, rest)
    }

    /// Answers what the store has, unless the block has outdated it, and gives the rest. Nothing of that
    /// is to be stored or shared: see how a single call inside a block is computed.
    pub(super) async fn find_deferred<S, E>(
        rounds: Rounds<'a, S, V>,
        shared: &'a Shared,
        coding: Coding<'a, V>,
        known: &mut Known<E, V>,
    ) -> Vec<usize>
    where
        S: Shape<Option<V>, Value = V>,
    {
        let inner = rounds.terms.cache.inner();
        let mut keys = keys_of(rounds, shared);
        keys.retain(|(at, _)| {
            let outdated =
                (rounds.subject(*at)).filter(|subject| deferral::covers(inner, &subject.slots));
            outdated.inspect(|subject| subject.series.missed_shared(MissReason::Pending));
            outdated.is_none()
        });
        let looks = keys.iter().filter_map(|(at, keys)| {
            let subject = rounds.subject(*at)?;
            Some(look(rounds, subject, keys))
        });
        let looks: Vec<_> = looks.collect();
        let found = shared
            .find_many(&looks, &coding, &mut shared.budget())
            .await;
        let mut answered = HashSet::new();
        for ((at, _), found) in keys.iter().zip(found.unwrap_or_default()) {
            if let Found::Entry(kept, ..) = found {
                known.set(rounds.open[*at].index, kept);
                answered.insert(*at);
            }
        }
        let all = 0..rounds.open.len();
        all.filter(|at| !answered.contains(at)).collect()
    }

    /// The fence of an element, with the number of the caller's seat.
    pub(super) fn fence(&self, at: usize) -> Option<(&Fence, u64)> {
        let stand = self.entries[at].as_ref()?;
        Some((stand.fence.as_ref()?, stand.seat.number()))
    }

    /// What the store has of each entry; nothing of those that could not be asked for.
    pub(super) async fn read<S>(&mut self, rounds: Rounds<'a, S, V>) -> Vec<Option<Found<V>>>
    where
        S: Shape<Option<V>, Value = V>,
    {
        let mut all: Vec<_> = self.entries.iter().map(|_| None).collect();
        let entries = self.entries.iter().enumerate();
        let asked = entries.filter_map(|(at, stand)| {
            let (stand, subject) = (stand.as_ref()?, rounds.subject(at)?);
            Some((at, look(rounds, subject, &stand.keys)))
        });
        let (places, looks): (Vec<_>, Vec<_>) = asked.unzip();
        let found = self
            .shared
            .find_many(&looks, &self.coding, &mut self.budget);
        let found = found.await.unwrap_or_default();
        for (at, found) in places.into_iter().zip(found) {
            all[at] = Some(found);
        }
        all
    }

    fn note_older(&mut self, at: usize, observed: &Observed) {
        let Some(stand) = &self.entries[at] else {
            return;
        };
        let mut holes = observed.missing().peekable();
        let shown = stand.keys.generations().iter().enumerate();
        let shown = shown.filter(|(place, _)| holes.next_if_eq(place).is_none());
        self.older.extend(shown.map(|(_, key)| key.clone()));
    }

    /// Completes the fences of what is to be computed, minting what is missing of them.
    pub(super) async fn complete<S>(
        &mut self,
        rounds: Rounds<'a, S, V>,
        observed: Vec<(usize, Observed)>,
    ) where
        S: Shape<Option<V>, Value = V>,
    {
        let (mut places, mut looks, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for (at, observed) in observed {
            if let (Some(stand), Some(subject)) = (&self.entries[at], rounds.subject(at)) {
                places.push(at);
                looks.push(look(rounds, subject, &stand.keys));
                own.push(observed);
            }
        }
        let fences = self.shared.complete_many(&looks, own, &mut self.budget);
        for (at, fence) in places.into_iter().zip(fences.await) {
            if let Some(stand) = &mut self.entries[at] {
                stand.fence = fence;
            }
        }
    }

    /// Hands what was computed to those who wait, and stores it under the fences, which were read before.
    pub(super) async fn keep<S, E>(
        &mut self,
        rounds: Rounds<'a, S, V>,
        tasks: Vec<Task<'a>>,
        known: &Known<E, V>,
        began: Began,
        condition: &impl Condition<V>,
    ) where
        S: Shape<Option<V>, Value = V>,
    {
        #[cfg(mutants)]
        self.read_fences_again(rounds).await;
        let cost = rounds.since(began);
        let (mut filled, mut led) = (Vec::new(), Vec::new());
        for mut task in tasks {
            let (Some(subject), Some(stand)) = (rounds.subject(task.at), &self.entries[task.at])
            else {
                continue;
            };
            let Some(fence) = &stand.fence else {
                continue;
            };
            let value = known.value(rounds.open[task.at].index);
            let ttl = rounds.terms.time_to_live(subject, value, condition);
            let ttl = ttl.min(MAX_TTL);
            let entry = rounds.entry(subject, began.born, value.cloned(), ttl);
            if let Some(mut leader) = task.leader.take() {
                leader.publish(Arc::clone(&entry));
                led.push((leader, entry));
            }
            if ttl.is_zero() {
                continue;
            }
            let look = look(rounds, subject, &stand.keys);
            let stamp = self.shared.stamp(ttl, cost);
            match self.coding.encode_entry(&stand.keys, fence, value, stamp) {
                Ok(bytes) => filled.push(Filled { look, bytes, ttl }),
                Err(reason) => look.series.unstored(&reason),
            }
        }
        let older = std::mem::take(&mut self.older);
        self.shared.fill_many(filled, older, &mut self.budget).await;
        led.into_iter()
            .for_each(|(leader, entry)| leader.finish(entry));
    }
}

fn look<'l, S, V>(rounds: Rounds<'l, S, V>, subject: &'l Subject, keys: &'l EntryKeys) -> Look<'l>
where
    V: LocalValue,
    S: Shape<Option<V>, Value = V>,
{
    subject.looked_for(keys, rounds.terms.ttl_of_a_value(subject))
}

/// The keys of those elements that can have some.
fn keys_of<S, V>(rounds: Rounds<'_, S, V>, shared: &Shared) -> Vec<(usize, EntryKeys)>
where
    V: LocalValue,
    S: Shape<Option<V>, Value = V>,
{
    let keys = rounds.subjects().filter_map(|(at, subject)| {
        let keys = subject.keys(&shared.layout);
        match keys {
            Ok(keys) => Some((at, keys)),
            Err(error) => subject.series.uncacheable(&error),
        }
    });
    keys.collect()
}
