//! The argument that a batch is made of, and the part of it that a body is run for.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::outcome::{Ordered, Unordered};

/// An argument that holds the elements of a batch.
#[diagnostic::on_unimplemented(
    message = "`batch` can't be made of `{Self}`",
    label = "holds no elements of which the body could be given a part",
    note = "take `&[K]`, `Vec<K>`, `HashSet<K>`, `BTreeSet<K>` or a reference to one of them"
)]
pub trait BatchArgument {
    /// One of what it holds.
    type Element: BatchElement;
    /// Whether a part of it has the order of the whole: [`Ordered`] or [`Unordered`].
    type Order;
    /// A part of it, from which the body's own argument is made.
    type Part;

    /// What it holds, in its order.
    fn elements(&self) -> Elements<Self::Element>;

    /// Those of its elements that are missing.
    fn part(&self, missing: &Missing) -> Self::Part;
}

/// What a batch is made of.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an element of a batch",
    label = "not `Clone + Eq + Hash`",
    note = "elements are told apart by `Eq` and `Hash`, and copied for the body and the answer: derive `Clone`, `PartialEq`, `Eq` and `Hash`"
)]
pub trait BatchElement: Clone + Eq + Hash {}

#[diagnostic::do_not_recommend]
impl<K: Clone + Eq + Hash> BatchElement for K {}

/// The elements of an argument.
#[derive(Debug)]
pub struct Elements<K> {
    /// Each once, in the order in which they come first.
    pub(super) distinct: Vec<K>,
    /// Where in the argument each of them stands first.
    pub(super) places: Vec<usize>,
    /// For each place of the argument, which of them stands there.
    pub(super) requested: Vec<usize>,
}

impl<K: BatchElement> Elements<K> {
    fn of<'a>(elements: impl ExactSizeIterator<Item = &'a K>) -> Self
    where
        K: 'a,
    {
        let count = elements.len();
        let mut indices = HashMap::with_capacity(count);
        let (mut distinct, mut places) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let requested = elements.enumerate().map(|(place, element)| {
            *indices.entry(element).or_insert_with(|| {
                distinct.push(element.clone());
                places.push(place);
                distinct.len() - 1
            })
        });
        let requested = requested.collect();
        Self {
            distinct,
            places,
            requested,
        }
    }
}

/// Which elements a body is run for. It has no lifetime of the argument's, for else the compiler could
/// not see that a future which runs bodies is `Send`.
#[derive(Debug)]
pub struct Missing(Places);

#[derive(Debug)]
enum Places {
    /// The argument as it was given.
    All,
    /// Places in the argument, ascending.
    Some(Vec<usize>),
}

impl Missing {
    pub(super) fn all() -> Self {
        Self(Places::All)
    }

    /// Those at these places, of the `count` elements that there are.
    pub(super) fn at(mut places: Vec<usize>, count: usize) -> Self {
        places.sort_unstable();
        if places.len() == count {
            return Self::all();
        }
        Self(Places::Some(places))
    }

    /// Whether they are all of them.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.0, Places::All)
    }

    /// The part of `argument` that they are.
    pub fn of<A: BatchArgument>(&self, argument: &A) -> A::Part {
        argument.part(self)
    }

    fn among<'a, K: Clone + 'a, C: FromIterator<K>>(
        &self,
        elements: impl Iterator<Item = &'a K>,
    ) -> C {
        let places = match &self.0 {
            Places::All => return elements.cloned().collect(),
            Places::Some(places) => places,
        };
        let mut wanted = places.iter().copied().peekable();
        let is_missing = |(place, _): &(usize, &K)| wanted.next_if_eq(place).is_some();
        let missing = elements.enumerate().filter(is_missing);
        missing.map(|(_, element)| element.clone()).collect()
    }

    fn lent<'a, T, K>(&self, whole: &'a T, elements: impl Iterator<Item = &'a K>) -> Lent<'a, T>
    where
        T: ToOwned<Owned: FromIterator<K>> + ?Sized,
        K: Clone + 'a,
    {
        Lent(match &self.0 {
            Places::All => Cow::Borrowed(whole),
            Places::Some(_) => Cow::Owned(self.among(elements)),
        })
    }
}

