//! The assertions over real Redis, in every runtime.

mod redis;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::testing::{assert_cached, assert_not_cached, install_for_test};
use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::RedisServer;
use redis::{SHORT, builder, cache, calls, key_below, keys, row, store_bytes, stored};
use tokio::runtime::Builder;

struct Users {
    cache: Cache,
    bodies: AtomicU64,
}

impl Users {
    fn of(server: &RedisServer) -> Self {
        Self {
            cache: cache(&server.url()),
            bodies: AtomicU64::new(0),
        }
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}", ttl = "1m")]
    async fn name(&self, id: u64) -> String {
        self.bodies.fetch_add(1, SeqCst);
        format!("user {id}")
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}", ttl = "1m")]
    fn age(&self, id: u64) -> u64 {
        self.bodies.fetch_add(1, SeqCst);
        id
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: u64) -> u64 {
        id
    }
}

#[cached(key_prefix = "installed")]
async fn of_the_installed(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn each_process_sees_what_another_has_kept_and_invalidated() {
    let server = RedisServer::start();
    let (one, other) = (Users::of(&server), Users::of(&server));
    assert_not_cached!(one.name(1)).await;
    other.name(1).await;
    assert_cached!(one.name(1)).await;
    assert_not_cached!(one.name(2)).await;
    other.rename(1).await;
    assert_not_cached!(one.name(1)).await;
}

#[tokio::test]
async fn an_assertion_reads_and_writes_nothing_and_counts_nothing() {
    let server = RedisServer::start();
    let users = Users::of(&server);
    users.name(1).await;
    let before = (row(&users.cache, "name"), keys(&server));
    server.command(&["CONFIG", "RESETSTAT"]);
    assert_cached!(users.name(1)).await;
    assert_not_cached!(users.name(2)).await;
    assert_eq!(calls(&server, "set"), 0);
    assert_eq!(calls(&server, "eval") + calls(&server, "evalsha"), 0);
    let after = (row(&users.cache, "name"), keys(&server));
    assert_eq!(after.0.hits, before.0.hits);
    assert_eq!(after.0.misses, before.0.misses);
    assert_eq!(after.1, before.1);
    assert_eq!(users.bodies.load(SeqCst), 1);
}

#[test]
fn a_synchronous_call_is_asserted_inside_of_every_runtime_and_outside() {
    let server = RedisServer::start();
    let users = Users::of(&server);
    let turn = |id| {
        assert_not_cached!(users.age(id));
        users.age(id);
        assert_cached!(users.age(id));
    };
    turn(1);
    let one_thread = Builder::new_current_thread().enable_all().build();
    one_thread.unwrap().block_on(async { turn(2) });
    let mut two_threads = Builder::new_multi_thread();
    let two_threads = two_threads.worker_threads(2).enable_all().build();
    two_threads.unwrap().block_on(async { turn(3) });
    turn(4);
}

#[tokio::test]
async fn what_was_damaged_on_the_server_is_not_cached() {
    let server = RedisServer::start();
    let users = Users::of(&server);
    users.name(1).await;
    let key = key_below(&server, "app:user:1:name:");
    let mut bytes = stored(&server, &key);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    store_bytes(&server, &key, &bytes);
    assert_not_cached!(users.name(1)).await;
}

#[test]
fn a_dead_server_fails_either_assertion() {
    let server = RedisServer::start();
    let settings = builder(&server.url()).store_timeout(SHORT);
    let users = Users {
        cache: settings.build().unwrap(),
        bodies: AtomicU64::new(0),
    };
    users.age(1);
    drop(server);
    let failures = [
        catch_unwind(AssertUnwindSafe(|| assert_cached!(users.age(1)))),
        catch_unwind(AssertUnwindSafe(|| assert_not_cached!(users.age(1)))),
    ];
    for failure in failures {
        let payload = failure.unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains("is not known: "), "{message}");
    }
    assert_eq!(users.bodies.load(SeqCst), 1);
}

#[tokio::test]
async fn an_installed_cache_of_a_test_may_have_a_store() {
    let server = RedisServer::start();
    let _cache = install_for_test(cache(&server.url()));
    of_the_installed(1).await;
    assert_cached!(of_the_installed(1)).await;
    assert!(key_below(&server, "app:installed:").contains("of_the_installed"));
}
