//! The chain by which the compiler finds the shape of a return type.

use std::marker::PhantomData;
use std::ops::Deref;

use super::{Compared, FutureIn, FutureOf, OptionOf, ResultOf, ResultOptionOf, Value};

/// The start of the chain that finds the shape of `R`.
///
/// ```
/// use cache_core::private::{Outcome, Returns, Shape};
///
/// type Loaded<T> = Result<T, std::io::Error>;
///
/// let shape = Returns::<Loaded<Option<u8>>>::new().outcome();
/// let loaded: Loaded<Option<u8>> = Ok(None);
/// assert_eq!(shape.outcome(&loaded), Outcome::Absent);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Returns<R>(PhantomData<fn() -> R>);

/// The further links, each tried when the one before it did not fit.
macro_rules! links {
    ($($before:ident => $link:ident, $tried:literal;)*) => {$(
        #[doc = concat!("Tried when [`", stringify!($before), "`] found no ", $tried, ".")]
        #[derive(Debug, Clone, Copy)]
        pub struct $link<R>(PhantomData<fn() -> R>);

        impl<R> Deref for $before<R> {
            type Target = $link<R>;

            #[inline]
            fn deref(&self) -> &$link<R> {
                &$link(PhantomData)
            }
        }
    )*};
}

links! {
    Returns => OrResultOption, "`Result<Option<T>, E>` whose `T` has an `==`";
    OrResultOption => OrFutureInResult, "`Result<Option<T>, E>`";
    OrFutureInResult => OrComparedResult, "`Result` of a future";
    OrComparedResult => OrResult, "`Result<T, E>` whose `T` has an `==`";
    OrResult => OrFutureInOption, "`Result<T, E>`";
    OrFutureInOption => OrComparedOption, "`Option` of a future";
    OrComparedOption => OrOption, "`Option<T>` whose `T` has an `==`";
    OrOption => OrFuture, "`Option<T>`";
    OrFuture => OrComparedValue, "future";
    OrComparedValue => OrValue, "value that has an `==`";
}

impl<R> Returns<R> {
    /// A probe for `R`.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only expansions make one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: PartialEq, E> Returns<Result<Option<T>, E>> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> Compared<ResultOptionOf> {
        Compared(ResultOptionOf)
    }
}

impl<T, E> OrResultOption<Result<Option<T>, E>> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> ResultOptionOf {
        ResultOptionOf
    }

    /// The shape for a writer, without a look for an `==`.
    #[must_use]
    pub const fn bare(&self) -> ResultOptionOf {
        ResultOptionOf
    }
}

impl<F: Future, E> OrFutureInResult<Result<F, E>> {
    /// The shape.
    #[must_use]
    pub const fn bare(&self) -> FutureIn<ResultOf> {
        FutureIn(ResultOf)
    }
}

impl<T: PartialEq, E> OrComparedResult<Result<T, E>> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> Compared<ResultOf> {
        Compared(ResultOf)
    }
}

impl<T, E> OrResult<Result<T, E>> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> ResultOf {
        ResultOf
    }

    /// The shape for a writer, without a look for an `==`.
    #[must_use]
    pub const fn bare(&self) -> ResultOf {
        ResultOf
    }
}

impl<F: Future> OrFutureInOption<Option<F>> {
    /// The shape.
    #[must_use]
    pub const fn bare(&self) -> FutureIn<OptionOf> {
        FutureIn(OptionOf)
    }
}

impl<T: PartialEq> OrComparedOption<Option<T>> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> Compared<OptionOf> {
        Compared(OptionOf)
    }
}

impl<T> OrOption<Option<T>> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> OptionOf {
        OptionOf
    }

    /// The shape for a writer, without a look for an `==`.
    #[must_use]
    pub const fn bare(&self) -> OptionOf {
        OptionOf
    }
}

impl<F: Future> OrFuture<F> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> FutureOf {
        FutureOf
    }

    /// The shape for a writer, without a look for an `==`.
    #[must_use]
    pub const fn bare(&self) -> FutureOf {
        FutureOf
    }
}

impl<T: PartialEq> OrComparedValue<T> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> Compared<Value> {
        Compared(Value)
    }
}

impl<T> OrValue<T> {
    /// The shape.
    #[must_use]
    pub const fn outcome(&self) -> Value {
        Value
    }

    /// The shape for a writer, without a look for an `==`.
    #[must_use]
    pub const fn bare(&self) -> Value {
        Value
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;
    use crate::outcome::Shape;

    type Aliased<T> = Result<T, String>;

    #[test]
    fn the_type_decides_under_any_alias() {
        struct Bare;
        let ResultOptionOf = Returns::<Aliased<Option<Bare>>>::new().outcome();
        let ResultOf = Returns::<Aliased<Bare>>::new().outcome();
        let OptionOf = Returns::<Option<Bare>>::new().outcome();
        let OptionOf = Returns::<Option<Option<Bare>>>::new().outcome();
        let Value = Returns::<Vec<Option<Bare>>>::new().outcome();
        let FutureOf = Returns::<std::future::Ready<u8>>::new().outcome();
    }

    #[test]
    fn the_type_decides_the_same_where_it_has_an_equality() {
        let Compared(ResultOptionOf) = Returns::<Aliased<Option<u8>>>::new().outcome();
        let Compared(ResultOf) = Returns::<Aliased<u8>>::new().outcome();
        let Compared(OptionOf) = Returns::<Option<u8>>::new().outcome();
        let Compared(OptionOf) = Returns::<Option<Option<u8>>>::new().outcome();
        let Compared(Value) = Returns::<Vec<Option<u8>>>::new().outcome();

        /// A future stays one.
        #[derive(PartialEq)]
        struct Comparable;
        impl Future for Comparable {
            type Output = ();
            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
                Poll::Ready(())
            }
        }
        let FutureOf = Returns::<Comparable>::new().outcome();
        let FutureIn(OptionOf) = Returns::<Option<Comparable>>::new().bare();
        let FutureIn(ResultOf) = Returns::<Aliased<Comparable>>::new().bare();
    }

    /// A lifetime can't decide which of two links fits, so a writer must not be asked for an `==`.
    #[test]
    fn nobody_asks_for_an_equality_of_what_is_not_kept() {
        struct Forever<'a>(&'a str);
        impl PartialEq for Forever<'static> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
        fn written<'a>(name: &'a str) -> Result<Forever<'a>, String> {
            let ResultOf = Returns::<Result<Forever<'a>, String>>::new().bare();
            let OptionOf = Returns::<Option<Forever<'a>>>::new().bare();
            let ResultOptionOf = Returns::<Aliased<Option<Forever<'a>>>>::new().bare();
            let Value = Returns::<Forever<'a>>::new().bare();
            let FutureOf = Returns::<std::future::Ready<Forever<'a>>>::new().bare();
            Ok(Forever(name))
        }
        assert_eq!(written(&String::from("a")).unwrap().0, "a");
    }

    #[test]
    fn a_type_parameter_without_an_equality_has_none() {
        fn of_vectors<T>() -> bool {
            fn is_known<R, S: Shape<R>>(_: S) -> bool {
                S::EQUAL.is_some()
            }
            is_known::<Option<Vec<T>>, _>(Returns::<Option<Vec<T>>>::new().outcome())
        }
        assert!(!of_vectors::<u8>());
    }
}
