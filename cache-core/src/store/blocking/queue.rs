//! What waits for a backend, and the two threads: the one that asks it, and the one that minds the
//! deadlines.

use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use crate::Error;
use crate::store::Deadline;
use crate::sync::lock_std;

/// What is to be done with the backend. It has nobody to panic to.
pub(super) type Job<B> = Box<dyn FnOnce(&mut B) + Send>;

/// Jobs in their order, and who waits for them.
pub(super) struct Queue<B> {
    state: Mutex<State<B>>,
    /// There is a job, or an end.
    job: Condvar,
    /// There is an earlier deadline, or an end.
    deadline: Condvar,
}

struct State<B> {
    /// There until its thread takes it.
    backend: Option<B>,
    jobs: BTreeMap<u64, (Deadline, Job<B>)>,
    /// Whom to wake at a deadline, if not before.
    callers: BTreeMap<(Deadline, u64), Waker>,
    entered: u64,
    /// Until when the second thread sleeps; if it sleeps until it is told, or isn't there, `None`.
    alarm: Option<Deadline>,
    asking: bool,
    minding: bool,
    closed: bool,
}

/// The place of one operation. Dropping it gives up what has not begun.
pub(super) struct Place<'a, B> {
    queue: &'a Queue<B>,
    deadline: Deadline,
    number: u64,
}

impl<B: Send + 'static> Queue<B> {
    pub(super) fn new(backend: B) -> Self {
        Self {
            state: Mutex::new(State {
                backend: Some(backend),
                jobs: BTreeMap::new(),
                callers: BTreeMap::new(),
                entered: 0,
                alarm: None,
                asking: false,
                minding: false,
                closed: false,
            }),
            job: Condvar::new(),
            deadline: Condvar::new(),
        }
    }

    /// Puts a job behind all others.
    ///
    /// # Errors
    ///
    /// Outage, if there is no thread to be had. The next one asks for it again.
    pub(super) fn enter(
        self: &Arc<Self>,
        deadline: Deadline,
        job: Job<B>,
    ) -> Result<Place<'_, B>, Error> {
        let mut state = self.lock();
        if !state.asking {
            self.start("cache-store", Self::ask)?;
            state.asking = true;
        }
        if !state.minding {
            self.start("cache-deadlines", Self::mind)?;
            state.minding = true;
        }
        state.entered += 1;
        let number = state.entered;
        state.jobs.insert(number, (deadline, job));
        drop(state);
        self.job.notify_one();
        Ok(Place {
            queue: self,
            deadline,
            number,
        })
    }

    /// Ends both threads, after the job that is being done, and gives up the others.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let jobs = mem::take(&mut state.jobs);
        drop(state);
        self.job.notify_all();
        self.deadline.notify_all();
        drop(jobs);
    }

    fn start(self: &Arc<Self>, name: &str, life: fn(&Self)) -> Result<(), Error> {
        let queue = Arc::clone(self);
        let started = thread::Builder::new()
            .name(name.into())
            .spawn(move || life(&queue));
        let failed = |error| Error::outage("no thread for the store").with_source(error);
        started.map(drop).map_err(failed)
    }

    /// The life of the backend's thread.
    fn ask(&self) {
        let Some(mut backend) = self.lock().backend.take() else {
            return;
        };
        while let Some((place, job)) = self.next() {
            quietly(|| job(&mut backend));
            let caller = self.lock().callers.remove(&place);
            caller.into_iter().for_each(wake);
        }
    }

    /// Waits for a job. `None` at the end.
    fn next(&self) -> Option<((Deadline, u64), Job<B>)> {
        let mut state = self.lock();
        while !state.closed {
            if let Some((number, (deadline, job))) = state.jobs.pop_first() {
                return Some(((deadline, number), job));
            }
            state = self.job.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// The life of the thread that wakes whose deadline is over.
    fn mind(&self) {
        let mut state = self.lock();
        while !state.closed {
            let late = state.take_late(Instant::now());
            if !late.is_empty() {
                drop(state);
                late.into_iter().for_each(wake);
                state = self.lock();
                continue;
            }
            let first = state.callers.first_key_value();
            state.alarm = first.map(|((deadline, _), _)| *deadline);
            state = match state.alarm {
                Some(alarm) => {
                    let answer = self.deadline.wait_timeout(state, alarm.remaining());
                    answer.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let answer = self.deadline.wait(state);
                    answer.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

impl<B> Queue<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        lock_std(&self.state)
    }
}

impl<B> State<B> {
    fn take_late(&mut self, now: Instant) -> Vec<Waker> {
        let mut late = Vec::new();
        while let Some(caller) = self.callers.first_entry()
            && caller.key().0.instant() <= now
        {
            late.push(caller.remove());
        }
        late
    }
}

impl<B> Place<'_, B> {
    /// Whom to wake when the job is done, or at the deadline.
    pub(super) fn wake(&self, waker: &Waker) {
        // Cloning and dropping a waker is foreign code.
        let waker = waker.clone();
        let mut state = self.queue.lock();
        let former = state.callers.insert((self.deadline, self.number), waker);
        // It sleeps on when one goes that it waited for: mostly it is in time for the next.
        let is_earlier = state.alarm.is_none_or(|alarm| self.deadline < alarm);
        drop(state);
        drop(former);
        if is_earlier {
            self.queue.deadline.notify_one();
        }
    }
}

impl<B> Drop for Place<'_, B> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let caller = state.callers.remove(&(self.deadline, self.number));
        let job = state.jobs.remove(&self.number);
        drop(state);
        drop((caller, job));
    }
}

fn wake(waker: Waker) {
    quietly(|| waker.wake());
}

/// Does what may panic: the thread is for others, too. What a panic carries could panic when it is
/// dropped, and isn't.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(mem::forget)
        .ok()
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_nobody_waits_for_leaves_the_queue_at_once() {
        let queue = Arc::new(Queue::new(()));
        let soon = || Deadline::after(Duration::from_secs(60));
        let (go_on, hangs) = mpsc::channel();
        let first = queue.enter(soon(), Box::new(move |()| hangs.recv().unwrap()));
        let held = Arc::new(());
        let job = |held: &Arc<()>| {
            let held = Arc::clone(held);
            Box::new(move |_: &mut ()| drop(held))
        };
        let second = queue.enter(soon(), job(&held)).ok().unwrap();
        second.wake(Waker::noop());
        assert_eq!(Arc::strong_count(&held), 2);
        drop(second);
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(queue.lock().callers.is_empty());
        go_on.send(()).unwrap();
        drop(first);
        queue.close();
    }
}
