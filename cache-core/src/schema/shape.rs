//! What has been seen of a type: a tree of what its `Deserialize` asked for.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};

use super::ask::Ask;
use super::gap::{Gap, Reason, short};
use super::sample::Sample;

pub(super) type NodeId = usize;

/// More than any type has that people wrote.
const MOST_NODES: usize = 4096;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Not met yet.
    Unseen,
    /// Never asked for, however it was tried.
    Unread,
    /// Another node, which asks in the very same way.
    Same(NodeId),
    Scalar(Ask),
    UnitStruct(&'static str),
    Newtype(&'static str),
    Option,
    /// Elements; runs of one type, since a sequence may be read into a tuple.
    Seq,
    Tuple(usize),
    TupleStruct(&'static str, usize),
    /// Key and value; or, when it is [known to have fields](Node::fields), those.
    Map,
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
    UnitVariant,
    NewtypeVariant,
    TupleVariant(usize),
    StructVariant(&'static [&'static str]),
    /// The content of an enum whose tag is the field before it: for each variant, what it holds.
    Contents,
    /// Whatever there is: what it takes is [told](Node::told), and its sequence and map are nodes.
    Any,
}

/// By what a type is known to have been met already: the visitor's type, and what it asked for.
pub(super) type Key = (TypeId, Kind);

/// The fields of a map whose keys are names of fields, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) names: Vec<&'static str>,
    /// Whether they are known by their numbers, too, and all of them.
    pub(super) is_numbered: bool,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) children: Vec<NodeId>,
    pub(super) parent: Option<(NodeId, usize)>,
    /// The type of the value, by whoever read it or, failing that, by itself.
    pub(super) type_name: Option<&'static str>,
    /// The seed that read it as a run of a sequence.
    pub(super) seed: Option<TypeId>,
    /// A value of it, for scalars and what takes anything.
    pub(super) accepted: Option<Sample>,
    /// The fields of a map whose keys are names of fields.
    pub(super) fields: Option<Fields>,
    /// What was found out without seeing it.
    pub(super) told: Vec<String>,
    /// What its visitor takes each name for, of fields or variants. Two that are alike are one with
    /// an alias.
    pub(super) labels: BTreeMap<usize, u64>,
    /// Whether it is buffered by who reads it, and looked at behind our back.
    pub(super) is_buffer: bool,
    /// The [attempt](super::survey::ATTEMPTS) with which its parts are reached.
    pub(super) attempt: usize,
    key: Option<Key>,
}

#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) nodes: Vec<Node>,
    pub(super) gaps: Vec<Gap>,
    /// Looked up in and never iterated: its order is another one in each process.
    known: HashMap<Key, NodeId>,
    /// How far each node is from a smallest value of it, as long as nothing is added.
    heights: Option<Vec<u32>>,
}

impl Shape {
    pub(super) fn add(&mut self, parent: Option<(NodeId, usize)>) -> NodeId {
        self.heights = None;
        self.nodes.push(Node {
            kind: Kind::Unseen,
            children: Vec::new(),
            parent,
            type_name: None,
            seed: None,
            accepted: None,
            fields: None,
            told: Vec::new(),
            labels: BTreeMap::new(),
            is_buffer: false,
            attempt: 0,
            key: None,
        });
        self.nodes.len() - 1
    }

    pub(super) fn add_child(&mut self, parent: NodeId) -> NodeId {
        let at = self.nodes[parent].children.len();
        let child = self.add(Some((parent, at)));
        self.nodes[parent].children.push(child);
        child
    }

    /// The node that stands for this one.
    pub(super) fn resolve(&self, id: NodeId) -> NodeId {
        match self.nodes[id].kind {
            Kind::Same(other) => other,
            _ => id,
        }
    }

    /// Notes what an unseen node asks for, and gives it the parts that it will have.
    pub(super) fn record(&mut self, id: NodeId, kind: Kind, visitor: TypeId) {
        self.heights = None;
        let key = (visitor, kind.clone());
        let is_shared = !matches!(kind, Kind::Scalar(_) | Kind::UnitStruct(_));
        if let Some(&other) = self.known.get(&key).filter(|_| is_shared) {
            self.nodes[id].kind = Kind::Same(other);
            return;
        }
        let parts = match &kind {
            Kind::Newtype(_) | Kind::NewtypeVariant | Kind::Option | Kind::Seq => 1,
            Kind::Map => 2,
            Kind::Tuple(len) | Kind::TupleStruct(_, len) | Kind::TupleVariant(len) => *len,
            Kind::Struct(_, names) | Kind::Enum(_, names) | Kind::StructVariant(names) => {
                names.len()
            }
            _ => 0,
        };
        // A visitor that takes anything may be one for many types: known when it has been looked
        // at. Variants are part of their enums.
        match kind {
            Kind::Any => self.nodes[id].key = Some(key),
            Kind::TupleVariant(_) | Kind::StructVariant(_) => {}
            _ if is_shared && visitor != TypeId::of::<()>() => {
                self.known.insert(key, id);
            }
            _ => {}
        }
        self.nodes[id].kind = kind;
        if self.nodes.len().saturating_add(parts) > MOST_NODES {
            return self.gap(id, Reason::TooLarge);
        }
        for _ in 0..parts {
            self.add_child(id);
        }
    }

    /// Lets the type of a node that takes anything be known again.
    pub(super) fn make_known(&mut self, id: NodeId) {
        if let Some(key) = self.nodes[id].key.take() {
            self.known.insert(key, id);
        }
    }

    /// Notes a value of a node.
    pub(super) fn accept(&mut self, id: NodeId, sample: Option<Sample>) {
        self.heights = None;
        self.nodes[id].accepted = sample;
    }

