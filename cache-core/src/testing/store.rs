//! A store in memory that does what a test tells it to.

mod contents;
mod corruption;
mod hanging;
mod operations;
mod script;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Error;
use crate::agenda::Agenda;
use crate::clock::Clock;
use crate::layout::Key;
use crate::store::{BoxFuture, Deadline};
use crate::sync::interleave;
use crate::testing::TestClock;

pub use contents::Contents;
pub use corruption::Corruption;
pub use script::{Fault, Operation};

use hanging::{Hanging, Waiting};
use script::Script;

/// A store in memory that keeps the [contract](crate::store) and, when a test says so, uses every
/// freedom that the contract leaves: it forgets, fails, is late, hangs, loses replies or is full; and
/// what no contract allows: it answers with damaged values, and with those of others.
///
/// Clones are handles of one store, so two caches can share it as two processes share a server. It
/// needs no async runtime. An operation that hangs ends at its [`Deadline`], in real time: the
/// first one starts a thread, which wakes it then and ends with the store.
///
/// | for a service, the store | the test says |
/// | --- | --- |
/// | is down, and up again | [`set_down`](Self::set_down) |
/// | can't save, so that nothing can be invalidated | [`set_refusing_writes`](Self::set_refusing_writes) |
/// | has no room | [`set_full`](Self::set_full) |
/// | fails, hangs, is slow, loses a reply or corrupts one, at the n-th operation of a kind | [`next`](Self::next), several in turn, with a [`Fault`] each |
/// | has evicted or lost what it held | [`evict`](Self::evict), [`flush`](Self::flush) |
/// | holds what somebody else has put there | [`alter`](Self::alter) |
/// | was asked what, and how often | [`log`](Self::log), [`count`](Self::count) |
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::Cache;
/// use cachewright::testing::{Corruption, Fault, Operation, ScriptedStore};
///
/// let store = ScriptedStore::new();
/// let cache = Cache::builder().namespace("app").store(store.clone()).build()?;
/// cache.set("user:42", "Ada".to_owned(), None).await?;
///
/// store.next(1, Operation::Read, Fault::Outage);
/// assert!(cache.get::<String>("user:42").await.unwrap_err().is_outage());
/// assert_eq!(cache.get::<String>("user:42").await?.as_deref(), Some("Ada"));
///
/// // What is damaged is not there, and never another answer.
/// store.next(1, Operation::Read, Fault::Corrupt(Corruption::Flipped));
/// assert_eq!(cache.get::<String>("user:42").await?, None);
/// # Ok::<(), cache_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ScriptedStore(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Wakes what hangs when its deadline comes.
    alarms: Arc<Agenda>,
    /// Answers what is delayed, by the store's own clock.
    delays: Arc<Agenda>,
    clock: Clock,
}

struct State {
    contents: Contents,
    script: Script,
    hanging: Hanging,
    /// What came late and is still to be done.
    late: Vec<Effect>,
    log: Vec<Operation>,
}

type Effect = Box<dyn FnOnce(&mut Contents) + Send>;

/// How an operation goes on after the store was asked.
enum Step<T, E> {
    Over(Result<T, Error>),
    /// The effect is done once the test says so.
    Held(Waiting, E),
    /// The effect is done, its reply is given once the test says so.
    Done(Waiting, T),
}

