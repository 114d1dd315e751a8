//! One pass after another over a type: what is known, where a pass leads, and what it has shown.

use std::any::TypeId;
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::panic::resume_unwind;

use super::ask::Ask;
use super::fault::Fault;
use super::gap::Reason;
use super::probe::{Place, Probe};
use super::sample::Sample;
use super::shape::{Fields, Kind, NodeId, Shape};

/// So many questions of one pass are answered. Who then asks on does not look at the answers.
const MOST_QUESTIONS: u32 = 50_000;
/// So many of all passes together.
const MOST_QUESTIONS_OF_ALL: u64 = 2_000_000;

/// How a value leads on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The pass is for this value.
    Here,
    /// Some part of it is on the way.
    Toward(usize),
    /// Any value will do.
    Beside,
}

/// Where a pass leads, and what to try there.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) path: Vec<usize>,
    /// What to give there; nothing to see what is asked for.
    pub(super) sample: Option<Sample>,
    /// Counts the ways in which values beside can be made and fields be ordered.
    pub(super) attempt: usize,
}

/// So many attempts differ from each other.
pub(super) const ATTEMPTS: usize = 12;

#[derive(Debug, Default)]
struct Pass {
    route: Route,
    verdict: Option<Result<(), Fault>>,
    /// Whether the visitor itself took what was given, whatever became of it.
    visited: bool,
    /// The variant that a tag must have, because the content of that one follows.
    tag: Option<(NodeId, usize)>,
    is_over: bool,
    questions: u32,
}

/// Thrown, without the panic hook's hearing of it, at who does not stop asking.
pub(super) struct Endless;

#[derive(Debug, Default)]
struct State {
    shape: Shape,
    pass: Pass,
    /// Those of the passes that have ended.
    questions: u64,
}

/// Shared by all probes of a pass. Borrowed for a moment each, never across a user's code.
#[derive(Debug, Default)]
pub(super) struct Survey(RefCell<State>);

impl Survey {
    pub(super) fn with_shape<R>(&self, see: impl FnOnce(&mut Shape) -> R) -> R {
        see(&mut self.0.borrow_mut().shape)
    }

    pub(super) fn into_shape(self) -> Shape {
        self.0.into_inner().shape
    }

    pub(super) fn set_out(&self, route: Route) {
        let state = &mut *self.0.borrow_mut();
        state.questions += u64::from(state.pass.questions);
        state.pass = Pass {
            route,
            ..Pass::default()
        };
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.0.borrow().questions > MOST_QUESTIONS_OF_ALL
    }

    /// What was said of the value that the pass was for; `None` if it was not reached.
    pub(super) fn verdict(&self) -> Option<Result<(), Fault>> {
        self.0.borrow_mut().pass.verdict.take()
    }

    pub(super) fn was_visited(&self) -> bool {
        self.0.borrow().pass.visited
    }

    /// Counts a question, and refuses it when the pass is over.
    pub(super) fn go_on(&self) -> Result<(), Fault> {
        let pass = &mut self.0.borrow_mut().pass;
        pass.questions += 1;
        if pass.questions > MOST_QUESTIONS {
            resume_unwind(Box::new(Endless));
        }
        match pass.is_over {
            true => Err(Fault::Over),
            false => Ok(()),
        }
    }

