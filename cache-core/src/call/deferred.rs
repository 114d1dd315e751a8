//! A call inside a block that defers invalidations.

use std::pin::pin;

use super::{LocalValue, Miss};
use crate::body::inside;
use crate::deferral;
use crate::outcome::Shape;
use crate::shared::{Found, Look};
use crate::subject::Subject;
use crate::traffic::MissReason;

impl<S, V: LocalValue> Miss<S, V> {
    /// Answers from the store, unless the block has outdated the entry, or else runs the body. What
    /// that gives is neither stored nor shared: it may be of an old snapshot, or never be committed.
    /// Nor does the call wait for another's computation, which may be waiting for a lock that the
    /// transaction holds.
    pub(super) async fn compute_deferred<R>(
        &self,
        subject: &Subject,
        body: impl AsyncFnOnce() -> R,
    ) -> R
    where
        S: Shape<R, Value = V>,
    {
        if let Some(answer) = self.find_in_store(subject).await {
            return answer;
        }
        inside(pin!(body())).await
    }

    async fn find_in_store<R>(&self, subject: &Subject) -> Option<R>
    where
        S: Shape<R, Value = V>,
    {
        let Some((shared, coding)) = self.place(subject) else {
            subject.series.missed();
            return None;
        };
        if deferral::covers(self.cache.inner(), &subject.slots) {
            subject.series.missed_shared(MissReason::Pending);
            return None;
        }
        let keys = match subject.keys(&shared.layout) {
            Ok(keys) => keys,
            Err(error) => return subject.series.uncacheable(&error),
        };
        let look = Look {
            keys: &keys,
            path: &subject.path,
            function: subject.key.instance.function().name(),
            series: &subject.series,
            ttl: self.ttl_of_a_value(subject),
        };
        match shared.look(look, &coding, &mut shared.budget()).await {
            Ok(Found::Entry(kept, _)) => self.shape.restore(kept),
            Ok(Found::Nothing(_) | Found::Barred) | Err(_) => None,
        }
    }
}
