//! Calls that are under way within one future.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use super::WarmReport;
use super::report::{Ending, Tally};
use crate::observation::Seen;
use crate::sync::lock_std;

/// After so many calls that begin or end at once, other tasks of the thread have their turn.
const TURN: usize = 32;

/// Where calls come from: what gives them and what makes them take turns within one future.
pub(super) struct Feed<F>(Mutex<Next<F>>);

struct Next<F> {
    room: usize,
    calls: Vec<F>,
}

impl<F> Feed<F> {
    pub(super) fn new(room: usize) -> Self {
        let calls = Vec::new();
        Self(Mutex::new(Next { room, calls }))
    }

    /// Waits until another call may begin. Polled again whenever one has begun or ended, so no waker is
    /// needed. However much room there is, calls begin in turns: there may be no end of them.
    pub(super) async fn has_room(&self) {
        poll_fn(|_| {
            let next = self.lock();
            match next.room == 0 || next.calls.len() == TURN {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    pub(super) fn put(&self, call: F) {
        let mut next = self.lock();
        next.room -= 1;
        next.calls.push(call);
    }

    fn take(&self) -> Vec<F> {
        std::mem::take(&mut self.lock().calls)
    }

    fn make_room(&self) {
        self.lock().room += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Next<F>> {
        lock_std(&self.0)
    }
}

/// The calls that are under way. Each is polled when it was woken itself.
pub(super) struct Flow<'a, F> {
    feed: &'a Feed<F>,
    places: Vec<Place<F>>,
    /// Which of them have no call.
    free: Vec<usize>,
    task: Arc<Task>,
    tally: Tally,
}

struct Place<F> {
    call: Option<(Pin<Box<F>>, Seen)>,
    signal: Arc<Signal>,
    waker: Waker,
}

/// Wakes whoever polls the flow.
#[derive(Default)]
struct Task(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    task: Option<Waker>,
    /// The places of the calls that are to be polled.
    places: Vec<usize>,
}

/// Tells which call is to be polled.
struct Signal {
    place: usize,
    /// Whether it was told already.
    woken: AtomicBool,
    task: Arc<Task>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.tell();
        let task = self.task.lock().task.clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Signal {
    /// Has the call polled when the flow is.
    fn tell(&self) {
        if !self.woken.swap(true, SeqCst) {
            self.task.lock().places.push(self.place);
        }
    }
}

impl Task {
    fn is(&self, cx: &Context<'_>) {
        let is_known = |task: &Waker| task.will_wake(cx.waker());
        if !self.lock().task.as_ref().is_some_and(is_known) {
            // Foreign code, outside of the lock.
            let task = cx.waker().clone();
            let former = self.lock().task.replace(task);
            drop(former);
        }
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.lock().places)
    }

    fn lock(&self) -> MutexGuard<'_, Woken> {
        lock_std(&self.0)
    }
}

impl<'a, F: Future> Flow<'a, F> {
    pub(super) fn new(feed: &'a Feed<F>, tally: Tally) -> Self {
        Self {
            feed,
            places: Vec::new(),
            free: Vec::new(),
            task: Arc::default(),
            tally,
        }
    }

    /// Makes the calls that `feeding` puts into the feed, until it is over and they are.
    pub(super) async fn run(mut self, feeding: Pin<&mut impl Future<Output = ()>>) -> WarmReport {
        self.tally.begin();
        let mut feeding = Some(feeding);
        poll_fn(|cx| self.poll(&mut feeding, cx)).await;
        self.tally.end()
    }

    fn poll<G>(&mut self, feeding: &mut Option<Pin<&mut G>>, cx: &mut Context<'_>) -> Poll<()>
    where
        G: Future<Output = ()>,
    {
        self.task.is(cx);
        let mut changed = 0;
        loop {
            if let Some(feed) = feeding
                && feed.as_mut().poll(cx).is_ready()
            {
                *feeding = None;
            }
            let before = changed;
            for call in self.feed.take() {
                self.begin(call);
                changed += 1;
            }
            for place in self.task.take() {
                changed += usize::from(self.goes_on(place));
            }
            let is_idle = self.free.len() == self.places.len();
            match changed {
                _ if feeding.is_none() && is_idle => return Poll::Ready(()),
                same if same == before => return Poll::Pending,
                many if many >= TURN => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, call: F) {
        let call = Some((Box::pin(call), Seen::default()));
        if let Some(place) = self.free.pop() {
            let place = &mut self.places[place];
            place.call = call;
            return place.signal.tell();
        }
        let signal = Arc::new(Signal {
            place: self.places.len(),
            woken: AtomicBool::new(false),
            task: Arc::clone(&self.task),
        });
        signal.tell();
        let waker = Waker::from(Arc::clone(&signal));
        self.places.push(Place {
            call,
            signal,
            waker,
        });
    }

    /// Polls a call that was woken. Whether it has ended.
    fn goes_on(&mut self, number: usize) -> bool {
        let place = &mut self.places[number];
        // From here on it may be woken again. One that has ended may still be.
        place.signal.woken.store(false, SeqCst);
        let Some((call, seen)) = &mut place.call else {
            return false;
        };
        let mut cx = Context::from_waker(&place.waker);
        let poll = || seen.watch(|| call.as_mut().poll(&mut cx).is_ready());
        let polled = catch_unwind(AssertUnwindSafe(poll));
        if matches!(polled, Ok(false)) {
            return false;
        }
        let ending = Ending::of(*seen, polled.is_err());
        place.call = None;
        self.free.push(number);
        self.feed.make_room();
        self.tally.count(ending);
        true
    }
}
