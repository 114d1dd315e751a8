//! Many entries at once: read, completed and filled, each in one round trip.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::look::{Found, LONG, Look, generation_ttl, one_in_eight};
use super::{Budget, Shared};
use crate::error::Error;
use crate::fence::{Fence, Generation, Observed};
use crate::handling::Coding;
use crate::layout::Key;
use crate::store::{Fill, Mint, Written};
use crate::traffic::{ErrorClass, MissReason, Operation};

/// An entry that was encoded, to be stored.
#[derive(Debug)]
pub(crate) struct Filled<'a> {
    pub(crate) look: Look<'a>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) ttl: Duration,
}

impl Shared {
    /// Reads entries, all in one round trip, and gives their values in the same order.
    pub(crate) async fn look_many<V>(
        &self,
        looks: &[Look<'_>],
        coding: &Coding<'_, V>,
        budget: &mut Budget,
    ) -> Result<Vec<Option<V>>, Error> {
        let found = self.find_many(looks, coding, budget).await?.into_iter();
        let value = |found| match found {
            Found::Entry(kept, ..) => kept,
            Found::Aged(..) | Found::Nothing(_) | Found::Barred => None,
        };
        Ok(found.map(value).collect())
    }

    /// Reads entries, all in one round trip, and gives what was found in the same order.
    ///
    /// What is pending is looked at before the store is asked, for each of them.
    pub(crate) async fn find_many<V>(
        &self,
        looks: &[Look<'_>],
        coding: &Coding<'_, V>,
        budget: &mut Budget,
    ) -> Result<Vec<Found<V>>, Error> {
        let barred: Vec<bool> = looks.iter().map(|look| self.bars(*look)).collect();
        let asked = looks.iter().zip(&barred).filter(|(_, barred)| !**barred);
        let asked: Vec<Look<'_>> = asked.map(|(look, _)| *look).collect();
        let mut replies = match self.read_many(&asked, budget).await {
            Ok(replies) => replies.into_iter(),
            Err(error) => {
                let missed = asked.iter();
                missed.for_each(|look| look.series.missed_shared(MissReason::Unavailable));
                return Err(error);
            }
        };
        let found = looks.iter().zip(barred).map(|(look, barred)| {
            let reply = (!barred).then(|| replies.next()).flatten();
            let Some((value, observed)) = reply else {
                look.series.missed_shared(MissReason::Pending);
                return Found::Barred;
            };
            self.judged(*look, value.as_deref(), observed, coding)
        });
        Ok(found.collect())
    }

    /// The value and the generations of each. Entries below one node share generations, which are
    /// asked for once: they are most of what a request would be made of.
    async fn read_many(
        &self,
        looks: &[Look<'_>],
        budget: &mut Budget,
    ) -> Result<Vec<(Option<Vec<u8>>, Observed)>, Error> {
        let Some(first) = looks.first() else {
            return Ok(Vec::new());
        };
        let mut keys: Vec<Key> = looks.iter().map(|look| look.keys.value().clone()).collect();
        let mut places = HashMap::new();
        for key in looks.iter().flat_map(|look| look.keys.generations()) {
            places.entry(key).or_insert_with(|| {
                keys.push(key.clone());
                keys.len() - 1
            });
        }
        let read = |deadline| self.store.read(&keys, deadline);
        let mut reply = self
            .ask(Operation::Read, Some(first.series), budget, read)
            .await?;
        if reply.len() != keys.len() {
            let (answered, asked) = (reply.len(), keys.len());
            return Err(Error::data(format!(
                "the store answered {answered} of {asked} keys"
            )));
        }
        let generations = reply.split_off(looks.len());
        let own = looks.iter().zip(reply).map(|(look, value)| {
            let shown = look.keys.generations().iter();
            let shown = shown.map(|key| generations[places[key] - looks.len()].clone());
            look.keys
                .receive([value].into_iter().chain(shown).collect())
        });
        own.collect()
    }

    /// Every generation of each entry, minting what is missing of all in one round trip. `None` where
    /// the store would not: what is computed for it may be neither stored nor shared.
    pub(crate) async fn complete_many(
        &self,
        looks: &[Look<'_>],
        observed: Vec<Observed>,
        budget: &mut Budget,
    ) -> Vec<Option<Fence>> {
        #[cfg(mutants)]
        if super::broken::mints_otherwise() {
            let mut fences = Vec::new();
            for (look, observed) in looks.iter().zip(observed) {
                fences.push(self.complete(*look, observed, budget).await);
            }
            return fences;
        }
        let minted = self.mint_many(looks, &observed, budget).await;
        let minted = minted.unwrap_or_default();
        let fences = looks.iter().zip(observed).map(|(look, observed)| {
            let holes = observed.missing();
            let keys = holes.map(|hole| &look.keys.generations()[hole]);
            let shown = keys.map(|key| minted.get(key).copied().flatten());
            let shown: Vec<_> = shown.collect();
            observed.with_minted(&shown).complete().ok()
        });
        fences.collect()
    }

    /// Mints the generations that nobody was shown, each once, and gives what is there since.
    async fn mint_many(
        &self,
        looks: &[Look<'_>],
        observed: &[Observed],
        budget: &mut Budget,
    ) -> Result<HashMap<Key, Option<Generation>>, Error> {
        let (mut mints, mut named) = (Vec::<Mint>::new(), HashSet::new());
        for (look, observed) in looks.iter().zip(observed) {
            let own = look.keys.mints(observed)?.into_iter();
            mints.extend(own.filter(|mint| named.insert(mint.key.clone())));
        }
        let (Some(first), false) = (looks.first(), mints.is_empty()) else {
            return Ok(HashMap::new());
        };
        let longest = looks.iter().map(|look| look.ttl).max();
        let ttl = generation_ttl(longest.unwrap_or_default());
        let keys: Vec<Key> = mints.iter().map(|mint| mint.key.clone()).collect();
        let mint = |deadline| self.store.mint(mints, ttl, deadline);
        let shown = self
            .ask(Operation::Mint, Some(first.series), budget, mint)
            .await?;
        // A reply of another length belongs to another request.
        if shown.len() != keys.len() {
            return Ok(HashMap::new());
        }
        if shown.contains(&None) {
            first.series.errors.count(ErrorClass::Full);
        }
        Ok(keys.into_iter().zip(shown).collect())
    }

    /// Stores entries under their fences, all in one round trip. They may be lost: that costs a
    /// computation. `older` are those of their generations that were not minted for them, whose lives
    /// are prolonged as after a single entry.
    pub(crate) async fn fill_many(
        &self,
        filled: Vec<Filled<'_>>,
        older: HashSet<Key>,
        budget: &mut Budget,
    ) {
        let Some(longest) = filled.iter().map(|filled| filled.ttl).max() else {
            return;
        };
        let series = filled[0].look.series;
        let fills = filled.into_iter().map(|Filled { look, bytes, ttl }| Fill {
            key: look.keys.value().clone(),
            value: bytes,
            ttl,
        });
        let fills = fills.collect();
        let write = |deadline| self.store.write_many(fills, deadline);
        let written = self.ask(Operation::Write, Some(series), budget, write);
        let Ok(written) = written.await else {
            return;
        };
        if written.contains(&Written::Full) {
            series.errors.count(ErrorClass::Full);
        }
        let stored = written.contains(&Written::Stored);
        if stored && !older.is_empty() && (longest >= LONG || one_in_eight()) {
            let older: Vec<Key> = older.into_iter().collect();
            let ttl = generation_ttl(longest);
            let prolong = |deadline| self.store.prolong(&older, ttl, deadline);
            let _ = self
                .ask(Operation::Prolong, Some(series), budget, prolong)
                .await;
        }
    }
}