    /// Gives up a node that was never asked for.
    pub(super) fn give_up(&mut self, id: NodeId) {
        self.heights = None;
        self.nodes[id].kind = Kind::Unread;
    }

    /// Lets a map be one whose keys are names of fields, none of which is known yet.
    pub(super) fn has_fields(&mut self, id: NodeId, fields: Fields) {
        self.heights = None;
        self.nodes[id].fields = Some(fields);
        self.nodes[id].children.clear();
    }

    /// How deep a smallest value of a node is; `None` if none can be made of what is known.
    pub(super) fn height(&mut self, id: NodeId) -> Option<u32> {
        if self.heights.is_none() {
            self.heights = Some(self.measure());
        }
        let height = self.heights.as_ref().map(|heights| heights[id]);
        height.filter(|height| *height != u32::MAX)
    }

    fn measure(&self) -> Vec<u32> {
        let mut heights = vec![u32::MAX; self.nodes.len()];
        loop {
            let mut changed = false;
            // Parts come behind what they are parts of.
            for id in (0..self.nodes.len()).rev() {
                let height = self.height_by(id, &heights);
                changed |= height != heights[id];
                heights[id] = height;
            }
            if !changed {
                return heights;
            }
        }
    }

    fn height_by(&self, id: NodeId, heights: &[u32]) -> u32 {
        let node = &self.nodes[id];
        let parts = node.children.iter().map(|child| heights[*child]);
        match node.kind {
            Kind::Unseen => u32::MAX,
            Kind::Same(other) => heights[other],
            Kind::Scalar(Ask::Ignored | Ask::Identifier) => 1,
            Kind::Scalar(_) | Kind::Any if node.accepted.is_none() => u32::MAX,
            Kind::Map if node.fields.is_none() => 1,
            Kind::Scalar(_) | Kind::Any | Kind::Unread | Kind::Option | Kind::Seq => 1,
            Kind::UnitStruct(_) | Kind::UnitVariant => 1,
            Kind::Enum(..) | Kind::Contents => parts.min().unwrap_or(u32::MAX).saturating_add(1),
            _ => parts.max().unwrap_or(0).saturating_add(1),
        }
    }

    /// Gives the content of an adjacently tagged enum a place for each variant, if that is what a
    /// node is.
    pub(super) fn make_contents(&mut self, id: NodeId) -> bool {
        let Some((parent, 1)) = self.nodes[id].parent else {
            return false;
        };
        let siblings = &self.nodes[parent].children;
        let tag = self.resolve(siblings[0]);
        let variants = match &self.nodes[tag].kind {
            Kind::Enum(_, names) if siblings.len() == 2 => names.len(),
            _ => return false,
        };
        let is_tag = |part: &NodeId| self.nodes[*part].kind == Kind::UnitVariant;
        if !self.nodes[tag].children.iter().all(is_tag) {
            return false;
        }
        self.nodes[id].kind = Kind::Contents;
        for _ in 0..variants {
            self.add_child(id);
        }
        true
    }

    /// The tag of a content.
    pub(super) fn tag_of(&self, content: NodeId) -> Option<NodeId> {
        let (parent, _) = self.nodes[content].parent?;
        Some(self.resolve(self.nodes[parent].children[0]))
    }

    /// The variant of which the smallest value is made.
    pub(super) fn smallest_variant(&mut self, id: NodeId) -> Option<usize> {
        let variants = self.nodes[id].children.clone();
        let heights = variants.into_iter().enumerate();
        let heights = heights.filter_map(|(at, variant)| Some((self.height(variant)?, at)));
        heights.min().map(|(_, at)| at)
    }

    pub(super) fn gap(&mut self, id: NodeId, reason: Reason) {
        let type_name = self.type_name(id);
        let is_there = |gap: &Gap| gap.type_name == type_name && gap.reason == reason;
        if !self.gaps.iter().any(is_there) {
            let place = self.place(id);
            self.gaps.push(Gap {
                type_name,
                place,
                reason,
            });
        }
    }

    /// The type of a node or, if it has no name of its own, of what it is part of.
    fn type_name(&self, id: NodeId) -> String {
        let mut next = Some(id);
        while let Some(id) = next {
            let node = &self.nodes[id];
            if let Some(name) = node.type_name.filter(|name| !is_internal(name)) {
                return short(name);
            }
            next = node.parent.map(|(parent, _)| parent);
        }
        "?".to_owned()
    }

    fn place(&self, id: NodeId) -> String {
        let mut names = Vec::new();
        let mut next = self.nodes[id].parent;
        while let Some((id, at)) = next {
            let node = &self.nodes[id];
            let name = match &node.kind {
                Kind::Struct(_, names) | Kind::Enum(_, names) | Kind::StructVariant(names) => {
                    Some(names[at].to_owned())
                }
                Kind::Map => match &node.fields {
                    Some(fields) => fields.names.get(at).map(|name| (*name).to_owned()),
                    None => ["key", "value"].get(at).map(|name| (*name).to_owned()),
                },
                Kind::Tuple(_) | Kind::TupleStruct(..) | Kind::TupleVariant(_) => {
                    Some(at.to_string())
                }
                _ => None,
            };
            names.extend(name);
            next = node.parent;
        }
        names.reverse();
        names.join(".")
    }
}

/// Types that users have not written: serde's own, and those that its derive hides in functions.
fn is_internal(type_name: &str) -> bool {
    type_name.starts_with("serde") && !type_name.starts_with("serde_json")
        || type_name.starts_with('(')
        || type_name.contains("::__")
}
