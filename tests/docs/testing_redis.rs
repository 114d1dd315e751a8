//! What docs/testing.md quotes of a test with a server.

use cachewright::redis::RedisStore;
use cachewright::testing::{assert_cached, assert_not_cached};
use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::RedisServer;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

static SERVER: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);

/// Stands for what a user has in the environment.
fn redis_url() -> String {
    SERVER.url()
}

struct Users {
    cache: Cache,
}

impl Users {
    #[cached(cache = self.cache, ttl = "1m", key_prefix = "user:{id}")]
    async fn name(&self, id: u64) -> String {
        format!("user {id}")
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: u64) -> u64 {
        id
    }
}

/// A cache that shares a server with other tests, and no entry.
fn cache() -> Cache {
    static TESTS: AtomicU64 = AtomicU64::new(0);
    let (process, test) = (std::process::id(), TESTS.fetch_add(1, SeqCst));
    Cache::builder()
        .namespace(format!("test-{process}-{test}"))
        .store(RedisStore::new(&redis_url()).unwrap())
        .store_timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_write_is_seen_by_every_process() {
    let cache = cache();
    let users = Users { cache };
    users.name(42).await;
    assert_cached!(users.name(42)).await;
    users.rename(42).await;
    assert_not_cached!(users.name(42)).await;
}
