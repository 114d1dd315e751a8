//! The same rules once more, written down as they are said and looked up by looking at everything.

use std::collections::BTreeMap;

use super::{History, Notes, Rule};
use crate::clock::Moment;
use crate::keys::{Family, Key};
use crate::record::{Event, Promise, Record, Shown};

/// How often each rule about values is broken, and how many reads are bound by something.
pub fn judge(history: &History) -> (BTreeMap<Rule, u64>, u64) {
    let (mut accused, mut constrained) = (BTreeMap::new(), 0);
    for (reader, records) in notes(history) {
        for record in records {
            let Event::Read { key, shown } = record.event else {
                continue;
            };
            let starts = bonds(history, reader, key, record.start);
            constrained += u64::from(!starts.is_empty());
            if let Some(rule) = broken(history, key, shown, record, &starts) {
                *accused.entry(rule).or_default() += 1;
            }
        }
    }
    (accused, constrained)
}

fn notes(history: &History) -> impl Iterator<Item = (u16, &[Record])> {
    history.workers.iter().map(|worker| match &worker.notes {
        Notes::Held(records) => (worker.number, &records[..]),
        Notes::File(_) => unreachable!("these histories are in memory"),
    })
}

/// The starts of all invalidations of `key` that bind a read of `reader` which begins at `moment`.
fn bonds(history: &History, reader: u16, key: Key, moment: Moment) -> Vec<Moment> {
    let facts = &history.facts;
    let shared = facts.store && key.family != Family::Local;
    let mut starts = Vec::new();
    for (writer, records) in notes(history) {
        let earliest = |from: Moment, settled_only: bool| {
            let told = records.iter().filter(|record| match record.event {
                Event::Drained => !settled_only && record.start >= from,
                Event::Settled => record.start >= from,
                _ => false,
            });
            told.map(|record| record.end).min()
        };
        for record in records {
            let (covers, promise) = match record.event {
                Event::Invalidated { scope, promise } => {
                    (key.covered_by().contains(&scope), promise)
                }
                Event::Set {
                    key: set, promise, ..
                } => (set == key, promise),
                _ => continue,
            };
            if !covers || writer != reader && !shared {
                continue;
            }
            let pending = promise != Promise::Acknowledged;
            let end = if writer != reader && pending {
                earliest(record.end, false)
            } else {
                Some(record.end)
            };
            if end.is_some_and(|end| end < moment) {
                starts.push(record.start);
            }
            let set = matches!(record.event, Event::Set { .. });
            if promise == Promise::Unsettled && !set {
                let start = record.start + facts.settle - 10_000_000;
                let end = earliest(record.end, true).map(|end| end.max(start));
                if end.is_some_and(|end| end < moment) {
                    starts.push(start);
                }
            }
        }
    }
    starts
}

fn broken(
    history: &History,
    key: Key,
    shown: Shown,
    read: &Record,
    starts: &[Moment],
) -> Option<Rule> {
    let of_register = || {
        let all = history.commits.iter();
        all.filter(|commit| commit.register == key.register())
    };
    let newest_before = |moment: Moment| {
        let early = of_register().filter(|commit| commit.at < moment);
        early.map(|commit| commit.version).max().unwrap_or(1)
    };
    let known = of_register().filter(|commit| commit.at <= read.end);
    let known: Vec<u64> = known.map(|commit| commit.version).chain([1]).collect();
    match shown {
        Shown::Absent => {
            let possible = |version: &u64| {
                version.is_multiple_of(2)
                    && starts.iter().all(|start| *version >= newest_before(*start))
            };
            (!known.iter().any(possible)).then_some(Rule::StaleVersion)
        }
        Shown::Value { of, version, born } => {
            let cart = key.family == Family::Cart;
            let mut sets = notes(history).flat_map(|(_, records)| records).filter(|set| {
                matches!(set.event, Event::Set { key: k, version: v, .. } if (k, v) == (key, version))
            });
            let superseded = |end: Moment| starts.iter().any(|start| end < *start);
            if of != key.pack() {
                Some(Rule::AnothersValue)
            } else if !known.contains(&version) || cart && version == 1 {
                Some(Rule::NeverCommitted)
            } else if cart {
                let superseded = sets.next().is_some_and(|set| superseded(set.end));
                superseded.then_some(Rule::SupersededCart)
            } else if starts.iter().any(|start| version < newest_before(*start)) {
                Some(Rule::StaleVersion)
            } else {
                superseded(born).then_some(Rule::OlderComputation)
            }
        }
        Shown::Missing | Shown::Failed | Shown::Dropped => None,
    }
}
