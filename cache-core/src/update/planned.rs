//! An entry that is to be updated, as it is known before the body.

use std::sync::Arc;

use super::called::Unlearned;
use super::ground::{Ground, Written};
use crate::cache::Cache;
use crate::call::{LocalValue, Miss};
use crate::codec::Coder;
use crate::error::LOG;
use crate::invalidation::{Guard, Invalidation};
use crate::policy::Tier;
use crate::registry;
use crate::rehearsal::Rehearsed;
use crate::subject::Subject;

/// One entry, or what is invalidated in its place.
#[derive(Debug)]
pub(super) struct Planned<V> {
    invalidation: Invalidation,
    /// None if nothing may be stored.
    entry: Option<Box<Entry<V>>>,
}

/// An entry and how its function keeps it.
pub(super) struct Entry<V> {
    pub(super) miss: Miss<(), V>,
    pub(super) subject: Subject,
    pub(super) has_absence: bool,
}

impl<V> std::fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entry").field(&self.subject).finish()
    }
}

impl<V: LocalValue> Entry<V> {
    /// Whether its function keeps it in the store, if there is one.
    pub(super) fn is_for_a_store(&self) -> bool {
        let policy = self.subject.key.instance.function().policy();
        policy.tier != Tier::MemoryOnly
    }
}

impl<V: LocalValue> Planned<V> {
    /// What is to be done in each cache.
    pub(super) fn all(
        writer: &'static str,
        name: &'static str,
        learned: Result<Box<Rehearsed>, Unlearned>,
    ) -> Vec<Self> {
        match learned {
            Ok(known) if known.name() == name => vec![Self::known(writer, *known)],
            // What came first may stand before the entry's own look-up, or be it under another name.
            Ok(other) => {
                let why = Unlearned("the call came by another cached function first");
                let mut planned = Self::widened(writer, name, why);
                let other = Self::known(writer, *other);
                planned.push(Self {
                    entry: None,
                    ..other
                });
                planned
            }
            Err(why) => Self::widened(writer, name, why),
        }
    }

    fn known(writer: &'static str, known: Rehearsed) -> Self {
        let handling = known.handling::<V>();
        let name = known.function.name();
        let mut invalidation = Invalidation::of(&known.cache, writer);
        let subject = match known.subject {
            Ok(subject) => subject,
            Err(error) => {
                invalidation.widen_to_everything_for(name, &error);
                return Self {
                    invalidation,
                    entry: None,
                };
            }
        };
        invalidation.add_entry(name, &subject.key.bytes[..subject.arguments]);
        if handling.is_none() {
            let kept = known.value_type;
            tracing::error!(target: LOG, function = writer, entry = name, kept, "the cached function keeps values of another type: they are invalidated, and never updated");
        }
        let codec = known.codec.as_ref();
        let codec = codec.and_then(|codec| codec.downcast_ref::<Arc<dyn Coder<V>>>().cloned());
        let is_written = !known.is_bypassed && !known.is_conditional;
        let entry = handling.filter(|_| is_written).map(|handling| {
            Box::new(Entry {
                miss: Miss {
                    cache: known.cache,
                    subject: None,
                    shape: (),
                    ttl: known.ttl,
                    none_ttl: known.none_ttl,
                    handling,
                    codec,
                    replaces: None,
                    sampled: None,
                },
                subject,
                has_absence: known.has_absence,
            })
        });
        Self {
            invalidation,
            entry,
        }
    }

    /// Nobody knows which entry it is, nor in which cache.
    fn widened(writer: &'static str, name: &'static str, why: Unlearned) -> Vec<Self> {
        let reason = why.0;
        tracing::error!(target: LOG, function = writer, entry = name, reason, "it is not known which entry is updated: all that it may be is invalidated instead");
        let functions = registry::named(name);
        let caches = Cache::living().into_iter();
        let widened = caches.map(|cache| {
            let mut invalidation = Invalidation::of(&cache, writer);
            invalidation.add_all_entries_of(name, functions);
            Self {
                invalidation,
                entry: None,
            }
        });
        widened.collect()
    }

    /// To be called before the body.
    pub(super) async fn ground(&self) -> Ground<'_, V> {
        match &self.entry {
            Some(entry) => entry.ground().await,
            None => Ground::Nothing,
        }
    }

    /// Invalidates when it is dropped, unless it was told the outcome before.
    pub(super) fn guard(&self, always: bool) -> Guard {
        let mut invalidation = self.invalidation.clone();
        invalidation.always = always;
        Guard::new(invalidation)
    }

    /// Stores what was made, or invalidates what is there.
    pub(super) async fn finish(&self, mut ground: Ground<'_, V>, guard: Guard, kept: Option<&V>) {
        match ground.write(kept).await {
            Written::InMemory => guard.written_to_memory().await,
            Written::InStore => guard.written_to_store(),
            Written::No => guard.succeeded().await,
        }
        // What was not stored is invalidated while the writer is still announced.
        drop(ground);
    }
}
