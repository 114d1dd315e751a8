//! What has to be told of a violation, so that it can be understood without a debugger.

use std::collections::HashMap;
use std::fmt::Write;
use std::io;

use super::bindings::Bond;
use super::history::{Facts, History};
use super::verdict::{Rule, STORIES, Verdict, since};
use super::versions::Versions;
use crate::clock::{Moment, SECOND};
use crate::keys::Key;
use crate::record::{Event, Record, Shown};

/// A call that broke a rule.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    pub rule: Rule,
    pub worker: u16,
    pub record: Record,
    /// What the call should have known of.
    pub bond: Option<Bond>,
}

/// The first few of each rule, and how many there were.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: HashMap<Rule, u64>,
}

/// Where a value came from, with the process.
type Origin = (u16, Record);

impl Findings {
    pub fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.rule).or_default();
        *count += 1;
        if *count <= STORIES {
            self.kept.push(finding);
        }
    }

    /// Tells each to `verdict`. Reads the notes once more, if there is anything to tell.
    pub fn tell(
        self,
        history: &History,
        versions: &Versions,
        verdict: &mut Verdict,
    ) -> io::Result<()> {
        let mut origins: Vec<Vec<Origin>> = vec![Vec::new(); self.kept.len()];
        if !self.kept.is_empty() {
            for worker in &history.workers {
                worker.notes.each(|record| {
                    for (finding, origins) in self.kept.iter().zip(&mut origins) {
                        if finding.may_be_from(record) {
                            origins.push((worker.number, *record));
                        }
                    }
                })?;
            }
        }
        for (finding, origins) in self.kept.iter().zip(&origins) {
            verdict.accuse(finding.rule, Some(finding.worker), || {
                finding.story(origins, &history.facts, versions)
            });
        }
        for (rule, count) in self.counts {
            verdict.accused.insert(rule, count);
        }
        Ok(())
    }
}

impl Finding {
    fn key(&self) -> Option<Key> {
        match self.record.event {
            Event::Read { key, .. } | Event::Set { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Whether what was read may have come from this body or set.
    fn may_be_from(&self, origin: &Record) -> bool {
        let Event::Read {
            shown: Shown::Value {
                of, version, born, ..
            },
            ..
        } = self.record.event
        else {
            return false;
        };
        match origin.event {
            Event::Body { key, .. } => {
                key.pack() == of && origin.start <= born && born <= origin.end
            }
            Event::Set {
                key, version: set, ..
            } => key.pack() == of && set == version,
            _ => false,
        }
    }

    fn story(&self, origins: &[Origin], facts: &Facts, versions: &Versions) -> String {
        let mut lines: Vec<(Moment, Moment, String)> = Vec::new();
        let Record {
            start, end, task, ..
        } = self.record;
        let what = describe(&self.record, facts.began);
        lines.push((
            start,
            end,
            format!("worker {} (task {task}) {what}", self.worker),
        ));
        if let Some(bond) = &self.bond {
            let Record { start, end, .. } = bond.record;
            let what = describe(&bond.record, facts.began);
            lines.push((start, end, format!("worker {} {what}", bond.worker)));
            let began = since(facts.began, bond.start);
            let binds = if bond.again {
                format!("it was done once more after {began}, and binds the read since then")
            } else {
                "it binds the read since then".into()
            };
            lines.push((bond.end, bond.end, binds));
        }
        for (worker, origin) in origins {
            let what = describe(origin, facts.began);
            lines.push((origin.start, origin.end, format!("worker {worker} {what}")));
        }
        self.tell_commits(versions, &mut lines);
        let near = lines.iter().map(|(start, ..)| *start).min();
        let near = near.unwrap_or(start).saturating_sub(SECOND)..=end + SECOND;
        for (moment, line) in facts.log.iter().filter(|(moment, _)| near.contains(moment)) {
            lines.push((*moment, *moment, format!("# {line}")));
        }
        lines.sort();
        let mut story = String::new();
        for (start, end, line) in lines {
            let (start, end) = (since(facts.began, start), since(facts.began, end));
            let end = if start == end { String::new() } else { end };
            _ = writeln!(story, "  {start:>12} {end:>12}  {line}");
        }
        story
    }

    fn tell_commits(&self, versions: &Versions, lines: &mut Vec<(Moment, Moment, String)>) {
        let Some(key) = self.key() else { return };
        let mut told = vec![versions.newest_by(key.register(), self.record.end)];
        if let Some(bond) = &self.bond {
            told.push(versions.newest_before(key.register(), bond.start));
        }
        if let Event::Read {
            shown: Shown::Value { version, .. },
            ..
        } = self.record.event
        {
            // Both that which was shown and the one that took its place.
            told.extend([version, version.saturating_add(1)]);
        }
        told.sort_unstable();
        told.dedup();
        for version in told {
            if let Some(moment) = versions.committed(key.register(), version) {
                lines.push((moment, moment, format!("version {version} is committed")));
            }
        }
    }
}

fn describe(record: &Record, began: Moment) -> String {
    match record.event {
        Event::Read { key, shown } => match shown {
            Shown::Value { of, version, born } => {
                let of = match Key::unpack(of) {
                    Some(of) if of == key => String::new(),
                    Some(other) => format!(" of {other}"),
                    None => format!(" of {of:#010x}, which is no key"),
                };
                let born = since(began, born);
                format!("READ {key}: version {version}{of}, born {born}")
            }
            other => format!("READ {key}: {other:?}"),
        },
        Event::Invalidated { scope, promise } => format!("invalidated {scope}: {promise:?}"),
        Event::Set {
            key,
            version,
            promise,
        } => format!("set {key} to version {version}: {promise:?}"),
        Event::Body { key, finished } => {
            let finished = if finished {
                "to its end"
            } else {
                "not to its end"
            };
            format!("ran the body of {key}, {finished}")
        }
        Event::Drained => "had nothing pending".into(),
        Event::Settled => "had nothing to settle".into(),
    }
}
