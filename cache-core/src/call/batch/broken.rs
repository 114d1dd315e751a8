//! The batches of a program that breaks a rule.

use super::rounds::Rounds;
use super::store::Stored;
use crate::call::LocalValue;
use crate::mutants::{Mutant, active};
use crate::outcome::Shape;
use crate::shared::Found;

impl<'a, V: LocalValue> Stored<'a, V> {
    pub(super) async fn read_fences_again<S>(&mut self, rounds: Rounds<'a, S, V>)
    where
        S: Shape<Option<V>, Value = V>,
    {
        if !active(Mutant::FencesOfABatchReadAfterBody) {
            return;
        }
        let found = self.read(rounds).await.into_iter().enumerate();
        let observed = found.filter_map(|(at, found)| match found? {
            Found::Entry(_, observed, _) | Found::Aged(_, observed) | Found::Nothing(observed) => {
                Some((at, observed))
            }
            Found::Barred => None,
        });
        self.complete(rounds, observed.collect()).await;
    }
}
