//! Invalidations of writers inside a transaction, done after it.
//!
//! What is *inside* a block is decided by poll, as for bodies: a thread-local names the innermost
//! block during each poll of it, so blocks that are joined in one task don't mix. A writer notes
//! the block that it starts in, and hands it its invalidation when it ends.

mod collection;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ambient::{Ambient, Ambients};
use crate::body::block_on;
use crate::cache::Inner;
use crate::invalidation::Invalidation;
use crate::memory::entry::Entry;
use crate::memory::invalidations::Slot;
use crate::mutants::{Mutant, active};
use crate::sync::thread_local;
use collection::{Collection, Due};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Deferral>>> = const { RefCell::new(None) };
}

/// Runs a transaction, and does the invalidations of the annotated writers inside it when it has
/// committed.
///
/// A writer invalidates when it returns, which inside a transaction is too early: a reader that
/// comes before the `COMMIT` computes from the old rows, and nothing invalidates what it keeps. Put
/// the whole transaction, its commit included, into the block.
///
/// | the block | what its writers would have invalidated |
/// | --- | --- |
/// | returns `Ok` | is invalidated then, once for each cache, before `defer` returns; what a store does not acknowledge in time stays pending, as after a writer |
/// | returns `Err` | is not invalidated, but for that of writers with `on = "always"`: at once and without waiting |
/// | is dropped half-way, or panics | is invalidated at once, and again when the outcome must have settled, as after a writer that is dropped |
///
/// A writer inside returns without waiting for a store. One that is itself dropped, or panics,
/// invalidates at once as everywhere, and also when the block has returned `Ok`.
///
/// # Reads inside
///
/// What the block's writers have outdated so far is not answered from the cache, for the block
/// itself: such calls run their bodies, so they see what the transaction wrote, and `get` finds
/// nothing. Other hits are hits. Whatever has to be computed inside is neither stored nor shared,
/// since the transaction may be looking at an old snapshot, or at what it never commits.
///
/// # What is inside
///
/// What the block polls: a writer belongs to the block in which it is first polled. A task that it
/// spawns is not inside, and its writers invalidate by themselves, unless it is wrapped with
/// [`in_current_deferral`]. Direct operations (`invalidate`, `remove`, `clear`, `set`) are done at
/// once everywhere.
///
/// In a block inside another block, an `Ok` hands everything to the outer one, as a savepoint does, and
/// an `Err` only what is invalidated after errors too. If it is dropped, what it collected is
/// invalidated as after any drop, and handed to the outer one as well.
///
/// # Errors
///
/// Those of the block, untouched. An `Err` is taken for a rollback: where the answer to a `COMMIT` may
/// be lost although the database has done it, the writers need `on = "always"`.
///
/// # Cancellation
///
/// Dropped while the block runs: see the table. Dropped while it waits for a store, it leaves the
/// invalidations pending. The future is `Send` if the block and `T` are; `E` need not be.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// # use cachewright::private::{Invalidator, Returns, invalidation};
/// # static INSERT: Invalidator = Invalidator::new("insert", "", "", 0);
/// use cachewright::{Cache, defer};
///
/// # struct Transaction;
/// # impl Transaction { async fn commit(self) -> Result<(), std::io::Error> { Ok(()) } }
/// # struct Bookings { cache: Cache }
/// # impl Bookings {
/// # async fn begin(&self) -> Result<Transaction, std::io::Error> { Ok(Transaction) }
/// // Annotated with `#[invalidate_cache("booking:*")]`.
/// # async fn insert(&self, _: &mut Transaction, _: &str) -> Result<(), std::io::Error> {
/// #     let outcome = Returns::<Result<(), std::io::Error>>::new().outcome();
/// #     invalidation(&self.cache, &INSERT).pattern("booking:*", |_| {}).after(outcome, async || Ok(())).await
/// # }
/// # }
/// # let bookings = Bookings { cache: Cache::builder().build().unwrap() };
/// let booked = defer(async {
///     let mut tx = bookings.begin().await?;
///     bookings.insert(&mut tx, "seat 12A").await?;
///     bookings.insert(&mut tx, "seat 12B").await?;
///     tx.commit().await
/// })
/// .await;
/// # let booked: Result<(), std::io::Error> = booked;
/// assert!(booked.is_ok());
/// assert_eq!(bookings.cache.stats().invalidations, 1); // both in one, after the commit
/// # });
/// ```
pub async fn defer<T, E>(block: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let open = Open::new();
    let ended = poll_within(&open.0, pin!(block)).await;
    // From here on no `E` may be held across an await: it need not be `Send`.
    let value = ended.inspect_err(|_| open.rolled_back())?;
    open.committed().wait().await;
    Ok(value)
}

