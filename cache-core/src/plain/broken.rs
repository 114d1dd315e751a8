//! Direct writes that break a rule.

use std::time::Duration;

use super::{Outdated, PlainKey};
use crate::call::CacheValue;
use crate::error::Error;
use crate::fence::{Fence, Nonce, Observed};
use crate::mutants::{Mutant, active};
use crate::shared::{Budget, Look, Shared};
use crate::store::Swap;

/// Whether a direct write is not what it should be.
pub(super) fn sets_otherwise() -> bool {
    active(Mutant::SwapFirst) || active(Mutant::ScanAndDelete)
}

impl PlainKey<'_> {
    pub(super) async fn set_otherwise<V: CacheValue>(
        &self,
        shared: &Shared,
        value: &V,
        ttl: Duration,
    ) -> Result<(), Error> {
        let keys = self.subject.keys(&shared.layout)?;
        let look = self.looked_for(&keys, ttl);
        let mut budget = shared.budget();
        let outdated = Outdated(&self.subject.path, shared);
        let fence = if active(Mutant::SwapFirst) {
            fence_after_swapping(shared, look, &mut budget).await?
        } else {
            Some(Observed::unseen(keys.generations().len()))
        };
        if let Some(fence) = fence {
            let coding = self.coding();
            let stamp = shared.stamp(ttl, Duration::ZERO);
            let entry = coding.encode_entry(&keys, &fence, Some(value), stamp);
            let entry = entry.map_err(|reason| Error::data(format!("{reason:?}")))?;
            shared.fill(look, entry, ttl, &mut budget).await?;
        }
        std::mem::forget(outdated);
        Ok(())
    }
}

async fn fence_after_swapping(
    shared: &Shared,
    look: Look<'_>,
    budget: &mut Budget,
) -> Result<Option<Fence>, Error> {
    let Swap::Done { now, .. } = shared.swap(look, Nonce::random()?, budget).await? else {
        return Err(Error::full("the store has no room for a swap"));
    };
    let observed = shared.observe(look, budget).await?;
    let fence = shared.complete(look, observed, budget).await;
    let own = |fence: Fence| {
        let previous = fence.generations().first().copied();
        fence.after_swap(&Swap::Done { previous, now })
    };
    Ok(fence.and_then(own))
}
