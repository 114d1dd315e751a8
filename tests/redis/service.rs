//! A service before a database that counts its queries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cachewright::{Cache, cached, invalidate_cache};

use super::RECOVERY;

/// Versions of names by user.
#[derive(Default)]
pub(crate) struct Database {
    versions: Mutex<HashMap<String, u64>>,
    queries: AtomicU64,
}

impl Database {
    fn version(&self, id: &str) -> u64 {
        self.queries.fetch_add(1, SeqCst);
        self.peek(id)
    }

    /// What is committed, without a query.
    pub(crate) fn peek(&self, id: &str) -> u64 {
        let versions = self.versions.lock().unwrap();
        versions.get(id).copied().unwrap_or_default()
    }

    pub(crate) fn commit(&self, id: &str) {
        *self
            .versions
            .lock()
            .unwrap()
            .entry(id.to_owned())
            .or_default() += 1;
    }

    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(SeqCst)
    }
}

/// Users of one database through one cache.
#[derive(Clone)]
pub(crate) struct Users {
    pub(crate) cache: Cache,
    pub(crate) database: Arc<Database>,
}

impl Users {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            database: Arc::default(),
        }
    }

    /// The same database through another cache.
    pub(crate) fn through(&self, cache: Cache) -> Self {
        Self {
            cache,
            database: Arc::clone(&self.database),
        }
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "user:{id}:profile")]
    pub(crate) async fn profile(&self, id: &str) -> u64 {
        self.database.version(id)
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    pub(crate) async fn rename(&self, id: &str) {
        self.database.commit(id);
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "user:{id}:profile")]
    pub(crate) fn profile_blocking(&self, id: &str) -> u64 {
        self.database.version(id)
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    pub(crate) fn rename_blocking(&self, id: &str) {
        self.database.commit(id);
    }

    /// All share their generations but the leaf's.
    #[cached(cache = self.cache, ttl = "10m", key_prefix = "badge")]
    pub(crate) async fn badge(&self, id: &str) -> String {
        format!("{id}:{}", self.database.version(id))
    }

    /// There are none for ids without a version.
    #[cached(cache = self.cache, ttl = "10m", none_ttl = "30s", key_prefix = "user:{id}:nick")]
    pub(crate) async fn nick(&self, id: &str) -> Option<String> {
        let version = self.database.version(id);
        (version > 0).then(|| format!("{id}{version}"))
    }

    /// Whether `profile` is answered from the cache, and rightly.
    pub(crate) async fn hits(&self, id: &str) -> bool {
        let before = self.database.queries();
        assert_eq!(self.profile(id).await, self.database.peek(id));
        self.database.queries() == before
    }

    /// Has `profile` in the cache. On a busy machine even the first calls may be given up, and then a
    /// probe comes first; the sleep only paces the questions.
    #[track_caller]
    pub(crate) fn warm(&self, id: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let begin = Instant::now();
            while !self.hits(id).await {
                assert!(begin.elapsed() < RECOVERY, "{caller}: nothing is cached");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}