/// Like [`defer`], for synchronous code: waits for the store on this thread, as synchronous writers
/// do. The block is what `block` runs on this thread.
///
/// Drive no runtime inside: `runtime.block_on(…)` may run tasks on this thread that have nothing to do
/// with the block, and their writers would be taken for its own, which after an `Err` invalidate
/// nothing. Write `runtime.block_on(defer(…))` instead, which tells them apart.
///
/// # Errors
///
/// Those of the block, untouched.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::defer_blocking;
///
/// let sum = defer_blocking(|| {
///     // Begin a transaction, call annotated writers, and commit.
///     "40".parse::<u32>().map(|number| number + 2)
/// });
/// assert_eq!(sum, Ok(42));
/// ```
pub fn defer_blocking<T, E>(block: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let open = Open::new();
    let ended = {
        let _mark = Mark::new(&open.0);
        block()
    };
    match &ended {
        Ok(_) => block_on(open.committed().wait()),
        Err(_) => open.rolled_back(),
    }
    ended
}

/// Runs a future inside the [`defer`] block that this is called in, on whatever task polls it:
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::{defer, in_current_deferral};
///
/// let done: Result<u32, tokio::task::JoinError> = defer(async {
///     let task = tokio::spawn(in_current_deferral(async {
///         // The invalidations of writers here wait for the end of the block.
///         42
///     }));
///     task.await
/// })
/// .await;
/// assert_eq!(done.unwrap(), 42);
/// # });
/// ```
///
/// Await the task inside the block. A writer that ends after the block has ended invalidates by
/// itself, as if outside, whatever became of the block. Called outside of a block, this changes
/// nothing.
pub fn in_current_deferral<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let deferral = current();
    async move {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _mark = deferral.as_ref().map(Mark::new);
            future.as_mut().poll(cx)
        })
        .await
    }
}

/// The block that the code which asks runs in, be it over already.
pub(crate) fn current() -> Option<Arc<Deferral>> {
    if !Ambient::Deferral.was_ever() {
        return None;
    }
    let current = CURRENT.try_with(|current| current.borrow().clone());
    current.ok().flatten()
}

/// Whether the code that asks runs in a block that is not over.
pub(crate) fn is_inside() -> bool {
    current().is_some_and(|current| current.is_open())
}

/// Whether the code that asks runs in a block whose writers have outdated the entry with these
/// slots.
#[inline]
pub(crate) fn covers(inner: &Inner, slots: &[Slot]) -> bool {
    Ambient::Deferral.was_ever() && covers_here(inner, slots)
}

/// The entry that was found, unless the code that asks runs in a block whose writers have outdated
/// it. Takes it and gives it back: where a hit merely lent it for a look, that cost 10 ns.
#[inline]
pub(crate) fn unless_covered(
    ambients: Ambients,
    inner: &Inner,
    found: Option<Arc<Entry>>,
) -> Option<Arc<Entry>> {
    if ambients.have(Ambient::Deferral) {
        return unless_covered_here(inner, found);
    }
    found
}

#[cold]
#[inline(never)]
fn unless_covered_here(inner: &Inner, found: Option<Arc<Entry>>) -> Option<Arc<Entry>> {
    found.filter(|entry| !covers_here(inner, &entry.slots))
}

