//! Assertions on what is cached, written as the call that it would answer.

mod failure;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::presence::Presence;
use crate::body::block_on;
use crate::rehearsal::{Rehearsed, Unknown, rehearse, rehearse_blocking};
use failure::{Found, Of};

pub use failure::Failure;

/// Asserts that a call of a function with `#[cached]` would be answered by the cache, without making
/// it: no body runs, nothing is filled, and the call counts as neither hit nor miss.
///
/// The assertion is awaited where the call is: `assert_cached!(users.get(42)).await`. Of a synchronous
/// function it is a statement, as `assert!` is. Further arguments are a message, as for `assert!`.
///
/// The call is begun as far as its look-up, so it may be written as it always is: through trait
/// objects, with borrowed arguments, or by a function around it (of which what stands before the first
/// cached call then runs for real, so better name the cached function itself). Arguments are
/// evaluated; those that must be awaited, or use `?`, are to be computed before.
///
/// *Cached* means that a call would not run the body now: there is an entry, it has neither expired nor
/// been invalidated, can be read, and no rollout leaves it out. A value that has expired and may answer
/// all the same, while the body runs or if it fails, is not cached. If entries are kept in a store, it
/// is asked.
///
/// # Panics
///
/// If the call would run its body, with the key, what is there instead, and the place of the function;
/// if the store can't say; if the call comes by no function with `#[cached]`, or by a writer before. An
/// assertion that is not awaited panics when it is dropped.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::testing::{assert_cached, assert_not_cached};
///
/// # use cachewright::private::{Function, Returns, lookup};
/// # static GET: Function = Function::new("name", "user", "", "", 0).arguments(1);
/// # struct Users { cache: cachewright::Cache }
/// # impl Users {
/// // Annotated with `#[cached(cache = self.cache, key_prefix = "user")]`.
/// async fn name(&self, id: u64) -> String {
/// #   let shape = Returns::<String>::new().outcome();
/// #   lookup(&self.cache, &GET, shape, |key| { key.argument(&id); }, |_| {}).or_compute(async || {
///     format!("user {id}")
/// #   }).await
/// }
/// # }
/// # let users = Users { cache: cachewright::Cache::builder().build().unwrap() };
/// users.name(42).await;
/// assert_cached!(users.name(42)).await;
/// assert_not_cached!(users.name(43), "nobody has asked for it").await;
/// # });
/// ```
#[macro_export]
macro_rules! assert_cached {
    ($call:expr $(,)?) => {
        $crate::__assertion!(Cached, $call, |failure| ::core::panic!("{failure}"))
    };
    ($call:expr, $($message:tt)+) => {
        $crate::__assertion!(Cached, $call, |failure| {
            ::core::panic!("{}: {failure}", ::core::format_args!($($message)+))
        })
    };
}

/// Asserts that a call of a function with `#[cached]` would run its body: the opposite of
/// [`assert_cached!`](crate::testing::assert_cached), written and awaited alike.
///
/// What a rollout leaves out, what no key can be made of, and what can't be read is not cached either.
///
/// # Panics
///
/// If the call would be answered by the cache; if the store can't say; if the call comes by no function
/// with `#[cached]`, or by a writer before. An assertion that is not awaited panics when it is dropped.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::testing::{assert_cached, assert_not_cached};
///
/// # use cachewright::private::{Function, Returns, lookup};
/// # static SUM: Function = Function::new("sum", "numbers", "", "", 0).arguments(1);
/// # struct Numbers { cache: cachewright::Cache }
/// # impl Numbers {
/// // Annotated with `#[cached(cache = self.cache, key_prefix = "numbers")]`.
/// fn sum(&self, of: &[u64]) -> u64 {
/// #   let shape = Returns::<u64>::new().outcome();
/// #   lookup(&self.cache, &SUM, shape, |key| { key.argument(&of); }, |_| {}).or_compute_blocking(||
///     of.iter().sum()
/// #   )
/// }
/// # }
/// # let numbers = Numbers { cache: cachewright::Cache::builder().build().unwrap() };
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_not_cached!(numbers.sum(&[1, 2]));
/// numbers.sum(&[1, 2]);
/// assert_cached!(numbers.sum(&[1, 2]));
///
/// # rt.block_on(async {
/// numbers.cache.invalidate("numbers:*").await?;
/// # Ok::<(), cachewright::Error>(()) }).unwrap();
/// assert_not_cached!(numbers.sum(&[1, 2]));
/// ```
#[macro_export]
macro_rules! assert_not_cached {
    ($call:expr $(,)?) => {
        $crate::__assertion!(NotCached, $call, |failure| ::core::panic!("{failure}"))
    };
    ($call:expr, $($message:tt)+) => {
        $crate::__assertion!(NotCached, $call, |failure| {
            ::core::panic!("{}: {failure}", ::core::format_args!($($message)+))
        })
    };
}

/// The call is matched and not bound, so that what its arguments borrow lives as long as in a call.
#[macro_export]
#[doc(hidden)]
macro_rules! __assertion {
    ($expected:ident, $call:expr, $fail:expr) => {
        $crate::testing::Expected::$expected.check(
            ::core::stringify!($call),
            || match $call {
                call => $crate::testing::Made(&call).kind().learn(call),
            },
            $fail,
        )
    };
}

#[doc(inline)]
pub use crate::{assert_cached, assert_not_cached};

/// What is expected of a call.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Cached,
    NotCached,
}

