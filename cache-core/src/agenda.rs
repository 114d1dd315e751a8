//! What a cache has to do later, and the thread that does it.
//!
//! Expired entries are reclaimed though nobody asks for them, an invalidation whose outcome was
//! unknown is repeated, a follower that has waited long enough is woken. All of it is rare, so one
//! thread for a cache suffices; it starts with the first item and ends with the cache. It needs no
//! async runtime, so the cache works on any, and outside of one.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use crate::clock::{Clock, SECOND, Tick, duration};
use crate::error::LOG;

/// Added to a wait, so that the coarse clock has passed the deadline when the thread looks.
const CLOCK_RESOLUTION: Tick = SECOND / 200;

/// What has to be done.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// An item of an agenda: when it is due, and a number of its own.
pub(crate) type Item = (Tick, u64);

/// The things to do, by when.
pub(crate) struct Agenda {
    clock: Clock,
    items: Mutex<Items>,
    changed: Condvar,
}

#[derive(Default)]
struct Items {
    due: BTreeMap<Item, Job>,
    added: u64,
    thread_started: bool,
    closed: bool,
}

impl Agenda {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        let agenda = Arc::new(Self {
            clock,
            items: Mutex::default(),
            changed: Condvar::new(),
        });
        #[cfg(feature = "testing")]
        if let Clock::Stepped(clock) = &agenda.clock {
            clock.subscribe(Arc::downgrade(&agenda));
        }
        agenda
    }

    /// Has `job` done at `when`, or soon after. Gives what to cancel it with.
    pub(crate) fn add(self: &Arc<Self>, when: Tick, job: impl FnOnce() + Send + 'static) -> Item {
        let mut items = self.lock();
        items.added += 1;
        let item = (when, items.added);
        if items.closed {
            return item;
        }
        let first = items
            .due
            .first_key_value()
            .is_none_or(|(due, _)| item < *due);
        items.due.insert(item, Box::new(job));
        if self.runs_by_itself() && !items.thread_started {
            items.thread_started = self.start_thread();
        }
        drop(items);
        if first {
            self.changed.notify_one();
        }
        item
    }

    /// Waits for `when`.
    pub(crate) async fn wait_until(self: &Arc<Self>, when: Tick) {
        poll_fn(|cx| {
            if self.clock.now() >= when {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            self.add(when, move || waker.wake());
            Poll::Pending
        })
        .await;
    }

    /// Drives a future until it ends or `when` has come, which gives `None`.
    pub(crate) async fn until<F: Future>(
        self: &Arc<Self>,
        when: Tick,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        let mut moment = pin!(self.wait_until(when));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => moment.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// Whether a moment has come.
    pub(crate) fn is_due(&self, when: Tick) -> bool {
        self.clock.now() >= when
    }

    /// Forgets an item, if it is not done yet.
    pub(crate) fn cancel(&self, item: Item) {
        let cancelled = self.lock().due.remove(&item);
        drop(cancelled);
    }

    /// Does what is due. Jobs run without a lock and may add others.
    pub(crate) fn run_due(&self) {
        while let Some(job) = self.take_due() {
            // A sweep drops values, which is users' code. What else is on the agenda must not
            // depend on that code's manners.
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!(target: LOG, "a value that was dropped, or a store, panicked");
            }
        }
    }

    #[cfg(all(test, feature = "testing", not(any(shuttle, weak_memory))))]
    pub(crate) fn len(&self) -> usize {
        self.lock().due.len()
    }

    /// Drops whatever is left and ends the thread.
    pub(crate) fn close(&self) {
        let mut items = self.lock();
        items.closed = true;
        let left = std::mem::take(&mut items.due);
        drop(items);
        self.changed.notify_one();
        drop(left);
    }

    /// A stepped clock runs what is due when it is stepped, in the thread that steps it.
    fn runs_by_itself(&self) -> bool {
        matches!(self.clock, Clock::Coarse)
    }

    fn take_due(&self) -> Option<Job> {
        let mut items = self.lock();
        let due = items.due.first_entry()?;
        (due.key().0 <= self.clock.now()).then(|| due.remove())
    }

    /// Whether there is a thread now. If not, the next item tries again.
    fn start_thread(self: &Arc<Self>) -> bool {
        let agenda = Arc::downgrade(self);
        let started = std::thread::Builder::new()
            .name("cachewright".into())
            .spawn(move || run(&agenda));
        if let Err(error) = &started {
            tracing::error!(target: LOG, %error, "no thread for the cache: what it has to do later has to wait");
        }
        started.is_ok()
    }

    /// Waits for the next item to be due. False when the agenda is closed.
    fn wait(&self) -> bool {
        let items = self.lock();
        if items.closed {
            return false;
        }
        let now = self.clock.now();
        match items.due.first_key_value().map(|((when, _), _)| *when) {
            Some(when) if when <= now => {}
            Some(when) => {
                let span = duration((when - now).saturating_add(CLOCK_RESOLUTION));
                drop(self.changed.wait_timeout(items, span));
            }
            None => drop(self.changed.wait(items)),
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's life. `close` wakes it; a cache always closes its agenda when it is dropped.
fn run(agenda: &Weak<Agenda>) {
    while let Some(agenda) = agenda.upgrade() {
        agenda.run_due();
        if !agenda.wait() {
            return;
        }
    }
}

impl fmt::Debug for Agenda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agenda")
            .field("items", &self.lock().due.len())
            .finish_non_exhaustive()
    }
}
