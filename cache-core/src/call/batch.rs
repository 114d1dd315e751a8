//! One call of a batch function: each of its elements looked up by itself, and what is missing
//! computed together.

mod argument;
#[cfg(mutants)]
mod broken;
mod join;
mod known;
mod rounds;
mod store;
mod told;

use std::sync::Arc;
use std::time::Duration;

use super::{CacheValue, Condition, LocalValue, Miss, StoreIf, TtlWith, Unconditional, Work};
use crate::ambient::{Ambient, Ambients};
use crate::body::block_on;
use crate::cache::Cache;
use crate::codec::{self, Codec};
use crate::deferral;
use crate::function::{Function, Instance};
use crate::handling::Handling;
use crate::key::KeyWriter;
use crate::observation;
use crate::outcome::{Answers, BatchOf, Shape, Taken};
use crate::rehearsal::{self, Rehearsal, Unknown};
use crate::segment::SegmentWriter;
use crate::subject::Subject;

pub use argument::{BatchArgument, BatchElement, Elements, Given, Lent, Missing};
use known::Known;
use rounds::Rounds;
pub(crate) use told::Told;

/// Looks each element of `argument` up in the cache. Never waits.
///
/// `key` and `prefix` are given the element for the argument.
pub fn lookup_batch<R, A, E, O, V, S, F, P>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    argument: &A,
    key: F,
    prefix: P,
) -> Batch<R, E, V, S>
where
    A: BatchArgument<Element = E, Order = O>,
    R: BatchOf<E, O, Value = V>,
    S: Shape<Option<V>, Value = V>,
    V: CacheValue,
    F: Fn(&mut KeyWriter, &E),
    P: Fn(&mut SegmentWriter<'_>, &E),
{
    let handling = Handling::shared();
    look_up((cache, function), shape, argument, key, prefix, handling)
}

/// Like [`lookup_batch`], for values that never leave the process.
pub fn lookup_batch_local<R, A, E, O, V, S, F, P>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    argument: &A,
    key: F,
    prefix: P,
) -> Batch<R, E, V, S>
where
    A: BatchArgument<Element = E, Order = O>,
    R: BatchOf<E, O, Value = V>,
    S: Shape<Option<V>, Value = V>,
    V: LocalValue,
    F: Fn(&mut KeyWriter, &E),
    P: Fn(&mut SegmentWriter<'_>, &E),
{
    let handling = Handling::local();
    look_up((cache, function), shape, argument, key, prefix, handling)
}

fn look_up<R, A, E, O, V, S, F, P>(
    (cache, function): (&Cache, &'static Function),
    shape: S,
    argument: &A,
    key: F,
    prefix: P,
    handling: Handling<V>,
) -> Batch<R, E, V, S>
where
    A: BatchArgument<Element = E, Order = O>,
    R: BatchOf<E, O, Value = V>,
    S: Shape<Option<V>, Value = V>,
    V: LocalValue,
    F: Fn(&mut KeyWriter, &E),
    P: Fn(&mut SegmentWriter<'_>, &E),
{
    let instance = function.instance::<F, V>(handling.schema());
    let is_rehearsed = Ambients::ever().have(Ambient::Rehearsal) && rehearsal::is_on();
    let rehearsal = is_rehearsed.then(rehearsal::claim).flatten();
    let mut known = Known::new(argument.elements());
    let mut open = Vec::new();
    // One that is rehearsed reads nothing and counts nothing.
    let looked_up = if rehearsal.is_some() { 0 } else { known.len() };
    for index in 0..looked_up {
        let element = known.element(index);
        let mut writer = KeyWriter::with_seed(cache.inner().memory.seed(instance));
        key(&mut writer, element);
        let prefix = |segments: &mut SegmentWriter<'_>| prefix(segments, element);
        match find(cache, instance, &mut writer, prefix) {
            Element::Kept(kept) => known.set(index, kept),
            Element::Open(subject) => open.push(Open { index, subject }),
        }
    }
    let terms = Miss {
        cache: cache.clone(),
        subject: None,
        shape,
        ttl: None,
        none_ttl: None,
        handling,
        codec: None,
        replaces: None,
        sampled: None,
    };
    Batch {
        misses: (!open.is_empty()).then(|| Box::new(Misses { terms, open })),
        rehearsal,
        instance,
        known,
        condition: Unconditional,
        form: Form::new(),
    }
}

/// What looking an element up came to.
enum Element<V> {
    /// What memory has kept for it.
    Kept(Option<V>),
    /// The subject of its miss; none if the element is not cached.
    Open(Option<Subject>),
}

fn find<V: LocalValue>(
    cache: &Cache,
    instance: &'static Instance,
    writer: &mut KeyWriter,
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
) -> Element<V> {
    let (inner, function) = (cache.inner(), instance.function());
    if (inner.rollout.is_restricted() || writer.is_bypassed()) && inner.bypasses(function, writer) {
        return Element::Open(None);
    }
    let hash = writer.hash();
    let found = inner
        .memory
        .get(hash, instance, writer.bytes(), inner.clock.now());
    if let (Some(entry), None) = (
        deferral::unless_covered(Ambients::ever(), inner, found),
        writer.error(),
    ) && let Some(kept) = entry.value()
    {
        entry.series.hit();
        return Element::Kept(kept);
    }
    Element::Open(Subject::of_call(cache, instance, hash, writer, prefix))
}

/// An element that memory did not answer.
#[derive(Debug)]
struct Open {
    /// Which of the elements it is.
    index: usize,
    /// None if it is not cached: its arguments are no key, or a rollout leaves it out.
    subject: Option<Subject>,
}

/// What memory did not answer of a call, and what is said about it.
struct Misses<S, V> {
    /// All that it has in common, so without a subject.
    terms: Miss<S, V>,
    open: Vec<Open>,
}

/// A call of a batch function whose elements, of type `E`, have been looked up.
///
/// Like a [`Call`](super::Call) it holds what was kept and not the answer made of it.
#[must_use = "a call does nothing until `or_compute` is awaited"]
pub struct Batch<R, E, V, S, K = Unconditional> {
    known: Known<E, V>,
    misses: Option<Box<Misses<S, V>>>,
    /// Set if it is made only to learn what it is about.
    rehearsal: Option<Arc<Rehearsal>>,
    instance: &'static Instance,
    condition: K,
    form: Form<R, E, V>,
}

/// How what the function returns is taken apart and put together.
///
/// Settled where the elements are looked up, so that the compiler asks once whether it can be, and a
/// mistake is one error.
struct Form<R, E, V> {
    take: fn(R, &[&E]) -> Taken<V, R>,
    restore: fn(Answers<E, V>) -> R,
}

impl<R, E, V> Form<R, E, V> {
    fn new<O>() -> Self
    where
        R: BatchOf<E, O, Value = V>,
    {
        Self {
            take: R::take,
            restore: R::restore,
        }
    }
}

impl<R, E, V> Clone for Form<R, E, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, E, V> Copy for Form<R, E, V> {}

impl<R, E, V, S, K> Batch<R, E, V, S, K>
where
    V: LocalValue,
    S: Shape<Option<V>, Value = V>,
    K: Condition<V>,
{
    /// Keeps a value only if `condition` holds for it.
    pub fn store_if<F>(self, condition: F) -> Batch<R, E, V, S, impl Condition<V>>
    where
        F: Fn(&V) -> bool,
    {
        self.under(|inner| StoreIf(condition, inner))
    }

    /// Keeps a value for as long as `ttl` says, and no longer than what was said besides.
    pub fn ttl_with<F>(self, ttl: F) -> Batch<R, E, V, S, impl Condition<V>>
    where
        F: Fn(&V) -> Duration,
    {
        self.under(|inner| TtlWith(ttl, inner))
    }

    fn under<L>(self, condition: impl FnOnce(K) -> L) -> Batch<R, E, V, S, L> {
        Batch {
            known: self.known,
            misses: self.misses,
            rehearsal: self.rehearsal,
            instance: self.instance,
            condition: condition(self.condition),
            form: self.form,
        }
    }

    /// Sets how long a value is kept. `ttl` is called if anything is missing.
    pub fn ttl(mut self, ttl: impl FnOnce() -> Duration) -> Self {
        if let Some(misses) = &mut self.misses {
            misses.terms.ttl = Some(ttl());
        }
        self
    }

    /// Sets the codec of the values in a store. `codec` is called if anything is missing.
    pub fn codec<C: Codec>(mut self, codec: impl FnOnce() -> C) -> Self
    where
        V: CacheValue,
    {
        if let Some(misses) = &mut self.misses {
            misses.terms.codec = Some(codec::of_function(codec()));
        }
        self
    }

    /// Sets how long an absence is kept. `ttl` is called if anything is missing.
    pub fn none_ttl(mut self, ttl: impl FnOnce() -> Duration) -> Self {
        if let Some(misses) = &mut self.misses {
            misses.terms.none_ttl = Some(ttl());
        }
        self
    }

    /// The answers of the cache, and those of `body` for what is missing.
    ///
    /// `body` is run once for all that nobody computes yet, and again for what others were computing
    /// and left undone: each time a copy of it, so what it consumes has to be `Clone`.
    pub async fn or_compute<B>(self, body: B) -> R
    where
        B: AsyncFnOnce(Missing) -> R + Repeatable,
    {
        let Self {
            known,
            misses,
            rehearsal,
            instance,
            condition,
            form,
        } = self;
        if let Some(rehearsal) = rehearsal {
            let name = instance.function().name();
            Box::pin(rehearsal.stop(Err(Unknown::Batch(name)))).await;
        }
        match misses {
            None => {
                known.tell();
                (form.restore)(known.answers())
            }
            Some(misses) => {
                let work = Work { body, condition };
                Box::pin(misses.compute(known, (instance, form), work)).await
            }
        }
    }

    /// Like [`or_compute`](Self::or_compute), for a synchronous function: waits on this thread.
    pub fn or_compute_blocking<B>(self, body: B) -> R
    where
        B: FnOnce(Missing) -> R + Repeatable,
    {
        if self.misses.is_none() && self.rehearsal.is_none() {
            self.known.tell();
            return (self.form.restore)(self.known.answers());
        }
        block_on(self.or_compute(async move |missing| body(missing)))
    }
}

/// A body of which copies can be run.
#[diagnostic::on_unimplemented(
    message = "the body of a batch may run more than once, and takes what can't be copied",
    label = "its body uses something up that is not `Clone`, or changes an argument",
    note = "let the body borrow it (take it as `&T`, or use `&value` in the body), or derive `Clone`; what bodies change together is shared by a `Mutex` or the like"
)]
pub trait Repeatable: Clone {}

#[diagnostic::do_not_recommend]
impl<B: Clone> Repeatable for B {}

impl<S, V: LocalValue> Misses<S, V> {
    async fn compute<R, E, B, K>(
        self: Box<Self>,
        mut known: Known<E, V>,
        (instance, form): (&'static Instance, Form<R, E, V>),
        work: Work<B, K>,
    ) -> R
    where
        S: Shape<Option<V>, Value = V>,
        B: AsyncFnOnce(Missing) -> R + Repeatable,
        K: Condition<V>,
    {
        let rounds = Rounds {
            terms: &self.terms,
            open: &self.open,
            instance,
        };
        if rounds.are_of_no_use(known.len()) {
            return crate::body::inside(std::pin::pin!((work.body)(Missing::all()))).await;
        }
        let (place, begun) = rounds.begin(&mut known).await;
        if begun.is_nothing() {
            observation::answered();
        }
        rounds.go_on(place, begun, (known, form), work).await
    }
}
