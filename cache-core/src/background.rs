//! Bodies that run after the call that began them has been answered.
//!
//! They run as tasks of the tokio runtime that the call runs on, or else on a thread of their own,
//! with the tracing span of the call. There are never more at once than the cache allows, none runs
//! for longer than it allows, and none outlives the shutdown of the cache.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::{Instrument, Span};

use crate::agenda::{Agenda, Item};
use crate::body::block_on;
use crate::clock::Clock;
use crate::error::LOG;

/// Where a body runs that its caller does not wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the runtime that the caller runs on, if there is one.
    Task,
    /// On a thread, because it blocks.
    Thread,
}

/// The bodies that run in the background of one cache.
#[derive(Debug)]
pub(crate) struct Background {
    limit: usize,
    timeout: Duration,
    clock: Clock,
    agenda: Arc<Agenda>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    jobs: HashMap<u64, Arc<Stop>>,
    started: u64,
    /// Those who wait for the last to end.
    waiting: Vec<Waker>,
}

/// Ends a job from outside.
#[derive(Debug, Default)]
struct Stop {
    stopped: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Stop {
    fn stop(&self) {
        self.stopped.store(true, SeqCst);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_stopped(&self, cx: &Context<'_>) -> bool {
        let mut waker = lock(&self.waker);
        if !waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        drop(waker);
        // Behind the waker: whoever stops the job sees the one or is seen here.
        self.stopped.load(SeqCst)
    }
}

impl Background {
    pub(crate) fn new(
        limit: usize,
        timeout: Duration,
        clock: Clock,
        agenda: Arc<Agenda>,
    ) -> Arc<Self> {
        Arc::new(Self {
            limit,
            timeout,
            clock,
            agenda,
            running: Mutex::default(),
        })
    }

    /// Has a job done beside the caller. False, and it is dropped, if there are too many.
    pub(crate) fn start<F>(self: &Arc<Self>, place: Place, function: &'static str, job: F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(ticket) = self.admit(function) else {
            tracing::warn!(target: LOG, function, "too many bodies run in the background: one less");
            return false;
        };
        let runtime = Handle::try_current().ok();
        let job = run(job, ticket, Span::current());
        match (place, runtime) {
            (Place::Task, Some(runtime)) => drop(runtime.spawn(job)),
            (_, runtime) => return start_thread(job, runtime),
        }
        true
    }

    fn admit(self: &Arc<Self>, function: &'static str) -> Option<Ticket> {
        let stop = Arc::new(Stop::default());
        let mut running = self.lock();
        if running.jobs.len() >= self.limit {
            return None;
        }
        running.started += 1;
        let number = running.started;
        running.jobs.insert(number, Arc::clone(&stop));
        drop(running);
        let deadline = self.clock.after(self.timeout);
        let timer = self.agenda.add(deadline, {
            let stop = Arc::clone(&stop);
            move || {
                tracing::warn!(target: LOG, function, "a body in the background took too long: given up");
                stop.stop();
            }
        });
        Some(Ticket {
            background: Arc::clone(self),
            number,
            stop,
            timer,
        })
    }

    /// Whether another could run.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().jobs.len() < self.limit
    }

    /// Has those that run give up.
    pub(crate) fn stop(&self) {
        let jobs: Vec<_> = self.lock().jobs.values().cloned().collect();
        jobs.iter().for_each(|stop| stop.stop());
    }

    /// Waits until none runs.
    pub(crate) async fn ended(&self) {
        poll_fn(|cx| {
            let mut running = self.lock();
            if running.jobs.is_empty() {
                return Poll::Ready(());
            }
            running.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        lock(&self.running)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a job until it ends or is stopped. Its ticket goes with it, also when it panics or its
/// runtime drops it.
async fn run(job: impl Future<Output = ()> + Send, ticket: Ticket, span: Span) {
    let mut job = pin!(job.instrument(span));
    poll_fn(|cx| {
        if ticket.stop.is_stopped(cx) {
            return Poll::Ready(());
        }
        job.as_mut().poll(cx)
    })
    .await;
}

fn start_thread(job: impl Future<Output = ()> + Send + 'static, runtime: Option<Handle>) -> bool {
    let started = std::thread::Builder::new()
        .name("cachewright-body".into())
        .spawn(move || {
            // A synchronous body may still want to spawn.
            let _entered = runtime.as_ref().map(Handle::enter);
            block_on(job);
        });
    if let Err(error) = &started {
        tracing::error!(target: LOG, %error, "no thread for a body in the background");
    }
    started.is_ok()
}

/// The right to run in the background.
struct Ticket {
    background: Arc<Background>,
    number: u64,
    stop: Arc<Stop>,
    timer: Item,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.background.agenda.cancel(self.timer);
        let mut running = self.background.lock();
        running.jobs.remove(&self.number);
        let waiting = match running.jobs.is_empty() {
            true => std::mem::take(&mut running.waiting),
            false => Vec::new(),
        };
        drop(running);
        waiting.into_iter().for_each(Waker::wake);
    }
}
