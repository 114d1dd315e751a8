//! What two trees differ in.

use std::collections::BTreeMap;

use super::node::{Fields, Node};
use super::path::{Path, Step};

const OTHER: &str = "it comes back as another";

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Alike,
    /// Only the order of the parts of a sequence: sets have none, and lists do.
    Order(Path),
    Different(Path, &'static str),
}

/// Compares what was encoded with what came back.
pub(super) fn compare(before: &Node, after: &Node) -> Finding {
    let mut comparison = Comparison {
        path: Path::default(),
        reordered: None,
    };
    match (comparison.part(before, after), comparison.reordered) {
        (Some(what), _) => Finding::Different(comparison.path, what),
        (None, Some(reordered)) => Finding::Order(reordered),
        (None, None) => Finding::Alike,
    }
}

struct Comparison {
    /// Ends at the difference, once there is one.
    path: Path,
    reordered: Option<Path>,
}

impl Comparison {
    /// What is the first difference, if there is one.
    fn part(&mut self, before: &Node, after: &Node) -> Option<&'static str> {
        match (before, after) {
            (Node::Some(a), Node::Some(b)) => self.part(a, b),
            (Node::Variant(a, x), Node::Variant(b, y)) if a == b => self.at(Step::Name(a), x, y),
            (Node::Tuple(a), Node::Tuple(b)) if a.len() == b.len() => {
                let mut parts = a.iter().zip(b).enumerate();
                parts.find_map(|(at, (a, b))| self.at(Step::Position(at), a, b))
            }
            (Node::Sequence(a), Node::Sequence(b)) => self.sequence(a, b),
            (Node::Map(a), Node::Map(b)) => self.map(a, b),
            (Node::Struct(a), Node::Struct(b)) => self.fields(a, b),
            _ => (before != after).then(|| reason(before, after)),
        }
    }

    fn at(&mut self, step: Step, before: &Node, after: &Node) -> Option<&'static str> {
        self.path.push(step);
        let what = self.part(before, after);
        if what.is_none() {
            self.path.pop();
        }
        what
    }

    fn sequence(&mut self, before: &[Node], after: &[Node]) -> Option<&'static str> {
        if before.len() != after.len() {
            return Some("it comes back with more or fewer elements");
        }
        if before == after {
            return None;
        }
        let sorted = |parts: &[Node]| parts.iter().map(Node::sorted).collect::<Vec<_>>();
        let (a, b) = (sorted(before), sorted(after));
        let (lost, new) = (without(&a, &b), without(&b, &a));
        let Some(&from) = lost.first() else {
            self.reordered.get_or_insert_with(|| self.path.clone());
            return None;
        };
        // Nobody knows which element of a set has become which: most likely the one that has the
        // most in common, and in a list the one in its place.
        let likeness = |to: &&usize| (a[from].distance(&b[**to]), **to != from);
        let to = *new.iter().min_by_key(likeness)?;
        let step = match from == to {
            true => Step::Index(from),
            false => Step::Any,
        };
        self.at(step, &before[from], &after[to])
    }

    fn map(&mut self, before: &[(Node, Node)], after: &[(Node, Node)]) -> Option<&'static str> {
        let sorted = |entries: &[(Node, Node)]| {
            let keys = entries.iter().map(|(key, _)| key.sorted()).enumerate();
            let mut keys: Vec<_> = keys.map(|(at, key)| (key, at)).collect();
            keys.sort_unstable();
            keys
        };
        let (a, b) = (sorted(before), sorted(after));
        if !a
            .iter()
            .map(|(key, _)| key)
            .eq(b.iter().map(|(key, _)| key))
        {
            return Some("it comes back with other keys");
        }
        let mut entries = a.iter().zip(&b);
        entries.find_map(|((_, a), (_, b))| self.at(Step::Any, &before[*a].1, &after[*b].1))
    }

    fn fields(&mut self, before: &Fields, after: &Fields) -> Option<&'static str> {
        for (name, part) in &before.written {
            let same = after.written.iter().find(|(other, _)| other == name);
            match same {
                Some((_, after)) => {
                    if let Some(what) = self.at(Step::Name(name), part, after) {
                        return Some(what);
                    }
                }
                None => {
                    self.path.push(Step::Name(name));
                    return Some("it is gone when it comes back");
                }
            }
        }
        let is_new = |name: &str| before.written.iter().all(|(other, _)| *other != name);
        let (name, _) = after.written.iter().find(|(name, _)| is_new(name))?;
        self.path.push(Step::Name(name));
        Some("it is not serialized, and its default is another value")
    }
}

/// The places of those among `parts` that `others` has not, or not as often.
fn without(parts: &[Node], others: &[Node]) -> Vec<usize> {
    let mut counts = BTreeMap::<&Node, usize>::new();
    for other in others {
        *counts.entry(other).or_default() += 1;
    }
    let mut places = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        match counts.get_mut(part) {
            Some(count) if *count > 0 => *count -= 1,
            _ => places.push(place),
        }
    }
    places
}

fn reason(before: &Node, after: &Node) -> &'static str {
    match (before, after) {
        _ if before.inner().is_unbounded() => "a NaN or an infinity is lost",
        (Node::Some(inner), Node::None)
            if **inner == Node::None || matches!(**inner, Node::Some(_)) =>
        {
            "an inner `None` comes back as the outer one"
        }
        (Node::Some(_), Node::None) => "a `Some` comes back as `None`",
        _ => OTHER,
    }
}
