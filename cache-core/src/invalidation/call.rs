//! An entry that is named by a call of its function, which is checked by the compiler and not made.
//!
//! The writer knows the values, and what of them the key is made of stands in the function's
//! descriptor, where it is looked up when the writer runs. A value is written as the type of the
//! parameter that it is given for, because what a coercion makes of it may be written otherwise: as
//! a `&[u8]`, `Bytes` is a sequence.

mod path;

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::Invalidation;
use crate::error::{Error, LOG};
use crate::function::{Function, KeyParts};
use crate::key::{KeyWriter, elements};
use crate::registry;
pub(crate) use path::fixed_path;
use path::function_name;

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

/// A type and itself: what is given for a parameter without being moved is not coerced to it.
#[diagnostic::on_unimplemented(
    message = "the argument that names the entry is `{Self}`, and the cached function takes `{P}`",
    label = "not `{P}`",
    note = "write what the call would be given: for example `&name` for `&str`, `&*name` if `name` is a reference itself, `id.into()` for another type"
)]
pub trait Exactly<P> {}

impl<T> Exactly<T> for T {}

/// A call that names an entry, with the values that it was given so far; those for `P` are to come.
///
/// `P` is a list of types: `(i64, (&str, ()))`.
#[must_use = "a call names an entry when it is complete"]
pub struct EntryCall<P> {
    invalidation: Invalidation,
    /// What the called function may be named; none if that can't be told.
    names: Option<BTreeSet<&'static str>>,
    by_path: bool,
    given: Vec<Given>,
    parameters: PhantomData<fn(P)>,
}

/// What was given for a parameter.
enum Given {
    /// `_`.
    Nothing,
    /// Its canonical bytes.
    Value(Box<[u8]>),
    Unwritable(Error),
}

impl Given {
    fn is_given(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "_",
            Self::Value(_) => "…",
            Self::Unwritable(_) => "!",
        })
    }
}

impl<P> fmt::Debug for EntryCall<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryCall")
            .field("names", &self.names)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

impl Invalidation {
    /// Begins a call of the method `name`: `_call` is checked by the compiler and never made.
    ///
    /// See [`entry`](Self::entry) for what the entry takes along. If the key of a function that it
    /// may be can't be told from the values, everything below its key prefix is invalidated.
    pub fn call<P>(self, name: &'static str, _call: impl FnOnce(P)) -> EntryCall<P> {
        self.begin(Some(BTreeSet::from([name])), false)
    }

    /// Like [`call`](Self::call), of a function by its path: known by what it is, beside the `name`
    /// that it was imported under.
    pub fn call_of<F, P>(
        self,
        name: &'static str,
        _function: F,
        _call: impl FnOnce(F, P),
    ) -> EntryCall<P> {
        // Neither a closure nor a pointer to a function tells which function it is.
        let own = function_name(type_name::<F>());
        let names = own.map(|own| match registry::named(own) {
            [] => BTreeSet::from([own, name]),
            _ => BTreeSet::from([own]),
        });
        self.begin(names, true)
    }

    fn begin<P>(self, names: Option<BTreeSet<&'static str>>, by_path: bool) -> EntryCall<P> {
        EntryCall {
            invalidation: self,
            names,
            by_path,
            given: Vec::new(),
            parameters: PhantomData,
        }
    }
}

impl<P, Rest> EntryCall<(P, Rest)> {
    /// Gives a value that is made for it, coerced as in the call.
    pub fn value(self, value: P) -> EntryCall<Rest>
    where
        P: EntryArgument,
    {
        self.given(&value)
    }

    /// Gives what stays where it is, for the body.
    pub fn place<A: EntryArgument + Exactly<P>>(self, value: &A) -> EntryCall<Rest> {
        self.given(value)
    }

    /// Gives nothing: `_`, for what is no part of the key.
    pub fn skipped(self) -> EntryCall<Rest> {
        self.next(Given::Nothing)
    }

    fn given(self, value: &impl EntryArgument) -> EntryCall<Rest> {
        let mut key = KeyWriter::new();
        value.write_to(&mut key);
        let bytes = Box::from(key.argument_bytes());
        self.next(match key.into_error() {
            Some(error) => Given::Unwritable(error),
            None => Given::Value(bytes),
        })
    }

    fn next(self, next: Given) -> EntryCall<Rest> {
        let Self {
            invalidation,
            names,
            by_path,
            mut given,
            ..
        } = self;
        given.push(next);
        EntryCall {
            invalidation,
            names,
            by_path,
            given,
            parameters: PhantomData,
        }
    }
}

