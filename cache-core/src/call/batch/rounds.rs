//! The rounds of a batch: its body is run for what nobody computes, and then, as long as others leave
//! something undone, for that.
//!
//! A batch leads the flights of the elements that nobody computes, and follows the others'. It never
//! waits while it has the lead of anything: two batches with elements in common, each leading what the
//! other follows, would wait for each other. So it runs its body first, and of those that it waits for
//! it takes the lead together, with whatever has come to it by then.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use super::argument::Missing;
use super::join::{Begun, Waiting};
use super::known::Known;
use super::store::Stored;
use super::{Form, Open, Repeatable};
use crate::body::inside;
use crate::call::{Condition, LocalValue, Miss, Work};
use crate::clock::{Tick, duration};
use crate::flight::{Leader, Turn};
use crate::function::Instance;
use crate::memory::entry::Entry;
use crate::memory::invalidations::{Born, Computing};
use crate::mutants::{Mutant, active};
use crate::observation;
use crate::outcome::{Shape, Taken};
use crate::subject::{Lifetime, Subject};

/// What the rounds of a call have in common.
pub(super) struct Rounds<'a, S, V> {
    pub(super) terms: &'a Miss<S, V>,
    pub(super) open: &'a [Open],
    pub(super) instance: &'static Instance,
}

impl<S, V> Clone for Rounds<'_, S, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, V> Copy for Rounds<'_, S, V> {}

/// Where what is computed is kept.
pub(super) enum Place<'a, V> {
    Memory,
    Store(Stored<'a, V>),
    /// Inside a block that defers invalidations, where nothing is kept.
    Nowhere,
}

/// An element that the body is to be run for.
pub(super) struct Task<'a> {
    /// Which of those that memory did not answer.
    pub(super) at: usize,
    pub(super) leader: Option<Leader>,
    /// Announces the computation, where memory keeps it.
    pub(super) computing: Option<Computing<'a>>,
}

/// What is to become of what a body returned.
enum Judged<'a, V, R> {
    /// It answers these tasks.
    Answers(Vec<Option<V>>, Vec<Task<'a>>),
    /// The call is over with it.
    Returned(R),
    /// The body is run for all that the call was asked for, and that is what it returns.
    AskedAgain,
}

/// When a body began to run.
#[derive(Clone, Copy)]
pub(super) struct Began {
    pub(super) born: Born,
    tick: Tick,
}

