//! What the writers of a block have handed in.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::{Cache, Inner};
use crate::error::LOG;
use crate::invalidation::Invalidation;
use crate::layout::Leaf;
use crate::memory::invalidations::Slot;
use crate::pending::{MOST, widen};
use crate::settling::Target;

/// Invalidations, merged, by cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Collection(Vec<OfCache>);

#[derive(Debug, Clone)]
struct OfCache {
    cache: Cache,
    /// What is invalidated if the block commits.
    after_ok: Merged,
    /// What is invalidated however it ends.
    always: Merged,
}

/// The union of some targets.
#[derive(Debug, Clone, Default)]
struct Merged {
    slots: BTreeSet<Slot>,
    nodes: BTreeMap<Box<str>, ()>,
    leaves: BTreeSet<Leaf>,
    tags: BTreeSet<Box<str>>,
    everything: bool,
    /// Patterns, functions or tags as they are written, each with its writer.
    notes: BTreeSet<(&'static str, &'static str)>,
}

impl Collection {
    pub(super) fn add(&mut self, invalidation: &Invalidation) {
        let of_cache = self.of_cache(&invalidation.cache);
        let merged = if invalidation.always {
            &mut of_cache.always
        } else {
            &mut of_cache.after_ok
        };
        merged.add(invalidation);
    }

    /// Takes in what another has collected.
    pub(super) fn absorb(&mut self, other: &Self) {
        for other in &other.0 {
            let own = self.of_cache(&other.cache);
            own.after_ok.absorb(&other.after_ok);
            own.always.absorb(&other.always);
        }
    }

    /// Drops what has not happened. The caches stay: letting go of the last handle of one runs
    /// users' code.
    pub(super) fn roll_back(&mut self) {
        for of_cache in &mut self.0 {
            of_cache.after_ok = Merged::default();
        }
    }

    pub(super) fn covers(&self, inner: &Inner, slots: &[Slot]) -> bool {
        let mut own = self.0.iter().filter(|own| own.is_of(inner));
        own.any(|own| own.after_ok.covers(slots) || own.always.covers(slots))
    }

    fn of_cache(&mut self, cache: &Cache) -> &mut OfCache {
        let at = self.0.iter().position(|own| own.is_of(cache.inner()));
        let at = at.unwrap_or_else(|| {
            self.0.push(OfCache {
                cache: cache.clone(),
                after_ok: Merged::default(),
                always: Merged::default(),
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Invalidates at once, and as soon as can be in the stores.
    pub(super) fn invalidate(self) {
        let due = self.due();
        due.iter().for_each(|(cache, merged)| {
            cache.inner().invalidate(&merged.target());
        });
        note(&due);
    }

    /// Invalidates at once, and again when the outcome must have settled.
    pub(super) fn invalidate_twice(self) {
        let due = self.due();
        for (cache, merged) in &due {
            let target = merged.target();
            cache.inner().invalidate(&target);
            cache.inner().invalidate_again(target);
        }
        note(&due);
    }

    /// Invalidates in the process, and leaves the stores to be told.
    pub(super) fn invalidate_locally(self) -> Due {
        let mut due = Due {
            told: Vec::new(),
            untold: self.due(),
        };
        for (cache, merged) in &due.untold {
            cache.inner().invalidate_locally(&merged.target());
        }
        // The first is told first.
        due.untold.reverse();
        due
    }

    fn due(self) -> Vec<(Cache, Merged)> {
        let merged = self.0.into_iter().map(|mut own| {
            own.after_ok.absorb(&own.always);
            (own.cache, own.after_ok)
        });
        merged.filter(|(_, merged)| !merged.is_empty()).collect()
    }
}

impl OfCache {
    fn is_of(&self, inner: &Inner) -> bool {
        std::ptr::eq(self.cache.inner(), inner)
    }
}

impl Merged {
    fn add(&mut self, invalidation: &Invalidation) {
        let target = &invalidation.target;
        self.slots.extend(&target.slots);
        self.leaves.extend(&target.leaves);
        self.tags.extend(target.tags.iter().cloned());
        self.everything |= target.everything;
        self.nodes
            .extend(target.nodes.iter().map(|node| (node.clone(), ())));
        self.bound();
        let (function, covered) = (invalidation.function, invalidation.covered());
        self.notes
            .extend(covered.map(|covered| (covered, function)));
    }

    fn absorb(&mut self, other: &Self) {
        self.slots.extend(&other.slots);
        self.leaves.extend(&other.leaves);
        self.tags.extend(other.tags.iter().cloned());
        self.everything |= other.everything;
        self.nodes
            .extend(other.nodes.keys().map(|node| (node.clone(), ())));
        self.bound();
        self.notes.extend(&other.notes);
    }

    /// A block may write a million users.
    fn bound(&mut self) {
        if self.nodes.len() > MOST {
            self.everything |= widen(&mut self.nodes);
        }
        if self.tags.len() > MOST {
            self.tags.clear();
            self.everything = true;
        }
    }

    fn covers(&self, slots: &[Slot]) -> bool {
        self.everything || slots.iter().any(|slot| self.slots.contains(slot))
    }

    fn is_empty(&self) -> bool {
        self.slots.is_empty() && !self.everything
    }

    fn target(&self) -> Target {
        Target {
            slots: self.slots.iter().copied().collect(),
            nodes: self.nodes.keys().cloned().collect(),
            leaves: self.leaves.iter().copied().collect(),
            tags: self.tags.iter().cloned().collect(),
            everything: self.everything,
        }
    }
}

/// What has been invalidated in this process, and in the stores as far as they have been told.
/// Dropped, the rest is pending.
#[must_use = "the stores are told when it is waited for"]
pub(super) struct Due {
    told: Vec<(Cache, Merged)>,
    /// The next one last.
    untold: Vec<(Cache, Merged)>,
}

impl Due {
    /// Tells the stores, each within the time that a call may wait for it.
    pub(super) async fn wait(mut self) {
        while let Some((cache, merged)) = self.untold.pop() {
            // Dropped while this waits, the one in hand becomes pending by itself.
            cache.inner().invalidate_in_store(&merged.target()).await;
            self.told.push((cache, merged));
        }
        note(&std::mem::take(&mut self.told));
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        for (cache, merged) in &self.untold {
            if let Some(shared) = &cache.inner().shared {
                shared.invalidate_later(merged.target().regions());
            }
        }
    }
}

/// Logs and meters what was done. Last: a subscriber or a recorder is foreign code, and may panic.
fn note(due: &[(Cache, Merged)]) {
    for (cache, merged) in due {
        for (covered, function) in &merged.notes {
            cache.inner().meter_invalidation(covered, function);
        }
        let notes = &merged.notes;
        tracing::debug!(target: LOG, ?notes, "invalidated what a block deferred");
    }
}
