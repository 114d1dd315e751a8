//! What the tests against real Redis servers share: caches, a service before a database, and waiting.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod ledger;
pub(crate) mod service;
pub(crate) mod slow;
pub(crate) mod waker;

use std::time::{Duration, Instant};

use cachewright::redis::RedisStore;
use cachewright::{Cache, CacheBuilder, FunctionStats, StoreHealth};
use cachewright_test_support::{Proxy, RedisServer, Reply};

/// The namespace of every cache here.
pub(crate) const NAMESPACE: &str = "app";

/// How long a cache may take to be as well as its server. Generous: what a failing test takes.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);

/// What a call may wait for its store where the test is about that.
pub(crate) const SHORT: Duration = Duration::from_millis(250);

/// What a call with [`SHORT`] may take on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(2);

/// What a call may wait for its store where the test is about something else.
const LONG: Duration = Duration::from_secs(8);

/// The settings of a cache with a store of its own: what another process would have. It sweeps nothing:
/// what comes by is what the test is about.
pub(crate) fn builder(url: &str) -> CacheBuilder {
    let store = RedisStore::new(url).expect("a valid URL");
    Cache::builder()
        .namespace(NAMESPACE)
        .store(store)
        .store_timeout(LONG)
        .sweep_rate(0)
}

pub(crate) fn cache(url: &str) -> Cache {
    builder(url).build().expect("valid settings")
}

/// One that gives its store up soon.
pub(crate) fn hasty(url: &str) -> Cache {
    let builder = builder(url).store_timeout(SHORT);
    builder.build().expect("valid settings")
}

/// The row of a function that was called.
#[track_caller]
pub(crate) fn row(cache: &Cache, function: &str) -> FunctionStats {
    let stats = cache.stats();
    let row = stats.functions.into_iter().find(|row| row.name == function);
    row.unwrap_or_else(|| panic!("`{function}` was never called"))
}

pub(crate) async fn store_health(cache: &Cache) -> StoreHealth {
    let health = cache.health().await;
    health.store.expect("a cache with a store")
}

/// Waits for a call that must not take longer than [`BOUND`]. Where the machine stands still for as
/// long, the call's own time-out has come as well, and is heeded first.
#[track_caller]
pub(crate) fn in_time<T>(call: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let answer = tokio::time::timeout(BOUND, call).await;
        answer.unwrap_or_else(|_| panic!("{caller}: it takes longer than {BOUND:?}"))
    }
}

/// Waits until the store is in use and has acknowledged every invalidation. It is the cache's thread
/// that brings this about, on the real clock and without a signal; the sleep only paces the questions.
#[track_caller]
pub(crate) fn recovered(cache: &Cache) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let begin = Instant::now();
        loop {
            let health = store_health(cache).await;
            if health.check.error.is_none()
                && !health.breaker_open
                && health.pending_invalidations == 0
            {
                return;
            }
            assert!(begin.elapsed() < RECOVERY, "{caller}: {health:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Waits until the breaker is open, as it is after five failures, calling `fail` again and again.
#[track_caller]
pub(crate) fn gives_up(cache: &Cache, mut fail: impl AsyncFnMut()) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..20 {
            fail().await;
            if store_health(cache).await.breaker_open {
                return;
            }
        }
        panic!("{caller}: the store is asked still");
    }
}

/// The names of all keys, sorted.
pub(crate) fn keys(server: &RedisServer) -> Vec<Vec<u8>> {
    let names = server.command(&["KEYS", "*"]).items();
    let mut names: Vec<_> = names.into_iter().filter_map(Reply::into_bytes).collect();
    names.sort();
    names
}

/// The only key that begins so.
#[track_caller]
pub(crate) fn key_below(server: &RedisServer, beginning: &str) -> String {
    let below = keys(server);
    let mut below = below
        .iter()
        .filter(|name| name.starts_with(beginning.as_bytes()));
    let name = below.next().expect("a key that begins so");
    assert_eq!(below.next(), None, "two keys begin so");
    String::from_utf8(name.clone()).expect("names are text")
}

/// The stored bytes under a key.
#[track_caller]
pub(crate) fn stored(server: &RedisServer, key: &str) -> Vec<u8> {
    let bytes = server.command(&["GET", key]).into_bytes();
    bytes.expect("something is stored there")
}

pub(crate) fn store_bytes(server: &RedisServer, key: &str, bytes: &[u8]) {
    let words: [&[u8]; 4] = [b"SET", key.as_bytes(), bytes, b"KEEPTTL"];
    assert_eq!(server.command(&words), Reply::ok());
}

/// How often the server has carried out a command since it was last reset.
pub(crate) fn calls(server: &RedisServer, command: &str) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]).text();
    let row = format!("cmdstat_{command}:calls=");
    let count = stats.lines().find_map(|line| line.strip_prefix(&row));
    let digits = count.and_then(|rest| rest.split(',').next());
    digits.map_or(0, |digits| digits.parse().expect("a number"))
}

/// A server and a faulty network before it.
pub(crate) fn faulty() -> (RedisServer, Proxy) {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    (server, proxy)
}
