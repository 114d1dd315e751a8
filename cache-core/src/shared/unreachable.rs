//! Where values may be that an invalidation has left unreachable.

use std::collections::BTreeSet;

use crate::layout::ValueName;

/// More nodes than this are widened: about half a megabyte of them.
const MOST: usize = 10_000;

/// The nodes that were invalidated, or everything.
#[derive(Debug, Default)]
pub(super) struct Unreachable {
    nodes: BTreeSet<Box<str>>,
    everything: bool,
}

impl Unreachable {
    pub(super) fn everything() -> Self {
        Self {
            nodes: BTreeSet::new(),
            everything: true,
        }
    }

    pub(super) fn add<'a>(&mut self, nodes: impl IntoIterator<Item = &'a str>) {
        if self.everything {
            return;
        }
        self.nodes.extend(nodes.into_iter().map(Box::from));
        if self.nodes.len() > MOST {
            self.widen();
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.nodes.iter().map(AsRef::as_ref));
        if other.everything {
            *self = Self::everything();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.nodes.is_empty()
    }

    /// Whether a value of this name may have become unreachable.
    pub(super) fn covers(&self, name: &ValueName<'_>) -> bool {
        self.everything || name.nodes().any(|node| self.nodes.contains(node))
    }

    /// What the paths of all these values begin with.
    pub(super) fn beginning(&self) -> &str {
        // Sorted: what the first and the last have in common, all have.
        let (Some(first), Some(last)) = (self.nodes.first(), self.nodes.last()) else {
            return "";
        };
        let pairs = first.char_indices().zip(last.chars());
        let differs = { pairs }.find(|((_, a), b)| a != b);
        let end = differs.map_or(first.len().min(last.len()), |((at, _), _)| at);
        &first[..end]
    }

    /// Looks at more values than needed, with fewer nodes to remember.
    fn widen(&mut self) {
        let first = |node: &str| node.split(':').next().unwrap_or_default().into();
        self.nodes = self.nodes.iter().map(|node| first(node)).collect();
        if self.nodes.len() > MOST / 2 {
            *self = Self::everything();
        }
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;
    use crate::layout::{Key, Layout};

    fn of(nodes: &[&str]) -> Unreachable {
        let mut unreachable = Unreachable::default();
        unreachable.add(nodes.iter().copied());
        unreachable
    }

    fn covers(unreachable: &Unreachable, path: &str) -> bool {
        let layout = Layout::new("app").unwrap();
        let key = Key::from(format!("app:{path}"));
        unreachable.covers(&ValueName::read(&layout, &key).unwrap())
    }

    #[test]
    fn what_is_at_and_below_a_node_is_covered() {
        let unreachable = of(&["user:42", "booking:get"]);
        for path in ["user:42", "user:42:name"] {
            assert!(covers(&unreachable, path), "{path}");
        }
        let versioned = format!("booking:get.v2:{}", "0".repeat(32));
        assert!(covers(&unreachable, &versioned));
        for path in ["user", "user:421", "user:4", "booking"] {
            assert!(!covers(&unreachable, path), "{path}");
        }
    }

    #[test]
    fn a_scan_begins_with_what_all_nodes_have_in_common() {
        for (nodes, beginning) in [
            (&["user:42"][..], "user:42"),
            (&["user:41", "user:429", "user:42"], "user:4"),
            (&["user", "user:42"], "user"),
            (&["user", "booking"], ""),
            (&["é", "è"], ""),
            (&[], ""),
        ] {
            assert_eq!(of(nodes).beginning(), beginning);
        }
        assert_eq!(Unreachable::everything().beginning(), "");
    }

    #[test]
    fn many_are_widened_and_none_is_forgotten() {
        let mut unreachable = of(&[]);
        for user in 0..100_000 {
            unreachable.add([format!("user:{user}").as_str()]);
        }
        assert!(unreachable.nodes.len() <= MOST);
        assert!(covers(&unreachable, "user:1") && covers(&unreachable, "user:99999:name"));
        assert!(!covers(&unreachable, "booking"));
        for first in 0..2 * MOST {
            unreachable.add([format!("first{first}").as_str()]);
        }
        assert!(covers(&unreachable, "booking"));
    }

    #[test]
    fn merging_keeps_both() {
        let mut both = of(&["a"]);
        both.merge(&of(&["b"]));
        assert!(covers(&both, "a") && covers(&both, "b") && !covers(&both, "c"));
        both.merge(&Unreachable::everything());
        both.merge(&of(&["b"]));
        assert!(covers(&both, "c") && !both.is_empty());
    }
}
