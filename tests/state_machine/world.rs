//! Two processes at most, and what is behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::{ScriptedStore, SteppedClock};
use cachewright::{Cache, CacheBuilder, cached, invalidate_cache};
use tokio::sync::{Notify, Semaphore};

/// How long the outcome of a dropped writer may take to settle.
pub(crate) const SETTLE: u64 = 5;

/// How long the answers of functions live.
pub(crate) const TTL: u64 = 20;

/// Where entries are kept.
pub(crate) trait Tier {
    /// Whether it is a store that two processes share. There what is stored stays until it is
    /// invalidated or evicted; in memory names may share a slot.
    fn is_shared(&self) -> bool;

    /// The settings of one of them.
    fn builder(&self, clock: &SteppedClock) -> CacheBuilder;

    /// Whether entries live by the clock that the program steps.
    fn is_stepped(&self) -> bool;

    /// The store, if it does what a program tells it to.
    fn script(&self) -> Option<&ScriptedStore> {
        None
    }

    /// Evicts one key, whichever, or all. False if nothing can be evicted.
    fn evict(&self, which: Option<usize>) -> bool;
}

/// What all processes share: the source of values, each of which is another.
pub(crate) struct Source {
    last: AtomicU64,
    /// Whether bodies wait for a permit.
    held: AtomicBool,
    pub(crate) reached: Notify,
    pub(crate) gate: Semaphore,
}

impl Source {
    fn new() -> Self {
        Self {
            last: AtomicU64::new(0),
            held: AtomicBool::new(false),
            reached: Notify::new(),
            gate: Semaphore::new(0),
        }
    }

    /// The value that was given last.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(SeqCst)
    }

    pub(crate) fn next(&self) -> u64 {
        self.last.fetch_add(1, SeqCst) + 1
    }

    pub(crate) fn hold(&self, held: bool) {
        self.held.store(held, SeqCst);
    }

    /// What a body does.
    async fn compute(&self) -> u64 {
        let value = self.next();
        if self.held.load(SeqCst) {
            self.reached.notify_one();
            self.gate.acquire().await.unwrap().forget();
        }
        value
    }
}

/// One process.
pub(crate) struct Service {
    pub(crate) cache: Cache,
    source: Arc<Source>,
}

impl Service {
    #[cached(cache = self.cache, key_prefix = "user:{user}:page", ttl = Duration::from_secs(TTL), tags("number:{page}"))]
    pub(crate) async fn show(&self, user: u8, page: u8) -> u64 {
        let _ = (user, page);
        self.source.compute().await
    }

    #[cached(cache = self.cache, ttl = Duration::from_secs(TTL), tags("number:{region}"))]
    pub(crate) async fn total(&self, region: u8) -> u64 {
        let _ = region;
        self.source.compute().await
    }

    #[invalidate_cache("user:{user}:*", cache = self.cache)]
    pub(crate) async fn write(&self, user: u8) {
        let _ = user;
    }

    #[invalidate_cache(tags("number:{number}"), cache = self.cache)]
    pub(crate) async fn write_tagged(&self, number: u8) {
        let _ = number;
    }

    #[invalidate_cache("user:{user}:*", cache = self.cache)]
    pub(crate) async fn write_endlessly(&self, user: u8) {
        let _ = user;
        std::future::pending().await
    }

    pub(crate) fn pending(&self) -> u64 {
        self.cache.stats().pending_invalidations
    }
}

/// The processes of one program.
pub(crate) fn services(tier: &dyn Tier, clock: &SteppedClock) -> (Vec<Service>, Arc<Source>) {
    let source = Arc::new(Source::new());
    let service = |_| Service {
        cache: tier
            .builder(clock)
            .settle(Duration::from_secs(SETTLE))
            .build()
            .unwrap(),
        source: Arc::clone(&source),
    };
    let processes = if tier.is_shared() { 2 } else { 1 };
    ((0..processes).map(service).collect(), source)
}