impl Expected {
    /// Learns what the call is of, and looks, now or when it is awaited.
    pub fn check<K: Kind, F: Fn(Failure) + Unpin>(
        self,
        call: &'static str,
        begin: impl FnOnce() -> Learned<K>,
        fail: F,
    ) -> K::Assertion<F> {
        let learned = K::begin(begin);
        K::assertion(
            Question {
                expected: self,
                call,
                learned: learned.0,
            },
            fail,
        )
    }
}

/// The result of a call's expression, whose type says whether it is asynchronous.
#[doc(hidden)]
#[derive(Debug)]
pub struct Made<'a, T>(pub &'a T);

/// Tried when it is no future.
#[doc(hidden)]
#[derive(Debug)]
pub struct OrAnswer<T>(PhantomData<fn() -> T>);

impl<T> Deref for Made<'_, T> {
    type Target = OrAnswer<T>;

    fn deref(&self) -> &OrAnswer<T> {
        &OrAnswer(PhantomData)
    }
}

impl<T: Future> Made<'_, T> {
    pub fn kind(&self) -> Awaited {
        Awaited
    }
}

impl<T> OrAnswer<T> {
    pub fn kind(&self) -> Blocking {
        Blocking
    }
}

/// What a call has told, with its kind.
#[doc(hidden)]
#[derive(Debug)]
pub struct Learned<K>(Result<Box<Rehearsed>, Unknown>, K);

/// A call that is awaited: its expression makes a future and does nothing else.
#[doc(hidden)]
#[derive(Debug)]
pub struct Awaited;

/// A call that answers on the spot.
#[doc(hidden)]
#[derive(Debug)]
pub struct Blocking;

impl Awaited {
    pub fn learn(self, call: impl Future) -> Learned<Self> {
        Learned(rehearse(call), self)
    }
}

impl Blocking {
    /// The call has answered, so nothing has stopped it.
    pub fn learn<T>(self, _answer: T) -> Learned<Self> {
        Learned(Err(Unknown::Ended), self)
    }
}

/// How calls of a kind are begun, and asserted on.
#[doc(hidden)]
pub trait Kind: Sized {
    type Assertion<F: Fn(Failure) + Unpin>;

    fn begin(begin: impl FnOnce() -> Learned<Self>) -> Learned<Self>;
    fn assertion<F: Fn(Failure) + Unpin>(question: Question, fail: F) -> Self::Assertion<F>;
}

impl Kind for Awaited {
    type Assertion<F: Fn(Failure) + Unpin> = Assertion<F>;

    fn begin(begin: impl FnOnce() -> Learned<Self>) -> Learned<Self> {
        begin()
    }

    fn assertion<F: Fn(Failure) + Unpin>(question: Question, fail: F) -> Assertion<F> {
        let call = question.call;
        Assertion {
            call,
            answer: Box::pin(question.answer()),
            polled: false,
            fail,
        }
    }
}

impl Kind for Blocking {
    type Assertion<F: Fn(Failure) + Unpin> = ();

    fn begin(begin: impl FnOnce() -> Learned<Self>) -> Learned<Self> {
        Learned(rehearse_blocking(begin), Self)
    }

    fn assertion<F: Fn(Failure) + Unpin>(question: Question, fail: F) {
        if let Err(failure) = block_on(question.answer()) {
            fail(failure);
        }
    }
}

/// Whether a call is as expected.
#[doc(hidden)]
#[derive(Debug)]
pub struct Question {
    expected: Expected,
    call: &'static str,
    learned: Result<Box<Rehearsed>, Unknown>,
}

impl Question {
    async fn answer(self) -> Result<(), Failure> {
        let Self {
            expected,
            call,
            learned,
        } = self;
        let failure = |found| Failure {
            call,
            expected,
            found,
            of: None,
        };
        let rehearsed = learned.map_err(|unknown| failure(Found::Unknown(unknown)))?;
        let found = match (rehearsed.presence().await, expected) {
            (Presence::Cached(_), Expected::Cached)
            | (Presence::Missing(_), Expected::NotCached) => return Ok(()),
            (Presence::Cached(left), Expected::NotCached) => Found::Cached(left),
            (Presence::Missing(missing), Expected::Cached) => Found::Missing(missing),
            (Presence::Unreachable(error), _) => Found::Unreachable(error),
        };
        Err(Failure {
            of: Some(Of::new(&rehearsed)),
            ..failure(found)
        })
    }
}

/// What an assertion of an asynchronous call is awaited as.
#[doc(hidden)]
#[must_use = "the call is asynchronous: write `.await` behind the assertion"]
pub struct Assertion<F: Fn(Failure) + Unpin> {
    call: &'static str,
    answer: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>,
    polled: bool,
    fail: F,
}

impl<F: Fn(Failure) + Unpin> Future for Assertion<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.polled = true;
        self.answer.as_mut().poll(cx).map(|answer| {
            if let Err(failure) = answer {
                (self.fail)(failure);
            }
        })
    }
}

impl<F: Fn(Failure) + Unpin> Drop for Assertion<F> {
    /// Who forgets the `.await` has a test that holds nothing, and a warning at most.
    fn drop(&mut self) {
        if !self.polled && !std::thread::panicking() {
            panic!(
                "the assertion on `{}` was not awaited, so it has asserted nothing: the call is \
                 asynchronous, write `.await` behind the assertion",
                self.call
            );
        }
    }
}

impl<F: Fn(Failure) + Unpin> fmt::Debug for Assertion<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
