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
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

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
    /// Whether its jobs wait for a store, so that they need a thread whatever the clock is.
    #[cfg_attr(
        not(feature = "testing"),
        allow(dead_code, reason = "there is one clock")
    )]
    waits: bool,
    items: Mutex<Items>,
    changed: Condvar,
}

#[derive(Default)]
struct Items {
    due: BTreeMap<Item, Errand>,
    added: u64,
    thread_started: bool,
    closed: bool,
    /// The task that does what is due by the clock of a runtime.
    #[cfg(feature = "testing")]
    timer: Timer,
}

struct Errand {
    job: Job,
    /// Whether nobody notices when exactly it is done.
    #[cfg_attr(
        not(feature = "testing"),
        allow(dead_code, reason = "there is one clock")
    )]
    at_leisure: bool,
}

#[cfg(feature = "testing")]
#[derive(Default)]
enum Timer {
    #[default]
    NotStarted,
    Waiting(Option<std::task::Waker>),
}

/// When the task that does what is due is to look again.
#[cfg(feature = "testing")]
pub(crate) enum Alarm {
    At(Tick),
    None,
    Over,
}

impl Agenda {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Self::with(clock, false)
    }

    /// For jobs that wait for a store.
    pub(crate) fn of_errands(clock: Clock) -> Arc<Self> {
        Self::with(clock, true)
    }

    fn with(clock: Clock, waits: bool) -> Arc<Self> {
        let agenda = Arc::new(Self {
            clock,
            waits,
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
        self.enter(when, Box::new(job), false)
    }

    /// Like [`add`](Self::add), for what nobody waits for: in a test whose time moves by itself to what
    /// is waited for, it moves no time, and is done with the next thing that is.
    pub(crate) fn add_at_leisure(
        self: &Arc<Self>,
        when: Tick,
        job: impl FnOnce() + Send + 'static,
    ) -> Item {
        self.enter(when, Box::new(job), true)
    }

    fn enter(self: &Arc<Self>, when: Tick, job: Job, at_leisure: bool) -> Item {
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
        items.due.insert(item, Errand { job, at_leisure });
        if self.runs_by_itself() && !items.thread_started {
            items.thread_started = self.start_thread();
        }
        #[cfg(feature = "testing")]
        let timer = self.timer(&mut items);
        drop(items);
        #[cfg(feature = "testing")]
        timer.into_iter().for_each(std::task::Waker::wake);
        if first {
            self.changed.notify_one();
        }
        item
    }

    /// Whom to tell that something was added: a task of the runtime whose clock it is, which is started
    /// with the first item.
    #[cfg(feature = "testing")]
    fn timer(self: &Arc<Self>, items: &mut Items) -> Option<std::task::Waker> {
        let Clock::Tokio(clock) = &self.clock else {
            return None;
        };
        match &mut items.timer {
            Timer::Waiting(waker) => waker.take(),
            Timer::NotStarted => {
                items.timer = Timer::Waiting(None);
                clock.drive(Arc::downgrade(self));
                None
            }
        }
    }

    /// Has done what is due and nobody waits for, if it is a task that does it.
    #[cfg(feature = "testing")]
    pub(crate) fn remind(&self) {
        if !matches!(self.clock, Clock::Tokio(_)) {
            return;
        }
        let waker = match &mut self.lock().timer {
            Timer::Waiting(waker) => waker.take(),
            Timer::NotStarted => None,
        };
        waker.into_iter().for_each(std::task::Waker::wake);
    }

    /// Does what is due, or has the thread do it, and says when to look again; earlier, if the waker is
    /// woken.
    #[cfg(feature = "testing")]
    pub(crate) fn run_until_next(&self, waker: &std::task::Waker) -> Alarm {
        if !self.waits {
            self.run_due();
        }
        let mut items = self.lock();
        if items.closed {
            return Alarm::Over;
        }
        items.timer = Timer::Waiting(Some(waker.clone()));
        let now = self.clock.now();
        let mut awaited = items.due.iter().filter(|(_, errand)| !errand.at_leisure);
        let next = awaited.find(|((when, _), _)| !self.waits || *when > now);
        let next = next.map_or(Alarm::None, |((when, _), _)| Alarm::At(*when));
        drop(items);
        // Under the lock the thread has looked at the time before it, or else sees that it is due.
        self.changed.notify_one();
        next
    }

    /// Waits for `when`.
    pub(crate) async fn wait_until(self: &Arc<Self>, when: Tick) {
        let mut moment = self.moment(when);
        poll_fn(|cx| moment.poll(cx)).await;
    }

    /// Drives a future until it ends or `when` has come, which gives `None`.
    pub(crate) async fn until<F: Future>(
        self: &Arc<Self>,
        when: Tick,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        let mut moment = self.moment(when);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => moment.poll(cx).map(|()| None),
        })
        .await
    }

    fn moment(self: &Arc<Self>, when: Tick) -> Moment<'_> {
        Moment {
            agenda: self,
            when,
            set: None,
        }
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
        #[cfg(feature = "testing")]
        let timer = std::mem::take(&mut items.timer);
        drop(items);
        #[cfg(feature = "testing")]
        if let Timer::Waiting(Some(waker)) = timer {
            waker.wake();
        }
        self.changed.notify_one();
        drop(left);
    }

    /// A stepped clock runs what is due when it is stepped, in the thread that steps it; that of a
    /// runtime on a task there, unless it waits.
    fn runs_by_itself(&self) -> bool {
        match &self.clock {
            Clock::Coarse => true,
            #[cfg(feature = "testing")]
            Clock::Stepped(_) => false,
            #[cfg(feature = "testing")]
            Clock::Tokio(_) => self.waits,
        }
    }

    fn take_due(&self) -> Option<Job> {
        let mut items = self.lock();
        let due = items.due.first_entry()?;
        (due.key().0 <= self.clock.now()).then(|| due.remove().job)
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
            #[cfg(feature = "testing")]
            Some(_) if matches!(self.clock, Clock::Tokio(_)) => drop(self.changed.wait(items)),
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

/// A moment that is waited for, with one item on the agenda at most, and none once it is dropped.
struct Moment<'a> {
    agenda: &'a Arc<Agenda>,
    when: Tick,
    set: Option<(Item, Waker)>,
}

impl Moment<'_> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.agenda.clock.now() >= self.when {
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if !matches!(&self.set, Some((_, set)) if set.will_wake(waker)) {
            self.cancel();
            let woken = waker.clone();
            let item = self.agenda.add(self.when, move || woken.wake());
            self.set = Some((item, waker.clone()));
        }
        Poll::Pending
    }

    fn cancel(&mut self) {
        if let Some((item, _)) = self.set.take() {
            self.agenda.cancel(item);
        }
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        self.cancel();
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
