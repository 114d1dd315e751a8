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

/// After so many calls that end at once, other tasks of the thread have their turn.
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

    /// Waits until another call may begin. Polled again whenever one has ended, so no waker is needed.
    pub(super) async fn has_room(&self) {
        poll_fn(|_| match self.lock().room {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
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
struct Task(Mutex<Option<Waker>>);

/// Tells which call is to be polled.
struct Signal {
    woken: AtomicBool,
    task: Arc<Task>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, SeqCst);
        let task = self.task.lock().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Task {
    fn is(&self, cx: &Context<'_>) {
        let mut task = self.lock();
        if !task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            *task = Some(cx.waker().clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        lock_std(&self.0)
    }
}

impl<'a, F: Future> Flow<'a, F> {
    pub(super) fn new(feed: &'a Feed<F>, tally: Tally) -> Self {
        Self {
            feed,
            places: Vec::new(),
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
        let mut ended = 0;
        loop {
            if let Some(feed) = feeding
                && feed.as_mut().poll(cx).is_ready()
            {
                *feeding = None;
            }
            for call in self.feed.take() {
                self.begin(call);
            }
            let before = ended;
            for place in 0..self.places.len() {
                ended += usize::from(self.goes_on(place));
            }
            let is_idle = self.places.iter().all(|place| place.call.is_none());
            match ended {
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
        let mut free = self.places.iter_mut();
        if let Some(place) = free.find(|place| place.call.is_none()) {
            place.signal.woken.store(true, SeqCst);
            place.call = call;
            return;
        }
        let signal = Arc::new(Signal {
            woken: AtomicBool::new(true),
            task: Arc::clone(&self.task),
        });
        let waker = Waker::from(Arc::clone(&signal));
        self.places.push(Place {
            call,
            signal,
            waker,
        });
    }

    /// Polls a call if it was woken. Whether it has ended.
    fn goes_on(&mut self, place: usize) -> bool {
        let place = &mut self.places[place];
        let Some((call, seen)) = &mut place.call else {
            return false;
        };
        if !place.signal.woken.swap(false, SeqCst) {
            return false;
        }
        let mut cx = Context::from_waker(&place.waker);
        let poll = || seen.watch(|| call.as_mut().poll(&mut cx).is_ready());
        let polled = catch_unwind(AssertUnwindSafe(poll));
        if matches!(polled, Ok(false)) {
            return false;
        }
        let ending = Ending::of(*seen, polled.is_err());
        place.call = None;
        self.feed.make_room();
        self.tally.count(ending);
        true
    }
}
