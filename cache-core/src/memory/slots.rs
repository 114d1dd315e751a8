//! Which slots an entry has, and which an invalidation raises: the two must meet.
//!
//! | | nodes of its path | function | leaf | tags |
//! | --- | --- | --- | --- | --- |
//! | the entry of a call | `user`, `user:42` | `user:42:get_profile` | name and arguments | `team:7`, `catalog` |
//! | the entry of a plain key | `user`, `user:42`, `user:42:name` | | the key | |
//! | the pattern `user:42:x` | `user:42:x` | `user:42:x` | | |
//! | the tag `team:7` | | | | `team:7` |
//!
//! A pattern can't know whether its last segment is one of a key prefix or the name of a function,
//! so it raises both slots. A visible key in full is a pattern, too: with an argument hash at its
//! end it raises the slot of its function. A tag is one name: nothing is above or below it.

use super::entry::Slots;
use super::invalidations::{Covered, Invalidations, Slot};
use crate::pattern::{functions_at, nodes};
use crate::tag::Tags;

impl Invalidations {
    /// The slot of one call's arguments, or of a plain key under an empty name.
    pub(crate) fn leaf(&self, function: &str, arguments: &[u8]) -> Slot {
        self.slot(Covered::Leaf(function, arguments))
    }

    /// The slot of a rendered tag.
    pub(crate) fn tag(&self, tag: &str) -> Slot {
        self.slot(Covered::Tag(tag))
    }

    pub(crate) fn slots_of_call(
        &self,
        prefix: &str,
        function: &str,
        leaf: Slot,
        tags: &Tags,
    ) -> Slots {
        let mut slots = self.slots_of_plain_key(prefix, leaf);
        slots.push(self.slot(Covered::Function(prefix, function)));
        slots.extend(tags.iter().map(|tag| self.tag(tag)));
        slots
    }

    pub(crate) fn slots_of_plain_key(&self, path: &str, leaf: Slot) -> Slots {
        let mut slots: Slots = nodes(path)
            .map(|node| self.slot(Covered::Node(node)))
            .collect();
        slots.push(leaf);
        slots
    }

    pub(crate) fn slots_of_pattern(&self, node: &str) -> Slots {
        let functions = functions_at(node).map(|path| {
            let (prefix, name) = path.rsplit_once(':').unwrap_or(("", path));
            Covered::Function(prefix, name)
        });
        std::iter::once(Covered::Node(node))
            .chain(functions)
            .map(|covered| self.slot(covered))
            .collect()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn covers(pattern: &str, slots: &Slots, invalidations: &Invalidations) -> bool {
        let raised = invalidations.slots_of_pattern(pattern);
        raised.iter().any(|slot| slots.contains(slot))
    }

    #[test]
    fn a_pattern_meets_the_entries_whose_visible_key_it_begins() {
        let invalidations = Invalidations::new();
        let leaf = invalidations.leaf("get_profile", b"42");
        let entry = invalidations.slots_of_call("user:42", "get_profile", leaf, &Tags::NONE);
        let hash = "0123456789abcdef0123456789abcdef";
        for pattern in [
            "user",
            "user:42",
            "user:42:get_profile",
            "user:42:get_profile.v3",
            &format!("user:42:get_profile:{hash}"),
            &format!("user:42:get_profile.v3:{hash}"),
        ] {
            assert!(covers(pattern, &entry, &invalidations), "{pattern}");
        }
        for pattern in [
            "42",
            "user:4",
            "user:42:get",
            "get_profile",
            "user:get_profile",
        ] {
            assert!(!covers(pattern, &entry, &invalidations), "{pattern}");
        }
    }

    #[test]
    fn a_tag_meets_the_entries_that_carry_it_and_nothing_by_its_name() {
        let invalidations = Invalidations::new();
        let leaf = invalidations.leaf("get", b"42");
        let tags = Tags::of(["team:7", "catalog"]);
        let entry = invalidations.slots_of_call("user:42", "get", leaf, &tags);
        for tag in ["team:7", "catalog"] {
            assert!(entry.contains(&invalidations.tag(tag)), "{tag}");
            assert!(!covers(tag, &entry, &invalidations), "{tag}");
        }
        for tag in ["team", "team:7:x", "user:42", "user:42:get"] {
            assert!(!entry.contains(&invalidations.tag(tag)), "{tag}");
        }
    }

    #[test]
    fn a_function_without_a_prefix_is_met_by_its_name() {
        let invalidations = Invalidations::new();
        let leaf = invalidations.leaf("get", b"");
        let entry = invalidations.slots_of_call("", "get", leaf, &Tags::NONE);
        assert!(covers("get", &entry, &invalidations));
        assert!(!covers("user", &entry, &invalidations));
    }
}