    /// Takes down what a value asks for, or compares it with what it asked for before.
    pub(super) fn meet(
        &self,
        probe: Probe<'_>,
        kind: Kind,
        visitor: TypeId,
        type_name: &'static str,
    ) -> Result<(NodeId, Way), Fault> {
        self.go_on()?;
        let State { shape, pass, .. } = &mut *self.0.borrow_mut();
        let Place::Path(depth) = probe.place else {
            let id = shape.resolve(probe.node);
            let is_known = shape.nodes[id].kind == kind && shape.height(id).is_some();
            return is_known.then_some((id, Way::Beside)).ok_or(Fault::Stuck);
        };
        let id = probe.node;
        // Who reads a text may make anything of it: what is known is what it is part of.
        if !matches!(kind, Kind::Scalar(_)) {
            shape.nodes[id].type_name.get_or_insert(type_name);
        }
        let way = pass.way(depth);
        if shape.nodes[id].kind == Kind::Unseen {
            shape.record(id, kind, visitor);
        } else if shape.nodes[id].kind != kind {
            shape.gap(id, Reason::Inconsistent);
            pass.is_over = true;
        }
        let has_value = matches!(
            shape.nodes[id].kind,
            Kind::Scalar(_) | Kind::UnitStruct(_) | Kind::Any
        );
        if way == Way::Here && !has_value {
            pass.is_over = true;
        }
        match pass.is_over {
            true => Err(Fault::Over),
            false => Ok((id, way)),
        }
    }

    pub(super) fn way(&self, place: Place) -> Way {
        match place {
            Place::Path(depth) => self.0.borrow().pass.way(depth),
            Place::Beside => Way::Beside,
        }
    }

    /// Takes down the verdict on a value if the pass is for it, and tells whether it is.
    pub(super) fn judge(&self, place: Place, fault: Option<&Fault>) -> bool {
        let pass = &mut self.0.borrow_mut().pass;
        let is_here = matches!(place, Place::Path(depth) if pass.way(depth) == Way::Here);
        if is_here && !pass.is_over && pass.verdict.is_none() {
            pass.verdict = Some(fault.map_or(Ok(()), |fault| Err(fault.clone())));
        }
        pass.is_over |= is_here;
        is_here
    }

    pub(super) fn visited(&self, way: Way, accepted: bool) {
        if way == Way::Here {
            self.0.borrow_mut().pass.visited = accepted;
        }
    }

    /// Names the type of a value by the seed that reads it.
    pub(super) fn name(&self, id: NodeId, type_name: &'static str) {
        let node = &mut self.0.borrow_mut().shape.nodes[id];
        node.type_name.get_or_insert(type_name);
    }

    /// Takes down what a visitor expects, by its own words.
    pub(super) fn tell_once(&self, id: NodeId, expected: String) {
        let told = &mut self.0.borrow_mut().shape.nodes[id].told;
        if told.is_empty() {
            told.push(expected);
        }
    }

    /// Takes down what the visitor of a struct, variant or enum takes a name for.
    pub(super) fn label<T>(&self, id: NodeId, at: usize, meaning: &T) {
        let mut hasher = DefaultHasher::new();
        mem::discriminant(meaning).hash(&mut hasher);
        let node = &mut self.0.borrow_mut().shape.nodes[id];
        node.labels.insert(at, hasher.finish());
    }

    /// The same for a variant, by its content.
    pub(super) fn label_variant<T>(&self, content: NodeId, meaning: &T) {
        let parent = self.0.borrow().shape.nodes[content].parent;
        if let Some((id, at)) = parent {
            self.label(id, at, meaning);
        }
    }

    pub(super) fn child(&self, id: NodeId, at: usize) -> Option<NodeId> {
        let state = self.0.borrow();
        state.shape.nodes[id].children.get(at).copied()
    }

    pub(super) fn children(&self, id: NodeId) -> usize {
        self.0.borrow().shape.nodes[id].children.len()
    }

    pub(super) fn fields(&self, id: NodeId) -> Option<Fields> {
        self.0.borrow().shape.nodes[id].fields.clone()
    }

    pub(super) fn is_map(&self, id: NodeId) -> bool {
        self.0.borrow().shape.nodes[id].kind == Kind::Map
    }

    /// The variant of which a value beside is made.
    pub(super) fn variant(&self, id: NodeId) -> Option<usize> {
        let State { shape, pass, .. } = &mut *self.0.borrow_mut();
        match pass.tag {
            Some((tag, variant)) if tag == id => Some(variant),
            _ => shape.smallest_variant(id),
        }
    }

