//! Invalidations that the store has not acknowledged.
//!
//! While one is pending, this process treats everything that it covers as invalid: whoever reads
//! after the invalidation returned looks here *before* it asks the store. (Looking afterwards would
//! not do: the reply may be from before the acknowledgement that has just removed the entry here.)
//! It is tried again until the store acknowledges it, and never forgotten. What is too much to
//! remember is widened: many users become all users, and at worst everything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pattern::nodes;

/// More nodes than this are widened: about a megabyte of them.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// How many there are, for readers, which nearly always find none.
    len: AtomicUsize,
    regions: Mutex<Regions>,
}

/// What is pending, each with the number of its latest entry.
#[derive(Debug, Default)]
struct Regions {
    nodes: BTreeMap<Box<str>, u64>,
    everything: Option<u64>,
    entered: u64,
}

/// What an attempt tries to have acknowledged.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) nodes: Vec<Box<str>>,
    pub(crate) everything: bool,
    /// What is entered after this was not part of the attempt, be it for the same node.
    until: u64,
}

impl Pending {
    /// Enters nodes, or everything.
    pub(crate) fn add<'a>(&self, nodes: impl IntoIterator<Item = &'a str>, everything: bool) {
        let mut regions = self.lock();
        regions.entered += 1;
        let number = regions.entered;
        for node in nodes {
            regions.nodes.insert(node.into(), number);
        }
        if everything {
            regions.everything = Some(number);
        }
        if regions.nodes.len() > MOST {
            regions.widen();
        }
        self.len.store(regions.len(), SeqCst);
    }

    /// Whether the entry under this rendered prefix and function (or under a whole plain key and
    /// no function) is covered.
    pub(crate) fn covers(&self, path: &str, function: &str) -> bool {
        if self.len() == 0 {
            return false;
        }
        let regions = self.lock();
        let named = match (path, function) {
            (path, "") => path.to_owned(),
            ("", function) => function.to_owned(),
            (path, function) => format!("{path}:{function}"),
        };
        regions.everything.is_some()
            || regions.nodes.contains_key(named.as_str())
            || nodes(path).any(|node| regions.nodes.contains_key(node))
    }

    /// What to try next: at most `limit` nodes.
    pub(crate) fn attempt(&self, limit: usize) -> Option<Attempt> {
        let regions = self.lock();
        let attempt = Attempt {
            nodes: regions.nodes.keys().take(limit).cloned().collect(),
            everything: regions.everything.is_some(),
            until: regions.entered,
        };
        (regions.len() > 0).then_some(attempt)
    }

    /// Removes what an attempt has had acknowledged.
    pub(crate) fn acknowledged(&self, attempt: &Attempt) {
        let mut regions = self.lock();
        let done = |number: u64| number <= attempt.until;
        if attempt.everything {
            regions.nodes.retain(|_, number| !done(*number));
            regions.everything = regions.everything.filter(|number| !done(*number));
        }
        for node in &attempt.nodes {
            if regions.nodes.get(node).copied().is_some_and(done) {
                regions.nodes.remove(node);
            }
        }
        self.len.store(regions.len(), SeqCst);
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Regions> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Regions {
    fn len(&self) -> usize {
        self.nodes.len() + usize::from(self.everything.is_some())
    }

    /// Cuts nodes down to ever fewer segments until half of the room is free again; to nothing, if
    /// even the first segments are too many.
    fn widen(&mut self) {
        for depth in (1..8).rev() {
            let mut wider = BTreeMap::new();
            for (node, number) in std::mem::take(&mut self.nodes) {
                let cut = nodes(&node).nth(depth - 1).unwrap_or(&node);
                let latest: &mut u64 = wider.entry(cut.into()).or_default();
                *latest = number.max(*latest);
            }
            self.nodes = wider;
            if self.nodes.len() <= MOST / 2 {
                return;
            }
        }
        self.nodes.clear();
        self.everything = Some(self.entered);
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

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
            pending.add(["user:1", "user:2", "booking"], false);
        }
        assert_eq!(pending.len(), 3);
        assert_eq!(drain(&pending, 2), ["booking", "user:1", "user:2"]);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn what_is_entered_during_an_attempt_outlives_its_acknowledgement() {
        let pending = Pending::default();
        pending.add(["user:1", "user:2"], true);
        let attempt = pending.attempt(10).unwrap();
        pending.add(["user:1"], false);
        pending.acknowledged(&attempt);
        assert_eq!(drain(&pending, 10), ["user:1"]);
        pending.add([], true);
        let attempt = pending.attempt(10).unwrap();
        pending.add([], true);
        pending.acknowledged(&attempt);
        assert!(pending.attempt(10).unwrap().everything);
    }

    #[test]
    fn entries_at_and_below_a_node_are_covered() {
        let pending = Pending::default();
        assert!(!pending.covers("user:42", "get"));
        pending.add(["user:42", "rate:get", "top"], false);
        for (path, function) in [
            ("user:42", "get"),
            ("user:42:profile", "get"),
            ("user:42:profile", ""),
            ("rate", "get"),
            ("", "top"),
        ] {
            assert!(pending.covers(path, function), "{path} {function}");
        }
        for (path, function) in [
            ("user", "get"),
            ("user:4", ""),
            ("rate", "set"),
            ("", "get"),
        ] {
            assert!(!pending.covers(path, function), "{path} {function}");
        }
        let deep = "a:b:c:d:e:f:g:h:i:j";
        pending.add([deep], false);
        assert!(pending.covers(deep, ""));
        pending.add([], true);
        assert!(pending.covers("user", "get"));
    }

    #[test]
    fn many_are_widened_and_nothing_is_lost() {
        let pending = Pending::default();
        for user in 0..100_000 {
            pending.add([format!("user:{user}:orders:open").as_str()], false);
        }
        assert!(pending.len() <= MOST, "{}", pending.len());
        for user in [0, 1, 50_000, 99_999] {
            assert!(pending.covers(&format!("user:{user}:orders:open"), "list"));
        }
        assert!(!pending.covers("booking:stats", "get"));
        for first in 0..2 * MOST {
            pending.add([format!("first{first}").as_str()], false);
        }
        assert!(pending.len() <= MOST + 1, "{}", pending.len());
        assert!(pending.covers("first0", "list") && pending.covers("user:1:orders:open", "list"));
    }
}
