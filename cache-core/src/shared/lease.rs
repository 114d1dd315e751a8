//! The leave to sweep a namespace: with it the rate is one of the namespace, and not of each of its
//! processes.
//!
//! It is a generation under a key of its own, which the first to mint it holds until it ends. No promise
//! rests on it: that two sweep at once, or nobody does for a while, is no matter but of cost.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::{Budget, Shared};
use crate::body::block_on;
use crate::clock::{Tick, ticks};
use crate::error::Error;
use crate::fence::{Generation, Nonce};
use crate::layout::Key;
use crate::store::Mint;
use crate::traffic::Operation;

/// How long a holder that died keeps others from sweeping.
const LEASE: Duration = Duration::from_secs(10);

/// Who does not get it asks again no sooner.
const SOONEST: Duration = Duration::from_secs(1);

/// The leave to sweep the namespace.
pub(super) struct Lease {
    key: Key,
    own: Generation,
    renew_at: Tick,
    ends: Tick,
}

/// What asking for the lease came to.
pub(super) enum Leave {
    Ours(Lease),
    /// A store that is full grants none, and needs a sweep most: who sweeps then sweeps without.
    Full,
    Others,
}

impl Shared {
    pub(super) async fn ask_for_lease(&self) -> Result<Leave, Error> {
        let key = self.layout.sweep_lease();
        let nonce = Nonce::random()?;
        let own = Generation::from_bytes(&nonce.to_bytes());
        let mints = vec![Mint {
            key: key.clone(),
            nonce,
        }];
        let mint = |deadline| self.store.mint(mints, LEASE, deadline);
        // As seen before it is granted, so that it ends here before it ends there.
        let now = self.clock.now();
        let shown = self
            .ask_beside(Operation::Mint, &mut self.budget(), mint)
            .await?;
        Ok(match (shown.first().copied().flatten(), own) {
            (Some(shown), Some(own)) if shown == own => Leave::Ours(Lease {
                key,
                own,
                renew_at: now + ticks(LEASE / 3),
                ends: now + ticks(LEASE),
            }),
            (Some(_), _) => Leave::Others,
            (None, _) => Leave::Full,
        })
    }

    /// Makes sure now and then that the lease is still ours, and lets it last.
    pub(super) async fn renew(&self, lease: &mut Lease, budget: &mut Budget) -> Result<(), Error> {
        let now = self.clock.now();
        if now < lease.renew_at {
            return Ok(());
        }
        let keys = std::slice::from_ref(&lease.key);
        let read = |deadline| self.store.read(keys, deadline);
        let shown = self.ask_beside(Operation::Read, budget, read).await?;
        let shown = shown.first().and_then(|bytes| bytes.as_deref());
        if shown.and_then(Generation::from_bytes) != Some(lease.own) {
            return Err(Error::outage("the lease of a sweep is another's or lost"));
        }
        let prolong = |deadline| self.store.prolong(keys, LEASE, deadline);
        self.ask_beside(Operation::Prolong, budget, prolong).await?;
        lease.renew_at = now + ticks(LEASE / 3);
        lease.ends = now + ticks(LEASE);
        Ok(())
    }

    /// If this is lost, or late, the others wait until it ends, or two sweep at once.
    pub(super) fn release(&self, lease: Option<Lease>) {
        let now = self.clock.now();
        if let Some(lease) = lease.filter(|lease| now < lease.ends) {
            let keys = [lease.key];
            let remove = |deadline| self.store.remove(&keys, deadline);
            let _ = block_on(self.ask_beside(Operation::Remove, &mut self.budget(), remove));
        }
    }
}

/// How long until the lease is asked for again: between a second and five, so that of many processes
/// that wait not all come at once.
pub(super) fn turn() -> Duration {
    let chance = RandomState::new().hash_one(()) % 1_000;
    SOONEST + (LEASE / 2 - SOONEST).mul_f64(chance as f64 / 1_000.0)
}
