//! A call whose body may go on after the call has been answered.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread;

use super::aging::Held;
use super::{Condition, LocalValue, Looked, Miss, Work, answer};
use crate::background::Executor;
use crate::body::{block_on, inside};
use crate::cache::Cache;
use crate::clock::Tick;
use crate::error::LOG;
use crate::freshness::Use;
use crate::outcome::{Outcome, Shape};
use crate::refreshes::{Claim, Refreshing};
use crate::subject::Subject;
use crate::sync::lock_std;

/// What a body that runs on another thread came to.
type Slot<R> = Arc<Mutex<Option<thread::Result<R>>>>;

impl<S, V: LocalValue> Miss<S, V> {
    /// Computes as [`compute_or_stale`](Self::compute_or_stale) does, or leaves it to the background.
    pub(super) async fn compute_or_refresh<R, F, B, K>(
        &self,
        executor: Executor,
        body: F,
        condition: K,
    ) -> R
    where
        S: Shape<R, Value = V> + Send + Sync + 'static,
        F: FnOnce() -> B,
        B: Future<Output = R> + Send + 'static,
        K: Condition<V> + Send + 'static,
        R: Send + 'static,
    {
        let Some(subject) = &self.subject else {
            return inside(pin!(body())).await;
        };
        let (ground, held) = match self.look(subject).await {
            Looked::Answer(kept) => return answer(self.shape, kept),
            Looked::Sampled(sample) => {
                let body = async move || body().await;
                return self.verify(subject, sample, Work { body, condition }).await;
            }
            Looked::At(ground, held) => (ground, held),
        };
        let timeout = subject.key.instance.function().policy().timeout;
        let held = match held {
            Some(held) if held.aged.usable != Use::IfError => {
                self.refresh(subject, &held, executor, body, condition);
                return self.reuse(subject, held);
            }
            held => held,
        };
        match (held, timeout) {
            (Some(held), Some(timeout)) if self.cache.inner().background.has_room() => {
                // The one that may go on looks for itself.
                drop(ground);
                let deadline = self.cache.inner().clock.after(timeout);
                self.compute_in_time(subject, held, deadline, executor, body, condition)
                    .await
            }
            (held, _) => {
                let work = Work {
                    body: async move || body().await,
                    condition,
                };
                self.compute_or_reuse(subject, ground, held, work).await
            }
        }
    }

    /// Has a value that answers meanwhile computed anew in the background, unless somebody does it
    /// already, or has failed to a moment ago.
    fn refresh<R, F, B, K>(
        &self,
        subject: &Subject,
        held: &Held<V>,
        executor: Executor,
        body: F,
        condition: K,
    ) where
        S: Shape<R, Value = V> + Send + Sync + 'static,
        F: FnOnce() -> B,
        B: Future<Output = R> + Send + 'static,
        K: Condition<V> + Send + 'static,
        R: Send + 'static,
    {
        let claim = self.claim(subject);
        if let Claim::Mine(refreshing) = claim {
            let computed = self.replacement(held, body(), condition);
            let succeeded = self.succeeds(computed);
            self.go_on(subject, executor, refreshing, succeeded);
        }
    }

    fn claim(&self, subject: &Subject) -> Claim {
        let inner = self.cache.inner();
        inner.refreshes.claim(subject.key.hash, inner.clock.now())
    }

    /// The computation of what is to replace a value; it borrows nothing.
    fn replacement<R, B, K>(
        &self,
        held: &Held<V>,
        body: B,
        condition: K,
    ) -> impl Future<Output = R> + Send + 'static
    where
        S: Shape<R, Value = V> + Send + Sync + 'static,
        B: Future<Output = R> + Send + 'static,
        K: Condition<V> + Send + 'static,
        R: Send + 'static,
    {
        let miss = Self {
            cache: self.cache.clone(),
            subject: self.subject.clone(),
            shape: self.shape,
            ttl: self.ttl,
            none_ttl: self.none_ttl,
            handling: self.handling,
            codec: self.codec.clone(),
            replaces: Some(held.aged.id),
            sampled: None,
        };
        let work = Work {
            body: async move || body.await,
            condition,
        };
        async move { miss.compute(work).await }
    }

    /// Whether a computation comes to a value.
    fn succeeds<R>(
        &self,
        computed: impl Future<Output = R> + Send + 'static,
    ) -> impl Future<Output = bool> + Send + 'static
    where
        S: Shape<R, Value = V> + Send + Sync + 'static,
    {
        let shape = self.shape;
        async move { !failed(shape, &computed.await) }
    }

    /// Leaves a computation to the background.
    fn go_on(
        &self,
        subject: &Subject,
        executor: Executor,
        refreshing: Refreshing,
        succeeds: impl Future<Output = bool> + Send + 'static,
    ) {
        let function = subject.key.instance.function().name();
        let attempt = Attempt {
            cache: self.cache.clone(),
            hash: subject.key.hash,
            function,
            has_succeeded: false,
            _refreshing: refreshing,
        };
        let job = async move {
            // As a whole: what is left out of it would end here.
            let mut attempt = attempt;
            attempt.has_succeeded = succeeds.await;
        };
        if self.cache.inner().background.start(executor, function, job) {
            subject.series.refreshes.fetch_add(1, Relaxed);
        }
    }

