//! The call whose entry is updated, made as far as its look-up: asynchronous or not, as its answer's
//! type says.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::outcome::Returns;
use crate::registry;
use crate::rehearsal::{Rehearsed, Unknown, rehearse_call};

/// Who has made what the call needs: an expansion has, and begins the call by this.
///
/// The receiver and the arguments are made before, and outlive the call. A cached function that is called
/// for one of them would be taken for the call itself; and where the call is stopped by unwinding, a
/// lock that one of them holds would be poisoned.
#[derive(Debug)]
pub struct Ready<'a, M, T> {
    learned: &'a RefCell<Result<Box<Rehearsed>, Unknown>>,
    mode: PhantomData<fn(M) -> T>,
}

impl<M: Mode, T> Ready<'_, M, T> {
    /// Makes the call as far as its look-up.
    pub fn begin<C>(self, call: impl FnOnce(Caller<'_, M, T>) -> C) -> Begun<C> {
        let learned = rehearse_call(M::BLOCKS, |waker| {
            let ended = Cell::new(Unknown::Ended);
            call(Caller {
                waker,
                ended: &ended,
                mode: PhantomData,
            });
            ended.get()
        });
        *self.learned.borrow_mut() = learned;
        Begun(PhantomData)
    }
}

/// That a call was begun, whose answer is of the shape `C`.
#[derive(Debug)]
pub struct Begun<C>(PhantomData<fn() -> C>);

/// Who makes the call: an expansion does, and hands the answer over to this.
#[derive(Debug)]
pub struct Caller<'a, M, T> {
    waker: &'a Waker,
    ended: &'a Cell<Unknown>,
    mode: PhantomData<fn(M) -> T>,
}

impl<M, T> Caller<'_, M, T> {
    /// A probe for the type of `_answer`.
    pub fn answered<A>(&self, _answer: &A) -> Answered<A> {
        Answered(PhantomData)
    }

    /// Takes the answer of the call, which is a `T` when it is complete, and gives what finds the shape
    /// of that. What has to be polled is polled once.
    pub fn came_to<A>(&self, mode: M, answer: A) -> Returns<T>
    where
        M: Ending<A, Output = T>,
    {
        self.ended.set(mode.end(answer, self.waker));
        Returns::new()
    }
}

/// How a call comes to its answer.
pub trait Mode {
    /// Whether the caller waits on its own thread.
    const BLOCKS: bool;
}

/// How a call comes to its answer from `A`.
pub trait Ending<A>: Mode {
    /// What it then is.
    type Output;

    /// Brings the call to its look-up.
    fn end(self, answer: A, waker: &Waker) -> Unknown;
}

/// The call gives a future.
#[derive(Debug, Clone, Copy)]
pub struct Awaited;

/// The call gives its answer.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce;

impl Mode for Awaited {
    const BLOCKS: bool = false;
}

impl Mode for AtOnce {
    const BLOCKS: bool = true;
}

impl<F: Future> Ending<F> for Awaited {
    type Output = F::Output;

    fn end(self, answer: F, waker: &Waker) -> Unknown {
        match pin!(answer).poll(&mut Context::from_waker(waker)) {
            Poll::Pending => Unknown::Waits,
            Poll::Ready(_) => Unknown::Ended,
        }
    }
}

impl<A> Ending<A> for AtOnce {
    type Output = A;

    fn end(self, _: A, _: &Waker) -> Unknown {
        Unknown::Ended
    }
}

/// The start of the chain that finds out whether an answer is a future.
///
/// ```
/// use cache_core::private::{AtOnce, Awaited, Caller};
///
/// fn probed(caller: Caller<'_, Awaited, u8>) {
///     let Awaited = caller.answered(&async { 1 }).mode();
///     let AtOnce = caller.answered(&1).mode();
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Answered<A>(PhantomData<fn() -> A>);

/// Tried when [`Answered`] found no future.
#[derive(Debug, Clone, Copy)]
pub struct AnsweredAtOnce<A>(PhantomData<fn() -> A>);

impl<A> Deref for Answered<A> {
    type Target = AnsweredAtOnce<A>;

    fn deref(&self) -> &AnsweredAtOnce<A> {
        &AnsweredAtOnce(PhantomData)
    }
}

impl<F: Future> Answered<F> {
    /// How the call comes to its answer.
    #[must_use]
    pub fn mode(&self) -> Awaited {
        Awaited
    }
}

impl<A> AnsweredAtOnce<A> {
    /// How the call comes to its answer.
    #[must_use]
    pub fn mode(&self) -> AtOnce {
        AtOnce
    }
}

/// Why it is not known which entry a call is of, as a log tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unlearned(pub(super) &'static str);

impl From<Unknown> for Unlearned {
    fn from(unknown: Unknown) -> Self {
        Self(match unknown {
            Unknown::Ended => "the call came by no cached function",
            Unknown::Waits => {
                "the call waits for something else before it comes by a cached function"
            }
            Unknown::Writer(_) => "the call came by a function that invalidates or updates first",
            Unknown::Batch(_) => "the call is of a batch, each of whose elements is an entry",
            Unknown::Unstoppable => {
                "the function is synchronous, and with `panic = \"abort\"` its call can't be stopped"
            }
        })
    }
}

/// Makes a call as far as its look-up, if it can be that of a cached function.
pub(super) fn rehearse<M: Mode, T, C>(
    name: &str,
    call: impl FnOnce(Ready<'_, M, T>) -> Begun<C>,
) -> Result<Box<Rehearsed>, Unlearned> {
    if registry::named(name).is_empty() {
        return Err(Unlearned("no cached function of this program has the name"));
    }
    make(call)
}

/// Makes a call as far as its look-up.
pub(super) fn make<M: Mode, T, C>(
    call: impl FnOnce(Ready<'_, M, T>) -> Begun<C>,
) -> Result<Box<Rehearsed>, Unlearned> {
    let learned = RefCell::new(Err(Unknown::Ended));
    call(Ready {
        learned: &learned,
        mode: PhantomData,
    });
    learned.into_inner().map_err(Unlearned::from)
}
