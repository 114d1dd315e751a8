//! A cache belongs to no runtime: one after the other, none at all, and sync functions inside of any.

mod redis;

use std::sync::{LazyLock, OnceLock};

use cachewright::Cache;
use cachewright_test_support::RedisServer;
use redis::service::Users;
use redis::{cache, hasty, row};
use tokio::runtime::{Builder, Runtime};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn two_threads() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

static SERVER: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
static USERS: LazyLock<Users> = LazyLock::new(|| Users::new(cache(&SERVER.url())));

#[test]
fn a_static_cache_outlives_runtimes() {
    for (turn, runtime) in [one_thread(), two_threads(), one_thread(), two_threads()]
        .into_iter()
        .enumerate()
    {
        runtime.block_on(async {
            // From the runtime before, unless it is the first.
            assert_eq!(USERS.hits("42").await, turn > 0);
            USERS.rename("42").await;
            assert!(!USERS.hits("42").await);
            tokio::spawn(async { assert!(USERS.hits("42").await) })
                .await
                .unwrap();
        });
        drop(runtime);
    }
    assert_eq!(row(&USERS.cache, "profile").errors, 0);
}

#[test]
fn runtimes_at_the_same_time_share_a_cache() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    one_thread().block_on(users.warm("42"));
    std::thread::scope(|scope| {
        for runtime in [one_thread(), two_threads(), one_thread()] {
            let users = &users;
            scope.spawn(move || {
                for _ in 0..50 {
                    assert!(runtime.block_on(users.hits("42")));
                }
            });
        }
    });
    assert_eq!(row(&users.cache, "profile").errors, 0);
}

#[test]
fn a_runtime_that_is_not_polled_is_in_nobodys_way() {
    let server = RedisServer::start();
    let users = Users::new(hasty(&server.url()));
    let idle = one_thread();
    idle.block_on(users.warm("42"));
    for runtime in [one_thread(), two_threads()] {
        for _ in 0..3 {
            assert!(runtime.block_on(users.hits("42")));
        }
    }
    users.rename_blocking("42");
    idle.block_on(users.warm("42"));
    assert_eq!(row(&users.cache, "profile").errors, 0);
}

/// Cached and invalidating functions that block the thread they are called on.
fn block(users: &Users) {
    for _ in 0..3 {
        users.rename_blocking("42");
        let queries = users.database.queries();
        for _ in 0..3 {
            assert_eq!(users.profile_blocking("42"), users.database.peek("42"));
        }
        assert_eq!(users.database.queries() - queries, 1);
    }
}

#[test]
fn sync_functions_work_outside_of_any_runtime() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    block(&users);
    let there = users.through(cache(&server.url()));
    there.rename_blocking("42");
    assert_eq!(users.profile_blocking("42"), users.database.peek("42"));
    assert_eq!(row(&users.cache, "profile_blocking").errors, 0);
}

#[test]
fn sync_functions_work_inside_of_every_runtime() {
    let server = RedisServer::start();
    for runtime in [one_thread(), two_threads()] {
        let users = Users::new(cache(&server.url()));
        users.rename_blocking("42");
        runtime.block_on(async {
            block(&users);
            // Async ones before and after, on the same thread.
            users.warm("43").await;
            block(&users);
            assert!(users.hits("43").await);
            let spawned = users.clone();
            tokio::spawn(async move { block(&spawned) }).await.unwrap();
            let spawned = users.clone();
            let blocking = tokio::task::spawn_blocking(move || block(&spawned));
            blocking.await.unwrap();
        });
        assert_eq!(row(&users.cache, "profile_blocking").errors, 0);
    }
}

#[test]
fn sync_functions_return_in_time_when_the_server_hangs() {
    let server = RedisServer::start();
    let users = Users::new(hasty(&server.url()));
    block(&users);
    server.pause();
    for runtime in [one_thread(), two_threads()] {
        runtime.block_on(async {
            for _ in 0..4 {
                let begin = std::time::Instant::now();
                users.rename_blocking("42");
                assert_eq!(users.profile_blocking("42"), users.database.peek("42"));
                assert!(begin.elapsed() < 2 * redis::BOUND);
            }
        });
    }
    server.resume();
    one_thread().block_on(redis::recovered(&users.cache));
    block(&users);
}

#[test]
fn a_cache_is_built_and_dropped_anywhere() {
    static LATE: OnceLock<Cache> = OnceLock::new();
    let server = RedisServer::start();
    // Outside of a runtime, used in one, dropped in another.
    let users = Users::new(cache(&server.url()));
    one_thread().block_on(users.warm("42"));
    two_threads().block_on(async move {
        assert!(users.hits("42").await);
        drop(users);
    });
    one_thread().block_on(async {
        let cache = LATE.get_or_init(|| cache(&server.url()));
        cache.set("key", 1, None).await.unwrap();
    });
    let cache = LATE.get().unwrap();
    let found: Option<i32> = two_threads().block_on(cache.get("key")).unwrap();
    assert_eq!(found, Some(1));
}
