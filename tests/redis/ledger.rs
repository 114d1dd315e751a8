//! A database of versions that knows which answers would be stale.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cachewright::{Cache, cached};
use tokio::task::yield_now;

/// How long trade may go on. Its end is decided by counts: this is what a failing test takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many rows there are.
pub(crate) const ROWS: usize = 16;

/// The versions of the rows, and what readers may no longer be given.
#[derive(Default)]
pub(crate) struct Ledger {
    versions: [AtomicU64; ROWS],
    /// What an acknowledged invalidation has made outdated is below.
    acknowledged: [AtomicU64; ROWS],
    pub(crate) reads: AtomicU64,
    pub(crate) bodies: AtomicU64,
}

/// The ledger through one cache.
#[derive(Clone)]
pub(crate) struct Desk {
    cache: Cache,
    ledger: Arc<Ledger>,
    /// What an invalidation through this cache has made outdated, acknowledged or not.
    returned: Arc<[AtomicU64; ROWS]>,
    /// What each value is padded to.
    padding: usize,
}

impl Desk {
    pub(crate) fn new(cache: Cache, ledger: &Arc<Ledger>, padding: usize) -> Self {
        Self {
            cache,
            ledger: Arc::clone(ledger),
            returned: Arc::default(),
            padding,
        }
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "ledger:{row}")]
    async fn row(&self, row: usize) -> (u64, String) {
        self.ledger.bodies.fetch_add(1, SeqCst);
        yield_now().await;
        let version = self.ledger.versions[row].load(SeqCst);
        yield_now().await;
        (version, "x".repeat(self.padding))
    }

    /// Reads a row and asserts that it is not older than it may be.
    pub(crate) async fn read(&self, row: usize) {
        let acknowledged = self.ledger.acknowledged[row].load(SeqCst);
        let returned = self.returned[row].load(SeqCst);
        let (version, _) = self.row(row).await;
        assert!(
            version >= acknowledged,
            "row {row}: {version} is older than {acknowledged}, which was acknowledged"
        );
        assert!(
            version >= returned,
            "row {row}: {version} is older than {returned}, which this cache invalidated"
        );
        self.ledger.reads.fetch_add(1, SeqCst);
    }

    /// Writes a row and invalidates it. Whether that was acknowledged.
    pub(crate) async fn write(&self, row: usize) -> bool {
        let version = self.ledger.versions[row].fetch_add(1, SeqCst) + 1;
        let invalidated = self.cache.invalidate(&format!("ledger:{row}:*")).await;
        self.returned[row].fetch_max(version, SeqCst);
        if invalidated.is_ok() {
            self.ledger.acknowledged[row].fetch_max(version, SeqCst);
        }
        invalidated.is_ok()
    }
}

/// Reads through every desk and writes now and then, in tasks of their own, until `enough` says so;
/// it is asked after each `step`. Panics with whatever a reader finds stale.
pub(crate) async fn trade(desks: &[Desk], mut step: impl AsyncFnMut(), enough: impl Fn() -> bool) {
    let mut tasks = tokio::task::JoinSet::new();
    for (number, desk) in desks.iter().cycle().take(8).cloned().enumerate() {
        tasks.spawn(async move {
            for turn in number.. {
                let row = (turn * 7 + number) % ROWS;
                desk.read(row).await;
                if turn % 9 == 0 {
                    desk.write(row).await;
                    desk.read(row).await;
                }
            }
        });
    }
    let begin = Instant::now();
    while !enough() {
        assert!(begin.elapsed() < PATIENCE, "it takes too long");
        step().await;
        if let Some(ended) = tasks.try_join_next() {
            ended.unwrap();
        }
        yield_now().await;
    }
    tasks.abort_all();
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}
