//! The bytes that a fingerprint is taken of. Fingerprints are stored, so these never change.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::shape::{Kind, NodeId, Shape};
use crate::entry::Fingerprint;

/// Tells these bytes apart from those of any later form.
const SCHEMA: &str = "cachewright schema 1";

/// Walks from the root, parts in their order. Every text is preceded by its length, every list by
/// its number, so no two shapes have the same bytes. A node that was described already is named by
/// the number that it got then.
pub(super) struct Description<'s> {
    shape: &'s Shape,
    bytes: Vec<u8>,
    numbers: Vec<Option<u64>>,
    next: u64,
}

impl<'s> Description<'s> {
    pub(super) fn fingerprint(shape: &'s Shape) -> Fingerprint {
        let mut description = Self {
            shape,
            bytes: Vec::new(),
            numbers: vec![None; shape.nodes.len()],
            next: 0,
        };
        description.text(SCHEMA);
        description.node(0);
        let digest = blake3::hash(&description.bytes);
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_bytes()[..16]);
        Fingerprint::new(half)
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn texts<T: AsRef<str>>(&mut self, texts: &[T]) {
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text.as_ref());
        }
    }

    fn node(&mut self, id: NodeId) {
        let id = self.shape.resolve(id);
        if let Some(number) = self.numbers[id] {
            self.text("again");
            return self.number(number);
        }
        self.numbers[id] = Some(self.next);
        self.next += 1;
        self.kind(id);
        let node = &self.shape.nodes[id];
        let aliases = aliases(&node.labels).into_iter();
        let aliases = aliases.map(|(alias, name)| format!("{alias} means {name}"));
        self.texts(&node.told.iter().cloned().chain(aliases).collect::<Vec<_>>());
        let parts: Vec<_> = node
            .children
            .iter()
            .copied()
            .filter(|part| !self.is_empty_run(*part))
            .collect();
        self.number(parts.len() as u64);
        for part in parts {
            self.node(part);
        }
    }

    /// Behind each run of a sequence another one is looked for.
    fn is_empty_run(&self, id: NodeId) -> bool {
        let node = &self.shape.nodes[id];
        let is_in_sequence =
            |(parent, at)| at > 0 && self.shape.nodes[parent as NodeId].kind == Kind::Seq;
        node.kind == Kind::Unread && node.parent.is_some_and(is_in_sequence)
    }

    fn kind(&mut self, id: NodeId) {
        let node = &self.shape.nodes[id];
        match &node.kind {
            Kind::Unseen | Kind::Unread | Kind::Same(_) => self.text("unread"),
            Kind::Scalar(ask) => {
                self.text(ask.name());
                match &node.accepted {
                    // What tells a date from a time, and a number from one that is not zero.
                    Some(sample) => self.text(&sample.to_string()),
                    None => self.text("nothing"),
                }
            }
            Kind::UnitStruct(name) => self.named("unit struct", name),
            Kind::Newtype(name) => self.named("newtype", name),
            Kind::Option => self.text("option"),
            Kind::Seq => self.text("sequence"),
            Kind::Tuple(_) => self.text("tuple"),
            Kind::TupleStruct(name, _) => self.named("tuple struct", name),
            Kind::Map => {
                self.text("map");
                match &node.fields {
                    Some(fields) => self.texts(&fields.names),
                    None => self.number(0),
                }
            }
            Kind::Struct(name, fields) => {
                self.named("struct", name);
                self.texts(fields);
            }
            Kind::Enum(name, variants) => {
                self.named("enum", name);
                self.texts(variants);
            }
            Kind::UnitVariant => self.text("unit variant"),
            Kind::NewtypeVariant => self.text("newtype variant"),
            Kind::TupleVariant(_) => self.text("tuple variant"),
            Kind::StructVariant(fields) => {
                self.text("struct variant");
                self.texts(fields);
            }
            Kind::Contents => self.text("contents"),
            Kind::Any => self.text("any"),
        }
    }

    fn named(&mut self, what: &str, name: &str) {
        self.text(what);
        self.text(name);
    }
}

/// The names that mean the same as one before them, each with the first of those.
fn aliases(labels: &BTreeMap<usize, u64>) -> Vec<(usize, usize)> {
    let mut first = BTreeMap::new();
    let mut aliases = Vec::new();
    for (at, label) in labels {
        match first.entry(label) {
            Entry::Vacant(entry) => drop(entry.insert(*at)),
            Entry::Occupied(entry) => aliases.push((*at, *entry.get())),
        }
    }
    aliases
}