    /// The content of an adjacently tagged enum that is wanted, if a node is one: the step to it.
    /// Its tag will be made accordingly.
    pub(super) fn content(&self, id: NodeId, place: Place) -> Option<usize> {
        let State { shape, pass, .. } = &mut *self.0.borrow_mut();
        let id = shape.resolve(id);
        if shape.nodes[id].kind != Kind::Contents {
            return None;
        }
        let tag = shape.tag_of(id)?;
        let variant = match (pass.tag, place) {
            (_, Place::Path(depth)) => *pass.route.path.get(depth)?,
            (Some((known, variant)), _) if known == tag => variant,
            _ => shape.smallest_variant(id)?,
        };
        pass.tag = Some((tag, variant));
        Some(variant)
    }

    /// Whether values beside are made with a `Some`, an element and an entry where there may be.
    pub(super) fn is_generous(&self) -> bool {
        (self.0.borrow().pass.route.attempt / 2) % 2 == 1
    }

    /// In which order fields are given, by name; `None` if they are given in their own order and
    /// without names.
    ///
    /// The field that is wanted comes first: then nothing else has to be made. But who has written
    /// a `Deserialize` by hand may want them in order, or without names.
    pub(super) fn order(&self, probe: Probe<'_>, len: usize, way: Way) -> Option<Vec<usize>> {
        let State { shape, pass, .. } = &*self.0.borrow();
        let all = || (0..len).collect();
        let Way::Toward(at) = way else {
            return (pass.route.attempt % 2 == 1).then(all);
        };
        let last = pass.route.path.len();
        let is_last = matches!(probe.place, Place::Path(depth) if depth + 1 == last);
        let attempt = match is_last {
            true => pass.route.attempt,
            false => shape.nodes[probe.node].attempt,
        };
        let has_tag = shape.nodes[probe.node]
            .children
            .get(at)
            .is_some_and(|part| shape.nodes[*part].kind == Kind::Contents);
        match attempt % 3 {
            0 if !has_tag => Some(vec![at]),
            0 => Some((0..=at).collect()),
            1 => Some((0..=at).collect()),
            _ => None,
        }
    }

    /// The run of a sequence to which an element belongs that this seed reads.
    pub(super) fn run(&self, id: NodeId, run: usize, seed: TypeId) -> Option<usize> {
        let nodes = &mut self.0.borrow_mut().shape.nodes;
        let children = nodes[id].children.clone();
        (run..children.len()).take(2).find(|&run| {
            let known = nodes[children[run]].seed.get_or_insert(seed);
            *known == seed
        })
    }

    /// What to give to who asks for a scalar.
    pub(super) fn sample(&self, id: NodeId, ask: Ask, way: Way) -> Result<Sample, Fault> {
        let State { shape, pass, .. } = &*self.0.borrow();
        let samples = ask.samples();
        let first = || samples.first().cloned().ok_or(Fault::Stuck);
        if way != Way::Beside {
            return pass.route.sample.clone().map_or_else(first, Ok);
        }
        let accepted = shape.nodes[id].accepted.clone();
        let accepted = accepted.map_or_else(first, Ok)?;
        let at = samples.iter().position(|sample| *sample == accepted);
        let shift = pass.route.attempt / 4;
        match at {
            Some(at) => Ok(samples[(at + shift) % samples.len()].clone()),
            None => Ok(accepted),
        }
    }

    /// What to give to who takes anything.
    pub(super) fn any_sample(&self, id: NodeId, way: Way) -> Result<Sample, Fault> {
        let State { shape, pass, .. } = &*self.0.borrow();
        match way {
            Way::Beside => shape.nodes[id].accepted.clone().ok_or(Fault::Stuck),
            _ => Ok(pass.route.sample.clone().unwrap_or(Sample::Unit)),
        }
    }
}

impl Pass {
    fn way(&self, depth: usize) -> Way {
        match self.route.path.get(depth) {
            Some(next) => Way::Toward(*next),
            None => Way::Here,
        }
    }
}
