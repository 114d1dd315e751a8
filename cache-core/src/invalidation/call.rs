//! An entry that is named by a call of its function, which is checked by the compiler and not made.
//!
//! The writer knows the values, and what of them the key is made of stands in the function's
//! descriptor, where it is looked up when the writer runs.

use std::any::type_name;
use std::collections::BTreeSet;

use serde::Serialize;

use super::Invalidation;
use crate::error::LOG;
use crate::function::{Function, KeyParts};
use crate::key::KeyWriter;
use crate::registry;

/// What can be given to a cached function in a call that names its entry: every [`Serialize`] type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't name a cache entry",
    label = "not `Serialize`",
    note = "write `_` for an argument that the cached function leaves out of its key"
)]
pub trait EntryArgument {
    /// Appends `self` to `key`.
    fn write_to(&self, key: &mut KeyWriter);
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> EntryArgument for T {
    fn write_to(&self, key: &mut KeyWriter) {
        key.argument(self);
    }
}

/// The arguments of such a call, by reference.
pub trait Arguments {
    /// What the called function takes.
    type Values;

    /// Appends one of them to `key`.
    fn write(&self, argument: usize, key: &mut KeyWriter);
}

macro_rules! arguments {
    ($($argument:ident: $position:tt),*) => {
        impl<$($argument: EntryArgument),*> Arguments for ($(&$argument,)*) {
            type Values = ($($argument,)*);

            #[allow(unused_variables, reason = "there may be none")]
            fn write(&self, argument: usize, key: &mut KeyWriter) {
                match argument {
                    $($position => self.$position.write_to(key),)*
                    _ => unreachable!("an argument that was not given"),
                }
            }
        }
    };
}

arguments!();
arguments!(A: 0);
arguments!(A: 0, B: 1);
arguments!(A: 0, B: 1, C: 2);
arguments!(A: 0, B: 1, C: 2, D: 3);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6, H: 7);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6, H: 7, I: 8);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6, H: 7, I: 8, J: 9);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6, H: 7, I: 8, J: 9, K: 10);
arguments!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6, H: 7, I: 8, J: 9, K: 10, L: 11);

/// Stands for an argument that was skipped with `_`, in a call that is never made.
#[must_use]
pub fn skipped<T>() -> T {
    unreachable!("a call that names an entry is not made")
}

/// Which of a call's arguments were given: `Some` counts those before it that were, too.
#[derive(Clone, Copy)]
pub(crate) struct Given {
    /// `false` for `_`.
    written: &'static [bool],
    /// How many of them are the receiver: a path such as `Users::get` takes it like the others.
    receivers: usize,
}

impl Given {
    /// Those of a call of `function`, by its path or as a method.
    pub(crate) fn to(function: &Function, by_path: bool, written: &'static [bool]) -> Self {
        let receivers = usize::from(by_path && function.has_receiver());
        Self { written, receivers }
    }

    /// The position among the given ones of the function's argument `position`.
    fn find(self, position: usize) -> Option<usize> {
        let place = position + self.receivers;
        let before = self.written.get(..place)?.iter();
        let is_given = *self.written.get(place)?;
        is_given.then(|| before.filter(|given| **given).count())
    }

    /// The given ones of which the function's key is made. `Err` if one is missing, or if the key is
    /// made of something else.
    pub(crate) fn in_key_of(self, function: &Function) -> Result<Vec<usize>, ()> {
        let positions = |count: usize| (0..count).map(|position| self.find(position));
        let found: Option<Vec<usize>> = match function.key_parts() {
            KeyParts::All(count) => positions(count.into()).collect(),
            KeyParts::Some(_, chosen) => {
                let chosen = chosen.iter().map(|position| usize::from(*position));
                chosen.map(|position| self.find(position)).collect()
            }
            KeyParts::Chosen(_) => None,
            KeyParts::Unknown => Some(self.all()),
        };
        found.ok_or(())
    }

    fn all(self) -> Vec<usize> {
        (0..self.written.iter().filter(|given| **given).count()).collect()
    }