impl<'a, S, V> Rounds<'a, S, V>
where
    V: LocalValue,
    S: Shape<Option<V>, Value = V>,
{
    /// Whether none of the `elements` of the call is cached: then it is as if the function were not.
    pub(super) fn are_of_no_use(self, elements: usize) -> bool {
        self.open.len() == elements && self.open.iter().all(|open| open.subject.is_none())
    }

    pub(super) fn subject(self, at: usize) -> Option<&'a Subject> {
        self.open[at].subject.as_ref()
    }

    /// Those of the elements that memory did not answer which are cached at all.
    pub(super) fn subjects(self) -> impl Iterator<Item = (usize, &'a Subject)> {
        let open = self.open.iter().enumerate();
        open.filter_map(|(at, open)| Some((at, open.subject.as_ref()?)))
    }

    /// Runs the body and waits in turn, until there is an answer to everything.
    pub(super) async fn go_on<R, E, B, K>(
        self,
        mut place: Place<'a, V>,
        begun: Begun<'a>,
        (mut known, form): (Known<E, V>, Form<R, E, V>),
        work: Work<B, K>,
    ) -> R
    where
        B: AsyncFnOnce(Missing) -> R + Repeatable,
        K: Condition<V>,
    {
        let Begun {
            mut tasks,
            mut waiting,
        } = begun;
        if !tasks.is_empty() || !waiting.is_empty() {
            observation::computed(|| false);
        }
        let mut deadline = None;
        loop {
            if !tasks.is_empty() {
                tasks.sort_unstable_by_key(|task| task.at);
                let ran = self.run(tasks, &mut place, (&mut known, form), &work);
                if let Some(returned) = ran.await {
                    return returned;
                }
            }
            if waiting.is_empty() {
                return (form.restore)(known.answers());
            }
            let inner = self.terms.cache.inner();
            let deadline = *deadline.get_or_insert_with(|| inner.clock.after(inner.patience));
            let turns = self.wait(&mut waiting, deadline).await;
            tasks = self.take(turns, &place, &mut known);
        }
    }

    /// Waits until anything has come of what others compute.
    async fn wait(self, waiting: &mut Vec<Waiting>, deadline: Tick) -> Vec<(usize, Turn)> {
        let inner = self.terms.cache.inner();
        poll_fn(|cx| {
            let (now, mut turns) = (inner.clock.now(), Vec::new());
            waiting.retain_mut(|Waiting { at, follower }| {
                let watch = |flight: &_| inner.watch(flight, deadline);
                match follower.poll(cx, now, deadline, watch) {
                    Poll::Pending => true,
                    Poll::Ready(turn) => {
                        turns.push((*at, turn));
                        false
                    }
                }
            });
            match turns.is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(turns),
            }
        })
        .await
    }

    /// Takes the results of others, and gives what they have left undone.
    fn take<E>(
        self,
        turns: Vec<(usize, Turn)>,
        place: &Place<'a, V>,
        known: &mut Known<E, V>,
    ) -> Vec<Task<'a>> {
        let mut tasks = Vec::new();
        for (at, turn) in turns {
            let leader = match turn {
                Turn::Lead(leader) => Some(leader),
                Turn::Result(entry) => match self.terms.restore::<Option<V>>(&entry) {
                    Some(kept) => {
                        entry.series.coalesced.fetch_add(1, Relaxed);
                        known.set(self.open[at].index, kept);
                        continue;
                    }
                    None => None,
                },
            };
            match place {
                Place::Memory => tasks.extend(self.announced(at, leader, known)),
                Place::Store(_) | Place::Nowhere => tasks.push(Task {
                    leader,
                    ..Task::alone(at)
                }),
            }
        }
        tasks
    }

    /// Runs the body for some elements and keeps what is to be kept. Gives what the call has to return
    /// if it is over with that.
    async fn run<R, E, B, K>(
        self,
        tasks: Vec<Task<'a>>,
        place: &mut Place<'a, V>,
        (known, form): (&mut Known<E, V>, Form<R, E, V>),
        work: &Work<B, K>,
    ) -> Option<R>
    where
        B: AsyncFnOnce(Missing) -> R + Repeatable,
        K: Condition<V>,
    {
        let indices = tasks.iter().map(|task| self.open[task.at].index);
        let places = indices.map(|index| known.place(index)).collect();
        let missing = Missing::at(places, known.requested());
        let is_whole = missing.is_all();
        let inner = self.terms.cache.inner();
        let began = Began {
            born: inner.memory.invalidations.now(),
            tick: inner.clock.now(),
        };
        let body = work.body.clone();
        let returned = inside(pin!(body(missing))).await;
        // From here on no `R` may be held across an await: its error need not be `Send`.
        let asked = tasks.iter().map(|task| self.open[task.at].index);
        let asked: Vec<&E> = asked.map(|index| known.element(index)).collect();
        let answers = match self.judge((form.take)(returned, &asked), tasks, is_whole) {
            Judged::Answers(values, tasks) => Some((values, tasks)),
            Judged::Returned(returned) => return Some(returned),
            Judged::AskedAgain => None,
        };
        let Some((values, tasks)) = answers else {
            let body = work.body.clone();
            return Some(inside(pin!(body(Missing::all()))).await);
        };
        for (task, value) in tasks.iter().zip(values) {
            known.set(self.open[task.at].index, value);
        }
        match place {
            Place::Memory => self.keep(tasks, known, began, &work.condition),
            Place::Store(stored) => {
                let condition = &work.condition;
                stored.keep(self, tasks, known, began, condition).await;
            }
            Place::Nowhere => {}
        }
        None
    }

    /// What is to become of what a body returned; `is_whole` if it was asked for all.
    fn judge<R>(
        self,
        taken: Taken<V, R>,
        tasks: Vec<Task<'a>>,
        is_whole: bool,
    ) -> Judged<'a, V, R> {
        let function = self.instance.function();
        match taken {
            Taken::Values(values, beside) => {
                self.instance.told().beside(function, beside);
                Judged::Answers(values, tasks)
            }
            Taken::Failure(returned) => {
                if let Some(subject) = tasks.iter().find_map(|task| self.subject(task.at)) {
                    subject.series.failures.fetch_add(1, Relaxed);
                }
                observation::computed(|| true);
                fail(tasks);
                Judged::Returned(returned)
            }
            Taken::Misfit(returned) => {
                self.instance.told().misfit(function);
                fail(tasks);
                match is_whole {
                    true => Judged::Returned(returned),
                    false => Judged::AskedAgain,
                }
            }
        }
    }

    /// Keeps in memory what was computed, and hands it to those who wait.
    fn keep<E>(
        self,
        tasks: Vec<Task<'a>>,
        known: &Known<E, V>,
        began: Began,
        condition: &impl Condition<V>,
    ) {
        let inner = self.terms.cache.inner();
        for task in tasks {
            let (Some(subject), Some(computing)) = (self.subject(task.at), &task.computing) else {
                continue;
            };
            let born = match active(Mutant::StampedAfterBody) {
                true => inner.memory.invalidations.now(),
                false => computing.born(),
            };
            let value = known.value(self.open[task.at].index).cloned();
            let mut ttl = self.terms.time_to_live(subject, value.as_ref(), condition);
            if self.terms.handling.encodable.is_some() {
                // The body's time is a part of the value's age.
                ttl = inner.bounded_by_fallback(ttl, self.since(began));
            }
            let entry = self.entry(subject, born, value, ttl);
            // See how a single call is kept.
            let belongs_here = self.terms.handling.encodable.is_none() || inner.shared().is_none();
            if !ttl.is_zero() && belongs_here {
                inner.keep(Arc::clone(&entry), subject.leaf);
            }
            // The announcement lasts until the flight is over.
            task.leader
                .into_iter()
                .for_each(|leader| leader.finish(Arc::clone(&entry)));
        }
    }

    /// How long a body has taken.
    pub(super) fn since(self, began: Began) -> Duration {
        let now = self.terms.cache.inner().clock.now();
        duration(now.saturating_sub(began.tick))
    }

    pub(super) fn entry(
        self,
        subject: &Subject,
        born: Born,
        value: Option<V>,
        ttl: Duration,
    ) -> Arc<Entry> {
        #[cfg(debug_assertions)]
        self.terms
            .check_round_trip::<Option<V>>(subject, value.as_ref(), ttl);
        let inner = self.terms.cache.inner();
        subject.entry(
            inner,
            born,
            value,
            Lifetime::fixed(ttl),
            self.terms.handling.weigh,
        )
    }
}

/// Nothing has come of these: somebody else may try.
fn fail(tasks: Vec<Task<'_>>) {
    let leaders = tasks.into_iter().filter_map(|task| task.leader);
    leaders.for_each(Leader::fail);
}

impl<'a> Task<'a> {
    pub(super) fn alone(at: usize) -> Self {
        Self {
            at,
            leader: None,
            computing: None,
        }
    }

    pub(super) fn led(at: usize, leader: Leader) -> Self {
        Self {
            leader: Some(leader),
            ..Self::alone(at)
        }
    }
}
