//! The time of a tokio runtime.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Weak;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::agenda::{Agenda, Alarm};
use crate::clock::{SECOND, Tick, duration, ticks};

/// The clock of a tokio runtime; see [`CacheBuilder::clock`](crate::CacheBuilder::clock). With
/// `tokio::time::pause`, or `#[tokio::test(start_paused = true)]`, a cache follows the time that
/// `tokio::time::advance` and sleeping tasks move: times to live, the patience of callers, the second
/// invalidation of a writer that was dropped, retries, and what else the cache does later. Without a
/// pause it is real time.
///
/// The test's dependency on tokio needs the feature `test-util` for a pause. What a call may wait for a
/// store is real time always, and so is what a [`SteppedClock`](super::SteppedClock) does not move.
///
/// When all tasks of a paused runtime wait, tokio moves the time to the next thing that one waits for
/// by itself. A cache waits for nothing but what is listed above: that entries expire moves no time.
/// What has expired is reclaimed when something else is kept.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::{Cache, testing::TokioClock};
/// use std::time::Duration;
///
/// tokio::time::pause();
/// let cache = Cache::builder().clock(TokioClock::current()).build()?;
/// cache.set("user:42", "Ada".to_owned(), Duration::from_secs(60)).await?;
///
/// tokio::time::advance(Duration::from_secs(59)).await;
/// assert_eq!(cache.get::<String>("user:42").await?.as_deref(), Some("Ada"));
/// tokio::time::advance(Duration::from_secs(1)).await;
/// assert_eq!(cache.get::<String>("user:42").await?, None);
/// # Ok::<(), cache_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct TokioClock {
    runtime: Handle,
    epoch: Instant,
}

impl TokioClock {
    /// The clock of the runtime that this is called in.
    ///
    /// # Panics
    ///
    /// Outside of a runtime, and in one without its time enabled.
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        // What needs it is on a task of its own, where nobody would see the panic.
        drop(sleep(Duration::ZERO));
        Self {
            runtime: Handle::current(),
            epoch: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Tick {
        // The time of a paused runtime is seen inside of it alone.
        let _inside = self.runtime.enter();
        // Time that began at zero would have no past.
        1_000 * SECOND + ticks(self.epoch.elapsed())
    }

    /// Has an agenda do, on a task of the runtime, what becomes due, as long as there is the agenda.
    pub(crate) fn drive(&self, agenda: Weak<Agenda>) {
        let clock = self.clone();
        self.runtime.spawn(async move {
            let mut timer = pin!(sleep(Duration::ZERO));
            poll_fn(|cx| {
                loop {
                    let Some(agenda) = agenda.upgrade() else {
                        return Poll::Ready(());
                    };
                    match agenda.run_until_next(cx.waker()) {
                        Alarm::Over => return Poll::Ready(()),
                        Alarm::None => return Poll::Pending,
                        Alarm::At(when) => {
                            let left = duration(when.saturating_sub(clock.now()));
                            let end = Instant::now().checked_add(left);
                            let Some(end) = end else { return Poll::Pending };
                            timer.as_mut().reset(end);
                        }
                    }
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            })
            .await;
        });
    }
}

impl fmt::Debug for TokioClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioClock").finish_non_exhaustive()
    }
}