/// For a body that takes its argument by value.
#[derive(Debug)]
pub struct Given<C>(C);

impl<C> Given<C> {
    /// The body's argument.
    pub fn argument(self) -> C {
        self.0
    }
}

/// For a body that takes its argument by reference.
pub struct Lent<'a, T: ToOwned + ?Sized>(Cow<'a, T>);

impl<T: ToOwned + ?Sized> fmt::Debug for Lent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

impl<T: ToOwned + ?Sized> Lent<'_, T> {
    /// The body's argument.
    #[must_use]
    pub fn argument(&self) -> &T {
        &self.0
    }
}

/// By value and by reference.
macro_rules! collections {
    ($(<$($parameter:ident: $($bound:ident)+),+> $collection:ty, $order:ident;)*) => {$(
        impl<$($parameter: $($bound +)+),+> BatchArgument for $collection {
            type Element = K;
            type Order = $order;
            type Part = Given<Self>;

            fn elements(&self) -> Elements<K> {
                Elements::of(self.iter())
            }

            fn part(&self, missing: &Missing) -> Given<Self> {
                Given(missing.among(self.iter()))
            }
        }

        impl<'a, $($parameter: $($bound +)+),+> BatchArgument for &'a $collection {
            type Element = K;
            type Order = $order;
            type Part = Lent<'a, $collection>;

            fn elements(&self) -> Elements<K> {
                Elements::of(self.iter())
            }

            fn part(&self, missing: &Missing) -> Lent<'a, $collection> {
                missing.lent(*self, self.iter())
            }
        }
    )*};
}

collections! {
    <K: BatchElement> Vec<K>, Ordered;
    <K: BatchElement, S: BuildHasher Default Clone> HashSet<K, S>, Unordered;
    <K: BatchElement Ord> BTreeSet<K>, Ordered;
}

impl<'a, K: BatchElement> BatchArgument for &'a [K] {
    type Element = K;
    type Order = Ordered;
    type Part = Lent<'a, [K]>;

    fn elements(&self) -> Elements<K> {
        Elements::of(self.iter())
    }

    fn part(&self, missing: &Missing) -> Lent<'a, [K]> {
        missing.lent(*self, self.iter())
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_of_the_arguments_own_type_and_in_its_order() {
        let missing = || Missing::at(vec![3, 0], 4);
        let slice = &[7, 8, 7, 9][..];
        assert_eq!(missing().of(&slice).argument(), [7, 9]);
        let list = vec![7, 8, 7, 9];
        assert_eq!(missing().of(&list).argument(), [7, 9]);
        assert_eq!(missing().of(&&list).argument(), &[7, 9]);
        let sorted = BTreeSet::from([4, 3, 2, 1]);
        assert_eq!(missing().of(&sorted).argument(), BTreeSet::from([1, 4]));
        assert_eq!(missing().of(&&sorted).argument(), &BTreeSet::from([1, 4]));
        let set = HashSet::from([1, 2, 3, 4]);
        let mut places = set.elements().distinct;
        places.remove(2);
        places.remove(1);
        let expected: HashSet<_> = places.into_iter().collect();
        assert_eq!(missing().of(&set).argument(), expected);
        assert_eq!(missing().of(&&set).argument(), &expected);
    }

    #[test]
    fn what_is_missing_as_a_whole_is_lent_and_not_copied() {
        let slice = &["a", "b"][..];
        let part = Missing::at(vec![1, 0], 2).of(&slice);
        assert!(std::ptr::eq(part.argument(), slice));
        let repeated = &["a", "a"][..];
        assert_eq!(Missing::at(vec![0], 2).of(&repeated).argument(), ["a"]);
    }
}
