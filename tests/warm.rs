//! Filling a cache before its answers are asked for.

#[path = "warm/background.rs"]
mod background;
#[path = "warm/blocking.rs"]
mod blocking;
#[path = "warm/calls.rs"]
mod calls;
#[path = "warm/streams.rs"]
mod streams;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cachewright::{Cache, WarmReport, cached, warm};
use tokio::sync::Semaphore;

/// A service whose bodies end when they are allowed to, and which knows how many of them run.
pub(crate) struct Users {
    pub(crate) cache: Cache,
    /// One permit lets one body go on.
    pub(crate) gate: Semaphore,
    pub(crate) bodies: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

/// One body that runs.
struct Running<'a>(&'a Users);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Users {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(Cache::builder().build().unwrap())
    }

    pub(crate) fn with(cache: Cache) -> Arc<Self> {
        Arc::new(Self {
            cache,
            gate: Semaphore::new(0),
            bodies: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }

    /// Whose bodies end at once.
    pub(crate) fn open() -> Arc<Self> {
        let users = Self::new();
        users.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        users
    }

    fn begin(&self) -> Running<'_> {
        self.bodies.fetch_add(1, SeqCst);
        let running = self.running.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(running, SeqCst);
        Running(self)
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}")]
    pub(crate) async fn get(&self, id: u64) -> Result<u64, String> {
        let _running = self.begin();
        self.gate.acquire().await.unwrap().forget();
        assert_ne!(id, 13, "nobody has this id");
        if id == 4 {
            return Err("there is no 4".to_owned());
        }
        Ok(id)
    }

    #[cached(cache = self.cache)]
    pub(crate) async fn both(&self, id: u64) -> Option<u64> {
        let _running = self.begin();
        self.get(id).await.ok()
    }

    #[cached(cache = self.cache, key_prefix = "users", batch = ids)]
    pub(crate) async fn several(&self, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
        let _running = self.begin();
        if ids.contains(&4) {
            return Err("there is no 4".to_owned());
        }
        Ok(ids.iter().map(|id| (*id, *id)).collect())
    }

    #[cached(cache = self.cache, batch = ids)]
    pub(crate) fn totals(&self, ids: &[u64]) -> HashMap<u64, u64> {
        let _running = self.begin();
        ids.iter().map(|id| (*id, *id)).collect()
    }

    /// Warms in its body.
    #[cached(cache = self.cache)]
    pub(crate) async fn warmed(&self, id: u64) -> (u64, u64, u64) {
        counts(warm([self.get(id), self.get(4)]).run().await)
    }

    #[cached(cache = self.cache)]
    pub(crate) fn total(&self, id: u64) -> Result<u64, String> {
        let _running = self.begin();
        assert_ne!(id, 13, "nobody has this id");
        id.checked_sub(1).ok_or_else(|| "there is no 0".to_owned())
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    /// How many ran at once at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(SeqCst)
    }
}

/// What has become of the calls: done, skipped, failed.
pub(crate) fn counts(report: WarmReport) -> (u64, u64, u64) {
    assert!(!report.is_cancelled);
    (report.done, report.skipped, report.failed)
}
