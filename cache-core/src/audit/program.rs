//! What is looked at: the annotated functions of a program, in a stable order.

use super::place::Place;
use super::template::Reach;
use crate::function::Function;
use crate::invalidation::call::{arguments_of, key_of};
use crate::invalidator::{CalledEntry, Invalidator};
use crate::registry;

/// A cached function.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) place: Place,
    pub(super) function: &'static Function,
    /// Of its visible keys, the last being its name.
    pub(super) segments: Vec<&'static str>,
}

impl Reader {
    /// The segments of its key prefix.
    pub(super) fn prefix(&self) -> &[&'static str] {
        self.segments.split_last().map_or(&[], |(_, prefix)| prefix)
    }

    /// As in `user:{id}:get_profile`.
    pub(super) fn visible(&self) -> String {
        self.segments.join(":")
    }
}

/// A function that invalidates.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pub(super) place: Place,
    pub(super) invalidator: &'static Invalidator,
    /// What its patterns cover: read once, since every function is compared with them.
    reaches: Vec<(&'static str, Reach<'static>)>,
}

impl Writer {
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&'static str, Reach<'static>)> {
        self.reaches.iter().copied()
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = Called> {
        self.invalidator
            .called()
            .iter()
            .map(|called| Called(*called))
    }
}

/// A call that names entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called(CalledEntry);

impl Called {
    pub(super) fn name(self) -> &'static str {
        self.0.0
    }

    /// Which of the function's arguments are given; none if it is a call of something else.
    fn given(self, function: &Function) -> Option<&'static [bool]> {
        let Self((_, by_path, written)) = self;
        arguments_of(function, by_path, written)
    }

    /// Whether it may be a call of `reader`.
    pub(super) fn is_of(self, reader: &Reader) -> bool {
        let function = reader.function;
        function.name() == self.name() && self.given(function).is_some()
    }

    /// Whether it tells the key of `reader`.
    pub(super) fn tells_key_of(self, reader: &Reader) -> bool {
        let given = self.given(reader.function);
        given.is_some_and(|given| key_of(reader.function, given, |given| *given).is_some())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) readers: Vec<Reader>,
    pub(super) writers: Vec<Writer>,
    /// Whether there are functions that are not seen.
    pub(super) is_partial: bool,
}

impl Program {
    /// All that is linked into this one.
    pub(super) fn linked() -> Self {
        Self {
            is_partial: registry::is_partial(),
            ..Self::of(registry::functions(), registry::invalidators())
        }
    }

    pub(super) fn of(
        functions: impl IntoIterator<Item = &'static Function>,
        invalidators: impl IntoIterator<Item = &'static Invalidator>,
    ) -> Self {
        let functions = functions
            .into_iter()
            .filter(|function| !function.is_plain());
        let mut readers: Vec<_> = functions
            .map(|function| Reader {
                place: function.into(),
                function,
                segments: function.segments().collect(),
            })
            .collect();
        let mut writers: Vec<_> = invalidators
            .into_iter()
            .map(|invalidator| {
                let patterns = invalidator.written_patterns().iter();
                Writer {
                    place: invalidator.into(),
                    invalidator,
                    reaches: patterns
                        .map(|pattern| (*pattern, Reach::of(pattern)))
                        .collect(),
                }
            })
            .collect();
        // The linker's order is no order, and a package that a program has twice, as its own tests
        // may, is there twice.
        readers.sort_by(|a, b| (&a.place, &a.segments).cmp(&(&b.place, &b.segments)));
        readers.dedup_by(|a, b| (&a.place, &a.segments) == (&b.place, &b.segments));
        let key = |writer: &Writer| {
            let invalidator = writer.invalidator;
            let place = writer.place.clone();
            let (patterns, tags) = (invalidator.written_patterns(), invalidator.written_tags());
            (place, patterns, invalidator.called(), tags)
        };
        writers.sort_by_cached_key(key);
        writers.dedup_by_key(|writer| key(writer));
        Self {
            readers,
            writers,
            is_partial: false,
        }
    }

    /// What of it is in one of these modules; everything if there are none.
    pub(super) fn within(&self, modules: &[&str]) -> Self {
        let is_within = |place: &Place| {
            modules.is_empty() || modules.iter().any(|module| place.is_within(module))
        };
        let mut part = self.clone();
        part.readers.retain(|reader| is_within(&reader.place));
        part.writers.retain(|writer| is_within(&writer.place));
        part
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readers.is_empty() && self.writers.is_empty()
    }
}
