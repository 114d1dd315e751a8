//! Invalidations that the store has not acknowledged.
//!
//! While one is pending, this process treats everything that it covers as invalid: whoever reads
//! after the invalidation returned looks here *before* it asks the store. (Looking afterwards would
//! not do: the reply may be from before the acknowledgement that has just removed the entry here.)
//! It is tried again until the store acknowledges it, and never forgotten. What is too much to
//! remember is widened: many users become all users, and at worst everything, as many tags do, which
//! have nothing above them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;

use crate::layout::Leaf;
use crate::mutants::{Mutant, active};
use crate::pattern::nodes;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, lock};
use crate::tag::Tags;

/// More nodes than this are widened, and so are more tags: about a megabyte of each. Of leaves there
/// are only 65,536.
pub(crate) const MOST: usize = 10_000;

/// What an invalidation covers in a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regions<'a> {
    pub(crate) nodes: &'a [Box<str>],
    pub(crate) leaves: &'a [Leaf],
    pub(crate) tags: &'a [Box<str>],
    pub(crate) everything: bool,
}

impl<'a> Regions<'a> {
    const NOTHING: Self = Self {
        nodes: &[],
        leaves: &[],
        tags: &[],
        everything: false,
    };

    pub(crate) const EVERYTHING: Self = Self {
        everything: true,
        ..Self::NOTHING
    };

    pub(crate) fn of_nodes(nodes: &'a [Box<str>]) -> Self {
        Self {
            nodes,
            ..Self::NOTHING
        }
    }

    pub(crate) fn of_tags(tags: &'a [Box<str>]) -> Self {
        Self {
            tags,
            ..Self::NOTHING
        }
    }

    /// Whether there is no generation to delete but perhaps all of them.
    pub(crate) fn names_nothing(self) -> bool {
        self.nodes.is_empty() && self.leaves.is_empty() && self.tags.is_empty()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// How many there are, for readers, which nearly always find none.
    len: AtomicUsize,
    entered: Mutex<Entered>,
}

/// What is pending, each with the number of its latest entry.
#[derive(Debug, Default)]
struct Entered {
    nodes: BTreeMap<Box<str>, u64>,
    leaves: BTreeMap<Leaf, u64>,
    tags: BTreeMap<Box<str>, u64>,
    everything: Option<u64>,
    number: u64,
}

/// What an attempt tries to have acknowledged.
#[derive(Debug)]
pub(crate) struct Attempt {
    nodes: Vec<Box<str>>,
    leaves: Vec<Leaf>,
    tags: Vec<Box<str>>,
    pub(crate) everything: bool,
    /// What is entered after this was not part of the attempt, be it for the same node.
    until: u64,
}

impl Attempt {
    pub(crate) fn regions(&self) -> Regions<'_> {
        Regions {
            nodes: &self.nodes,
            leaves: &self.leaves,
            tags: &self.tags,
            everything: self.everything,
        }
    }
}

impl Pending {
    /// Enters what an invalidation covers.
    pub(crate) fn add(&self, regions: Regions<'_>) {
        if active(Mutant::PendingDropped) {
            return;
        }
        let mut entered = self.lock();
        entered.number += 1;
        let number = entered.number;
        let nodes = regions.nodes.iter().cloned();
        entered.nodes.extend(nodes.map(|node| (node, number)));
        let leaves = regions.leaves.iter().copied();
        entered.leaves.extend(leaves.map(|leaf| (leaf, number)));
        let tags = regions.tags.iter().cloned();
        entered.tags.extend(tags.map(|tag| (tag, number)));
        let mut everything = regions.everything;
        if entered.nodes.len() > MOST {
            everything |= widen(&mut entered.nodes);
        }
        if entered.tags.len() > MOST {
            entered.tags.clear();
            everything = true;
        }
        entered.everything = everything.then_some(number).or(entered.everything);
        self.len.store(entered.len(), SeqCst);
    }

    /// Whether the entry with these tags under this rendered prefix, function and leaf (or under a
    /// whole plain key, no function, no leaf and without tags) is covered.
    pub(crate) fn covers(
        &self,
        path: &str,
        function: &str,
        leaf: Option<Leaf>,
        tags: &Tags,
    ) -> bool {
        if self.len() == 0 {
            return false;
        }
        let entered = self.lock();
        let named = match (path, function) {
            (path, "") => path.to_owned(),
            ("", function) => function.to_owned(),
            (path, function) => format!("{path}:{function}"),
        };
        entered.everything.is_some()
            || leaf.is_some_and(|leaf| entered.leaves.contains_key(&leaf))
            || entered.nodes.contains_key(named.as_str())
            || nodes(path).any(|node| entered.nodes.contains_key(node))
            || (tags.iter().any(|tag| entered.tags.contains_key(tag))
                && !active(Mutant::PendingTagIgnored))
    }

    /// What to try next: at most `limit` nodes, leaves and tags.
    pub(crate) fn attempt(&self, limit: usize) -> Option<Attempt> {
        let entered = self.lock();
        let nodes: Vec<_> = entered.nodes.keys().take(limit).cloned().collect();
        let leaves = entered.leaves.keys().take(limit - nodes.len());
        let leaves: Vec<_> = leaves.copied().collect();
        let tags = entered.tags.keys().take(limit - nodes.len() - leaves.len());
        let attempt = Attempt {
            tags: tags.cloned().collect(),
            leaves,
            nodes,
            everything: entered.everything.is_some(),
            until: entered.number,
        };
        (entered.len() > 0).then_some(attempt)
    }

    /// Removes what an attempt has had acknowledged.
    pub(crate) fn acknowledged(&self, attempt: &Attempt) {
        let mut entered = self.lock();
        let done = |number: u64| number <= attempt.until || active(Mutant::AttemptSettlesLaterOnes);
        if attempt.everything {
            entered.nodes.retain(|_, number| !done(*number));
            entered.leaves.retain(|_, number| !done(*number));
            entered.tags.retain(|_, number| !done(*number));
            entered.everything = entered.everything.filter(|number| !done(*number));
        }
        for node in &attempt.nodes {
            if entered.nodes.get(node).copied().is_some_and(done) {
                entered.nodes.remove(node);
            }
        }
        for leaf in &attempt.leaves {
            if entered.leaves.get(leaf).copied().is_some_and(done) {
                entered.leaves.remove(leaf);
            }
        }
        for tag in &attempt.tags {
            if entered.tags.get(tag).copied().is_some_and(done) {
                entered.tags.remove(tag);
            }
        }
        self.len.store(entered.len(), SeqCst);
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Entered> {
        lock(&self.entered)
    }
}

impl Entered {
    fn len(&self) -> usize {
        let everything = usize::from(self.everything.is_some());
        self.nodes.len() + self.leaves.len() + self.tags.len() + everything
    }
}

/// Cuts nodes down to ever fewer segments until half of the room is free again. True if even the
/// first segments are too many: then none are left, and it is everything that they mean.
pub(crate) fn widen<N: Copy + Ord + Default>(all: &mut BTreeMap<Box<str>, N>) -> bool {
    for depth in (1..8).rev() {
        let mut wider = BTreeMap::new();
        for (node, number) in std::mem::take(all) {
            let cut = nodes(&node).nth(depth - 1).unwrap_or(&node);
            let latest: &mut N = wider.entry(cut.into()).or_default();
            *latest = number.max(*latest);
        }
        *all = wider;
        if all.len() <= MOST / 2 {
            return false;
        }
    }
    all.clear();
    true
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests;
