//! The order in which the parts of a type are looked at, and when to give up.
//!
//! A pass begins at the root and leads to one value. Fields are given in the order in which they
//! are wanted, so nothing has to be made on the way but what cannot be left out: the elements of a
//! tuple before the one that is wanted, and the key of a map.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ask::Ask;
use super::fault::{Fault, heard};
use super::gap::Reason;
use super::probe::{Place, Probe};
use super::sample::Sample;
use super::shape::{Fields, Kind, NodeId, Shape};
use super::survey::{ATTEMPTS, Endless, Route, Survey};

/// As deep as any value goes that people nest by hand, and far from the end of a stack.
const DEEPEST: usize = 48;
const MOST_PASSES: usize = 20_000;

/// What a pass came to.
pub(super) enum Passed {
    /// What was said of the value that it was for; `None` if it was not reached.
    Ended(Option<Result<(), Fault>>),
    Broken(Reason),
}

/// A value that is to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub(super) node: NodeId,
    pub(super) path: Vec<usize>,
    pub(super) task: Task,
    pub(super) attempts: usize,
    pub(super) is_second_try: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    See,
    /// Find out the name of the last field of a map whose keys are names of fields.
    NameField,
    /// Find out another field of it.
    AskForField,
}

pub(super) struct Exploration<'a> {
    pub(super) survey: Survey,
    root: &'a dyn Fn(Probe<'_>),
    pub(super) goals: Vec<Goal>,
    postponed: Vec<Goal>,
    passes: usize,
}

