//! Reading many entries at once.

use std::sync::atomic::Ordering::Relaxed;

use super::look::{Look, open};
use super::{Budget, Shared};
use crate::error::Error;
use crate::handling::Coding;
use crate::layout::Key;
use crate::stats::Series;
use crate::traffic::{MissReason, Operation};

impl Shared {
    /// Reads entries, all in one round trip, and gives their values in the same order.
    pub(crate) async fn look_many<V>(
        &self,
        looks: &[Look<'_>],
        coding: &Coding<'_, V>,
        series: &Series,
        budget: &mut Budget,
    ) -> Result<Vec<Option<V>>, Error> {
        let barred: Vec<bool> = looks.iter().map(|look| self.bars(*look)).collect();
        let asked = looks.iter().zip(&barred).filter(|(_, barred)| !**barred);
        let keys: Vec<Key> = asked
            .flat_map(|(look, _)| look.keys.read())
            .cloned()
            .collect();
        let mut reply = self.read_keys(&keys, series, budget).await?.into_iter();
        let mut values = Vec::with_capacity(looks.len());
        for (look, barred) in looks.iter().zip(barred) {
            let opened = if barred {
                Err(MissReason::Pending)
            } else {
                let own = reply.by_ref().take(look.keys.read().len()).collect();
                let (value, observed) = look.keys.receive(own)?;
                open(value.as_deref(), look.keys, &observed, coding).map(|opened| opened.kept)
            };
            match &opened {
                Ok(_) => drop(look.series.shared_hits.fetch_add(1, Relaxed)),
                Err(reason) => look.series.missed_shared(*reason),
            }
            values.push(opened.ok().flatten());
        }
        Ok(values)
    }

    async fn read_keys(
        &self,
        keys: &[Key],
        series: &Series,
        budget: &mut Budget,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let read = |deadline| self.store.read(keys, deadline);
        let reply = self
            .ask(Operation::Read, Some(series), budget, read)
            .await
            .inspect_err(|_| series.missed_shared(MissReason::Unavailable))?;
        if reply.len() == keys.len() {
            Ok(reply)
        } else {
            let (answered, asked) = (reply.len(), keys.len());
            Err(Error::data(format!(
                "the store answered {answered} of {asked} keys"
            )))
        }
    }
}