impl EntryCall<()> {
    /// Adds the entry to what is invalidated.
    pub fn named(self) -> Invalidation {
        let Self {
            mut invalidation,
            names,
            by_path,
            given,
            ..
        } = self;
        match names {
            Some(names) => names
                .into_iter()
                .for_each(|name| invalidation.add_entry_of(name, by_path, &given)),
            None => invalidation.widen_to_everything("what is called is no function with a name"),
        }
        if registry::is_partial() {
            let reason = "the program is linked in parts, and not all of its functions are known";
            invalidation.widen_to_everything(reason);
        }
        invalidation
    }
}

impl Invalidation {
    fn add_entry_of(&mut self, name: &'static str, by_path: bool, given: &[Given]) {
        self.entries.push(name);
        let functions = registry::named(name);
        let mut calls = functions.iter().filter_map(|function| {
            let arguments = arguments_of(function, by_path, given)?;
            Some((*function, arguments))
        });
        let Some(first) = calls.next() else {
            // Other programs may have one of this name, whose key is taken to be all that is given.
            let all = 0..given.len();
            let all = all.filter(|argument| given[*argument].is_given());
            self.add_key(name, &all.collect::<Vec<_>>(), None, given);
            // Those of this program take something else than what the compiler saw. Better too much.
            functions
                .iter()
                .for_each(|function| self.widen_to_all_of(function));
            return;
        };
        let calls: Vec<_> = std::iter::once(first).chain(calls).collect();
        let mut keys = BTreeSet::new();
        for (function, arguments) in calls {
            match key_of(function, arguments, Given::is_given) {
                Some(positions) => {
                    let offset = given.len() - arguments.len();
                    let positions = positions.into_iter().map(|position| position + offset);
                    let batch = function.batch_position();
                    let batch = batch.map(|position| usize::from(position) + offset);
                    keys.insert((positions.collect::<Vec<_>>(), batch));
                }
                None => self.widen_to_all_of(function),
            }
        }
        for (key, batch) in keys {
            self.add_key(name, &key, batch, given);
        }
    }

    /// Adds the entries whose keys are made of what was given at these positions. That of a batch is
    /// its elements, of which each is the key of an entry.
    fn add_key(
        &mut self,
        name: &'static str,
        positions: &[usize],
        batch: Option<usize>,
        given: &[Given],
    ) {
        let mut keys = vec![Vec::new()];
        for position in positions {
            let bytes = match &given[*position] {
                Given::Value(bytes) => bytes,
                Given::Unwritable(error) => return self.widen_to_everything(error),
                Given::Nothing => unreachable!("a key is made of what was given"),
            };
            if batch != Some(*position) {
                keys.iter_mut().for_each(|key| key.extend_from_slice(bytes));
                continue;
            }
            let Some(elements) = elements(bytes) else {
                return self.widen_to_everything("a batch is no sequence of elements");
            };
            let before = keys.swap_remove(0);
            let of_element = |element| [before.as_slice(), element].concat();
            keys = elements.into_iter().map(of_element).collect();
        }
        keys.iter().for_each(|key| self.add_leaf(name, key));
    }

    /// Everything below the part of its keys that is the same for all entries.
    fn widen_to_all_of(&mut self, function: &Function) {
        tracing::warn!(
            target: LOG,
            function = self.function,
            entry = function.name(),
            "invalidating more than asked for: the key of this entry can't be told from its arguments"
        );
        self.add_path(&fixed_path(function.key_prefix(), function.name()), false);
    }
}

/// What was given for the arguments of `function`, without its receiver, which a path such as
/// `Users::get` is given like the others. None if it is not this function that is called.
pub(crate) fn arguments_of<'a, G>(
    function: &Function,
    by_path: bool,
    given: &'a [G],
) -> Option<&'a [G]> {
    let arguments = match (by_path, function.has_receiver()) {
        (true, true) => given.get(1..)?,
        // A function in a field is called by `(self.get)(id)`.
        (false, false) if function.key_parts() != KeyParts::Unknown => return None,
        _ => given,
    };
    let fits = match function.key_parts() {
        KeyParts::Unknown | KeyParts::Conditional => true,
        KeyParts::All(count) | KeyParts::Some(count, _) | KeyParts::Chosen(count) => {
            usize::from(count) == arguments.len()
        }
    };
    fits.then_some(arguments)
}

/// The arguments that a function's key is made of, in its order. None if one of them was not given,
/// or if the key is made of something else.
pub(crate) fn key_of<G>(
    function: &Function,
    arguments: &[G],
    is_given: impl Fn(&G) -> bool,
) -> Option<Vec<usize>> {
    let is_given = |position: &usize| arguments.get(*position).is_some_and(&is_given);
    let key: Vec<usize> = match function.key_parts() {
        KeyParts::All(count) => (0..usize::from(count)).collect(),
        KeyParts::Some(_, positions) => positions.iter().copied().map(usize::from).collect(),
        KeyParts::Chosen(_) | KeyParts::Conditional => return None,
        KeyParts::Unknown => (0..arguments.len()).filter(is_given).collect(),
    };
    key.iter().all(is_given).then_some(key)
}
