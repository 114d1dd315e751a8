//! What the oracle says of a world.

use std::collections::BTreeMap;
use std::fmt;

use crate::clock::{MILLISECOND, Moment, SECOND};
use crate::keys::Family;
use crate::record::{Event, Promise, Record, Shown};

/// What nobody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A read gave the value of another key.
    AnothersValue,
    /// A read gave a version that nobody had committed yet.
    NeverCommitted,
    /// A read gave a version older than the newest that was committed before an invalidation that it had to know of.
    StaleVersion,
    /// A read gave what was computed from before an invalidation that it had to know of.
    OlderComputation,
    /// A read gave a cart that had been set before another was, or before it was invalidated.
    SupersededCart,
    /// A call took longer than its parts may.
    Overdue,
    /// Bodies ran without a reason.
    TooManyBodies,
    /// A process did not answer.
    Hang,
}

impl Rule {
    pub fn name(self) -> &'static str {
        match self {
            Self::AnothersValue => "another's value",
            Self::NeverCommitted => "never committed",
            Self::StaleVersion => "stale version",
            Self::OlderComputation => "older computation",
            Self::SupersededCart => "superseded cart",
            Self::Overdue => "over its deadline",
            Self::TooManyBodies => "too many bodies",
            Self::Hang => "hang",
        }
    }
}

/// One thing that ought not to have been.
#[derive(Clone, Debug)]
pub struct Violation {
    pub rule: Rule,
    pub worker: Option<u16>,
    /// Lines, each indented and ended.
    pub story: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// By family, and by what was shown: a value, absent, missing, failed, dropped.
    pub reads: BTreeMap<Family, [u64; 5]>,
    /// Reads that had an invalidation to know of.
    pub constrained: u64,
    /// Reads that gave a value which was there before they began.
    pub kept: u64,
    /// Reads that gave a value which was computed for them, or for somebody whom they joined.
    pub computed: u64,
    /// Bodies that ran to their end, and others.
    pub bodies: [u64; 2],
    /// Acknowledged, pending, unsettled.
    pub invalidations: [u64; 3],
    /// Acknowledged, pending, unsettled.
    pub sets: [u64; 3],
    pub commits: u64,
    /// The longest call and who made it.
    pub longest: Option<(u16, Record)>,
    /// How often each rule was broken.
    pub accused: BTreeMap<Rule, u64>,
    /// The first few of each rule.
    pub violations: Vec<Violation>,
}

/// How many stories are kept of each rule.
pub const STORIES: u64 = 10;

impl Verdict {
    pub fn is_clean(&self) -> bool {
        self.accused.is_empty()
    }

    /// How many reads were judged, whatever they were shown.
    pub fn reads(&self) -> u64 {
        self.reads.values().flatten().sum()
    }

    pub(super) fn accuse(
        &mut self,
        rule: Rule,
        worker: Option<u16>,
        story: impl FnOnce() -> String,
    ) {
        let count = self.accused.entry(rule).or_default();
        *count += 1;
        if *count <= STORIES {
            self.violations.push(Violation {
                rule,
                worker,
                story: story(),
            });
        }
    }

    pub(super) fn count(&mut self, worker: u16, record: &Record) {
        let place = |promise: Promise| match promise {
            Promise::Acknowledged => 0,
            Promise::Pending => 1,
            Promise::Unsettled => 2,
        };
        match record.event {
            Event::Read { .. } => {}
            Event::Invalidated { promise, .. } => self.invalidations[place(promise)] += 1,
            Event::Set { promise, .. } => self.sets[place(promise)] += 1,
            Event::Body { finished, .. } => {
                self.bodies[usize::from(!finished)] += 1;
                return;
            }
            Event::Drained | Event::Settled => return,
        }
        let took = |record: &Record| record.end.saturating_sub(record.start);
        if self
            .longest
            .is_none_or(|(_, longest)| took(&longest) < took(record))
        {
            self.longest = Some((worker, *record));
        }
    }

    pub(super) fn count_read(&mut self, record: &Record, constrained: bool) {
        let Event::Read { key, shown } = record.event else {
            return;
        };
        let place = match shown {
            Shown::Value { .. } => 0,
            Shown::Absent => 1,
            Shown::Missing => 2,
            Shown::Failed => 3,
            Shown::Dropped => 4,
        };
        self.reads.entry(key.family).or_default()[place] += 1;
        self.constrained += u64::from(constrained);
        if let Shown::Value { born, .. } = shown {
            let kept = born < record.start;
            *(if kept {
                &mut self.kept
            } else {
                &mut self.computed
            }) += 1;
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            constrained,
            kept,
            computed,
            bodies,
            commits,
            ..
        } = self;
        let reads = self.reads();
        writeln!(
            f,
            "{reads} reads, {constrained} of them bound by an invalidation; {kept} gave a kept value, {computed} a new one"
        )?;
        for (family, [value, absent, missing, failed, dropped]) in &self.reads {
            writeln!(
                f,
                "  {:<8} {value:>9} values {absent:>8} absent {missing:>8} missing {failed:>8} failed {dropped:>7} dropped",
                format!("{family:?}")
            )?;
        }
        let [ends, others] = bodies;
        writeln!(
            f,
            "{ends} bodies that ended and {others} that did not; {commits} commits"
        )?;
        for (what, [acknowledged, pending, unsettled]) in
            [("invalidations", self.invalidations), ("sets", self.sets)]
        {
            writeln!(
                f,
                "{what}: {acknowledged} acknowledged, {pending} pending, {unsettled} unsettled"
            )?;
        }
        if let Some((worker, longest)) = self.longest {
            let took = (longest.end - longest.start) / MILLISECOND;
            writeln!(f, "longest call: {took} ms, by worker {worker}")?;
        }
        for (rule, count) in &self.accused {
            writeln!(f, "ACCUSED {count} times: {}", rule.name())?;
        }
        for violation in &self.violations {
            write!(f, "\n{violation}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule.name())?;
        if let Some(worker) = self.worker {
            write!(f, ", worker {worker}")?;
        }
        write!(f, "\n{}", self.story)
    }
}

/// `moment` as seconds after `began`.
pub(super) fn since(began: Moment, moment: Moment) -> String {
    let sign = if moment < began { "-" } else { "" };
    let distance = moment.abs_diff(began);
    format!(
        "{sign}{}.{:06}",
        distance / SECOND,
        distance % SECOND / 1_000
    )
}
