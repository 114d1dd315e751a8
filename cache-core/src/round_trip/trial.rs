//! A value is encoded, decoded and compared.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::difference::{Finding, compare};
use super::node::Node;
use super::path::{Path, Step};
use super::tree::{Refusal, tree};
use super::{Difference, RoundTrip};
use crate::codec::Coder;
use crate::outcome::Equality;

/// What a codec may be short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Keys of maps are texts, and numbers have an end.
    Text,
    /// A field is known by its position.
    #[cfg_attr(
        not(feature = "postcard"),
        allow(dead_code, reason = "no codec is such")
    )]
    Positions,
    /// Nobody knows.
    Unknown,
}

/// Where a value can't be read back from its own encoding, as far as a codec knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    Undecodable {
        /// From the whole value inwards: the which of its parts, counted from 0.
        parts: Vec<usize>,
        /// The field that is said to be missing there. Not to be shown: it may be anybody's words.
        missing: Option<String>,
    },
    /// A field that is read and was not written.
    #[cfg_attr(
        not(feature = "postcard"),
        allow(dead_code, reason = "no codec is such")
    )]
    Unwritten {
        /// Of which struct, counted from 0 in the order in which they begin.
        number: usize,
        field: &'static str,
    },
}

/// Whether `value` comes back equal from its codec. A panic in the code of a user is an outcome, too.
pub(crate) fn of<V: Serialize + DeserializeOwned>(
    coder: &dyn Coder<V>,
    value: &V,
    equal: Option<Equality<V>>,
) -> RoundTrip {
    let trial = Trial {
        coder,
        value,
        equal,
        at_work: Cell::new("Serialize"),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| trial.run()));
    outcome.unwrap_or_else(|_| {
        let culprit = trial.at_work.get();
        differs(None, format!("its `{culprit}` implementation panicked"))
    })
}

struct Trial<'a, V> {
    coder: &'a dyn Coder<V>,
    value: &'a V,
    equal: Option<Equality<V>>,
    /// Whose code is running.
    at_work: Cell<&'static str>,
}

impl<V: Serialize + DeserializeOwned> Trial<'_, V> {
    fn run(&self) -> RoundTrip {
        let before = match tree(self.value) {
            Ok(before) => Some(before),
            Err(Refusal::Failed) => None,
            Err(Refusal::TooLarge) => return RoundTrip::Unchecked,
            Err(Refusal::TooDeep) => return differs(None, "it is nested more than 256 deep"),
        };
        let mut bytes = Vec::new();
        if let Err(error) = self.coder.encode(self.value, &mut bytes) {
            // A codec that refuses such a value tells of the field alone.
            self.at_work.set("Deserialize");
            if let Form::Positions = self.coder.form()
                && let Some(Misfit::Unwritten { number, field }) =
                    self.coder.misfit(self.value, &bytes)
            {
                return unwritten(before.as_ref(), number, field);
            }
            let field = before.as_ref().and_then(|before| self.culprit(before));
            return differs(field, error.to_string());
        }
        self.at_work.set("Deserialize");
        let back = match self.coder.decode_own(&bytes) {
            Ok(back) => back,
            Err(error) => {
                let misfit = self.coder.misfit(self.value, &bytes);
                return undecodable(before.as_ref(), misfit, error.to_string());
            }
        };
        let outcome = self.judge(before.as_ref(), &back);
        self.at_work.set("Drop");
        drop(back);
        outcome
    }

    fn judge(&self, before: Option<&Node>, back: &V) -> RoundTrip {
        self.at_work.set("Serialize");
        let finding = before.and_then(|before| self.finding(before, back));
        self.at_work.set("PartialEq");
        let unequal = self.equal.is_some_and(|equal| {
            // What is not equal to itself, such as a NaN, says nothing.
            equal(self.value, self.value) && !equal(self.value, back)
        });
        match finding {
            Some(Finding::Different(path, what)) => differs(path.text(), what),
            Some(Finding::Order(path)) if unequal => {
                differs(path.text(), "its elements come back in another order")
            }
            _ if unequal => differs(
                None,
                "`==` says so, though both serialize alike: a part is not serialized, or not all of it",
            ),
            // Its `Serialize` implementation gives something else each time.
            None if self.equal.is_none() => RoundTrip::Unchecked,
            _ => RoundTrip::Equal,
        }
    }

    /// What the trees say; nothing if they can't be relied upon.
    fn finding(&self, before: &Node, back: &V) -> Option<Finding> {
        let finding = compare(before, &tree(back).ok()?);
        let is_different = |finding: &Finding| matches!(finding, Finding::Different(..));
        if is_different(&finding) {
            // The time of day, for example, is another each time.
            let again = tree(self.value).ok()?;
            if is_different(&compare(before, &again)) {
                return None;
            }
        }
        Some(finding)
    }

    /// The part that can't be expressed.
    fn culprit(&self, value: &Node) -> Option<String> {
        match self.coder.form() {
            Form::Text => unusual_key(value),
            Form::Positions => left_out(value),
            Form::Unknown => None,
        }
    }
}

