//! Which invalidations a read must have heard of.
//!
//! An invalidation binds others from the moment on at which it is acknowledged, and the process that asked for it from when it returned.
//! Of those that bind a read, the one that began last asks most of it: so for each scope it is enough to know, by the moment at which
//! they begin to bind, the latest beginning so far.

use std::collections::HashMap;
use std::io;

use super::history::{Facts, History};
use crate::clock::Moment;
use crate::keys::{Key, Scope};
use crate::record::{Event, Promise, Record};

/// What a read must know of.
#[derive(Clone, Copy, Debug)]
pub struct Bond {
    /// Reads that begin later are bound.
    pub end: Moment,
    /// What was computed before is void to them.
    pub start: Moment,
    /// Whose it is.
    pub worker: u16,
    pub record: Record,
    /// A dropped writer's, done for the second time.
    pub again: bool,
}

/// Bonds of one scope, each of which began later than all that bind before it.
#[derive(Debug, Default)]
pub struct Timeline(Vec<Bond>);

#[derive(Debug, Default)]
pub struct Bindings {
    everybody: HashMap<Scope, Timeline>,
    own: HashMap<(u16, Scope), Timeline>,
    sets: HashMap<(Key, u64), Record>,
}

/// What a worker noted of its pending invalidations: by the start of each note, the earliest end of that and all later ones.
#[derive(Debug, Default)]
struct Notices(Vec<(Moment, Moment)>);

impl Timeline {
    fn arrange(&mut self) {
        self.0.sort_by_key(|bond| bond.end);
        let mut latest = None;
        self.0.retain(|bond| {
            let later = latest.is_none_or(|latest| bond.start > latest);
            if later {
                latest = Some(bond.start);
            }
            later
        });
    }

    /// The bond that began last, of those that bind what begins at `moment`.
    pub fn latest(&self, moment: Moment) -> Option<&Bond> {
        let count = self.0.partition_point(|bond| bond.end < moment);
        count.checked_sub(1).map(|last| &self.0[last])
    }
}

impl Notices {
    fn new(mut notes: Vec<(Moment, Moment)>) -> Self {
        notes.sort_unstable();
        let mut earliest = Moment::MAX;
        for (_, end) in notes.iter_mut().rev() {
            earliest = earliest.min(*end);
            *end = earliest;
        }
        Self(notes)
    }

    /// When the first note ended that speaks of all that had returned at `moment`.
    fn after(&self, moment: Moment) -> Option<Moment> {
        let place = self.0.partition_point(|(start, _)| *start < moment);
        self.0.get(place).map(|(_, end)| *end)
    }
}

impl Bindings {
    pub fn gather(history: &History) -> io::Result<Self> {
        let mut bindings = Self::default();
        for worker in &history.workers {
            let (mut drained, mut settled, mut writes) = (Vec::new(), Vec::new(), Vec::new());
            worker.notes.each(|record| match record.event {
                Event::Drained => drained.push((record.start, record.end)),
                Event::Settled => settled.push((record.start, record.end)),
                Event::Invalidated { .. } | Event::Set { .. } => writes.push(*record),
                Event::Read { .. } | Event::Body { .. } => {}
            })?;
            // What has settled is drained.
            drained.extend_from_slice(&settled);
            let (drained, settled) = (Notices::new(drained), Notices::new(settled));
            for record in writes {
                bindings.add(worker.number, record, &drained, &settled, &history.facts);
            }
        }
        let (everybody, own) = (&mut bindings.everybody, &mut bindings.own);
        everybody
            .values_mut()
            .chain(own.values_mut())
            .for_each(Timeline::arrange);
        Ok(bindings)
    }

    fn add(
        &mut self,
        worker: u16,
        record: Record,
        drained: &Notices,
        settled: &Notices,
        facts: &Facts,
    ) {
        let (scope, promise) = match record.event {
            Event::Invalidated { scope, promise } => (scope, promise),
            Event::Set {
                key,
                version,
                promise,
            } => {
                self.sets.insert((key, version), record);
                // A value that was set has no body that might commit later.
                let promise = match promise {
                    Promise::Unsettled => Promise::Pending,
                    other => other,
                };
                (Scope::Entry(key), promise)
            }
            _ => return,
        };
        let bond = Bond {
            end: record.end,
            start: record.start,
            worker,
            record,
            again: false,
        };
        self.bind_own(scope, bond);
        let acknowledged = match promise {
            Promise::Acknowledged => Some(record.end),
            Promise::Pending | Promise::Unsettled => drained.after(record.end),
        };
        if let Some(end) = acknowledged {
            self.bind_everybody(scope, Bond { end, ..bond });
        }
        if promise == Promise::Unsettled
            && let Some(end) = settled.after(record.end)
        {
            let start = facts.settles(record.start);
            let again = Bond {
                end: end.max(start),
                start,
                again: true,
                ..bond
            };
            self.bind_own(scope, again);
            self.bind_everybody(scope, again);
        }
    }

    fn bind_own(&mut self, scope: Scope, bond: Bond) {
        let line = self.own.entry((bond.worker, scope)).or_default();
        line.0.push(bond);
    }

    fn bind_everybody(&mut self, scope: Scope, bond: Bond) {
        self.everybody.entry(scope).or_default().0.push(bond);
    }

    /// All that binds `worker` when it reads `key`, which it `shared` with the others or not.
    pub fn view(&self, worker: u16, key: Key, shared: bool) -> Vec<&Timeline> {
        let mut view = Vec::new();
        for scope in key.covered_by() {
            view.extend(self.own.get(&(worker, scope)));
            if shared {
                view.extend(self.everybody.get(&scope));
            }
        }
        view
    }

    /// The record of the set that gave `version` to a cart; none if whoever set it did not live to note it.
    pub fn set(&self, key: Key, version: u64) -> Option<&Record> {
        self.sets.get(&(key, version))
    }
}