    /// Waits for the body until `deadline`. Then a value that has expired answers, if it still may,
    /// and the body goes on in the background.
    async fn compute_in_time<R, F, B, K>(
        &self,
        subject: &Subject,
        held: Held<V>,
        deadline: Tick,
        executor: Executor,
        body: F,
        condition: K,
    ) -> R
    where
        S: Shape<R, Value = V> + Send + Sync + 'static,
        F: FnOnce() -> B,
        B: Future<Output = R> + Send + 'static,
        K: Condition<V> + Send + 'static,
        R: Send + 'static,
    {
        let inner = self.cache.inner();
        match self.claim(subject) {
            Claim::Quiet => self.reuse(subject, held),
            Claim::Others(ending) => {
                let ended = ending.wait(&inner.agenda, deadline).await;
                if !ended && self.may_still_answer(subject, &held).await {
                    return self.reuse(subject, held);
                }
                let work = Work {
                    body: async move || body().await,
                    condition,
                };
                self.compute_or_stale(work).await
            }
            Claim::Mine(refreshing) => {
                self.missed(subject);
                if self.place(subject).is_none() {
                    // What replaces a value is no call there; this is one.
                    subject.series.missed();
                }
                let computed = self.replacement(&held, body(), condition);
                match executor {
                    Executor::Runtime => {
                        self.wait_here(subject, held, deadline, refreshing, computed)
                            .await
                    }
                    Executor::Thread => {
                        self.wait_for_thread(subject, held, deadline, refreshing, computed)
                            .await
                    }
                }
            }
        }
    }

    /// Drives a computation until `deadline`.
    async fn wait_here<R>(
        &self,
        subject: &Subject,
        held: Held<V>,
        deadline: Tick,
        refreshing: Refreshing,
        computed: impl Future<Output = R> + Send + 'static,
    ) -> R
    where
        S: Shape<R, Value = V> + Send + Sync + 'static,
        R: Send + 'static,
    {
        let mut running = Box::pin(computed);
        let agenda = &self.cache.inner().agenda;
        if let Some(computed) = agenda.until(deadline, running.as_mut()).await {
            return self.computed_or(subject, held, computed).await;
        }
        if !self.may_still_answer(subject, &held).await {
            return running.await;
        }
        let succeeds = self.succeeds(running);
        self.go_on(subject, Executor::Runtime, refreshing, succeeds);
        self.reuse(subject, held)
    }

    /// Waits until `deadline` for a computation that blocks a thread.
    async fn wait_for_thread<R>(
        &self,
        subject: &Subject,
        held: Held<V>,
        deadline: Tick,
        refreshing: Refreshing,
        computed: impl Future<Output = R> + Send + 'static,
    ) -> R
    where
        S: Shape<R, Value = V> + Send + Sync + 'static,
        R: Send + 'static,
    {
        let agenda = &self.cache.inner().agenda;
        let (ending, shape) = (refreshing.ending(), self.shape);
        let (waiting, ended) = (Arc::new(Mutex::new(Some(computed))), Slot::<R>::default());
        let succeeds = {
            let (waiting, ended) = (Arc::clone(&waiting), Arc::clone(&ended));
            async move {
                let Some(computed) = lock_std(&waiting).take() else {
                    return false;
                };
                let computed = catch_unwind(AssertUnwindSafe(|| block_on(computed)));
                let succeeds = computed.as_ref().is_ok_and(|value| !failed(shape, value));
                *lock_std(&ended) = Some(computed);
                succeeds
            }
        };
        self.go_on(subject, Executor::Thread, refreshing, succeeds);
        let in_time = ending.wait(agenda, deadline).await;
        if !in_time && self.may_still_answer(subject, &held).await {
            return self.reuse(subject, held);
        }
        ending.wait(agenda, Tick::MAX).await;
        let ended = lock_std(&ended).take();
        match ended {
            Some(Ok(computed)) => self.computed_or(subject, held, computed).await,
            Some(Err(panic)) => resume_unwind(panic),
            None => {
                // There was no thread for it, or it was told to stop before it began.
                let waiting = lock_std(&waiting).take();
                waiting.expect("what has not begun waits").await
            }
        }
    }
}

/// A body in the background. If it fails, or does not come to its end, it is not tried again at once.
struct Attempt {
    cache: Cache,
    hash: u64,
    function: &'static str,
    has_succeeded: bool,
    /// Over when the attempt is.
    _refreshing: Refreshing,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.has_succeeded {
            let function = self.function;
            self.cache.inner().quieten(self.hash);
            tracing::warn!(target: LOG, function, "a value was not computed anew in the background");
        }
    }
}

fn failed<R, S: Shape<R>>(shape: S, computed: &R) -> bool {
    matches!(shape.outcome(computed), Outcome::Failure)
}