    pub(crate) fn is_a_call_of(self, function: &Function) -> bool {
        let count = match function.key_parts() {
            KeyParts::Unknown => return true,
            KeyParts::All(count) | KeyParts::Some(count, _) | KeyParts::Chosen(count) => count,
        };
        usize::from(count) + self.receivers == self.written.len()
    }
}

impl Invalidation {
    /// Adds the entry that a call of the method `name` would be answered from: `_call` is checked by
    /// the compiler and never made. `given` has `false` for each argument that is skipped.
    ///
    /// See [`entry`](Self::entry) for what it takes along. If the key of a function that it may be
    /// can't be told from the arguments, everything below its key prefix is invalidated.
    pub fn call<A: Arguments, R>(
        self,
        name: &'static str,
        given: &'static [bool],
        _call: impl FnOnce(A::Values) -> R,
        arguments: A,
    ) -> Self {
        self.named(name, false, given, &arguments)
    }

    /// Like [`call`](Self::call), of a function by its path: known by what it is and not by the name
    /// that it was imported under.
    pub fn call_of<F, A: Arguments, R>(
        self,
        _function: F,
        given: &'static [bool],
        _call: impl FnOnce(F, A::Values) -> R,
        arguments: A,
    ) -> Self {
        self.named(bare_name(type_name::<F>()), true, given, &arguments)
    }

    fn named(
        mut self,
        name: &'static str,
        by_path: bool,
        written: &'static [bool],
        arguments: &impl Arguments,
    ) -> Self {
        let mut keys = BTreeSet::new();
        for function in registry::named(name) {
            let given = Given::to(function, by_path, written);
            if !given.is_a_call_of(function) {
                continue;
            }
            match given.in_key_of(function) {
                Ok(key) => drop(keys.insert(key)),
                Err(()) => self = self.all_entries_of(function),
            }
        }
        if keys.is_empty() {
            // Other programs may have one.
            let given = Given {
                written,
                receivers: 0,
            };
            keys.insert(given.all());
        }
        for key in keys {
            self = self.entry(name, |writer| {
                key.iter()
                    .for_each(|argument| arguments.write(*argument, writer));
            });
        }
        self
    }

    /// Everything below the part of a key prefix that is the same for all entries.
    fn all_entries_of(mut self, function: &'static Function) -> Self {
        tracing::warn!(
            target: LOG,
            function = self.function,
            entry = function.name(),
            "invalidating more than asked for: the key of this entry can't be told from its arguments"
        );
        match fixed_prefix(function.key_prefix()) {
            "" => {
                self.target.everything = true;
                self
            }
            prefix => self.pattern(prefix, |_| {}),
        }
    }
}

/// The segments of a template in front of the first with a placeholder.
pub(crate) fn fixed_prefix(template: &'static str) -> &'static str {
    let Some(placeholder) = template.find('{') else {
        return template;
    };
    let end = template[..placeholder].rfind(':');
    &template[..end.unwrap_or(0)]
}

/// The last segment of a function's path: `get` of `app::users::get<u8>`.
fn bare_name(path: &'static str) -> &'static str {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut end = path.len();
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'<' => {
                if depth == 0 {
                    end = at;
                }
                depth += 1;
            }
            b'>' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => (start, end) = (at + 1, path.len()),
            _ => {}
        }
    }
    &path[start..end.max(start)]
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::{bare_name, fixed_prefix};

    #[test]
    fn the_last_segment_of_a_path_is_found() {
        assert_eq!(bare_name("app::users::get"), "get");
        assert_eq!(bare_name("app::users::get<alloc::vec::Vec<u8>>"), "get");
        assert_eq!(bare_name("app::Users<app::Db>::get"), "get");
        assert_eq!(bare_name("<app::Users as app::Repo<u8>>::get<u8>"), "get");
        assert_eq!(bare_name("get"), "get");
    }

    #[test]
    fn a_prefix_is_fixed_up_to_its_first_placeholder() {
        assert_eq!(fixed_prefix("booking:stats"), "booking:stats");
        assert_eq!(fixed_prefix("user:{id}:profile"), "user");
        assert_eq!(fixed_prefix("user:x{id}"), "user");
        assert_eq!(fixed_prefix("{id}:profile"), "");
        assert_eq!(fixed_prefix(""), "");
    }
}