fn undecodable(before: Option<&Node>, misfit: Option<Misfit>, error: String) -> RoundTrip {
    let (Some(before), Some(Misfit::Undecodable { parts, missing })) = (before, misfit) else {
        return differs(None, error);
    };
    let mut path = Path::default();
    let node = before.part(&parts, &mut path);
    if let Some(missing) = missing {
        let fields = match node {
            Node::Struct(fields) => &*fields.left_out,
            _ => &[],
        };
        let Some(name) = fields.iter().find(|name| **name == missing) else {
            return differs(
                path.text(),
                "a field of it is not serialized, and has no `default`",
            );
        };
        path.push(Step::Name(name));
        return differs(
            path.text(),
            "it is skipped (`skip_serializing_if`), and has no `default`",
        );
    }
    if node.is_unbounded() {
        return differs(path.text(), "a NaN or an infinity is lost");
    }
    differs(path.text(), error)
}

fn unwritten(before: Option<&Node>, number: usize, field: &'static str) -> RoundTrip {
    let begun = Cell::new(0);
    let is_such = |node: &Node| {
        let is_struct = matches!(node, Node::Struct(_));
        is_struct && begun.replace(begun.get() + 1) == number
    };
    let mut path = Path::default();
    // Of a struct in the key of a map there is no path.
    let _ = before.is_some_and(|before| before.find(&is_such, &mut path));
    path.push(Step::Name(field));
    differs(
        path.text(),
        "it is not serialized, and what is behind it is read in its place: skip it both ways \
         (`#[serde(skip)]`), or use a codec that keeps names",
    )
}

/// The field that is left out by its value.
fn left_out(value: &Node) -> Option<String> {
    let skipped = |node: &Node| match node {
        Node::Struct(fields) => fields.left_out.first().copied(),
        _ => None,
    };
    let name = Cell::new(None);
    let is_such = |node: &Node| {
        name.set(skipped(node));
        name.get().is_some()
    };
    let mut path = Path::default();
    if value.find(&is_such, &mut path) {
        path.push(Step::Name(name.get()?));
    }
    path.text()
}

/// The map whose keys are no texts and nothing like it.
fn unusual_key(value: &Node) -> Option<String> {
    let is_unusual = |key: &Node| match key.inner() {
        Node::Variant(_, inner) => **inner != Node::Unit,
        Node::Scalar(..) | Node::Text(_) => false,
        key => !matches!(key, Node::Float(_)) || key.is_unbounded(),
    };
    let is_such = |node: &Node| match node {
        Node::Map(entries) => entries.iter().any(|(key, _)| is_unusual(key)),
        _ => false,
    };
    let mut path = Path::default();
    value.find(&is_such, &mut path).then(|| path.text())?
}

fn differs(field: Option<String>, what: impl Into<std::borrow::Cow<'static, str>>) -> RoundTrip {
    let what = what.into();
    RoundTrip::Differs(Difference { field, what })
}
