//! A cache, a database and a clock, in which the functions are called.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cache_core::testing::{Operation, ScriptedStore, SteppedClock};
use cachewright::{Cache, Rollout, defer, defer_blocking};
use tokio::runtime::Runtime;
use tracing::{Dispatch, Instrument, Span, info_span};

use super::model::{DEFAULT_TTL, Seen, TIMEOUT, Where};
use super::policy::Policy;
use super::service::{Call, Database, ID, Outcome, Row, Service};
use super::spans::Spans;

/// How functions are called, and where their entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mode {
    pub(crate) is_async: bool,
    pub(crate) is_stored: bool,
}

pub(crate) struct World {
    row: &'static Row,
    is_async: bool,
    service: Service,
    /// Another process with the same store, if entries are there.
    neighbour: Option<Service>,
    clock: SteppedClock,
    pub(crate) store: Option<ScriptedStore>,
    spans: Spans,
    dispatch: Dispatch,
    runtime: Runtime,
}

/// How a call under way is asked for its answer.
enum Pending {
    Task(tokio::task::JoinHandle<Outcome>),
    Thread(thread::JoinHandle<Outcome>),
}

impl Pending {
    fn is_answered(&self) -> bool {
        match self {
            Self::Task(task) => task.is_finished(),
            Self::Thread(thread) => thread.is_finished(),
        }
    }
}

impl World {
    pub(crate) fn new(row: &'static Row, mode: Mode) -> Self {
        let clock = SteppedClock::new();
        let store = mode
            .is_stored
            .then(|| ScriptedStore::with_clock(clock.clone()));
        let service = || {
            let builder = Cache::builder().clock(clock.clone());
            let builder = builder.default_ttl(DEFAULT_TTL);
            let builder = match &store {
                Some(store) => builder.namespace("app").store(store.clone()),
                None => builder,
            };
            Service {
                cache: builder.build().unwrap(),
                database: Arc::new(Database::new()),
                tenant: 1,
                bypass: false,
            }
        };
        let is_shared = mode.is_stored && !row.policies.contains(&Policy::MemoryOnly);
        let spans = Spans::default();
        Self {
            row,
            is_async: mode.is_async,
            service: service(),
            neighbour: is_shared.then(service),
            clock,
            store,
            dispatch: Dispatch::new(spans.clone()),
            spans,
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
        }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.service.database
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.settle();
    }

    pub(crate) fn invalidate(&self) {
        self.service.write(ID);
    }

    pub(crate) fn invalidate_tag(&self) {
        self.service.join(ID);
    }

    /// Invalidates in another process, where it shares the entries.
    pub(crate) fn invalidate_elsewhere(&self) {
        self.neighbour.as_ref().unwrap_or(&self.service).write(ID);
    }

    /// Writes through to the entry of a call.
    pub(crate) fn write(&self, call: Call, place: Where) -> Outcome {
        let is_off = place == Where::Off;
        let rollout = |rollout| self.service.cache.set_rollout(rollout).unwrap();
        is_off.then(|| rollout(Rollout::Off));
        let writer = self.service_of(call).writer();
        let write = || (self.row.write)(&writer, call);
        let written = match place {
            Where::Inside => defer_blocking(write),
            Where::Outside | Where::Off => write(),
        };
        is_off.then(|| rollout(Rollout::On));
        written
    }

    /// Whether anything was written to the store.
    pub(crate) fn is_written(&self) -> bool {
        let store = self.store.as_ref();
        store.is_some_and(|store| store.count(Operation::Write) > 0)
    }

    /// One call of a database that answers at once.
    pub(crate) fn call(&self, call: Call, place: Where) -> Seen {
        let before = self.database().asked();
        let is_off = place == Where::Off;
        let rollout = |rollout| self.service.cache.set_rollout(rollout).unwrap();
        is_off.then(|| rollout(Rollout::Off));
        let is_inside = place == Where::Inside;
        let answer = match self.is_async {
            true => self.end(self.begin(call, is_inside)),
            false => self.waiting(call, is_inside)(),
        };
        is_off.then(|| rollout(Rollout::On));
        self.settle();
        Seen {
            answers: vec![answer],
            bodies: self.database().asked() - before,
            at_once: true,
            in_time: true,
        }
    }

    /// Calls of a database that answers when the time of a soft timeout is over, all begun at once.
    /// What is `likely` is waited for, and nothing depends on it but how long.
    pub(crate) fn call_slow(
        &self,
        calls: &[Call],
        meanwhile: impl FnOnce(&Self),
        likely: &Seen,
    ) -> Seen {
        let before = self.database().asked();
        self.database().slow(true);
        let pending: Vec<_> = calls.iter().map(|call| self.begin(*call, false)).collect();
        let are_answered = || pending.iter().all(Pending::is_answered);
        let ran = || self.database().asked() - before;
        self.settle_at(|| ran() == likely.bodies && are_answered() == likely.at_once);
        let at_once = are_answered();
        meanwhile(self);
        self.clock.advance(TIMEOUT);
        self.settle_at(|| are_answered() == likely.in_time);
        let in_time = are_answered();
        self.database().slow(false);
        let answers = pending.into_iter().map(|call| self.end(call)).collect();
        self.settle();
        Seen {
            answers,
            bodies: ran(),
            at_once,
            in_time,
        }
    }

    /// A future that makes a call, or for a synchronous function, a thread.
    fn begin(&self, call: Call, is_inside: bool) -> Pending {
        if self.is_async {
            let (row, service) = (self.row, self.service_of(call));
            let answer = async move {
                match is_inside {
                    true => defer((row.call)(service, call)).await,
                    false => (row.call)(service, call).await,
                }
            };
            return Pending::Task(self.runtime.spawn(answer.instrument(self.span())));
        }
        Pending::Thread(thread::spawn(self.waiting(call, is_inside)))
    }

    /// A call of a synchronous function.
    fn waiting(&self, call: Call, is_inside: bool) -> impl FnOnce() -> Outcome + Send + 'static {
        let (row, service) = (self.row, self.service_of(call).blocking());
        let (span, dispatch) = (self.span(), self.dispatch.clone());
        let answer = move || match is_inside {
            true => defer_blocking(|| (row.call_blocking)(&service, call)),
            false => (row.call_blocking)(&service, call),
        };
        move || tracing::dispatcher::with_default(&dispatch, || span.in_scope(answer))
    }

    fn service_of(&self, call: Call) -> Service {
        Service {
            tenant: call.tenant,
            bypass: call.bypass,
            ..self.service.clone()
        }
    }

    fn span(&self) -> Span {
        tracing::dispatcher::with_default(&self.dispatch, || info_span!("call"))
    }

    fn end(&self, pending: Pending) -> Outcome {
        match pending {
            Pending::Task(task) => self.drive(task).unwrap(),
            Pending::Thread(thread) => thread.join().unwrap(),
        }
    }

    fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        tracing::dispatcher::with_default(&self.dispatch, || self.runtime.block_on(future))
    }

    /// Waits until all that was begun is over.
    fn settle(&self) {
        self.settle_at(|| self.spans.are_closed());
        assert!(
            self.spans.are_closed(),
            "something goes on that waits for nothing"
        );
    }

    /// Lets what was begun come as far as it can, or to where it is expected to be.
    fn settle_at(&self, is_there: impl Fn() -> bool) {
        if self.is_async {
            return self.drive(async {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
            });
        }
        let began = Instant::now();
        while !is_there() && began.elapsed() < Duration::from_secs(10) {
            // Wakes those whose time was up before they began to wait.
            self.clock.advance(Duration::ZERO);
            thread::yield_now();
        }
    }
}
