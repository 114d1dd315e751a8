//! How what a batch function returns splits into what is kept for each element.
//!
//! Such a function returns a map or a list, plain or in a `Result`. Each of them is a type of its own,
//! so a trait tells them apart, under whatever alias.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ops::Deref;

use super::{Compared, OptionOf};

/// What a batch function may return.
pub trait Batched {
    /// The value of one element.
    type Value;
}

/// What a batch function may return whose elements are `K`, in an argument that is [`Ordered`] or
/// [`Unordered`].
#[diagnostic::on_unimplemented(
    message = "a function with `batch` whose elements are `{K}` can't return `{Self}`",
    label = "has no place for the answer to each element",
    note = "return `HashMap<{K}, V>`, `BTreeMap<{K}, V>`, `Vec<({K}, V)>` or, with the answer to each element in its place, `Vec<Option<V>>`; or one of these in a `Result`",
    note = "the elements of a `HashSet` have no place, so there can be no `Vec<Option<V>>` for them; a `BTreeMap` needs an `Ord`"
)]
pub trait BatchOf<K, O = Ordered>: Batched + Sized {
    /// Takes apart what a body returned that was asked for these elements.
    fn take(self, asked: &[&K]) -> Taken<Self::Value, Self>;

    /// Puts together what a call is answered with.
    fn restore(answers: Answers<K, Self::Value>) -> Self;
}

/// The start of a chain that finds the shape of the answer to one element, as
/// [`Returns`](super::Returns) does that of a call. It fits everything: what is no batch is told where
/// the elements are looked up.
#[derive(Debug, Clone, Copy)]
pub struct BatchReturns<R>(PhantomData<fn() -> R>);

/// Tried when the value of an element has no `==`.
#[derive(Debug, Clone, Copy)]
pub struct OrBatch<R>(PhantomData<fn() -> R>);

impl<R> BatchReturns<R> {
    /// A probe for `R`.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only expansions make one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Batched<Value: PartialEq>> BatchReturns<R> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> Compared<OptionOf> {
        Compared(OptionOf)
    }
}

impl<R> OrBatch<R> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> OptionOf {
        OptionOf
    }
}

impl<R> Deref for BatchReturns<R> {
    type Target = OrBatch<R>;

    fn deref(&self) -> &OrBatch<R> {
        &OrBatch(PhantomData)
    }
}

/// An argument whose parts have the order of the whole.
#[derive(Debug)]
pub enum Ordered {}

/// An argument whose parts may have another order than the whole.
#[derive(Debug)]
pub enum Unordered {}

/// What a body returned.
#[derive(Debug)]
pub enum Taken<V, R> {
    /// The answer to each element in its place, and how many there were beside.
    Values(Vec<Option<V>>, usize),
    /// An error.
    Failure(R),
    /// An answer of which nobody knows to which element its parts belong.
    Misfit(R),
}

impl<V, R> Taken<V, R> {
    fn map<S>(self, outer: impl FnOnce(R) -> S) -> Taken<V, S> {
        match self {
            Self::Values(values, beside) => Taken::Values(values, beside),
            Self::Failure(returned) => Taken::Failure(outer(returned)),
            Self::Misfit(returned) => Taken::Misfit(outer(returned)),
        }
    }
}

/// What is known of the elements of a call.
#[derive(Debug)]
pub struct Answers<K, V> {
    /// Each once, in the order in which they were first asked for, with its value.
    pub(crate) elements: Vec<(K, Option<V>)>,
    /// For each element that was asked for, which of them it is.
    pub(crate) requested: Vec<usize>,
}

impl<K, V> Answers<K, V> {
    fn present(self) -> impl Iterator<Item = (K, V)> {
        let elements = self.elements.into_iter();
        elements.filter_map(|(element, value)| Some((element, value?)))
    }
}

impl<K, V, S> Batched for HashMap<K, V, S> {
    type Value = V;
}

impl<K, V> Batched for BTreeMap<K, V> {
    type Value = V;
}

impl<K, V> Batched for Vec<(K, V)> {
    type Value = V;
}

impl<V> Batched for Vec<Option<V>> {
    type Value = V;
}

#[diagnostic::do_not_recommend]
impl<C: Batched, E> Batched for Result<C, E> {
    type Value = C::Value;
}

impl<K: Eq + Hash, V, S: BuildHasher + Default, O> BatchOf<K, O> for HashMap<K, V, S> {
    fn take(mut self, asked: &[&K]) -> Taken<V, Self> {
        let values = asked.iter().map(|element| self.remove(*element)).collect();
        Taken::Values(values, self.len())
    }

    fn restore(answers: Answers<K, V>) -> Self {
        answers.present().collect()
    }
}

