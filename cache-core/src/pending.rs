//! Invalidations that the store has not acknowledged.
//!
//! While one is pending, this process treats everything that it covers as invalid: whoever reads
//! after the invalidation returned looks here *before* it asks the store. (Looking afterwards would
//! not do: the reply may be from before the acknowledgement that has just removed the entry here.)
//! It is tried again until the store acknowledges it, and never forgotten. What is too much to
//! remember is widened: many users become all users, and at worst everything.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;

use crate::layout::Leaf;
use crate::mutants::{Mutant, active};
use crate::pattern::nodes;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, lock};

/// More nodes than this are widened: about a megabyte of them. Of leaves there are only 65,536.
pub(crate) const MOST: usize = 10_000;

/// What an invalidation covers in a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regions<'a> {
    pub(crate) nodes: &'a [Box<str>],
    pub(crate) leaves: &'a [Leaf],
    pub(crate) everything: bool,
}

impl<'a> Regions<'a> {
    pub(crate) const EVERYTHING: Self = Self {
        nodes: &[],
        leaves: &[],
        everything: true,
    };

    pub(crate) fn of_nodes(nodes: &'a [Box<str>]) -> Self {
        Self {
            nodes,
            leaves: &[],
            everything: false,
        }
    }

    /// Whether there is no generation to delete but perhaps all of them.
    pub(crate) fn names_nothing(self) -> bool {
        self.nodes.is_empty() && self.leaves.is_empty()
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
    everything: Option<u64>,
    number: u64,
}

/// What an attempt tries to have acknowledged.
#[derive(Debug)]
pub(crate) struct Attempt {
    nodes: Vec<Box<str>>,
    leaves: Vec<Leaf>,
    pub(crate) everything: bool,
    /// What is entered after this was not part of the attempt, be it for the same node.
    until: u64,
}

impl Attempt {
    pub(crate) fn regions(&self) -> Regions<'_> {
        Regions {
            nodes: &self.nodes,
            leaves: &self.leaves,
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
        if regions.everything {
            entered.everything = Some(number);
        }
        if entered.nodes.len() > MOST {
            let everything = widen(&mut entered.nodes);
            entered.everything = everything.then_some(number).or(entered.everything);
        }
        self.len.store(entered.len(), SeqCst);
    }

    /// Whether the entry under this rendered prefix, function and leaf (or under a whole plain key,
    /// no function and no leaf) is covered.
    pub(crate) fn covers(&self, path: &str, function: &str, leaf: Option<Leaf>) -> bool {
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
    }

