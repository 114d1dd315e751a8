//! A call that was not answered by memory: what it has found, what it computes, and for how long
//! that is kept.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::aging::Held;
use super::shared::Footing;
use super::verification::Sample;
use super::{Condition, LocalValue, answer};
use crate::body::{inside, inside_now};
use crate::cache::Cache;
use crate::chance;
use crate::codec::Coder;
use crate::deferral;
use crate::flight::{Follower, Turn, Wanted};
use crate::handling::{Coding, Handling};
use crate::memory::entry::Entry;
use crate::mutants::{Mutant, active};
use crate::observation;
use crate::outcome::{Outcome, Shape};
use crate::policy::{MAX_TTL, Tier};
use crate::shared::Shared;
use crate::subject::Subject;

/// What looking for an answer came to.
pub(super) enum Looked<V> {
    /// What was kept, in a shape that has a place for it.
    Answer(Option<V>),
    /// The same, to be verified.
    Sampled(Sample<V>),
    /// What the call goes on from, and a value that is not as fresh as could be.
    At(Ground, Option<Held<V>>),
}

/// What a computation stands on.
pub(super) enum Ground {
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
    pub(super) async fn compute<R, B, K>(&self, work: Work<B, K>) -> R
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
            Looked::Sampled(sample) => self.verify(subject, sample, work).await,
            Looked::At(ground, _) => self.compute_at(subject, ground, work).await,
        }
    }

    /// Looks for an answer beyond what memory has at hand.
    pub(super) async fn look<R>(&self, subject: &Subject) -> Looked<V>
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
    pub(super) async fn compute_at<R, B, K>(
        &self,
        subject: &Subject,
        ground: Ground,
        work: Work<B, K>,
    ) -> R
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
    pub(super) fn coding(&self) -> Option<Coding<'_, V>> {
        let packaging = &self.cache.inner().packaging;
        let encodable = self.handling.encodable?;
        Some(encodable.coding(packaging, self.codec.as_deref()))
    }

    pub(super) fn coalesces(&self, subject: &Subject) -> bool {
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
    pub(super) fn ttl_of_a_value(&self, subject: &Subject) -> Duration {
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

    pub(super) fn wanted<'a>(&self, subject: &'a Subject) -> Wanted<'a> {
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
    pub(super) async fn follow(&self, mut follower: Follower) -> Turn {
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
    pub(super) fn check_round_trip<R>(&self, subject: &Subject, kept: Option<&V>, ttl: Duration)
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

    pub(super) fn restore<R>(&self, entry: &Entry) -> Option<R>
    where
        S: Shape<R, Value = V>,
    {
        self.shape.restore(entry.value()?)
    }
}
