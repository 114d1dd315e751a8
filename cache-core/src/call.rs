//! One call of a cached function: looked up, and computed if need be.

mod aging;
mod batch;
mod condition;
mod deferred;
mod local;
mod refresh;
mod rehearsed;
mod shared;
mod verification;

use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::ambient::{Ambient, Ambients};
use crate::background::Place;
use crate::body::{block_on, inside, inside_now};
use crate::cache::Cache;
use crate::chance;
use crate::codec::{self, Codec, Coder};
use crate::deferral;
use crate::flight::{Follower, Turn, Wanted};
use crate::function::{Function, Instance};
use crate::handling::{Coding, Handling};
use crate::key::KeyWriter;
use crate::memory::entry::Entry;
use crate::mutants::{Mutant, active};
use crate::observation;
use crate::outcome::{HasAbsence, Outcome, Shape};
use crate::policy::{MAX_TTL, Tier};
use crate::rehearsal;
use crate::segment::SegmentWriter;
use crate::shared::Shared;
use crate::subject::Subject;
use rehearsed::Part;

use aging::Held;
use shared::Footing;
use verification::{Sample, Sampled};

pub(crate) use batch::Told;
pub use batch::{
    Batch, BatchArgument, BatchElement, Elements, Given, Lent, Missing, Repeatable, lookup_batch,
    lookup_batch_local,
};
pub use condition::{Condition, Unconditional, Verdict};
use condition::{StoreIf, TtlWith};

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

/// Looks a call up in the cache. Never waits, never allocates on a hit.
#[inline]
pub fn lookup<R, S>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    key: impl FnOnce(&mut KeyWriter),
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: CacheValue,
{
    look_up(cache, function, shape, key, prefix, Handling::shared())
}

/// Like [`lookup`], for values that never leave the process.
#[inline]
pub fn lookup_local<R, S>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    key: impl FnOnce(&mut KeyWriter),
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: LocalValue,
{
    look_up(cache, function, shape, key, prefix, Handling::local())
}

#[inline]
fn look_up<R, S, K>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    key: K,
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
    handling: Handling<S::Value>,
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: LocalValue,
    K: FnOnce(&mut KeyWriter),
{
    let ambients = Ambients::ever();
    if ambients.have(Ambient::Rehearsal) && rehearsal::is_on() {
        return rehearsed::look_up(cache, function, shape, key, prefix, handling);
    }
    let instance = function.instance::<K, S::Value>(handling.schema());
    let memory = &cache.inner().memory;
    let mut writer = KeyWriter::with_seed(memory.seed(instance));
    key(&mut writer);
    if (cache.inner().rollout.is_restricted() || writer.is_bypassed())
        && cache.inner().bypasses(function, &writer)
    {
        return Call::bypassed();
    }
    let hash = writer.hash();
    let found = memory.get(hash, instance, writer.bytes(), cache.inner().clock.now());
    let found = deferral::unless_covered(ambients, cache.inner(), found);
    let mut sampled = None;
    if let Some(entry) = found {
        let kept: Option<Option<S::Value>> = entry.value();
        let kept = kept.filter(|kept| kept.is_some() || S::HAS_ABSENCE);
        if let (Some(kept), None) = (kept, writer.error()) {
            if !function.is_sampled() {
                if ambients.have(Ambient::Observation) {
                    observation::answered();
                }
                entry.series.hit();
                return Call::hit(shape, kept);
            }
            let entry = Sampled::InMemory(entry);
            sampled = Some(Sample { kept, entry });
        }
    }
    let missed = Missed {
        instance,
        hash,
        writer,
        sampled,
    };
    missed.call(cache, shape, prefix, handling)
}

/// A look-up that did not end with an answer.
struct Missed<V> {
    instance: &'static Instance,
    hash: u64,
    writer: KeyWriter,
    /// An answer that is to be verified.
    sampled: Option<Sample<V>>,
}