    /// What to try next: at most `limit` nodes and leaves.
    pub(crate) fn attempt(&self, limit: usize) -> Option<Attempt> {
        let entered = self.lock();
        let nodes: Vec<_> = entered.nodes.keys().take(limit).cloned().collect();
        let leaves = entered.leaves.keys().take(limit - nodes.len());
        let attempt = Attempt {
            leaves: leaves.copied().collect(),
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
        self.nodes.len() + self.leaves.len() + usize::from(self.everything.is_some())
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
mod tests {
    use super::*;

    fn add<const N: usize>(pending: &Pending, nodes: [&str; N], everything: bool) {
        let nodes = nodes.map(Box::from);
        pending.add(Regions {
            everything,
            ..Regions::of_nodes(&nodes)
        });
    }

    fn add_leaf(pending: &Pending, leaf: Leaf) {
        pending.add(Regions {
            leaves: &[leaf],
            ..Regions::of_nodes(&[])
        });
    }

    fn leaf(number: u32) -> Leaf {
        Leaf::of_call("get", &number.to_le_bytes())
    }

    fn drain(pending: &Pending, limit: usize) -> Vec<String> {
        let mut tried = Vec::new();
        while let Some(attempt) = pending.attempt(limit) {
            tried.extend(attempt.nodes.iter().map(ToString::to_string));
            pending.acknowledged(&attempt);
        }
        tried
    }

    #[test]
    fn equal_ones_are_merged_and_each_is_tried() {
        let pending = Pending::default();
        for _ in 0..100 {
            add(&pending, ["user:1", "user:2", "booking"], false);
        }
        assert_eq!(pending.len(), 3);
        assert_eq!(drain(&pending, 2), ["booking", "user:1", "user:2"]);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn what_is_entered_during_an_attempt_outlives_its_acknowledgement() {
        let pending = Pending::default();
        add(&pending, ["user:1", "user:2"], true);
        let attempt = pending.attempt(10).unwrap();
        add(&pending, ["user:1"], false);
        pending.acknowledged(&attempt);
        assert_eq!(drain(&pending, 10), ["user:1"]);
        add(&pending, [], true);
        let attempt = pending.attempt(10).unwrap();
        add(&pending, [], true);
        pending.acknowledged(&attempt);
        assert!(pending.attempt(10).unwrap().everything);
    }

    #[test]
    fn entries_at_and_below_a_node_are_covered() {
        let pending = Pending::default();
        assert!(!pending.covers("user:42", "get", None));
        add(&pending, ["user:42", "rate:get", "top"], false);
        for (path, function) in [
            ("user:42", "get"),
            ("user:42:profile", "get"),
            ("user:42:profile", ""),
            ("rate", "get"),
            ("", "top"),
        ] {
            assert!(pending.covers(path, function, None), "{path} {function}");
        }
        for (path, function) in [
            ("user", "get"),
            ("user:4", ""),
            ("rate", "set"),
            ("", "get"),
        ] {
            assert!(!pending.covers(path, function, None), "{path} {function}");
        }
        let deep = "a:b:c:d:e:f:g:h:i:j";
        add(&pending, [deep], false);
        assert!(pending.covers(deep, "", None));
        add(&pending, [], true);
        assert!(pending.covers("user", "get", None));
    }

    #[test]
    fn many_are_widened_and_nothing_is_lost() {
        let pending = Pending::default();
        for user in 0..100_000 {
            add(
                &pending,
                [format!("user:{user}:orders:open").as_str()],
                false,
            );
        }
        assert!(pending.len() <= MOST, "{}", pending.len());
        for user in [0, 1, 50_000, 99_999] {
            assert!(pending.covers(&format!("user:{user}:orders:open"), "list", None));
        }
        assert!(!pending.covers("booking:stats", "get", None));
        for first in 0..2 * MOST {
            add(&pending, [format!("first{first}").as_str()], false);
        }
        assert!(pending.len() <= MOST + 1, "{}", pending.len());
        assert!(
            pending.covers("first0", "list", None)
                && pending.covers("user:1:orders:open", "list", None)
        );
    }

    #[test]
    fn leaves_are_covered_and_tried_by_themselves() {
        let pending = Pending::default();
        add_leaf(&pending, leaf(1));
        assert!(pending.covers("user:1", "get", Some(leaf(1))));
        assert!(!pending.covers("user:1", "get", Some(leaf(2))));
        assert!(!pending.covers("user:1", "", None));
        add(&pending, ["user:2", "user:3"], false);
        let first = pending.attempt(2).unwrap();
        assert!(first.leaves.is_empty());
        pending.acknowledged(&first);
        let second = pending.attempt(2).unwrap();
        assert_eq!((second.nodes.len(), second.leaves.len()), (0, 1));
        // Entered again meanwhile, it outlives the acknowledgement.
        add_leaf(&pending, leaf(1));
        pending.acknowledged(&second);
        assert!(pending.covers("", "get", Some(leaf(1))));
        add(&pending, [], true);
        let everything = pending.attempt(1).unwrap();
        pending.acknowledged(&everything);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn leaves_are_bounded_by_themselves_and_widen_no_node() {
        let pending = Pending::default();
        add(&pending, ["user:1"], false);
        for number in 0..200_000 {
            add_leaf(&pending, leaf(number));
        }
        assert!(pending.len() <= 65_536 + 1, "{}", pending.len());
        assert!(!pending.covers("user:2", "", None) && pending.covers("user:1", "", None));
        for node in 0..2 * MOST {
            add(&pending, [format!("first{node}").as_str()], false);
        }
        assert!(pending.covers("", "get", Some(leaf(199_999))));
    }
}
