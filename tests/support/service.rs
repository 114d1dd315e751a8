//! Two processes' worth of caches over one store, and a service that reads and writes a number.

#![allow(dead_code, reason = "each binary needs another part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cachewright::testing::{Operation, ScriptedStore, SteppedClock};
use cachewright::{Cache, CacheBuilder, cached, invalidate_cache};
use tokio::sync::Semaphore;

/// A store, a clock and a database, which several processes share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: ScriptedStore,
    pub(crate) clock: SteppedClock,
    pub(crate) number: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = SteppedClock::new();
        Self {
            store: ScriptedStore::with_clock(clock.clone()),
            clock,
            number: Arc::default(),
        }
    }

    /// The settings of another process' cache. It sweeps nothing: what is asked of the store is what the
    /// test is about.
    pub(crate) fn builder(&self) -> CacheBuilder {
        Cache::builder()
            .namespace("app")
            .clock(self.clock.clone())
            .store(self.store.clone())
            .store_timeout(Duration::from_secs(30))
            .sweep_rate(0)
    }

    pub(crate) fn cache(&self) -> Cache {
        self.builder().build().unwrap()
    }

    /// Another process.
    pub(crate) fn service(&self) -> Arc<Service> {
        self.service_with(self.cache())
    }

    pub(crate) fn service_with(&self, cache: Cache) -> Arc<Service> {
        Arc::new(Service {
            cache,
            number: Arc::clone(&self.number),
            bodies: AtomicU64::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    /// Another process, whose bodies wait after they have read the number.
    pub(crate) fn gated(&self) -> Arc<Service> {
        self.gated_with(self.cache())
    }

    pub(crate) fn gated_with(&self, cache: Cache) -> Arc<Service> {
        let service = self.service_with(cache);
        service.gate.forget_permits(Semaphore::MAX_PERMITS);
        service
    }

    /// What was asked of the store, but for what it is asked now and then.
    pub(crate) fn log(&self) -> Vec<Operation> {
        let mut log = self.store.log();
        log.retain(|operation| *operation != Operation::Prolong);
        log
    }
}

/// One process.
pub(crate) struct Service {
    pub(crate) cache: Cache,
    number: Arc<AtomicU64>,
    bodies: AtomicU64,
    /// One permit lets one body go on.
    pub(crate) gate: Semaphore,
}

impl Service {
    #[cached(cache = self.cache, ttl = 600, key_prefix = "user:{id}:number")]
    pub(crate) async fn read(&self, id: u64) -> Result<u64, String> {
        self.bodies.fetch_add(1, SeqCst);
        let number = self.number.load(SeqCst);
        self.gate.acquire().await.unwrap().forget();
        Ok(number)
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    pub(crate) async fn write(&self, id: u64) -> Result<(), String> {
        self.number.fetch_add(1, SeqCst);
        Ok(())
    }

    /// How many bodies began.
    pub(crate) fn bodies(&self) -> u64 {
        self.bodies.load(SeqCst)
    }

    pub(crate) fn pending(&self) -> u64 {
        self.cache.stats().pending_invalidations
    }
}

/// Waits for what other tasks and threads do.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !what() {
        assert!(Instant::now() < patience, "it does not happen");
        tokio::task::yield_now().await;
    }
}
