//! Judges the history of one world: was anybody given what an acknowledged invalidation had made void?
//!
//! A computation that began before an invalidation did, and is given to a read that began after the invalidation was acknowledged, is
//! stale, whether or not the two would have shown the same. Everything here compares moments strictly: what may have been at once
//! accuses nobody, and so does what nobody lived to note.

mod bindings;
mod bodies;
mod history;
mod story;
mod verdict;
mod versions;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;

pub use history::{Absence, Commit, Facts, Hang, History, Notes, Who, Worker};
pub use verdict::{Rule, Verdict};

use crate::clock::{Moment, SECOND};
use crate::keys::{Family, Key};
use crate::record::{Event, Record, Shown};
use bindings::{Bindings, Bond, Timeline};
use bodies::Bodies;
use story::Finding;
use versions::{FIRST, Versions};

/// What a busy machine may add to any call.
const SLACK: Moment = 10 * SECOND;

/// Judges what `history` tells. It reads each worker's notes twice and keeps no reads, so that their number is bounded by the disk.
///
/// # Errors
///
/// Those of the files that the notes are in.
pub fn judge(history: &History) -> io::Result<Verdict> {
    let bindings = Bindings::gather(history)?;
    let versions = Versions::new(&history.commits);
    let mut verdict = Verdict {
        commits: history.commits.len() as u64,
        ..Verdict::default()
    };
    let mut findings = story::Findings::default();
    let mut bodies = Bodies::default();
    for worker in &history.workers {
        let mut bench = Bench {
            worker: worker.number,
            facts: &history.facts,
            bindings: &bindings,
            versions: &versions,
            views: HashMap::new(),
        };
        worker.notes.each(|record| {
            verdict.count(worker.number, record);
            bodies.count(worker.number, record);
            if let Some(finding) = bench.overdue(record) {
                findings.add(finding);
            }
            if let Event::Read { key, shown } = record.event {
                let bond = bench.bond(key, record.start);
                verdict.count_read(record, bond.is_some());
                if let Some(rule) = bench.accuse(key, shown, record, bond.as_ref()) {
                    findings.add(Finding {
                        rule,
                        worker: worker.number,
                        record: *record,
                        bond,
                    });
                }
            }
        })?;
    }
    bodies.judge(&history.facts, &mut verdict);
    for hang in &history.facts.hangs {
        verdict.accuse(Rule::Hang, Some(hang.worker), || {
            let when = verdict::since(history.facts.began, hang.moment);
            format!("  {when}  {}\n", hang.what)
        });
    }
    findings.tell(history, &versions, &mut verdict)?;
    Ok(verdict)
}

/// Where one worker's notes are judged.
struct Bench<'a> {
    worker: u16,
    facts: &'a Facts,
    bindings: &'a Bindings,
    versions: &'a Versions,
    /// What binds this worker, by the keys that it read.
    views: HashMap<Key, Vec<&'a Timeline>>,
}

impl Bench<'_> {
    /// The latest-begun invalidation of `key` that a read which begins at `start` must have heard of.
    fn bond(&mut self, key: Key, start: Moment) -> Option<Bond> {
        let (bindings, worker) = (self.bindings, self.worker);
        let shared = self.facts.shares(key.family);
        let view = self
            .views
            .entry(key)
            .or_insert_with(|| bindings.view(worker, key, shared));
        view.iter()
            .filter_map(|timeline| timeline.latest(start))
            .max_by_key(|bond| bond.start)
            .copied()
    }

    /// The rule that is broken if a read of `key` was `shown` this, having to know of `bond`.
    fn accuse(&self, key: Key, shown: Shown, read: &Record, bond: Option<&Bond>) -> Option<Rule> {
        let floor = bond.map_or(FIRST, |bond| {
            self.versions.newest_before(key.register(), bond.start)
        });
        match shown {
            Shown::Missing | Shown::Failed | Shown::Dropped => None,
            Shown::Absent => {
                let ceiling = self.versions.newest_by(key.register(), read.end);
                // An even one is among floor..=ceiling.
                let possible = floor.is_multiple_of(2) || ceiling > floor;
                (!possible).then_some(Rule::StaleVersion)
            }
            Shown::Value { of, version, born } => {
                if of != key.pack() {
                    return Some(Rule::AnothersValue);
                }
                let is_cart = key.family == Family::Cart;
                match self.versions.committed(key.register(), version) {
                    // Nobody sets a cart to the version that it has from the beginning.
                    Some(moment) if moment <= read.end && !(is_cart && version == FIRST) => {}
                    _ => return Some(Rule::NeverCommitted),
                }
                let bond = bond?;
                if is_cart {
                    let set = self.bindings.set(key, version)?;
                    return (set.end < bond.start).then_some(Rule::SupersededCart);
                }
                if version < floor {
                    return Some(Rule::StaleVersion);
                }
                (born < bond.start).then_some(Rule::OlderComputation)
            }
        }
    }

    fn overdue(&self, record: &Record) -> Option<Finding> {
        let called = matches!(
            record.event,
            Event::Read { .. } | Event::Invalidated { .. } | Event::Set { .. }
        );
        // Most calls are short, and nothing has to be looked up for them.
        let limit = self.facts.longest_call() + SLACK;
        if !called || record.end.saturating_sub(record.start) <= limit {
            return None;
        }
        let stopped = self.facts.stopped(self.worker, record.start, record.end);
        let took = record.end - record.start;
        (took.saturating_sub(stopped) > limit).then_some(Finding {
            rule: Rule::Overdue,
            worker: self.worker,
            record: *record,
            bond: None,
        })
    }
}
