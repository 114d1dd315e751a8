//! Fences that break a rule.

use super::{LocalValue, Place};
use crate::fence::{Fence, Observed};
use crate::layout::EntryKeys;
use crate::mutants::{Mutant, active};

/// The fence that stands for one that could not be completed, and fits every computation.
pub(super) fn of_any_computation(keys: &EntryKeys) -> Option<Fence> {
    active(Mutant::IncompleteFenceShared).then(|| Observed::unseen(keys.generations().len()))
}

/// Whether what was computed under this fence can't be stored.
pub(super) fn is_for_sharing_alone(fence: &Fence) -> bool {
    active(Mutant::IncompleteFenceShared) && fence.has_holes()
}

impl<V: LocalValue> Place<'_, V> {
    /// The generations that are there now.
    pub(super) async fn fence_of_now(&mut self) -> Option<Fence> {
        let (look, budget) = (self.look, &mut self.budget);
        let observed = self.shared.observe(look, budget).await.ok()?;
        self.shared.complete(look, observed, budget).await
    }
}
