//! Whether bodies ran more often than there were reasons for.
//!
//! Asked only of calm worlds. A body of a key runs in a process when the generations that its reader saw are ones for which no computation
//! is under way there, and no entry is stored. What makes new generations of a key is an invalidation that covers it, be it because its
//! pattern is widened; and any of a single entry, as entries share buckets. With *n* of those there are at most 1 + *n* fences. For each, a
//! process computes once, once more after each of its bodies that failed, and once more after its entry was overwritten by somebody who had
//! begun before with an older fence: each process may do that once for each of those. Altogether (1 + *n*) × (1 + processes) + failures. In
//! memory any two names may share a slot, so there every invalidation counts.
//!
//! Where the store let somebody wait for longer than its time-out, bodies ran uncached in any number: nothing can be said.

use std::collections::HashMap;

use super::history::Facts;
use super::verdict::{Rule, Verdict};
use crate::clock::Moment;
use crate::keys::{Key, Scope};
use crate::record::{Event, Record};

#[derive(Debug, Default)]
pub struct Bodies {
    /// How many ran to their end, and how many did not.
    ran: HashMap<(u16, Key), (u64, u64)>,
    processes: HashMap<u16, ()>,
    invalidated: HashMap<Scope, u64>,
    longest: Moment,
}

impl Bodies {
    pub fn count(&mut self, worker: u16, record: &Record) {
        match record.event {
            Event::Body { key, finished } => {
                let (ends, failures) = self.ran.entry((worker, key)).or_default();
                *(if finished { ends } else { failures }) += 1;
                return;
            }
            Event::Read { .. } => {}
            Event::Invalidated { scope, .. } => self.note(scope),
            Event::Set { key, .. } => self.note(Scope::Entry(key)),
            Event::Drained | Event::Settled => return,
        }
        self.processes.insert(worker, ());
        self.longest = self.longest.max(record.end.saturating_sub(record.start));
    }

    fn note(&mut self, scope: Scope) {
        *self.invalidated.entry(scope).or_default() += 1;
    }

    /// How many invalidations there were for which this key may have been computed anew.
    fn reasons(&self, key: Key, shared: bool) -> u64 {
        let covering = key.covered_by();
        let counts = self.invalidated.iter().filter(|(scope, _)| match scope {
            _ if !shared => true,
            Scope::Entry(_) => true,
            // Widened to all users, and to all bookings.
            Scope::Profiles => covering.contains(&Scope::Users),
            Scope::Listings => covering.contains(&Scope::Bookings),
            scope => covering.contains(scope),
        });
        counts.map(|(_, count)| count).sum()
    }

    pub fn judge(&self, facts: &Facts, verdict: &mut Verdict) {
        if !facts.calm || facts.store && self.longest >= facts.store_timeout {
            return;
        }
        for ((worker, key), (ends, failures)) in &self.ran {
            let writes = self.reasons(*key, facts.shares(key.family));
            let bound = (1 + writes) * (1 + self.processes.len() as u64) + failures;
            if *ends > bound {
                verdict.accuse(Rule::TooManyBodies, Some(*worker), || {
                    format!(
                        "  {ends} bodies of {key} ran to their end, {failures} did not; {writes} invalidations and sets \
                         explain {bound}\n"
                    )
                });
            }
        }
    }
}
