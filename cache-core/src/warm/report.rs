//! What has become of the calls.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::warming::Watched;
use crate::observation::{Open, Seen};

/// What has become of the calls so far; see [`warm`](super::warm).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WarmProgress {
    /// Calls that have ended and are none of the others.
    pub done: u64,
    /// Calls in which a cached function returned an `Err`, and calls that panicked.
    pub failed: u64,
    /// Calls that the cache answered already.
    pub skipped: u64,
    /// How many calls there are, if the iterator knows.
    pub total: Option<u64>,
    /// How long it has taken.
    pub elapsed: Duration,
}

impl WarmProgress {
    /// Calls that have ended, whatever has become of them.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.done + self.failed + self.skipped
    }
}

/// What has become of all calls; see [`warm`](super::warm).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WarmReport {
    /// Calls that have ended and are none of the others.
    pub done: u64,
    /// Calls in which a cached function returned an `Err`, and calls that panicked.
    pub failed: u64,
    /// Calls that the cache answered already.
    pub skipped: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether a run in the background was cancelled, or its runtime ended: then calls may be left.
    pub is_cancelled: bool,
}

impl WarmReport {
    pub(super) fn of(progress: WarmProgress, is_cancelled: bool) -> Self {
        Self {
            done: progress.done,
            failed: progress.failed,
            skipped: progress.skipped,
            elapsed: progress.elapsed,
            is_cancelled,
        }
    }
}

impl fmt::Display for WarmReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            done,
            failed,
            skipped,
            elapsed,
            is_cancelled,
        } = self;
        write!(
            f,
            "{done} done, {skipped} skipped, {failed} failed in {elapsed:.1?}"
        )?;
        f.write_str(if *is_cancelled { ", cancelled" } else { "" })
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    Failed,
    Skipped,
}

impl Ending {
    pub(super) fn of(seen: Seen, has_panicked: bool) -> Self {
        match () {
            () if has_panicked || seen.has_failed() => Self::Failed,
            () if seen.was_cached() => Self::Skipped,
            () => Self::Done,
        }
    }
}

/// Counts, and who is told of them.
#[derive(Default)]
pub(super) struct Tally {
    began: Option<(Instant, Open)>,
    progress: WarmProgress,
    told: Option<Box<dyn FnMut(WarmProgress) + Send>>,
    watched: Option<Arc<Watched>>,
}

impl Tally {
    pub(super) fn tell(&mut self, told: impl FnMut(WarmProgress) + Send + 'static) {
        self.told = Some(Box::new(told));
    }

    pub(super) fn watch(&mut self, watched: Arc<Watched>) {
        self.watched = Some(watched);
    }

    /// Takes over how many there will be, if that is certain.
    pub(super) fn expect(&mut self, (least, most): (usize, Option<usize>)) {
        let total = most.filter(|most| *most == least);
        self.progress.total = total.and_then(|total| u64::try_from(total).ok());
    }

    pub(super) fn begin(&mut self) {
        self.began
            .get_or_insert_with(|| (Instant::now(), Open::new()));
    }

    pub(super) fn count(&mut self, ending: Ending) {
        let progress = &mut self.progress;
        match ending {
            Ending::Done => progress.done += 1,
            Ending::Failed => progress.failed += 1,
            Ending::Skipped => progress.skipped += 1,
        }
        self.look_at_the_clock();
        if let Some(watched) = &self.watched {
            watched.goes_on(self.progress);
        }
        if let Some(told) = &mut self.told {
            told(self.progress);
        }
    }

    pub(super) fn end(&mut self) -> WarmReport {
        self.look_at_the_clock();
        let report = WarmReport::of(self.progress, false);
        if let Some(watched) = self.watched.take() {
            watched.ends(report);
        }
        report
    }

    fn look_at_the_clock(&mut self) {
        let elapsed = self.began.as_ref().map(|(began, _)| began.elapsed());
        self.progress.elapsed = elapsed.unwrap_or_default();
    }
}

impl Drop for Tally {
    /// A run that has not ended was dropped.
    fn drop(&mut self) {
        self.look_at_the_clock();
        if let Some(watched) = self.watched.take() {
            watched.ends(WarmReport::of(self.progress, true));
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.progress.fmt(f)
    }
}
