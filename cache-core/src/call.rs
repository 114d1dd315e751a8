//! One call of a cached function: looked up, and computed if need be.

mod aging;
mod batch;
mod condition;
mod deferred;
mod local;
mod lookup;
mod miss;
mod refresh;
mod rehearsed;
mod shared;
mod verification;

use std::marker::PhantomData;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::background::Executor;
use crate::body::block_on;
use crate::codec::{self, Codec};
use crate::outcome::{HasAbsence, Shape};
use rehearsed::Part;

pub(crate) use batch::Told;
pub use batch::{
    Batch, BatchArgument, BatchElement, Elements, Given, Lent, Missing, Repeatable, lookup_batch,
    lookup_batch_local,
};
pub use condition::{Condition, Unconditional, Verdict};
use condition::{StoreIf, TtlWith};
pub use lookup::{lookup, lookup_local};
use miss::{Ground, Looked};
pub(crate) use miss::{Miss, Work};

/// A value that any tier can hold: what annotated functions and direct operations keep.
///
/// Implemented for every type that fits; functions with `tier = "memory"` need a [`LocalValue`]
/// only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be cached",
    label = "not `Clone + Serialize + DeserializeOwned + Send + Sync + 'static`",
    note = "derive `Clone`, `serde::Serialize` and `serde::Deserialize`, for a type of another crate, turn on that crate's `serde` feature; or keep the value in the process with `tier = \"memory\"`, which needs no serde; `Rc`, `RefCell` and references can't be kept in any tier: use `Arc`, `Mutex` and owned values"
)]
pub trait CacheValue: LocalValue + Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<V: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> CacheValue for V {}

/// A value that can be held in the process: what a function with `tier = "memory"` keeps.
///
/// Implemented for every type that fits. It needs no serde, since such a value never leaves the
/// process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be cached",
    label = "not `Clone + Send + Sync + 'static`",
    note = "derive `Clone`, or keep an `Arc` of it; a value is shared by threads and outlives the call, so `Rc`, `RefCell` and references can't be kept: use `Arc`, `Mutex` and owned values"
)]
pub trait LocalValue: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<V: Clone + Send + Sync + 'static> LocalValue for V {}

/// A call that has been looked up.
///
/// It holds what was kept and not the answer made of it, because the caller's future holds the
/// call: an answer may contain an error that is not `Send`, and the future still has to be.
#[must_use = "a call does nothing until `or_compute` is awaited"]
pub struct Call<R, S: Shape<R>, K = Unconditional> {
    state: State<S, S::Value>,
    condition: K,
    returns: PhantomData<fn() -> R>,
}

enum State<S, V> {
    Hit(S, Option<V>),
    Miss(Box<Miss<S, V>>),
    /// Neither looked up nor to be stored; and stopped before, if it is made only to learn what it is
    /// about.
    Uncached(Option<Box<Part>>),
}

impl<R, S> Call<R, S>
where
    S: Shape<R>,
    S::Value: LocalValue,
{
    /// A call that is answered by what was kept, which the shape must have a place for.
    pub(crate) fn hit(shape: S, kept: Option<S::Value>) -> Self {
        Self::new(State::Hit(shape, kept))
    }

    pub(crate) fn miss(miss: Miss<S, S::Value>) -> Self {
        Self::new(State::Miss(Box::new(miss)))
    }

    /// A call that runs as if the function were not cached.
    pub(crate) fn bypassed() -> Self {
        Self::new(State::Uncached(None))
    }

    pub(crate) fn rehearsed(part: Part) -> Self {
        Self::new(State::Uncached(Some(Box::new(part))))
    }

    fn new(state: State<S, S::Value>) -> Self {
        Self {
            state,
            condition: Unconditional,
            returns: PhantomData,
        }
    }
}

