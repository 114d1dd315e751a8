//! Hits of which the body runs too: what is served is compared with what would be computed.
//!
//! A difference alone is no fault: a writer may have committed and not invalidated yet. It is one if
//! the same entry still answers a moment later.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::{Condition, LocalValue, Miss, Work, answer};
use crate::body::{block_on, inside, inside_now};
use crate::cache::Inner;
use crate::memory::entry::Entry;
use crate::outcome::{Outcome, Shape};
use crate::subject::Subject;

/// A hit that is verified.
#[derive(Debug, Clone)]
pub(crate) struct Sample<V> {
    pub(crate) kept: Option<V>,
    pub(crate) entry: Sampled,
}

/// The entry that answered.
#[derive(Debug, Clone)]
pub(crate) enum Sampled {
    InMemory(Arc<Entry>),
    /// In a store, where it is known by its id.
    InStore(u64),
}

impl<S, V: LocalValue> Miss<S, V> {
    /// Whether this hit of a store is verified.
    pub(super) fn samples(&self, subject: &Subject) -> bool {
        subject.key.instance.function().is_sampled()
    }

    /// Runs the body, whatever others compute, and answers with what it gives; if it fails, with what
    /// was kept.
    pub(super) async fn verify<R, B, K>(
        &self,
        subject: &Subject,
        sample: Sample<V>,
        work: Work<B, K>,
    ) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        let series = &subject.series;
        // A store's hit is counted already.
        if let Sampled::InMemory(_) = sample.entry {
            series.hit();
        }
        let computed = inside(pin!((work.body)())).await;
        let fresh = match self.shape.outcome(&computed) {
            Outcome::Value(value) => Some(value),
            Outcome::Absent => None,
            Outcome::Failure => return answer(self.shape, sample.kept),
        };
        series.verified.fetch_add(1, Relaxed);
        let same = match (fresh, &sample.kept) {
            // What would not be kept says nothing about what is.
            (Some(fresh), _) if !inside_now(|| work.condition.judge(fresh)).keep => true,
            (Some(fresh), Some(kept)) => match S::EQUAL.or(self.handling.same) {
                Some(same) => same(fresh, kept),
                // There is nothing to compare them by.
                None => true,
            },
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.suspect(subject, sample.entry);
        }
        computed
    }

    /// Looks a moment later whether an entry that differs from what its body gives still answers.
    fn suspect(&self, subject: &Subject, entry: Sampled) {
        let inner = self.cache.inner();
        let when = inner.clock.after(inner.verify_after);
        match entry {
            Sampled::InMemory(entry) => {
                inner.later(when, move |inner| inner.accuse_in_memory(&entry));
            }
            Sampled::InStore(id) => {
                let (Some((shared, _)), Some(encodable)) =
                    (self.place(subject), self.handling.encodable)
                else {
                    return;
                };
                let Ok(keys) = subject.keys(&shared.layout) else {
                    return;
                };
                let (cache, subject) = (inner.weak(), subject.clone());
                let codec = self.codec.clone();
                let ttl = self.ttl_of_a_value(&subject);
                // It waits for the store.
                shared.errands.add(when, move || {
                    let Some(inner) = cache.upgrade() else {
                        return;
                    };
                    let Some(shared) = inner.shared() else {
                        return;
                    };
                    let look = subject.looked_for(&keys, ttl);
                    let coding = encodable.coding(&inner.packaging, codec.as_deref());
                    if block_on(shared.still_stands(look, &coding, id)) {
                        subject.series.accuse();
                    }
                });
            }
        }
    }
}

impl Inner {
    fn accuse_in_memory(&self, entry: &Arc<Entry>) {
        let now = self.clock.now();
        let answers = self.memory.aged(&entry.key, now);
        if answers.is_some_and(|answers| Arc::ptr_eq(&answers, entry) && entry.expires() > now) {
            entry.series.accuse();
        }
    }
}
