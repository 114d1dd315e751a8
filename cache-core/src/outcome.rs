//! How a return type splits into what is kept and what is not.
//!
//! An annotated function may return `T`, `Option<T>`, `Result<T, E>` or `Result<Option<T>, E>`,
//! under whatever alias. What is kept is the `T`, and, if the policy says so, the absence of one;
//! an `Err` never is. Which of the four it is, the *type* decides: [`Returns`] is a chain of types
//! that dereference into one another, each with an inherent method `outcome` for one shape, most
//! particular first, and the compiler takes the first that fits. Each shape is tried for a `T` that
//! has an `==`, and then for any. (Looking at tokens would take `anyhow::Result<T>` for a plain
//! value; a trait implemented for all four would overlap.)

mod batch;
mod returns;

pub use batch::{Answers, BatchOf, BatchReturns, Batched, OrBatch, Ordered, Taken, Unordered};
pub use returns::{
    OrComparedOption, OrComparedResult, OrComparedValue, OrFuture, OrFutureInOption,
    OrFutureInResult, OrOption, OrResult, OrResultOption, OrValue, Returns,
};

/// What a body returned, seen by the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<T> {
    /// A value to keep.
    Value(T),
    /// `None`: kept only where the policy gives absences a time to live.
    Absent,
    /// An error: never kept.
    Failure,
}

/// Whether two values are equal.
pub type Equality<V> = fn(&V, &V) -> bool;

/// The shape of a return type `R`.
pub trait Shape<R>: Copy {
    /// What is kept of it.
    type Value;

    /// Whether it has a place for a kept absence.
    const HAS_ABSENCE: bool;

    /// How two values are compared, if it is known that they can be.
    const EQUAL: Option<Equality<Self::Value>> = None;

    /// Splits what a body returned.
    fn outcome(self, returned: &R) -> Outcome<&Self::Value>;

    /// Takes apart what a body returned: `Ok` has what is to be kept, of which `None` is an
    /// absence, and [`restore`](Self::restore) puts it together again.
    ///
    /// It exists because a future that waits for a store after its body must not hold an `R`,
    /// whose error need not be `Send`.
    ///
    /// # Errors
    ///
    /// Gives a failure back as it is.
    fn take(self, returned: R) -> Result<Option<Self::Value>, R>;

    /// Makes the answer of a hit. `None` is a kept absence; a shape that has no place for it
    /// ([`HAS_ABSENCE`](Self::HAS_ABSENCE)) gives `None`, and the hit counts as a miss.
    fn restore(self, kept: Option<Self::Value>) -> Option<R>;
}

/// A shape that has a place for an absence.
#[diagnostic::on_unimplemented(
    message = "`none_ttl` says how long a `None` is kept, but this function never returns one",
    label = "there is no `None` to keep",
    note = "leave `none_ttl` out; `ttl` says how long values are kept, and an `Err` never is"
)]
pub trait HasAbsence {}

impl HasAbsence for OptionOf {}
impl HasAbsence for ResultOptionOf {}

#[diagnostic::do_not_recommend]
impl<S: HasAbsence> HasAbsence for Compared<S> {}

/// A shape that fits what a function returns.
#[diagnostic::on_unimplemented(
    message = "`outcome` says what this function returns, and it returns `{R}`",
    label = "is not what it says",
    note = "leave `outcome` out, for the compiler sees what `{R}` is; it is for types that hide whether they are an `Option` or a `Result`"
)]
pub trait Fits<R> {
    /// Itself.
    type Shape: Shape<R>;

    /// Gives itself.
    fn fitting(self) -> Self::Shape;
}

// One by one: what fits by no `impl` has no shape, and so gives no other error than this one.
impl<T> Fits<Option<T>> for OptionOf {
    type Shape = Self;

    #[inline]
    fn fitting(self) -> Self {
        self
    }
}

impl<T, E> Fits<Result<T, E>> for ResultOf {
    type Shape = Self;

    #[inline]
    fn fitting(self) -> Self {
        self
    }
}

impl<T, E> Fits<Result<Option<T>, E>> for ResultOptionOf {
    type Shape = Self;

    #[inline]
    fn fitting(self) -> Self {
        self
    }
}

/// A shape that shows whether a writer has written.
#[diagnostic::on_unimplemented(
    message = "what this function returns is a future, which has done nothing yet",
    label = "a future",
    note = "write an `async fn` that awaits it; if all is done when the function returns, say so with `outcome = \"value\"`"
)]
pub trait Settled {}

/// A plain value `T`.
#[derive(Debug, Clone, Copy)]
pub struct Value;

/// `Option<T>`.
#[derive(Debug, Clone, Copy)]
pub struct OptionOf;

/// `Result<T, E>`.
#[derive(Debug, Clone, Copy)]
pub struct ResultOf;

/// `Result<Option<T>, E>`.
#[derive(Debug, Clone, Copy)]
pub struct ResultOptionOf;

/// A future. To a cache it is a value like any other; a writer that returns one has not written
/// yet, so this is not [`Settled`].
#[derive(Debug, Clone, Copy)]
pub struct FutureOf;