impl ScriptedStore {
    /// An empty store that lives in real time.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "as for the clock: nothing about a test is a default"
    )]
    pub fn new() -> Self {
        Self::in_time_of(Clock::Coarse)
    }

    /// An empty store in which entries expire by a clock that the test moves.
    #[must_use]
    pub fn with_clock(clock: impl Into<TestClock>) -> Self {
        Self::in_time_of(clock.into().0)
    }

    fn in_time_of(clock: Clock) -> Self {
        let state = State {
            contents: Contents::new(clock.clone()),
            script: Script::default(),
            hanging: Hanging::default(),
            late: Vec::new(),
            log: Vec::new(),
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            alarms: Agenda::new(Clock::Coarse),
            delays: Agenda::new(clock.clone()),
            clock,
        }))
    }

    /// Has the next `times` operations of one kind, or of any with `None`, meet a fault. What was
    /// told first comes first; `usize::MAX` is until [`clear_script`](Self::clear_script).
    pub fn next(&self, times: usize, of: impl Into<Option<Operation>>, fault: Fault) {
        self.lock().script.add(times, of.into(), fault);
    }

    /// Whether every operation fails with an outage, undone.
    pub fn set_down(&self, down: bool) {
        self.lock().script.down = down;
    }

    /// Whether everything but reads and scans fails with an outage, undone: a server that can't
    /// save, or has too few replicas.
    pub fn set_refusing_writes(&self, refusing: bool) {
        self.lock().script.refusing_writes = refusing;
    }

    /// Whether there is no room: nothing can be stored, all can be read and invalidated.
    pub fn set_full(&self, full: bool) {
        self.lock().contents.full = full;
    }

    /// Forgets what [`next`](Self::next) was told. What hangs goes on hanging, and what is late is
    /// still late.
    pub fn clear_script(&self) {
        self.lock().script.forget();
    }

    /// How many operations were [late](Fault::Late) and are not done yet.
    #[must_use]
    pub fn late(&self) -> usize {
        self.lock().late.len()
    }

    /// Does one of the operations that came late, counted from zero in the order in which they came.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn deliver(&self, index: usize) {
        let mut state = self.lock();
        let effect = state.late.remove(index);
        effect(&mut state.contents);
    }

    /// How many operations hang, be it before or after their effect.
    #[must_use]
    pub fn hanging(&self) -> usize {
        self.lock().hanging.len()
    }

    /// Lets everything go on that hangs now.
    pub fn release(&self) {
        let wakers = self.lock().hanging.release();
        wakers.for_each(std::task::Waker::wake);
    }

    /// Evicts what a predicate says. Gives how many keys went.
    pub fn evict(&self, mut which: impl FnMut(&Key) -> bool) -> usize {
        let mut state = self.lock();
        let evicted: Vec<_> = state.contents.keys().filter(|key| which(key)).collect();
        for key in &evicted {
            state.contents.remove(key);
        }
        evicted.len()
    }

    /// Removes everything.
    pub fn flush(&self) {
        self.evict(|_| true);
    }

    /// The names of what is stored, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.lock().contents.keys().collect()
    }

    /// What is stored under a key. No operation, so no fault and no entry in the log.
    #[must_use]
    pub fn peek(&self, key: &Key) -> Option<Vec<u8>> {
        self.lock().contents.get(key).map(<[u8]>::to_vec)
    }

    /// How long a key has still to live; `None` if there is no such key, or it stays for ever.
    #[must_use]
    pub fn time_to_live(&self, key: &Key) -> Option<Duration> {
        self.lock().contents.time_to_live(key)
    }

    /// Does anything to what is stored. No operation, so no fault and no entry in the log.
    pub fn alter<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> T {
        change(&mut self.lock().contents)
    }

    /// The operations that reached the store so far, in their order, those included that met a
    /// fault. One whose deadline was over before is not among them.
    #[must_use]
    pub fn log(&self) -> Vec<Operation> {
        self.lock().log.clone()
    }

    /// How many operations reached the store: of one kind, or with `None` of all.
    #[must_use]
    pub fn count(&self, of: impl Into<Option<Operation>>) -> usize {
        let of = of.into();
        let state = self.lock();
        let counted = state
            .log
            .iter()
            .filter(|kind| of.is_none_or(|of| of == **kind));
        counted.count()
    }

    /// Forgets the log.
    pub fn forget_log(&self) {
        self.lock().log.clear();
    }

    /// An operation of the test's own, under the same script as those of the trait: for what a
    /// broken protocol would do.
    ///
    /// # Errors
    ///
    /// As the script says, and an outage when the deadline is over.
    pub fn perform<T: Send + 'static>(
        &self,
        operation: Operation,
        deadline: Deadline,
        effect: impl FnOnce(&mut Contents) -> T + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Error>> {
        Box::pin(async move {
            if deadline.is_over() {
                return Err(Error::outage(
                    "the time was over before the store was asked",
                ));
            }
            interleave();
            let step = self.begin(operation, effect);
            interleave();
            match step {
                Step::Over(answer) => answer,
                Step::Held(waiting, effect) => {
                    waiting.until(deadline).await?;
                    Ok(effect(&mut self.lock().contents))
                }
                Step::Done(waiting, reply) => {
                    waiting.until(deadline).await?;
                    Ok(reply)
                }
            }
        })
    }

    fn begin<T, E>(&self, operation: Operation, effect: E) -> Step<T, E>
    where
        E: FnOnce(&mut Contents) -> T + Send + 'static,
    {
        let mut state = self.lock();
        state.log.push(operation);
        let outage = |message| Step::Over(Err(Error::outage(message)));
        match state.script.fault(operation) {
            None | Some(Fault::None) => Step::Over(Ok(effect(&mut state.contents))),
            Some(Fault::Outage) => outage("the test's store is not reached"),
            Some(Fault::Refused) => Step::Over(Err(Error::configuration(
                "the test's store refuses this program",
            ))),
            Some(Fault::ReplyLost) => {
                effect(&mut state.contents);
                outage("the reply of the test's store is lost")
            }
            Some(Fault::Late) => {
                state.late.push(Box::new(|contents| drop(effect(contents))));
                outage("the test's store is late")
            }
            Some(Fault::Panic) => {
                drop(state);
                panic!("the test's store was told to");
            }
            Some(Fault::Hang) => Step::Held(self.wait(&mut state), effect),
            Some(Fault::ReplyHeld) => {
                let reply = effect(&mut state.contents);
                Step::Done(self.wait(&mut state), reply)
            }
            Some(Fault::Delayed(by)) => {
                let reply = effect(&mut state.contents);
                Step::Done(self.wait_for(&mut state, by), reply)
            }
            Some(Fault::Corrupt(corruption)) => {
                state.contents.replies.corruption = Some(corruption);
                let reply = effect(&mut state.contents);
                state.contents.replies.corruption = None;
                Step::Over(Ok(reply))
            }
        }
    }

    fn wait(&self, state: &mut State) -> Waiting {
        Waiting::new(Arc::clone(&self.0), state.hanging.enter())
    }

    fn wait_for(&self, state: &mut State, span: Duration) -> Waiting {
        let number = state.hanging.enter();
        let store = Arc::downgrade(&self.0);
        self.0.delays.add(self.0.clock.after(span), move || {
            if let Some(store) = store.upgrade() {
                store.release_one(number);
            }
        });
        Waiting::new(Arc::clone(&self.0), number)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.alarms.close();
        self.delays.close();
    }
}

impl fmt::Debug for ScriptedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("ScriptedStore")
            .field("keys", &state.contents.keys().count())
            .field("operations", &state.log.len())
            .field("hanging", &state.hanging.len())
            .field("late", &state.late.len())
            .finish_non_exhaustive()
    }
}