impl<R, S, K> Call<R, S, K>
where
    S: Shape<R>,
    S::Value: LocalValue,
    K: Condition<S::Value>,
{
    /// Keeps a value only if `condition` holds for it.
    ///
    /// The new condition has no name: where `F` is no such closure, the compiler says so once,
    /// instead of once more for each method that a named one would be without.
    #[inline]
    pub fn store_if<F>(self, condition: F) -> Call<R, S, impl Condition<S::Value>>
    where
        F: Fn(&S::Value) -> bool,
    {
        self.under(|inner| StoreIf(condition, inner))
    }

    /// Keeps a value for as long as `ttl` says, and no longer than what was said besides.
    #[inline]
    pub fn ttl_with<F>(self, ttl: F) -> Call<R, S, impl Condition<S::Value>>
    where
        F: Fn(&S::Value) -> Duration,
    {
        self.under(|inner| TtlWith(ttl, inner))
    }

    #[inline]
    fn under<L>(mut self, condition: impl FnOnce(K) -> L) -> Call<R, S, L> {
        if let State::Uncached(Some(part)) = &mut self.state {
            part.conditional();
        }
        Call {
            state: self.state,
            condition: condition(self.condition),
            returns: PhantomData,
        }
    }

    /// Sets how long a value is kept. `ttl` is called on a miss only.
    #[inline]
    pub fn ttl(mut self, ttl: impl FnOnce() -> Duration) -> Self {
        match &mut self.state {
            State::Miss(miss) => miss.ttl = Some(ttl()),
            State::Uncached(Some(part)) => part.ttl(ttl()),
            State::Hit(..) | State::Uncached(None) => {}
        }
        self
    }

    /// Changes nothing: that there is an absence which could be kept, the compiler has seen here.
    #[inline]
    pub fn with_absence(self) -> Self
    where
        S: HasAbsence,
    {
        self
    }

    /// Sets how long an absence is kept. `ttl` is called on a miss only.
    #[inline]
    pub fn none_ttl(mut self, ttl: impl FnOnce() -> Duration) -> Self {
        match &mut self.state {
            State::Miss(miss) => miss.none_ttl = Some(ttl()),
            State::Uncached(Some(part)) => part.none_ttl(ttl()),
            State::Hit(..) | State::Uncached(None) => {}
        }
        self
    }

    /// Sets the codec of the value in a store, in place of the cache's. `codec` is called on a miss
    /// only.
    #[inline]
    pub fn codec<C: Codec>(mut self, codec: impl FnOnce() -> C) -> Self
    where
        S::Value: CacheValue,
    {
        match &mut self.state {
            State::Miss(miss) => miss.codec = Some(codec::of_function(codec())),
            State::Uncached(Some(part)) => part.codec::<S::Value>(codec::of_function(codec())),
            State::Hit(..) | State::Uncached(None) => {}
        }
        self
    }

    /// The answer of the cache, or that of `body`, run here or by whoever runs it already.
    ///
    /// The state machine of a miss, with that of the body in it, is boxed when a miss happens: a
    /// hit carries neither.
    #[inline]
    pub async fn or_compute<B: AsyncFnOnce() -> R>(self, body: B) -> R {
        match self.state {
            State::Hit(shape, kept) => answer(shape, kept),
            State::Miss(miss) => {
                let condition = self.condition;
                Box::pin(miss.compute(Work { body, condition })).await
            }
            State::Uncached(part) => {
                Box::pin(stop(part)).await;
                Box::pin(body()).await
            }
        }
    }

    /// Like [`or_compute`](Self::or_compute), for a function of which a value that has expired may answer
    /// in the place of an error.
    #[inline]
    pub async fn or_stale<B: AsyncFnOnce() -> R>(self, body: B) -> R
    where
        R: Send,
    {
        match self.state {
            State::Hit(shape, kept) => answer(shape, kept),
            State::Miss(miss) => {
                let condition = self.condition;
                Box::pin(miss.compute_or_stale(Work { body, condition })).await
            }
            State::Uncached(part) => {
                Box::pin(stop(part)).await;
                Box::pin(body()).await
            }
        }
    }

    /// Like [`or_stale`](Self::or_stale), for a synchronous function: waits on this thread.
    #[inline]
    pub fn or_stale_blocking(self, body: impl FnOnce() -> R) -> R
    where
        R: Send,
    {
        match self.state {
            State::Hit(shape, kept) => answer(shape, kept),
            State::Miss(miss) => {
                let (body, condition) = (async move || body(), self.condition);
                block_on(Box::pin(miss.compute_or_stale(Work { body, condition })))
            }
            State::Uncached(part) => {
                block_on(stop(part));
                body()
            }
        }
    }

    /// Like [`or_compute`](Self::or_compute), for a synchronous function: waits on this thread.
    ///
    /// Boxed as well: each call of a recursion would have it on the stack, with all that it may do.
    #[inline]
    pub fn or_compute_blocking(self, body: impl FnOnce() -> R) -> R {
        match self.state {
            State::Hit(shape, kept) => answer(shape, kept),
            State::Miss(miss) => {
                let (body, condition) = (async move || body(), self.condition);
                block_on(Box::pin(miss.compute(Work { body, condition })))
            }
            State::Uncached(part) => {
                block_on(stop(part));
                body()
            }
        }
    }
}

impl<R, S, K> Call<R, S, K>
where
    S: Shape<R> + Send + Sync + 'static,
    S::Value: LocalValue,
    K: Condition<S::Value> + Send + 'static,
{
    /// Like [`or_compute`](Self::or_compute), for a function whose body may run in the background, after
    /// the call: `body` makes a future that borrows nothing.
    #[inline]
    pub async fn or_refresh<F, B>(self, body: F) -> R
    where
        F: FnOnce() -> B,
        B: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        match self.state {
            State::Hit(shape, kept) => answer(shape, kept),
            State::Miss(miss) => {
                let condition = self.condition;
                Box::pin(miss.compute_or_refresh(Executor::Runtime, body, condition)).await
            }
            State::Uncached(part) => {
                Box::pin(stop(part)).await;
                Box::pin(body()).await
            }
        }
    }

    /// Like [`or_refresh`](Self::or_refresh), for a synchronous function: `body` makes a closure that
    /// borrows nothing.
    #[inline]
    pub fn or_refresh_blocking<F, B>(self, body: F) -> R
    where
        F: FnOnce() -> B,
        B: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.state {
            State::Hit(shape, kept) => answer(shape, kept),
            State::Miss(miss) => {
                let make = || {
                    let body = body();
                    async move { body() }
                };
                block_on(Box::pin(miss.compute_or_refresh(
                    Executor::Thread,
                    make,
                    self.condition,
                )))
            }
            State::Uncached(part) => {
                block_on(stop(part));
                body()()
            }
        }
    }
}

/// Stops a call that is rehearsed.
async fn stop(part: Option<Box<Part>>) {
    if let Some(part) = part {
        part.stop().await;
    }
}

fn answer<R, S: Shape<R>>(shape: S, kept: Option<S::Value>) -> R {
    shape
        .restore(kept)
        .expect("what a shape has no place for is not a hit")
}
