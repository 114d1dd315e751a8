//! Asking the store in ways that break a rule.

use std::time::Duration;

use super::look::{Look, generation_ttl};
use super::{Allowance, Budget, Shared};
use crate::body::block_on;
use crate::error::Error;
use crate::fence::{Fence, Generation, Nonce, Observed};
use crate::layout::Key;
use crate::mutants::{Mutant, active, or_default};
use crate::stats::Series;
use crate::store::{Counters, Cursor, Deadline, Mint, Swap};
use crate::traffic::Operation;

/// When a nonce is sent for the second time.
const LATER: Duration = Duration::from_millis(300);

/// Whether a mint or swap is not what it should be.
pub(super) fn mints_otherwise() -> bool {
    active(Mutant::IncompleteFenceFilled)
        || active(Mutant::OwnNonceTrusted)
        || active(Mutant::NonceRepeated)
}

pub(super) fn swaps_otherwise() -> bool {
    active(Mutant::CounterInsteadOfNonce)
        || active(Mutant::MissingIsZero)
        || active(Mutant::NonceRepeated)
}

pub(super) fn invalidates_otherwise() -> bool {
    active(Mutant::CounterInsteadOfNonce) || active(Mutant::MissingIsZero)
}

impl Shared {
    pub(super) async fn mint_otherwise(
        &self,
        look: Look<'_>,
        observed: Observed,
        mints: Vec<Mint>,
        budget: &mut Budget,
    ) -> Option<Fence> {
        let again: Vec<Mint> = mints.iter().map(repeated).collect();
        let ttl = generation_ttl(look.ttl);
        let mint = |deadline| self.store.mint(mints, ttl, deadline);
        let shown = self
            .ask(Operation::Mint, Some(look.series), budget, mint)
            .await;
        let observed = match shown {
            Ok(shown) => observed.with_minted(&shown),
            Err(_) if active(Mutant::OwnNonceTrusted) => {
                let own = again.into_iter().map(|mint| mint.nonce.into_generation());
                observed.with_minted(&own.map(Some).collect::<Vec<_>>())
            }
            Err(_) if active(Mutant::NonceRepeated) => {
                self.errand(LATER, move |_, shared| {
                    let _ = block_on(shared.store.mint(again, ttl, shared.deadline()));
                });
                observed
            }
            Err(_) => observed,
        };
        if active(Mutant::IncompleteFenceFilled) {
            return Some(observed.with_holes());
        }
        observed.complete().ok()
    }

    pub(super) async fn swap_otherwise(
        &self,
        look: Look<'_>,
        nonce: Nonce,
        budget: &mut Budget,
    ) -> Result<Swap, Error> {
        let series = Some(look.series);
        if active(Mutant::CounterInsteadOfNonce) {
            return match self.count_up(look.keys.leaf(), series, budget).await {
                Ok(count) => Ok(Swap::Done {
                    previous: Generation::of_count(count - 1),
                    now: Generation::of_count(count).expect("counted up from nothing"),
                }),
                Err(error) if error.is_full() => Ok(Swap::Full),
                Err(error) => Err(error),
            };
        }
        let mint = Mint {
            key: look.keys.leaf().clone(),
            nonce,
        };
        let (again, ttl) = (repeated(&mint), generation_ttl(look.ttl));
        let swap = |deadline| self.store.swap(mint, ttl, deadline);
        let swapped = self.ask(Operation::Swap, series, budget, swap).await;
        if swapped.is_err() && active(Mutant::NonceRepeated) {
            self.errand(LATER, move |_, shared| {
                let _ = block_on(shared.store.swap(again, ttl, shared.deadline()));
            });
        }
        swapped.map(|swap| match swap {
            Swap::Done { previous, now } => Swap::Done {
                previous: or_default(previous),
                now,
            },
            Swap::Full => Swap::Full,
        })
    }

    /// Gives generations a new value instead of deleting them.
    pub(super) async fn invalidate_otherwise(
        &self,
        keys: &[Key],
        series: Option<&Series>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        for key in keys {
            if active(Mutant::CounterInsteadOfNonce) {
                self.count_up(key, series, budget).await?;
                continue;
            }
            let (key, nonce) = (key.clone(), Nonce::random()?);
            let ttl = generation_ttl(Duration::ZERO);
            let swap = |deadline| self.store.swap(Mint { key, nonce }, ttl, deadline);
            let swapped = self.ask(Operation::Invalidate, series, budget, swap).await;
            if swapped? == Swap::Full {
                return Err(Error::full("the store has no room for an invalidation"));
            }
        }
        Ok(())
    }

    async fn count_up(
        &self,
        key: &Key,
        series: Option<&Series>,
        budget: &mut Budget,
    ) -> Result<i64, Error> {
        let counters: &dyn Counters = self
            .store
            .counters()
            .ok_or_else(|| Error::configuration("the store has no counters"))?;
        let add = |deadline| counters.add(key, 1, None, deadline);
        self.ask(Operation::Invalidate, series, budget, add).await
    }

    /// Deletes the values at and below nodes, as many of them as a scan finds.
    pub(super) async fn delete_values(
        &self,
        nodes: &[Box<str>],
        mut allowance: Allowance<'_>,
    ) -> Result<(), Error> {
        for node in nodes {
            let beginning = Key::from(format!("{}:{node}", self.layout.namespace()));
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
                let scan = |deadline| self.store.scan(&beginning, place, 1_000, deadline);
                let page = self.ask(Operation::Scan, None, budget, scan).await?;
                let behind = beginning.as_bytes().len();
                let is_value = |key: &&Key| is_value(node, &key.as_bytes()[behind..]);
                let values: Vec<Key> = page.keys.iter().filter(is_value).cloned().collect();
                let remove = |deadline| self.store.remove(&values, deadline);
                self.ask(Operation::Remove, None, budget, remove).await?;
                cursor = page.next;
            }
        }
        Ok(())
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }
}

/// Whether what stands behind a node's name makes it the name of a value at or below the node. The
/// empty node is everything.
fn is_value(node: &str, behind: &[u8]) -> bool {
    let begins = |borders: &[&str]| borders.iter().any(|it| behind.starts_with(it.as_bytes()));
    if node.is_empty() {
        return !begins(&["~", "!"]);
    }
    behind.is_empty() || begins(&[":", ".v"])
}

fn repeated(mint: &Mint) -> Mint {
    Mint {
        key: mint.key.clone(),
        nonce: mint.nonce.again(),
    }
}