#[cold]
fn covers_here(inner: &Inner, slots: &[Slot]) -> bool {
    current().is_some_and(|current| current.covers(inner, slots))
}

async fn poll_within<F: Future>(deferral: &Arc<Deferral>, mut future: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| {
        let _mark = Mark::new(deferral);
        future.as_mut().poll(cx)
    })
    .await
}

/// Makes a block the current one of this thread, until it is dropped.
struct Mark(Option<Arc<Deferral>>);

impl Mark {
    /// On a thread that is ending and has no thread-locals any more, nothing is inside: writers
    /// invalidate by themselves.
    fn new(deferral: &Arc<Deferral>) -> Self {
        let deferral = Some(Arc::clone(deferral));
        let before = CURRENT.try_with(|current| current.replace(deferral));
        Self(before.ok().flatten())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let before = self.0.take();
        // What was replaced is dropped when nothing is borrowed any more.
        let _inner = CURRENT.try_with(|current| current.replace(before));
    }
}

/// One block.
#[derive(Debug)]
pub(crate) struct Deferral {
    outer: Option<Arc<Deferral>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    collected: Collection,
}

/// How a block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Committed,
    RolledBack,
    Unknown,
}

impl Deferral {
    /// This block and those around it, the innermost first.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |deferral| deferral.outer.as_deref())
    }

    fn is_open(&self) -> bool {
        self.chain().any(|deferral| !deferral.lock().over)
    }

    fn covers(&self, inner: &Inner, slots: &[Slot]) -> bool {
        // What is over has collected nothing that is still to be done.
        let covers = |deferral: &Self| deferral.lock().collected.covers(inner, slots);
        self.chain().any(covers)
    }

    /// Takes in the invalidation of a writer. False if the block is over, and all around it are: then
    /// it is to be done now.
    pub(crate) fn collect(&self, invalidation: &Invalidation) -> bool {
        self.give(|collected| collected.add(invalidation))
    }

    /// Gives the collection of the innermost block that is not over to `change`.
    fn give(&self, change: impl FnOnce(&mut Collection)) -> bool {
        let mut states = self.chain().map(Self::lock);
        let open = states.find(|state| !state.over);
        open.is_some_and(|mut state| {
            change(&mut state.collected);
            true
        })
    }

    /// Ends the block, hands what it collected to the one around it, and gives what is to be done
    /// here. Under the lock, so that nobody finds it in neither place; no lock of an outer block is
    /// ever held while one of an inner block is taken.
    fn end(&self, ending: Ending) -> Collection {
        let mut state = self.lock();
        if std::mem::replace(&mut state.over, true) {
            return Collection::default();
        }
        let mut collected = std::mem::take(&mut state.collected);
        if ending == Ending::RolledBack {
            collected.roll_back();
        }
        let outer = self.outer.as_ref();
        let handed = outer.is_some_and(|outer| outer.give(|outer| outer.absorb(&collected)));
        drop(state);
        if handed && ending != Ending::Unknown {
            return Collection::default();
        }
        collected
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A block that is open; dropped, nobody knows whether it has committed.
struct Open(Arc<Deferral>);

impl Open {
    fn new() -> Self {
        Ambient::Deferral.opens();
        // What is over is let go of: tasks that outlive a block and open others would make a chain
        // without an end.
        let mut outer = current();
        while let Some(over) = outer.take_if(|outer| outer.lock().over) {
            outer = over.outer.clone();
        }
        Self(Arc::new(Deferral {
            outer,
            state: Mutex::default(),
        }))
    }

    /// Invalidates here, and gives what the stores are still to be told.
    fn committed(&self) -> Due {
        self.0.end(Ending::Committed).invalidate_locally()
    }

    fn rolled_back(&self) {
        self.0.end(Ending::RolledBack).invalidate();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let unknown = self.0.end(Ending::Unknown);
        if !active(Mutant::BlockNotGuarded) {
            unknown.invalidate_twice();
        }
    }
}