impl<'a> Exploration<'a> {
    /// `root` lets the type be read from a probe.
    pub(super) fn of(type_name: &'static str, root: &'a dyn Fn(Probe<'_>)) -> Shape {
        let survey = Survey::default();
        survey.with_shape(|shape| shape.add(None));
        survey.name(0, type_name);
        let mut exploration = Self {
            survey,
            root,
            goals: Vec::new(),
            postponed: Vec::new(),
            passes: 0,
        };
        exploration.goal(0, Vec::new(), Task::See);
        exploration.run();
        exploration.survey.into_shape()
    }

    fn run(&mut self) {
        loop {
            let goal = match self.goals.pop() {
                Some(goal) => goal,
                None if self.postponed.is_empty() => return,
                None => {
                    // What comes before them may be known by now.
                    self.goals.extend(self.postponed.drain(..).rev());
                    continue;
                }
            };
            if self.is_exhausted() {
                return self.gap(0, Reason::TooLarge);
            }
            if goal.path.len() > DEEPEST {
                self.gap(goal.node, Reason::TooDeep);
                continue;
            }
            match goal.task {
                Task::See => self.see(goal),
                Task::NameField => self.name_field(goal),
                Task::AskForField => self.ask_for_field(goal),
            }
        }
    }

    pub(super) fn goal(&mut self, node: NodeId, path: Vec<usize>, task: Task) {
        self.goals.push(Goal {
            node,
            path,
            task,
            attempts: ATTEMPTS,
            is_second_try: false,
        });
    }

    pub(super) fn gap(&self, node: NodeId, reason: Reason) {
        self.survey.with_shape(|shape| shape.gap(node, reason));
    }

    pub(super) fn kind(&self, node: NodeId) -> Kind {
        self.survey
            .with_shape(|shape| shape.nodes[node].kind.clone())
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.passes >= MOST_PASSES || self.survey.is_exhausted()
    }

    /// One pass. Whatever a user's code does in it ends here.
    pub(super) fn pass(&mut self, route: Route) -> Passed {
        self.passes += 1;
        self.survey.set_out(route);
        heard();
        let probe = Probe {
            survey: &self.survey,
            node: 0,
            place: Place::Path(0),
        };
        match catch_unwind(AssertUnwindSafe(|| (self.root)(probe))) {
            Ok(()) => Passed::Ended(self.survey.verdict()),
            Err(panic) => Passed::Broken(reason_of(panic)),
        }
    }

    fn see(&mut self, goal: Goal) {
        let Goal { node, path, .. } = &goal;
        for attempt in 0..goal.attempts {
            let passed = self.pass(Route {
                path: path.clone(),
                sample: None,
                attempt,
            });
            if let Passed::Broken(reason) = passed {
                return self.gap(*node, reason);
            }
            if self.kind(*node) != Kind::Unseen {
                self.survey.with_shape(|shape| {
                    if let Some((parent, _)) = shape.nodes[*node].parent {
                        shape.nodes[parent].attempt = attempt;
                    }
                });
                let Passed::Ended(verdict) = passed else {
                    return;
                };
                return self.follow(&goal, attempt, verdict);
            }
        }
        match goal.is_second_try {
            false => self.postponed.push(Goal {
                is_second_try: true,
                ..goal
            }),
            true => self.give_up(&goal),
        }
    }

    fn give_up(&self, goal: &Goal) {
        self.survey.with_shape(|shape| {
            shape.give_up(goal.node);
            // Behind the last run of a sequence, and the last field with a number, none is found.
            let may_be_none = shape.nodes[goal.node].parent.is_some_and(|(parent, at)| {
                let parent = &shape.nodes[parent];
                let is_numbered = |fields: &Fields| fields.is_numbered;
                (at > 0 && parent.kind == Kind::Seq)
                    || parent.fields.as_ref().is_some_and(is_numbered)
            });
            if !may_be_none {
                shape.gap(goal.node, Reason::Unread);
            }
        });
    }

    /// Goes on with what a value asked for.
    fn follow(&mut self, goal: &Goal, attempt: usize, verdict: Option<Result<(), Fault>>) {
        let node = goal.node;
        let parent = self.survey.with_shape(|shape| shape.nodes[node].parent);
        if let Some((parent, at)) = parent.filter(|(parent, _)| self.kind(*parent) == Kind::Seq) {
            // Looked at after all that is pushed now.
            self.next_run(goal, parent, at);
        }
        if self.has_open_tag(node) {
            self.forget_parts(&goal.path[..goal.path.len() - 1]);
            return;
        }
        match self.kind(node) {
            Kind::Scalar(Ask::Identifier) if self.is_key(node) => self.know_fields(goal),
            Kind::Scalar(ask) => self.scalar(goal, attempt, ask, verdict),
            Kind::Any => self.anything(node, &goal.path),
            _ => self.parts(node, &goal.path),
        }
    }

    /// Behind the elements of one type may come some of another, if a sequence is read into a
    /// tuple. They are looked for when the first are known.
    fn next_run(&mut self, goal: &Goal, sequence: NodeId, at: usize) {
        let run = self.survey.with_shape(|shape| shape.add_child(sequence));
        let mut path = goal.path.clone();
        path.pop();
        path.push(at + 1);
        let goal = Goal {
            node: run,
            path,
            task: Task::See,
            attempts: 1,
            is_second_try: true,
        };
        self.goals.push(goal);
    }

    pub(super) fn parts(&mut self, node: NodeId, path: &[usize]) {
        let parts = self
            .survey
            .with_shape(|shape| shape.nodes[node].children.clone());
        for (at, part) in parts.into_iter().enumerate().rev() {
            let mut path = path.to_vec();
            path.push(at);
            self.goal(part, path, Task::See);
        }
    }

    fn scalar(
        &mut self,
        goal: &Goal,
        attempt: usize,
        ask: Ask,
        mut verdict: Option<Result<(), Fault>>,
    ) {
        let mut samples = ask.samples();
        let mut at = 0;
        while at < samples.len() {
            match verdict {
                Some(Ok(())) => {
                    let sample = samples.swap_remove(at);
                    return self.survey.with_shape(|shape| {
                        shape.accept(goal.node, Some(sample));
                    });
                }
                // It is one of a few words, and says which.
                Some(Err(Fault::Variants(names) | Fault::Fields(names))) if at < samples.len() => {
                    let told = |shape: &mut Shape| shape.nodes[goal.node].told = words(names);
                    self.survey.with_shape(told);
                    samples.truncate(at + 1);
                    samples.extend(names.first().copied().map(Sample::Str));
                }
                _ => {}
            }
            at += 1;
            if at == samples.len() {
                break;
            }
            verdict = match self.pass(Route {
                path: goal.path.clone(),
                sample: Some(samples[at].clone()),
                attempt,
            }) {
                Passed::Ended(verdict) => verdict,
                Passed::Broken(reason) => return self.gap(goal.node, reason),
            };
        }
        self.gap(goal.node, Reason::Rejects);
    }

    /// Whether a value is the key of a map.
    pub(super) fn is_key(&self, node: NodeId) -> bool {
        self.survey.with_shape(|shape| {
            let parent = shape.nodes[node].parent;
            parent.is_some_and(|(parent, at)| {
                let parent = &shape.nodes[parent];
                at == 0 && parent.kind == Kind::Map && parent.fields.is_none()
            })
        })
    }
}

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn reason_of(panic: Box<dyn Any + Send>) -> Reason {
    match panic.is::<Endless>() {
        true => Reason::Endless,
        false => Reason::Panicked,
    }
}
