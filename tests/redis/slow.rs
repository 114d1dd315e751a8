//! A service before a slow database.

use std::pin::pin;
use std::sync::Arc;

use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::RedisServer;
use tokio::sync::{Notify, Semaphore};

use super::cache;
use super::service::Database;
use super::waker::is_pending;

/// Users whose database is slow, and tells what it does.
#[derive(Clone)]
pub(crate) struct Slow {
    pub(crate) cache: Cache,
    pub(crate) database: Arc<Database>,
    /// A body has read what it will answer.
    pub(crate) has_read: Arc<Notify>,
    /// Bodies may end.
    pub(crate) end: Arc<Semaphore>,
    /// Writers may commit, and after that end.
    pub(crate) steps: Arc<Semaphore>,
}

impl Slow {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            database: Arc::default(),
            has_read: Arc::default(),
            end: Arc::new(Semaphore::new(0)),
            steps: Arc::new(Semaphore::new(0)),
        }
    }

    /// The same database in another process.
    pub(crate) fn elsewhere(&self, server: &RedisServer) -> Self {
        Self {
            database: Arc::clone(&self.database),
            ..Self::new(cache(&server.url()))
        }
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "user:{id}:slow")]
    pub(crate) async fn version(&self, id: &str) -> u64 {
        let version = self.database.peek(id);
        self.has_read.notify_one();
        self.end.acquire().await.unwrap().forget();
        version
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    pub(crate) async fn write(&self, id: &str) {
        self.steps.acquire().await.unwrap().forget();
        self.database.commit(id);
        self.steps.acquire().await.unwrap().forget();
    }

    /// Reads without waiting for anything.
    pub(crate) async fn next(&self, id: &str) -> u64 {
        self.end.add_permits(1);
        let version = self.version(id).await;
        // A hit leaves it.
        self.end.forget_permits(1);
        // A body has told, and nobody has waited for it.
        let _ = is_pending(pin!(self.has_read.notified()));
        version
    }
}
