//! What a writer knows from before its body, and how it stores by that what it made.

use std::time::Duration;

use super::planned::Entry;
use crate::call::{LocalValue, Unconditional};
use crate::clock::{Tick, duration};
use crate::deferral;
use crate::fence::{Fence, Nonce};
use crate::handling::Coding;
use crate::layout::EntryKeys;
use crate::memory::invalidations::Computing;
use crate::mutants::{Mutant, active};
use crate::policy::MAX_TTL;
use crate::shared::{Budget, Made, Shared};
use crate::store::Swap;
use crate::subject::Lifetime;

/// What a writer stands on.
pub(super) enum Ground<'a, V> {
    /// Nothing may be stored.
    Nothing,
    /// Memory, where the writer is announced as a computation.
    Memory(&'a Entry<V>, Computing<'a>, Tick),
    /// A store.
    Store(Box<InStore<'a, V>>),
}

pub(super) struct InStore<'a, V> {
    entry: &'a Entry<V>,
    shared: &'a Shared,
    coding: Coding<'a, V>,
    keys: EntryKeys,
    fence: Fence,
    budget: Budget,
    began: Tick,
}

/// What has become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The value is in memory, in the place of what was there.
    InMemory,
    /// The store has acknowledged that what was there is outdated, whether or not it took the value.
    InStore,
    /// What is there has to be invalidated.
    No,
}

impl<V: LocalValue> Entry<V> {
    /// To be called before the body.
    pub(super) async fn ground(&self) -> Ground<'_, V> {
        let inner = self.miss.cache.inner();
        inner.used();
        if deferral::is_inside() {
            return Ground::Nothing;
        }
        if let Some((shared, coding)) = self.miss.place(&self.subject) {
            return match self.in_store(shared, coding).await {
                Some(ground) => Ground::Store(Box::new(ground)),
                None => Ground::Nothing,
            };
        }
        // While memory stands in for a store, what that holds would have to be outdated, too.
        if self.miss.handling.encodable.is_some() && self.is_for_a_store() && inner.shared.is_some()
        {
            return Ground::Nothing;
        }
        let invalidations = &inner.memory.invalidations;
        let (computing, ()) = invalidations.begin(self.subject.leaf, || ());
        Ground::Memory(self, computing, inner.clock.now())
    }

    /// Reads the entry's generations, and mints what is missing.
    async fn in_store<'a>(
        &'a self,
        shared: &'a Shared,
        coding: Coding<'a, V>,
    ) -> Option<InStore<'a, V>> {
        let keys = self.subject.keys(&shared.layout).ok()?;
        let mut budget = shared.budget();
        let look = self.miss.looked_for(&self.subject, &keys);
        if shared.bars(look) {
            return None;
        }
        let observed = shared.observe(look, &mut budget).await.ok()?;
        let fence = shared.complete(look, observed, &mut budget).await?;
        Some(InStore {
            entry: self,
            shared,
            coding,
            keys,
            fence,
            budget,
            began: self.miss.cache.inner().clock.now(),
        })
    }

    /// How long what was made is kept. Zero is not at all.
    fn time_to_live(&self, kept: Option<&V>) -> Duration {
        if kept.is_none() && !self.has_absence {
            return Duration::ZERO;
        }
        let ttl = self.miss.time_to_live(&self.subject, kept, &Unconditional);
        ttl.min(MAX_TTL)
    }

    /// Stores in memory. The announcement has to last until what was not stored is invalidated.
    fn write_to_memory(&self, computing: &Computing<'_>, began: Tick, kept: Option<&V>) -> Written {
        let inner = self.miss.cache.inner();
        let ttl = self.time_to_live(kept);
        // Memory may have stood in for a store until now.
        if ttl.is_zero() || self.miss.place(&self.subject).is_some() {
            return Written::No;
        }
        let born = match active(Mutant::WrittenWithLateStamp) {
            true => inner.memory.invalidations.now(),
            false => computing.born(),
        };
        let took = duration(inner.clock.now().saturating_sub(began));
        let lifetime = Lifetime {
            ttl,
            cost: self.miss.ages_here().then_some(took),
        };
        let weigh = self.miss.handling.weigh;
        let entry = self
            .subject
            .entry(inner, born, kept.cloned(), lifetime, weigh);
        if inner.write_through(entry, self.subject.leaf) {
            Written::InMemory
        } else {
            Written::No
        }
    }
}

impl<V: LocalValue> Ground<'_, V> {
    /// To be called after the body.
    pub(super) async fn write(&mut self, kept: Option<&V>) -> Written {
        match self {
            Self::Nothing => Written::No,
            Self::Memory(entry, computing, began) => entry.write_to_memory(computing, *began, kept),
            Self::Store(ground) => ground.write(kept).await,
        }
    }
}

impl<V: LocalValue> InStore<'_, V> {
    /// Gives the leaf a new generation, which outdates what is there, and stores under it if nobody
    /// else came in between.
    async fn write(&mut self, kept: Option<&V>) -> Written {
        let now = self.entry.miss.cache.inner().clock.now();
        let cost = duration(now.saturating_sub(self.began));
        let ttl = self.entry.time_to_live(kept);
        let look = self.entry.miss.looked_for(&self.entry.subject, &self.keys);
        if ttl.is_zero() || self.shared.bars(look) {
            return Written::No;
        }
        let Ok(nonce) = Nonce::random() else {
            return Written::No;
        };
        let fence = if active(Mutant::WrittenBlindly) {
            Some(self.fence.clone())
        } else {
            match self.shared.swap(look, nonce, &mut self.budget).await {
                Ok(swap @ Swap::Done { .. }) => self.fence.clone().after_swap(&swap),
                Ok(Swap::Full) | Err(_) => return Written::No,
            }
        };
        if let Some(fence) = fence {
            let made = Made { kept, ttl, cost };
            self.shared
                .keep(look, &self.coding, &fence, made, &mut self.budget)
                .await;
        }
        Written::InStore
    }
}
