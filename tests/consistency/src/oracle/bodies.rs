//! Whether bodies ran more often than there were reasons for.
//!
//! Asked only of calm worlds. A body of a key runs in a process when the generations that its reader saw are ones for which no computation
//! is under way there, and no entry is stored. What makes new generations of a key is an invalidation; as nodes and entries share buckets,
//! any may be one of this key. So with *n* invalidations and sets of the world there are at most 1 + *n* fences. For each, a process
//! computes once, once more after each of its bodies that failed, and once more after its entry was overwritten by somebody who had
//! begun before with an older fence: each process may do that once for each of those. Altogether (1 + *n*) × (1 + processes) + failures. In
//! memory the same holds with fewer reasons.
//!
//! Where the store let somebody wait for longer than its time-out, bodies ran uncached in any number: nothing can be said.
//!
//! The bound is loose where much is invalidated. It is meant for a world in which little is: there, a cache that forgets is accused soon.

use std::collections::HashMap;

use super::history::Facts;
use super::verdict::{Rule, Verdict};
use crate::clock::Moment;
use crate::keys::Key;
use crate::record::{Event, Record};

#[derive(Debug, Default)]
pub struct Bodies {
    /// How many ran to their end, and how many did not.
    ran: HashMap<(u16, Key), (u64, u64)>,
    processes: HashMap<u16, ()>,
    writes: u64,
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
            Event::Invalidated { .. } | Event::Set { .. } => self.writes += 1,
            Event::Drained | Event::Settled => return,
        }
        self.processes.insert(worker, ());
        self.longest = self.longest.max(record.end.saturating_sub(record.start));
    }

    pub fn judge(&self, facts: &Facts, verdict: &mut Verdict) {
        if !facts.calm || facts.store && self.longest >= facts.store_timeout {
            return;
        }
        let loose = (1 + self.writes) * (1 + self.processes.len() as u64);
        for ((worker, key), (ends, failures)) in &self.ran {
            let bound = loose + failures;
            if *ends > bound {
                verdict.accuse(Rule::TooManyBodies, Some(*worker), || {
                    let writes = self.writes;
                    format!(
                        "  {ends} bodies of {key} ran to their end, {failures} did not; {writes} invalidations and sets of all keys \
                         explain {bound}\n"
                    )
                });
            }
        }
    }
}
