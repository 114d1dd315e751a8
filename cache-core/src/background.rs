//! Bodies that run after the call that began them has been answered.
//!
//! They run as tasks of the tokio runtime that the call runs on, or else on a thread of their own,
//! with the tracing span of the call, and the cache that a test has installed for it. There are never
//! more at once than the cache allows, none runs for longer than it allows, and none outlives the
//! shutdown of the cache.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::{Instrument, Span};

use crate::agenda::{Agenda, Item};
use crate::body::block_on;
use crate::clock::Clock;
use crate::error::LOG;
use crate::sync::lock_std;

/// Where a body runs that its caller does not wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Executor {
    /// In the runtime that the caller runs on, if there is one.
    Runtime,
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
    jobs: HashMap<u64, (Arc<Stop>, Kind)>,
    /// Of these, those that count for the limit.
    bodies: usize,
    started: u64,
    /// Those who wait for the last to end.
    waiting: Vec<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A body, of which there are only so many, and each for only so long.
    Body,
    /// What somebody has asked for by itself. It takes the time that it takes, and a shutdown doesn't wait for it.
    Errand,
}

/// Ends a job from outside.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stopped: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Stop {
    pub(crate) fn stop(&self) {
        self.stopped.store(true, SeqCst);
        let waker = lock_std(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_stopped(&self, cx: &Context<'_>) -> bool {
        let mut waker = lock_std(&self.waker);
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
    pub(crate) fn start<F>(
        self: &Arc<Self>,
        executor: Executor,
        function: &'static str,
        job: F,
    ) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(ticket) = self.admit(function) else {
            tracing::warn!(target: LOG, function, "too many bodies run in the background: one less");
            return false;
        };
        let runtime = Handle::try_current().ok();
        let job = run(within_callers_cache(job), ticket, Span::current());
        match (executor, runtime) {
            (Executor::Runtime, Some(runtime)) => drop(runtime.spawn(job)),
            (_, runtime) => return start_thread(job, runtime),
        }
        true
    }

    /// Has a job done beside the caller, in its runtime if there is one, until it ends or is stopped.
    pub(crate) fn run_errand<F>(self: &Arc<Self>, job: F) -> Arc<Stop>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let ticket = self.enter(&mut self.lock(), Kind::Errand);
        let stop = Arc::clone(&ticket.stop);
        let job = run(within_callers_cache(job), ticket, Span::current());
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(job)),
            Err(_) => _ = start_thread(job, None),
        }
        stop
    }

    fn admit(self: &Arc<Self>, function: &'static str) -> Option<Ticket> {
        let mut running = self.lock();
        if running.bodies >= self.limit {
            return None;
        }
        let mut ticket = self.enter(&mut running, Kind::Body);
        drop(running);
        let deadline = self.clock.after(self.timeout);
        let stop = Arc::clone(&ticket.stop);
        ticket.timer = Some(self.agenda.add(deadline, move || {
            tracing::warn!(target: LOG, function, "a body in the background took too long: given up");
            stop.stop();
        }));
        Some(ticket)
    }

    fn enter(self: &Arc<Self>, running: &mut Running, kind: Kind) -> Ticket {
        let stop = Arc::new(Stop::default());
        running.started += 1;
        running.bodies += usize::from(kind == Kind::Body);
        let job = (Arc::clone(&stop), kind);
        running.jobs.insert(running.started, job);
        Ticket {
            background: Arc::clone(self),
            number: running.started,
            stop,
            timer: None,
        }
    }

    /// Whether another body could run.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().bodies < self.limit
    }

    /// Has those that run give up.
    pub(crate) fn stop(&self) {
        self.stop_those(|_| true);
    }

    /// Has those give up that are no bodies.
    pub(crate) fn stop_errands(&self) {
        self.stop_those(|kind| kind == Kind::Errand);
    }

    fn stop_those(&self, are_meant: impl Fn(Kind) -> bool) {
        let running = self.lock();
        let meant = running.jobs.values().filter(|(_, kind)| are_meant(*kind));
        let meant: Vec<_> = meant.map(|(stop, _)| Arc::clone(stop)).collect();
        drop(running);
        meant.iter().for_each(|stop| stop.stop());
    }

    /// Waits until none runs.
    pub(crate) async fn ended(&self) {
        poll_fn(|cx| {
            let mut running = self.lock();
            if running.jobs.is_empty() {
                return Poll::Ready(());
            }
            // Once, however often it is polled.
            if !running
                .waiting
                .iter()
                .any(|waker| waker.will_wake(cx.waker()))
            {
                running.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        lock_std(&self.running)
    }
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

/// A job that meets, wherever it runs, the installed cache that a test has for its caller.
fn within_callers_cache<F: Future<Output = ()> + Send>(
    job: F,
) -> impl Future<Output = ()> + Send + use<F> {
    #[cfg(feature = "testing")]
    let job = crate::testing::in_current_cache(job);
    job
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
    timer: Option<Item>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.background.agenda.cancel(timer);
        }
        let mut running = self.background.lock();
        if let Some((_, Kind::Body)) = running.jobs.remove(&self.number) {
            running.bodies -= 1;
        }
        let waiting = match running.jobs.is_empty() {
            true => std::mem::take(&mut running.waiting),
            false => Vec::new(),
        };
        drop(running);
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn errands_take_no_room_from_bodies_and_are_stopped_by_themselves() {
        let clock = Clock::Coarse;
        let agenda = Agenda::new(clock.clone());
        let background = Background::new(1, Duration::from_secs(60), clock, agenda);
        for _ in 0..3 {
            background.run_errand(pending());
        }
        assert!(background.has_room());
        assert!(background.start(Executor::Runtime, "body", pending()));
        assert!(!background.has_room());
        background.stop_errands();
        while background.lock().jobs.len() > 1 {
            tokio::task::yield_now().await;
        }
        assert!(!background.has_room(), "the body goes on");
        background.stop();
        background.ended().await;
        assert!(background.has_room());
    }
}
