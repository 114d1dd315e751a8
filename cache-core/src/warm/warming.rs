//! A run in the background, seen from outside.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use super::{WarmProgress, WarmReport};
use crate::background::Stop;
use crate::sync::lock_std;

/// A run in the background, begun by [`Warm::spawn`](super::Warm::spawn). Awaited, it gives the report.
///
/// Dropped, the run goes on by itself.
#[derive(Debug)]
pub struct Warming {
    watched: Arc<Watched>,
    stop: Arc<Stop>,
}

impl Warming {
    /// Cancels the run: calls that are under way are dropped, what has been computed is kept. The report
    /// tells what had become of the calls by then.
    pub fn cancel(&self) {
        self.stop.stop();
    }

    /// What has become of the calls so far.
    #[must_use]
    pub fn progress(&self) -> WarmProgress {
        self.watched.lock().progress
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.watched.lock().report.is_some()
    }
}

impl Future for Warming {
    type Output = WarmReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<WarmReport> {
        let mut state = self.watched.lock();
        match state.report {
            Some(report) => Poll::Ready(report),
            None => {
                state.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// What the run tells of itself.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    progress: WarmProgress,
    report: Option<WarmReport>,
    waiting: Option<Waker>,
}

impl Watched {
    pub(super) fn goes_on(&self, progress: WarmProgress) {
        self.lock().progress = progress;
    }

    pub(super) fn ends(&self, report: WarmReport) {
        let mut state = self.lock();
        state.report.get_or_insert(report);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock_std(&self.0)
    }
}

/// Who waits for a run that can't be stopped yet.
pub(super) struct Watching(Arc<Watched>);

impl Watching {
    pub(super) fn stopped_by(self, stop: Arc<Stop>) -> Warming {
        Warming {
            watched: self.0,
            stop,
        }
    }
}

pub(super) fn pair() -> (Arc<Watched>, Watching) {
    let watched = Arc::<Watched>::default();
    (Arc::clone(&watched), Watching(watched))
}