impl<K: Ord, V, O> BatchOf<K, O> for BTreeMap<K, V> {
    fn take(mut self, asked: &[&K]) -> Taken<V, Self> {
        let values = asked.iter().map(|element| self.remove(*element)).collect();
        Taken::Values(values, self.len())
    }

    fn restore(answers: Answers<K, V>) -> Self {
        answers.present().collect()
    }
}

impl<K: Eq + Hash, V, O> BatchOf<K, O> for Vec<(K, V)> {
    fn take(self, asked: &[&K]) -> Taken<V, Self> {
        let returned = self.len();
        let mut found = HashMap::with_capacity(returned);
        for (element, value) in self {
            // Of an element that is answered twice the first answer counts, as in a search.
            found.entry(element).or_insert(value);
        }
        let repeated = returned - found.len();
        match BatchOf::<K, O>::take(found, asked) {
            Taken::Values(values, beside) => Taken::Values(values, beside + repeated),
            Taken::Failure(_) | Taken::Misfit(_) => unreachable!("a map fits"),
        }
    }

    fn restore(answers: Answers<K, V>) -> Self {
        answers.present().collect()
    }
}

impl<K, V: Clone> BatchOf<K> for Vec<Option<V>> {
    fn take(self, asked: &[&K]) -> Taken<V, Self> {
        if self.len() == asked.len() {
            Taken::Values(self, 0)
        } else {
            Taken::Misfit(self)
        }
    }

    fn restore(answers: Answers<K, V>) -> Self {
        let Answers {
            elements,
            requested,
        } = answers;
        let mut values: Self = elements.into_iter().map(|(_, value)| value).collect();
        if requested.len() == values.len() {
            return values;
        }
        let mut left = vec![0_usize; values.len()];
        requested.iter().for_each(|place| left[*place] += 1);
        let value = |place: usize| {
            left[place] -= 1;
            match left[place] {
                0 => values[place].take(),
                _ => values[place].clone(),
            }
        };
        requested.into_iter().map(value).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<K, O, C: BatchOf<K, O>, E> BatchOf<K, O> for Result<C, E> {
    fn take(self, asked: &[&K]) -> Taken<C::Value, Self> {
        match self {
            Ok(returned) => returned.take(asked).map(Ok),
            Err(_) => Taken::Failure(self),
        }
    }

    fn restore(answers: Answers<K, C::Value>) -> Self {
        Ok(C::restore(answers))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    type Aliased<T> = Result<T, String>;

    fn answers() -> Answers<u8, char> {
        Answers {
            elements: vec![(3, Some('c')), (1, None), (2, Some('b'))],
            requested: vec![0, 1, 0, 2],
        }
    }

    fn taken<R: BatchOf<u8, Value = char>>(returned: R) -> (Vec<Option<char>>, usize) {
        match returned.take(&[&3, &1, &2]) {
            Taken::Values(values, beside) => (values, beside),
            _ => panic!("it fits"),
        }
    }

    #[test]
    fn every_form_gives_each_element_its_answer() {
        let expected = vec![Some('c'), None, Some('b')];
        let pairs = [(2, 'b'), (9, 'z'), (3, 'c')];
        let of = |beside| (expected.clone(), beside);
        assert_eq!(taken(HashMap::from(pairs)), of(1));
        assert_eq!(taken(BTreeMap::from(pairs)), of(1));
        assert_eq!(taken(pairs.to_vec()), of(1));
        assert_eq!(taken(Aliased::Ok(pairs.to_vec())), of(1));
        assert_eq!(taken(vec![(3, 'c'), (2, 'b'), (3, 'x')]), of(1));
        assert_eq!(taken(expected.clone()), of(0));
    }

    fn restored<R: BatchOf<u8, Value = char>>() -> R {
        R::restore(answers())
    }

    #[test]
    fn every_form_is_put_together_as_it_was_asked_for() {
        let pairs = [(3, 'c'), (2, 'b')];
        assert_eq!(restored::<HashMap<_, _>>(), HashMap::from(pairs));
        assert_eq!(restored::<BTreeMap<_, _>>(), BTreeMap::from(pairs));
        assert_eq!(restored::<Vec<(u8, char)>>(), pairs);
        let all = vec![Some('c'), None, Some('c'), Some('b')];
        assert_eq!(restored::<Vec<Option<char>>>(), all);
        assert_eq!(restored::<Aliased<Vec<Option<char>>>>(), Ok(all));
    }

    #[test]
    fn errors_and_answers_without_a_place_are_given_back() {
        type Listed = Aliased<Vec<Option<u8>>>;
        fn take(returned: Listed) -> Taken<u8, Listed> {
            BatchOf::<u8>::take(returned, &[&1])
        }
        let failed = take(Err("no".to_owned()));
        assert!(matches!(failed, Taken::Failure(Err(_))));
        assert!(matches!(take(Ok(vec![])), Taken::Misfit(Ok(_))));
    }
}