/// A future in a shape `S`: one that was begun, or a failure to do so. Not [`Settled`] either.
#[derive(Debug, Clone, Copy)]
pub struct FutureIn<S>(S);

impl Settled for Value {}
impl Settled for OptionOf {}
impl Settled for ResultOf {}
impl Settled for ResultOptionOf {}

impl<T> Shape<T> for Value {
    type Value = T;
    const HAS_ABSENCE: bool = false;

    fn outcome(self, returned: &T) -> Outcome<&T> {
        Outcome::Value(returned)
    }

    fn take(self, returned: T) -> Result<Option<T>, T> {
        Ok(Some(returned))
    }

    #[inline]
    fn restore(self, kept: Option<T>) -> Option<T> {
        kept
    }
}

impl<F> Shape<F> for FutureOf {
    type Value = F;
    const HAS_ABSENCE: bool = false;

    fn outcome(self, returned: &F) -> Outcome<&F> {
        Outcome::Value(returned)
    }

    fn take(self, returned: F) -> Result<Option<F>, F> {
        Ok(Some(returned))
    }

    fn restore(self, kept: Option<F>) -> Option<F> {
        kept
    }
}

impl<T> Shape<Option<T>> for OptionOf {
    type Value = T;
    const HAS_ABSENCE: bool = true;

    fn outcome(self, returned: &Option<T>) -> Outcome<&T> {
        returned.as_ref().map_or(Outcome::Absent, Outcome::Value)
    }

    fn take(self, returned: Option<T>) -> Result<Option<T>, Option<T>> {
        Ok(returned)
    }

    #[inline]
    fn restore(self, kept: Option<T>) -> Option<Option<T>> {
        Some(kept)
    }
}

impl<T, E> Shape<Result<T, E>> for ResultOf {
    type Value = T;
    const HAS_ABSENCE: bool = false;

    fn outcome(self, returned: &Result<T, E>) -> Outcome<&T> {
        returned.as_ref().map_or(Outcome::Failure, Outcome::Value)
    }

    fn take(self, returned: Result<T, E>) -> Result<Option<T>, Result<T, E>> {
        returned.map(Some).map_err(Err)
    }

    #[inline]
    fn restore(self, kept: Option<T>) -> Option<Result<T, E>> {
        kept.map(Ok)
    }
}

impl<T, E> Shape<Result<Option<T>, E>> for ResultOptionOf {
    type Value = T;
    const HAS_ABSENCE: bool = true;

    fn outcome(self, returned: &Result<Option<T>, E>) -> Outcome<&T> {
        match returned {
            Ok(Some(value)) => Outcome::Value(value),
            Ok(None) => Outcome::Absent,
            Err(_) => Outcome::Failure,
        }
    }

    fn take(self, returned: Result<Option<T>, E>) -> Result<Option<T>, Result<Option<T>, E>> {
        returned.map_err(Err)
    }

    #[inline]
    fn restore(self, kept: Option<T>) -> Option<Result<Option<T>, E>> {
        Some(Ok(kept))
    }
}

/// The same shape as `S`, of a value that has an `==`.
///
/// That it has one could not be asked where the value is a type parameter; the chain asks where it
/// is known.
#[derive(Debug, Clone, Copy)]
pub struct Compared<S>(S);

impl<S: Settled> Settled for Compared<S> {}

impl<R, S: Shape<R>> Shape<R> for Compared<S>
where
    S::Value: PartialEq,
{
    type Value = S::Value;
    const HAS_ABSENCE: bool = S::HAS_ABSENCE;
    const EQUAL: Option<Equality<S::Value>> = Some(S::Value::eq);

    fn outcome(self, returned: &R) -> Outcome<&S::Value> {
        self.0.outcome(returned)
    }

    fn take(self, returned: R) -> Result<Option<S::Value>, R> {
        self.0.take(returned)
    }

    #[inline]
    fn restore(self, kept: Option<S::Value>) -> Option<R> {
        self.0.restore(kept)
    }
}

impl<R, S: Shape<R>> Shape<R> for FutureIn<S> {
    type Value = S::Value;
    const HAS_ABSENCE: bool = S::HAS_ABSENCE;

    fn outcome(self, returned: &R) -> Outcome<&S::Value> {
        self.0.outcome(returned)
    }

    fn take(self, returned: R) -> Result<Option<S::Value>, R> {
        self.0.take(returned)
    }

    #[inline]
    fn restore(self, kept: Option<S::Value>) -> Option<R> {
        self.0.restore(kept)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn only_shapes_with_a_place_for_it_restore_an_absence() {
        assert_eq!(Shape::<u8>::restore(Value, None), None);
        assert_eq!(Shape::<Result<u8, ()>>::restore(ResultOf, None), None);
        assert_eq!(Shape::<Option<u8>>::restore(OptionOf, None), Some(None));
        let restored: Option<Result<Option<u8>, ()>> = ResultOptionOf.restore(None);
        assert_eq!(restored, Some(Ok(None)));
    }
}
