//! Time that moves only when told to.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::TokioClock;
use crate::agenda::Agenda;
use crate::clock::{Clock, SECOND, Tick, ticks};

/// A clock that a test moves by hand; see
/// [`CacheBuilder::clock`](crate::CacheBuilder::clock).
///
/// Clones share one time. Several caches may use the same clock.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::{Cache, testing::SteppedClock};
/// use std::time::Duration;
///
/// let clock = SteppedClock::new();
/// let cache = Cache::builder().clock(clock.clone()).build()?;
/// cache.set("user:42", "Ada".to_owned(), Duration::from_secs(60)).await?;
///
/// clock.advance(Duration::from_secs(59));
/// assert_eq!(cache.get::<String>("user:42").await?.as_deref(), Some("Ada"));
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(cache.get::<String>("user:42").await?, None);
/// # Ok::<(), cache_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SteppedClock(Arc<Shared>);

struct Shared {
    now: AtomicU64,
    agendas: Mutex<Vec<Weak<Agenda>>>,
}

impl SteppedClock {
    /// A clock that stands at some moment.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a clock has no natural default time"
    )]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            now: AtomicU64::new(1_000 * SECOND),
            agendas: Mutex::default(),
        }))
    }

    /// Moves the clock on, then does on this thread, before it returns, what has become due in
    /// every cache that uses it: reclaiming what expired, repeating invalidations, waking
    /// followers that have waited long enough.
    pub fn advance(&self, span: Duration) {
        self.0.now.fetch_add(ticks(span), SeqCst);
        let agendas = {
            let mut agendas = self
                .0
                .agendas
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            agendas.retain(|agenda| agenda.strong_count() > 0);
            agendas.clone()
        };
        for agenda in agendas.iter().filter_map(Weak::upgrade) {
            agenda.run_due();
        }
    }

    pub(crate) fn now(&self) -> Tick {
        self.0.now.load(SeqCst)
    }

    pub(crate) fn subscribe(&self, agenda: Weak<Agenda>) {
        let mut agendas = self
            .0
            .agendas
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        agendas.push(agenda);
    }
}

/// A clock that a test moves: what [`CacheBuilder::clock`](crate::CacheBuilder::clock) and
/// [`ScriptedStore::with_clock`](super::ScriptedStore::with_clock) take.
#[derive(Debug, Clone)]
pub struct TestClock(pub(crate) Clock);

impl From<SteppedClock> for TestClock {
    fn from(clock: SteppedClock) -> Self {
        Self(Clock::Stepped(clock))
    }
}

impl From<TokioClock> for TestClock {
    fn from(clock: TokioClock) -> Self {
        Self(Clock::Tokio(clock))
    }
}

impl fmt::Debug for SteppedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteppedClock").finish_non_exhaustive()
    }
}