impl<V: LocalValue> Missed<V> {
    /// Out of the way of a hit, which is inlined into its callers.
    #[cold]
    #[inline(never)]
    fn call<R, S>(
        mut self,
        cache: &Cache,
        shape: S,
        prefix: impl FnOnce(&mut SegmentWriter<'_>),
        handling: Handling<V>,
    ) -> Call<R, S>
    where
        S: Shape<R, Value = V>,
    {
        let (instance, hash) = (self.instance, self.hash);
        let subject = Subject::of_call(cache, instance, hash, &mut self.writer, prefix);
        Call::miss(Miss {
            cache: cache.clone(),
            subject,
            shape,
            ttl: None,
            none_ttl: None,
            handling,
            codec: None,
            replaces: None,
            sampled: self.sampled,
        })
    }
}

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
    /// Neither looked up nor to be stored.
    Bypassed,
    /// Made only to learn what it is about.
    Rehearsed(Box<Part>),
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
        Self::new(State::Bypassed)
    }

    pub(crate) fn rehearsed(part: Part) -> Self {
        Self::new(State::Rehearsed(Box::new(part)))
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
        if let State::Rehearsed(part) = &mut self.state {
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
            State::Rehearsed(part) => part.ttl(ttl()),
            State::Hit(..) | State::Bypassed => {}
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
            State::Rehearsed(part) => part.none_ttl(ttl()),
            State::Hit(..) | State::Bypassed => {}
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
            State::Rehearsed(part) => part.codec::<S::Value>(codec::of_function(codec())),
            State::Hit(..) | State::Bypassed => {}
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
            State::Bypassed => Box::pin(body()).await,
            State::Rehearsed(part) => {
                Box::pin(part.stop()).await;
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
            State::Bypassed => Box::pin(body()).await,
            State::Rehearsed(part) => {
                Box::pin(part.stop()).await;
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
            State::Bypassed => body(),
            State::Rehearsed(part) => {
                block_on(part.stop());
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
            State::Bypassed => body(),
            State::Rehearsed(part) => {
                block_on(part.stop());
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
                Box::pin(miss.compute_or_refresh(Place::Task, body, condition)).await
            }
            State::Bypassed => Box::pin(body()).await,
            State::Rehearsed(part) => {
                Box::pin(part.stop()).await;
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
                    Place::Thread,
                    make,
                    self.condition,
                )))
            }
            State::Bypassed => body()(),
            State::Rehearsed(part) => {
                block_on(part.stop());
                body()()
            }
        }
    }
}

fn answer<R, S: Shape<R>>(shape: S, kept: Option<S::Value>) -> R {
    shape
        .restore(kept)
        .expect("what a shape has no place for is not a hit")
}

/// What looking for an answer came to.
enum Looked<V> {
    /// What was kept, in a shape that has a place for it.
    Answer(Option<V>),
    /// The same, to be verified.
    Sampled(Sample<V>),
    /// What the call goes on from, and a value that is not as fresh as could be.
    At(Ground, Option<Held<V>>),
}

/// What a computation stands on.
enum Ground {
    /// It is neither stored nor shared.
    Uncached,
    Memory,
    Store(Footing),
}

/// What a miss has to do: the body, and what is asked about its value.
pub(crate) struct Work<B, K> {
    pub(crate) body: B,
    pub(crate) condition: K,
}

/// A call that was not answered by memory.
pub(crate) struct Miss<S, V> {
    pub(crate) cache: Cache,
    pub(crate) subject: Option<Subject>,
    pub(crate) shape: S,
    pub(crate) ttl: Option<Duration>,
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) handling: Handling<V>,
    /// The function's own.
    pub(crate) codec: Option<Arc<dyn Coder<V>>>,
    /// The id of the entry that is to be replaced, if the call does nothing else; zero in memory.
    pub(crate) replaces: Option<u64>,
    /// What memory answers with, if the hit is to be verified.
    pub(crate) sampled: Option<Sample<V>>,
}

