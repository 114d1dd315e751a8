//! What a writer does that returns the new value of an entry: it stores it, in the place of what is
//! there, and that is an invalidation at the same time.
//!
//! Which entry it is, is learned from a [rehearsal](crate::rehearsal) of its call, before the body
//! runs. So is what has to be known from before the body: in memory the time, in a store the
//! generations. Whatever is in doubt afterwards is invalidated and not stored. `docs/model` explores
//! both protocols: `memory_write_through.py` and `write_through.py`.

mod called;
mod ground;
mod planned;

use std::marker::PhantomData;

use crate::body::block_on;
use crate::call::LocalValue;
use crate::invalidation::Guard;
use crate::invalidator::Invalidator;
use crate::outcome::{Settled, Shape};
use crate::registry;
use crate::rehearsal;
use ground::Ground;
use planned::Planned;

pub use called::{Answered, AnsweredAtOnce, AtOnce, Awaited, Begun, Caller, Ending, Mode, Ready};

/// What a writer has stored after its body, learned before its body runs.
#[must_use = "an update does nothing until `through` is awaited"]
#[derive(Debug)]
pub struct Update<R, S: Shape<R>> {
    function: &'static str,
    shape: S,
    planned: Vec<Planned<S::Value>>,
    always: bool,
    returns: PhantomData<fn() -> R>,
}

/// A type and itself: what a writer returns is kept by the function whose entry it updates.
#[diagnostic::on_unimplemented(
    message = "the cached function keeps a `{Self}`, and this function returns a `{V}` to be stored in its place",
    label = "keeps a `{Self}`",
    note = "return the new value: the `T` of a `Result<T, E>`, an `Option<T>` or a `Result<Option<T>, E>` has to be that of the cached function; to drop the entry instead, use `#[invalidate_cache(entry = …)]`"
)]
pub trait KeptAs<V> {}

#[diagnostic::do_not_recommend]
impl<V> KeptAs<V> for V {}

/// Begins the update of a writer, which returns an `R` in this shape.
pub fn update<R, S>(writer: &'static Invalidator, shape: S) -> Update<R, S>
where
    S: Shape<R> + Settled,
    S::Value: LocalValue,
{
    registry::meet_writer(writer);
    Update {
        function: writer.name(),
        shape,
        planned: Vec::new(),
        always: false,
        returns: PhantomData,
    }
}

impl<R, S> Update<R, S>
where
    S: Shape<R> + Settled,
    S::Value: LocalValue,
{
    /// Adds the entry that a call would be answered from: of a function of the bare name `name`, which
    /// is begun as far as its look-up. If no cached function has the name, the call is not made.
    ///
    /// If it stays unknown which entry that is, an error is logged, and whatever a function of the name
    /// may have is invalidated instead, in every cache of the process.
    pub fn entry<M, T, C>(
        self,
        name: &'static str,
        call: impl FnOnce(Caller<'_, M, T>) -> C,
    ) -> Self
    where
        M: Mode,
        C: Shape<T>,
        C::Value: KeptAs<S::Value>,
    {
        self.entry_with(name, |ready| ready.begin(call))
    }

    /// Like [`entry`](Self::entry), for a call that needs something made: `make` makes it, and then
    /// begins the call.
    pub fn entry_with<M, T, C>(
        mut self,
        name: &'static str,
        make: impl FnOnce(Ready<'_, M, T>) -> Begun<C>,
    ) -> Self
    where
        M: Mode,
        C: Shape<T>,
        C::Value: KeptAs<S::Value>,
    {
        let learned = called::rehearse(name, make);
        self.planned
            .extend(Planned::all(self.function, name, learned));
        self
    }

    /// Like [`entry`](Self::entry), for a call of a function that no registry knows.
    #[cfg(all(test, shuttle))]
    pub(crate) fn entry_of<M: Mode, T, C>(
        mut self,
        call: impl FnOnce(Caller<'_, M, T>) -> C,
    ) -> Self {
        let learned = called::make(|ready| ready.begin(call));
        let name = learned.as_ref().map_or("", |known| known.name());
        self.planned
            .extend(Planned::all(self.function, name, learned));
        self
    }

    /// Invalidates after an `Err` too: for writers that may have committed all the same.
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Runs the body, then stores what it returned, unless it failed; inside a
    /// [`defer`](crate::defer) block nothing is stored, and the invalidation is left to that.
    ///
    /// If the future is dropped before the entry was replaced, or the body panics, nobody knows whether
    /// it wrote: the entry is invalidated at once, and again when the outcome must have settled.
    pub async fn through(self, body: impl AsyncFnOnce() -> R) -> R {
        rehearsal::stop_writer(self.function).await;
        let (shape, planned) = (self.shape, &self.planned);
        let grounds = Box::pin(grounds(planned)).await;
        let guards = self.guards();
        let answer = body().await;
        // From here on no `R` may be held across an await: its error need not be `Send`.
        let kept = match shape.take(answer) {
            Ok(kept) => kept,
            Err(failure) => {
                guards.into_iter().for_each(Guard::failed);
                return failure;
            }
        };
        Box::pin(finish(planned, grounds, guards, kept.as_ref())).await;
        let answer = shape.restore(kept);
        answer.expect("a shape has a place for what it was taken apart into")
    }

    /// Like [`through`](Self::through), for a synchronous function.
    pub fn through_blocking(self, body: impl FnOnce() -> R) -> R {
        block_on(rehearsal::stop_writer(self.function));
        let (shape, planned) = (self.shape, &self.planned);
        let grounds = block_on(grounds(planned));
        let guards = self.guards();
        let kept = match shape.take(body()) {
            Ok(kept) => kept,
            Err(failure) => {
                guards.into_iter().for_each(Guard::failed);
                return failure;
            }
        };
        block_on(finish(planned, grounds, guards, kept.as_ref()));
        let answer = shape.restore(kept);
        answer.expect("a shape has a place for what it was taken apart into")
    }

    fn guards(&self) -> Vec<Guard> {
        let planned = self.planned.iter();
        planned.map(|planned| planned.guard(self.always)).collect()
    }
}

/// What is known from before the body.
async fn grounds<V: LocalValue>(planned: &[Planned<V>]) -> Vec<Ground<'_, V>> {
    let mut grounds = Vec::with_capacity(planned.len());
    for planned in planned {
        grounds.push(planned.ground().await);
    }
    grounds
}

/// Stores what was made, or invalidates what is there.
async fn finish<V: LocalValue>(
    planned: &[Planned<V>],
    grounds: Vec<Ground<'_, V>>,
    guards: Vec<Guard>,
    kept: Option<&V>,
) {
    for ((planned, ground), guard) in planned.iter().zip(grounds).zip(guards) {
        planned.finish(ground, guard, kept).await;
    }
}
