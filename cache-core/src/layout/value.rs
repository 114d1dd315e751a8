//! What the name of a value tells of it.

use std::fmt;

use super::{Key, Layout, Region, check_rendered};
use crate::entry::Echo;
use crate::pattern::{is_args_hash, nodes, without_version};

/// The name of what may be a value, as a scan has met it.
#[derive(Clone, Copy)]
pub(crate) struct ValueName<'a> {
    layout: &'a Layout,
    key: &'a Key,
    /// Behind the namespace.
    path: &'a str,
}

impl<'a> ValueName<'a> {
    /// `None` for what can't be a value's: generations, counters, leases, canaries, and what is not
    /// of the namespace.
    pub(crate) fn read(layout: &'a Layout, key: &'a Key) -> Option<Self> {
        let name = std::str::from_utf8(key.as_bytes()).ok()?;
        let path = name
            .strip_prefix(layout.namespace())
            .and_then(|rest| rest.strip_prefix(':'))?;
        check_rendered(path).ok()?;
        Some(Self { layout, key, path })
    }

    pub(crate) fn key(&self) -> &'a Key {
        self.key
    }

    /// At most so many generations, those of tags apart, has the fence of a value of this name: one
    /// for each segment, for the leaf stands in the place of the hash; and no more than the leaf,
    /// eight nodes and the function.
    pub(crate) fn most_generations(&self) -> usize {
        self.path.split(':').count().min(10)
    }

    /// The nodes of the value, whichever of the two kinds it is: one of them at least is named by
    /// every invalidation of a node that covers it.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &'a str> {
        let function = self.function();
        nodes(self.path).chain([self.path]).chain(function)
    }

    /// The function with its prefix, if the name is of the form that functions' values have.
    fn function(&self) -> Option<&'a str> {
        let (function, _) = self
            .path
            .rsplit_once(':')
            .filter(|(_, last)| is_args_hash(last))?;
        Some(without_version(function))
    }

    /// The keys of the generations that the value's fence shows in a row, and the place of the first.
    /// `None` if the echo is that of another value.
    ///
    /// A function's leaf, at the place before its nodes, does not follow from the name; neither do
    /// tags, behind them.
    pub(crate) fn generations(&self, echo: Echo) -> Option<(usize, Vec<Key>)> {
        let name = self.key.as_bytes();
        let keys = |nodes: &mut dyn Iterator<Item = &str>| {
            let keys = nodes.flat_map(|node| self.layout.copies(Region::Node(node)));
            keys.collect()
        };
        if echo == Echo::of_function(name) {
            let function = self.function()?;
            let prefix = function.rsplit_once(':').map_or("", |(prefix, _)| prefix);
            return Some((1, keys(&mut nodes(prefix).chain([function]))));
        }
        let path = self.path;
        let above = nodes(path).filter(|node| node.len() < path.len());
        (echo == Echo::of_plain(name)).then(|| (0, keys(&mut std::iter::once(path).chain(above))))
    }
}

// A name carries rendered arguments, which belong in no log.
impl fmt::Debug for ValueName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueName({} bytes)", self.path.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FunctionEntry, Leaf};
    use super::*;

    fn layout() -> Layout {
        Layout::new("app").unwrap()
    }

    fn function<'a>(prefix: &'a str, version: Option<u32>) -> FunctionEntry<'a> {
        FunctionEntry {
            prefix,
            function: "f",
            version,
            args_hash: [0xab; 16],
            leaf: Leaf::of_call("f", b"1"),
            tags: &["team:7"],
        }
    }

    #[test]
    fn the_generations_of_a_functions_nodes_follow_from_its_name_and_echo() {
        let layout = layout();
        for prefix in [
            "",
            "user",
            "user:42:profile",
            "a:b:c:d:e:f:g:h",
            "a:b:c:d:e:f:g:h:i",
        ] {
            for version in [None, Some(2)] {
                let keys = layout.function_entry(&function(prefix, version)).unwrap();
                let name = ValueName::read(&layout, keys.value()).unwrap();
                let (first, derived) = name.generations(keys.echo()).unwrap();
                let fence = keys.generations();
                assert_eq!(derived, fence[first..fence.len() - 1], "{prefix}");
                assert!(name.most_generations() >= first + derived.len());
            }
        }
    }

    #[test]
    fn the_generations_of_a_plain_key_follow_from_it() {
        let layout = layout();
        let like_a_function = format!("user:f:{}", "ab".repeat(16));
        for path in [
            "key",
            "user:42:name",
            "a:b:c:d:e:f:g:h:i:j",
            &like_a_function,
        ] {
            let keys = layout.plain_entry(path).unwrap();
            let name = ValueName::read(&layout, keys.value()).unwrap();
            let (first, derived) = name.generations(keys.echo()).unwrap();
            assert_eq!((first, &derived[..]), (0, keys.generations()), "{path}");
            assert!(name.most_generations() >= derived.len());
        }
    }

    #[test]
    fn the_echo_of_another_value_gives_none() {
        let layout = layout();
        let (one, other) = (layout.plain_entry("a"), layout.plain_entry("b"));
        let (one, other) = (one.unwrap(), other.unwrap());
        let name = ValueName::read(&layout, one.value()).unwrap();
        assert_eq!(name.generations(other.echo()), None);
        // Nor does a function's echo under a name that no function's value has.
        let echo = Echo::of_function(one.value().as_bytes());
        assert_eq!(name.generations(echo), None);
    }

    #[test]
    fn every_node_that_covers_a_value_is_among_its_nodes() {
        let layout = layout();
        let keys = layout.function_entry(&function("user:42", Some(3)));
        let keys = keys.unwrap();
        let name = ValueName::read(&layout, keys.value()).unwrap();
        for node in ["user", "user:42", "user:42:f"] {
            assert!(name.nodes().any(|own| own == node), "{node}");
        }
        let deep = layout.plain_entry("a:b:c:d:e:f:g:h:i:j").unwrap();
        let name = ValueName::read(&layout, deep.value()).unwrap();
        assert!(name.nodes().any(|own| own == "a:b:c:d:e:f:g:h:i:j"));
    }

    #[test]
    fn what_is_no_values_name_is_not_read_as_one() {
        for name in [
            "app:~n:user",
            "app:~l:00ff",
            "app:!c:user",
            "app:!s",
            "other:user",
            "app",
            "app:",
            "app:user:",
            "app:user:!x",
            "app2:user",
        ] {
            let key = Key::from(name.to_owned());
            assert!(ValueName::read(&layout(), &key).is_none(), "{name}");
        }
        assert!(ValueName::read(&layout(), &Key::from_bytes(*b"app:\xff")).is_none());
    }
}
