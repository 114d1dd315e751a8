//! Where in a value that is put together something is tried, and what the verdict on the whole says
//! of it.

use std::collections::BTreeMap;

use super::anything::Verdict;
use super::exploration::Exploration;
use super::fault::Fault;
use super::gap::Reason;
use super::likeness::Around;
use super::sample::Sample;
use super::shape::NodeId;

/// Looks at a value through the buffer that it is read from.
pub(super) struct Sight<'e, 'a> {
    pub(super) exploration: &'e mut Exploration<'a>,
    pub(super) node: NodeId,
    pub(super) path: &'e [usize],
    /// From the whole value to what is looked at.
    pub(super) focus: Vec<Step>,
    /// The types around what is looked at.
    pub(super) around: Vec<Around>,
    /// Values of types that were looked at.
    pub(super) known: BTreeMap<String, Sample>,
    /// Whether a value was wanted of a type of which none is known yet.
    pub(super) is_incomplete: bool,
    pub(super) told: Vec<String>,
}

/// From a value to a part of it.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The field of this number or name, beside others.
    Field(Vec<(Sample, Sample)>, Sample),
    /// The element behind some, and what an empty sequence comes to.
    Element(Vec<Sample>, Verdict),
    /// The value of the one entry, beside others.
    Entry(Vec<(Sample, Sample)>, &'static str),
}

impl<'e, 'a> Sight<'e, 'a> {
    pub(super) fn new(
        exploration: &'e mut Exploration<'a>,
        node: NodeId,
        path: &'e [usize],
    ) -> Self {
        Self {
            exploration,
            node,
            path,
            focus: Vec::new(),
            around: Vec::new(),
            known: BTreeMap::new(),
            is_incomplete: false,
            told: Vec::new(),
        }
    }

    pub(super) fn into_told(self) -> Vec<String> {
        self.told
    }

    pub(super) fn tell(&mut self, what: impl std::fmt::Display) {
        self.told.push(what.to_string());
    }

    pub(super) fn gap(&mut self, reason: Reason) {
        self.exploration.gap(self.node, reason);
    }

    /// Tries a sample at the focus.
    pub(super) fn attempt(&mut self, sample: Sample) -> Verdict {
        let mut whole = sample;
        let mut is_twice = false;
        for step in self.focus.iter().rev() {
            whole = match step {
                Step::Field(beside, key) => {
                    let mut fields = beside.clone();
                    fields.push((key.clone(), whole));
                    // Of two nested fields, the inner one is asked about.
                    if !std::mem::replace(&mut is_twice, true) {
                        fields.extend(fields.last().cloned());
                    }
                    Sample::Map(fields)
                }
                Step::Element(before, _) => {
                    let mut elements = before.clone();
                    elements.push(whole);
                    Sample::Seq(elements)
                }
                Step::Entry(beside, name) => {
                    let mut entries = beside.clone();
                    entries.push((Sample::Str(name), whole));
                    Sample::Map(entries)
                }
            };
        }
        self.exploration.try_sample(self.node, self.path, whole)
    }

    /// Whether a verdict says that what was tried at the focus is a value of it.
    pub(super) fn accepts(&self, verdict: &Verdict) -> bool {
        for step in self.focus.iter().rev() {
            match step {
                Step::Field(..) => return matches!(verdict, Err(Fault::Duplicate(_))),
                Step::Element(before, empty) => match (verdict, empty) {
                    (Err(Fault::Length(length, whole)), Err(Fault::Length(_, same))) => {
                        return *length > before.len() && whole == same;
                    }
                    _ if verdict == empty => return true,
                    _ => {}
                },
                Step::Entry(..) => {}
            }
        }
        verdict.is_ok()
    }

    pub(super) fn at<R>(&mut self, step: Step, look: impl FnOnce(&mut Self) -> R) -> R {
        self.focus.push(step);
        let result = look(self);
        self.focus.pop();
        result
    }
}