impl<S, V: LocalValue> Miss<S, V> {
    async fn compute<R, B, K>(&self, work: Work<B, K>) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        let Some(subject) = &self.subject else {
            return inside(pin!((work.body)())).await;
        };
        match self.look(subject).await {
            Looked::Answer(kept) => answer(self.shape, kept),
            Looked::Sampled(sample) => self.verify(subject, sample, work.body).await,
            Looked::At(ground, _) => self.compute_at(subject, ground, work).await,
        }
    }

    /// Looks for an answer beyond what memory has at hand.
    async fn look<R>(&self, subject: &Subject) -> Looked<V>
    where
        S: Shape<R, Value = V>,
    {
        let looked = match (&self.sampled, self.place(subject)) {
            _ if deferral::is_inside() && !active(Mutant::BlockStores) => {
                self.look_deferred(subject).await
            }
            (Some(sample), _) => Looked::Sampled(sample.clone()),
            (None, Some((shared, coding))) => self.look_in_store(subject, shared, &coding).await,
            (None, None) => self.look_in_memory(subject),
        };
        if let Looked::Answer(_) | Looked::Sampled(_) = looked {
            observation::answered();
        }
        looked
    }

    /// Runs the body, and keeps what there is to keep.
    async fn compute_at<R, B, K>(&self, subject: &Subject, ground: Ground, work: Work<B, K>) -> R
    where
        S: Shape<R, Value = V>,
        B: AsyncFnOnce() -> R,
        K: Condition<V>,
    {
        let computed = match ground {
            Ground::Uncached => inside(pin!((work.body)())).await,
            Ground::Memory => self.compute_locally(subject, work).await,
            Ground::Store(footing) => self.compute_shared(subject, footing, work).await,
        };
        observation::computed(|| matches!(self.shape.outcome(&computed), Outcome::Failure));
        computed
    }

    /// The store that the entry is kept in, and how; none if memory keeps it.
    pub(crate) fn place(&self, subject: &Subject) -> Option<(&Shared, Coding<'_, V>)> {
        let tier = subject.key.instance.function().policy().tier;
        match tier {
            Tier::All | Tier::SharedOnly => self.cache.inner().shared().zip(self.coding()),
            Tier::MemoryOnly => None,
        }
    }

    /// How the value gets into a store; none if it never leaves the process.
    fn coding(&self) -> Option<Coding<'_, V>> {
        let packaging = &self.cache.inner().packaging;
        let encodable = self.handling.encodable?;
        Some(encodable.coding(packaging, self.codec.as_deref()))
    }

    fn coalesces(&self, subject: &Subject) -> bool {
        subject.key.instance.function().policy().coalesce
    }

    /// How long what was computed is kept. Zero is not at all.
    pub(crate) fn time_to_live(
        &self,
        subject: &Subject,
        kept: Option<&V>,
        condition: &impl Condition<V>,
    ) -> Duration {
        let policy = subject.key.instance.function().policy();
        let ttl = match kept {
            Some(value) => self.ttl_of(value, subject, condition),
            None => (self.none_ttl.or(policy.none_ttl)).unwrap_or_default(),
        };
        match policy.jitter {
            0 => ttl,
            ppm => chance::shortened(ttl.min(MAX_TTL), ppm),
        }
    }

    fn ttl_of(&self, value: &V, subject: &Subject, condition: &impl Condition<V>) -> Duration {
        // A call in there must not wait for the computation that it is a part of.
        let verdict = inside_now(|| condition.judge(value));
        let own = verdict.ttl.unwrap_or(MAX_TTL).min(MAX_TTL);
        match (verdict.keep, verdict.ttl) {
            (false, _) => Duration::ZERO,
            (true, None) => self.ttl_of_a_value(subject),
            (true, Some(_)) => self.given_ttl(subject).unwrap_or(own).min(own),
        }
    }

    /// How long a value lives that has no say in it.
    fn ttl_of_a_value(&self, subject: &Subject) -> Duration {
        let given = self.given_ttl(subject);
        given.unwrap_or(self.cache.inner().default_ttl)
    }

    /// How long a value lives, if the caller, the attribute or a setting says so.
    fn given_ttl(&self, subject: &Subject) -> Option<Duration> {
        let (inner, function) = (self.cache.inner(), subject.key.instance.function());
        let said = self.ttl.or(function.policy().ttl);
        let by_caller = function.is_plain() && said.is_some();
        if by_caller || said.is_some_and(|ttl| ttl.is_zero()) {
            return said;
        }
        inner.ttls.of(subject.first_segment()).or(said)
    }

    fn wanted<'a>(&self, subject: &'a Subject) -> Wanted<'a> {
        Wanted {
            key: &subject.key,
            slots: &subject.slots,
            fence: None,
            seat: None,
            now: self.cache.inner().clock.now(),
            oldest: 0,
        }
    }

    /// Waits for the leader, or for the end of this caller's patience.
    async fn follow(&self, mut follower: Follower) -> Turn {
        let inner = self.cache.inner();
        let deadline = inner.clock.after(inner.patience);
        poll_fn(|cx| {
            follower.poll(cx, inner.clock.now(), deadline, |flight| {
                inner.watch(flight, deadline);
            })
        })
        .await
    }

    /// Whether what is about to be kept comes back equal from a store is found out once for each
    /// function, with or without a store.
    #[cfg(debug_assertions)]
    fn check_round_trip<R>(&self, subject: &Subject, kept: Option<&V>, ttl: Duration)
    where
        S: Shape<R, Value = V>,
    {
        let instance = subject.key.instance;
        // Plain keys have values of many types, and one instance.
        if ttl.is_zero() || instance.function().is_plain() {
            return;
        }
        if let (Some(value), Some(coding)) = (kept, self.coding()) {
            instance.check_round_trip::<V>(|| coding.round_trip(value, S::EQUAL));
        }
    }

    fn restore<R>(&self, entry: &Entry) -> Option<R>
    where
        S: Shape<R, Value = V>,
    {
        self.shape.restore(entry.value()?)
    }
}
