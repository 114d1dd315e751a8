//! A call inside a block that defers invalidations.

use std::sync::atomic::Ordering::Relaxed;

use super::{Ground, LocalValue, Looked, Miss};
use crate::deferral;
use crate::freshness::Use;
use crate::outcome::Shape;
use crate::shared::Found;
use crate::subject::Subject;
use crate::traffic::MissReason;

impl<S, V: LocalValue> Miss<S, V> {
    /// Answers from the store, unless the block has outdated the entry. What the body would give is
    /// neither stored nor shared: it may be of an old snapshot, or never be committed. Nor does the call
    /// wait for another's computation, which may be waiting for a lock that the transaction holds; nor
    /// does anything go on in the background.
    pub(super) async fn look_deferred<R>(&self, subject: &Subject) -> Looked<V>
    where
        S: Shape<R, Value = V>,
    {
        if let Some(sample) = &self.sampled {
            subject.series.hit();
            return Looked::Answer(sample.kept.clone());
        }
        match self.find_in_store(subject).await {
            Some(kept) if kept.is_some() || S::HAS_ABSENCE => Looked::Answer(kept),
            _ => Looked::At(Ground::Uncached, None),
        }
    }

    async fn find_in_store(&self, subject: &Subject) -> Option<Option<V>> {
        let is_covered = deferral::covers(self.cache.inner(), &subject.slots);
        let Some((shared, coding)) = self.place(subject) else {
            return self.find_in_memory(subject, is_covered);
        };
        if is_covered {
            subject.series.missed_shared(MissReason::Pending);
            return None;
        }
        let keys = match subject.keys(&shared.layout) {
            Ok(keys) => keys,
            Err(error) => return subject.series.uncacheable(&error),
        };
        let look = self.looked_for(subject, &keys);
        match shared.look(look, &coding, &mut shared.budget()).await {
            Ok(Found::Entry(kept, ..)) => Some(kept),
            Ok(Found::Aged(aged, _)) if aged.usable == Use::Ahead => {
                subject.series.shared_hits.fetch_add(1, Relaxed);
                Some(Some(aged.value))
            }
            Ok(Found::Aged(..)) => {
                subject.series.missed_shared(MissReason::Expired);
                None
            }
            Ok(Found::Nothing(_) | Found::Barred) | Err(_) => None,
        }
    }

    /// A value that would be computed anew outside of the block, and has not expired.
    fn find_in_memory(&self, subject: &Subject, is_covered: bool) -> Option<Option<V>> {
        let ages = subject.key.instance.function().policy().ages();
        let held = (ages && !is_covered).then(|| self.held_in_memory(subject));
        match held.flatten() {
            Some(held) if held.aged.usable == Use::Ahead => {
                subject.series.hit();
                Some(Some(held.aged.value))
            }
            _ => {
                subject.series.missed();
                None
            }
        }
    }
}
