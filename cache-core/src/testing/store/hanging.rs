//! Operations that hang until a test or their deadline says otherwise.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Inner;
use crate::Error;
use crate::clock::Clock;
use crate::store::Deadline;

/// What hangs, by number, with whom to wake.
#[derive(Debug, Default)]
pub(super) struct Hanging {
    entered: u64,
    waiting: BTreeMap<u64, Option<Waker>>,
}

impl Hanging {
    pub(super) fn enter(&mut self) -> u64 {
        self.entered += 1;
        self.waiting.insert(self.entered, None);
        self.entered
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn release(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.waiting).into_values().flatten()
    }
}

impl Inner {
    /// Lets one operation go on.
    pub(super) fn release_one(&self, number: u64) {
        let waiting = self.lock().hanging.waiting.remove(&number);
        waiting.flatten().into_iter().for_each(Waker::wake);
    }
}

/// The place of one operation among those that hang.
pub(super) struct Waiting {
    store: Arc<Inner>,
    number: u64,
}

impl Waiting {
    pub(super) fn new(store: Arc<Inner>, number: u64) -> Self {
        Self { store, number }
    }

    /// Waits until the test releases it.
    pub(super) async fn until(self, deadline: Deadline) -> Result<(), Error> {
        poll_fn(|cx| self.poll(cx, deadline)).await
    }

    fn poll(&self, cx: &mut Context<'_>, deadline: Deadline) -> Poll<Result<(), Error>> {
        let mut state = self.store.lock();
        let Some(waker) = state.hanging.waiting.get_mut(&self.number) else {
            return Poll::Ready(Ok(()));
        };
        if deadline.is_over() {
            return Poll::Ready(Err(Error::outage("the test's store hangs")));
        }
        *waker = Some(cx.waker().clone());
        drop(state);
        self.wake_at(deadline);
        Poll::Pending
    }

    /// By the coarse clock, which may be a little early; then it is polled and arranged again.
    fn wake_at(&self, deadline: Deadline) {
        let (store, number) = (Arc::downgrade(&self.store), self.number);
        let when = Clock::Coarse.after(deadline.remaining());
        self.store.alarms.add(when, move || {
            let Some(store) = store.upgrade() else { return };
            let waker = store
                .lock()
                .hanging
                .waiting
                .get_mut(&number)
                .and_then(Option::take);
            waker.into_iter().for_each(Waker::wake);
        });
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.store.lock().hanging.waiting.remove(&self.number);
    }
}
