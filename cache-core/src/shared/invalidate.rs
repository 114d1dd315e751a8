//! Having the store forget generations, and proving it.

use super::{Budget, Shared};
use crate::error::Error;
use crate::layout::{Key, Region};
use crate::mutants::{Mutant, active};
use crate::pending::Regions;
use crate::stats::Series;
use crate::store::{Cursor, Deadline};
use crate::traffic::Operation;

/// The keys' worth of work that the server does for one step of a scan, or for one command that
/// deletes: some 200 µs, in which it serves nobody else.
const PAGE: usize = 1_000;

/// How much time a scan for all generations may take.
#[derive(Debug)]
pub(crate) enum Allowance<'a> {
    /// What is left of a call's.
    Budget(&'a mut Budget),
    /// As long as each step keeps within a budget of its own, until then.
    EachStep(Deadline),
}

/// What is being invalidated, as long as nobody has acknowledged it. Dropped, it becomes pending,
/// be it for an error or because nobody waits any more.
struct Unacknowledged<'a> {
    shared: &'a Shared,
    regions: Regions<'a>,
}

impl Drop for Unacknowledged<'_> {
    fn drop(&mut self) {
        self.shared.invalidate_later(self.regions);
    }
}

impl Shared {
    /// Invalidates nodes, leaves and tags. `Ok` only when the store has acknowledged all of them; otherwise
    /// they are pending.
    pub(crate) async fn invalidate(
        &self,
        regions: Regions<'_>,
        series: Option<&Series>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        if regions.names_nothing() || active(Mutant::StoreNotTold) {
            return Ok(());
        }
        if active(Mutant::AcknowledgementNotAwaited) {
            self.invalidate_later(regions);
            return Ok(());
        }
        let unacknowledged = Unacknowledged {
            shared: self,
            regions,
        };
        let acknowledged = self.unlink(regions, series, budget).await;
        if !active(Mutant::TimeoutIsOk) {
            acknowledged?;
        }
        std::mem::forget(unacknowledged);
        Ok(())
    }

    /// Invalidates every entry of the namespace. `Ok` only when the store has acknowledged it.
    pub(crate) async fn invalidate_all(&self, allowance: Allowance<'_>) -> Result<(), Error> {
        let unacknowledged = Unacknowledged {
            shared: self,
            regions: Regions::EVERYTHING,
        };
        let acknowledged = self.unlink_all(allowance).await;
        if !active(Mutant::TimeoutIsOk) {
            acknowledged?;
        }
        std::mem::forget(unacknowledged);
        Ok(())
    }

    /// Enters an invalidation for those who can't wait, and has it tried at once.
    pub(crate) fn invalidate_later(&self, regions: Regions<'_>) {
        self.pending.add(regions);
        self.retry_soon();
    }

    pub(super) async fn unlink(
        &self,
        regions: Regions<'_>,
        series: Option<&Series>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        #[cfg(mutants)]
        if active(Mutant::ScanAndDelete) {
            return self
                .delete_values(regions.nodes, Allowance::Budget(budget))
                .await;
        }
        let nodes = regions.nodes.iter().map(|node| Region::Node(node));
        let leaves = regions.leaves.iter().map(|leaf| Region::Leaf(*leaf));
        let copies = |region| self.layout.copies(region);
        let tags = regions.tags.iter().map(|tag| Region::Tag(tag));
        let regions_of_all = nodes.chain(leaves).chain(tags);
        let keys: Vec<Key> = regions_of_all.flat_map(copies).collect();
        for keys in keys.chunks(PAGE) {
            self.unlink_keys(keys, series, budget).await?;
        }
        // What a leaf or a tag has left unreachable can't be told by the names of values.
        if !regions.nodes.is_empty() {
            self.sweep_later(regions.nodes);
        }
        Ok(())
    }

    async fn unlink_keys(
        &self,
        keys: &[Key],
        series: Option<&Series>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        #[cfg(mutants)]
        if super::broken::invalidates_otherwise() {
            return self.invalidate_otherwise(keys, series, budget).await;
        }
        let unlink = |deadline| self.store.invalidate(keys, deadline);
        self.ask(Operation::Invalidate, series, budget, unlink)
            .await
    }

    /// Deletes every generation of the namespace. A key that is there throughout a scan is named
    /// by it, so each fence from before loses at least one generation.
    pub(super) async fn unlink_all(&self, mut allowance: Allowance<'_>) -> Result<(), Error> {
        #[cfg(mutants)]
        if active(Mutant::ScanAndDelete) {
            return self.delete_values(&[Box::default()], allowance).await;
        }
        let beginning = self.layout.all_generations();
        let mut cursor = Some(Cursor::start());
        while let Some(place) = cursor {
            let mut own = self.budget();
            let budget = match &mut allowance {
                Allowance::Budget(budget) => budget,
                Allowance::EachStep(end) => {
                    own = own.until(*end);
                    &mut own
                }
            };
            let limit = if active(Mutant::ClearStopsEarly) {
                10
            } else {
                PAGE
            };
            let scan = |deadline| self.store.scan(&beginning, place, limit, deadline);
            let page = self.ask(Operation::Scan, None, budget, scan).await?;
            if !page.keys.is_empty() {
                self.unlink_keys(&page.keys, None, budget).await?;
            }
            cursor = page.next.filter(|_| !active(Mutant::ClearStopsEarly));
        }
        self.sweep_all_later();
        Ok(())
    }
}
