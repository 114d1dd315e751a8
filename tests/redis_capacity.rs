//! A server that is full, evicts, is flushed or restarts empty costs computations, and never an
//! answer that an invalidation has made outdated.

mod redis;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use cachewright_test_support::{RedisServer, Reply};
use redis::ledger::{Desk, Ledger, trade};
use redis::service::Users;
use redis::{builder, cache, calls, recovered, row, store_health};

/// Far more calls than it takes to give a store up.
const CALLS: u64 = 20;

fn limit(server: &RedisServer, bytes: u64) {
    let bytes = bytes.to_string();
    let set = ["CONFIG", "SET", "maxmemory", &bytes];
    assert_eq!(server.command(&set), Reply::ok());
}

#[tokio::test]
async fn a_full_server_stores_nothing_invalidates_all_the_same_and_is_not_given_up() {
    let server = RedisServer::builder().maxmemory(0, "noeviction").start();
    let here = Users::new(cache(&server.url()));
    let there = here.through(cache(&server.url()));
    here.warm("kept").await;
    here.warm("renamed").await;
    limit(&server, 1);
    for _ in 0..CALLS {
        assert!(!here.hits("new").await);
        assert!(here.hits("kept").await);
        here.rename("renamed").await;
        assert_eq!(
            there.profile("renamed").await,
            here.database.peek("renamed")
        );
        here.cache.invalidate("user:renamed:*").await.unwrap();
        here.cache.set("number", 1, None).await.unwrap();
        assert_eq!(there.cache.get::<i32>("number").await.unwrap(), None);
        there.cache.remove("number").await.unwrap();
    }
    here.cache.connect().await.unwrap();
    for users in [&here, &there] {
        let health = store_health(&users.cache).await;
        assert!(!health.breaker_open, "{health:?}");
        assert_eq!(health.pending_invalidations, 0);
    }
    assert!(row(&here.cache, "profile").errors >= CALLS);
    here.cache.clear().await.unwrap();
    assert!(!there.hits("kept").await);

    limit(&server, 0);
    assert!(!here.hits("new").await);
    assert!(there.hits("new").await);
}

/// Two processes on a server that is full all the time and makes room by `policy`.
async fn evicts(policy: &str) {
    let server = RedisServer::builder().maxmemory(0, policy).start();
    let ledger = Arc::<Ledger>::default();
    let desks = [0, 1].map(|_| Desk::new(cache(&server.url()), &ledger, 30_000));
    desks[0].read(0).await;
    let info = |section: &str, field: &str| {
        let info = server.command(&["INFO", section]).text();
        let mut lines = info.lines();
        let value = lines.find_map(|line| {
            line.strip_prefix(field)?
                .strip_prefix(':')
                .map(str::to_owned)
        });
        value.unwrap().parse::<u64>().unwrap()
    };
    // Room for some of the entries, and for the clients' buffers, which count too.
    limit(&server, info("memory", "used_memory") + 300_000);
    let enough = || ledger.reads.load(SeqCst) > 800 && info("stats", "evicted_keys") > 20;
    // What goes on meanwhile is the trade itself; its end is decided by counts, not by this.
    let pause = async || tokio::time::sleep(Duration::from_millis(5)).await;
    trade(&desks, pause, enough).await;
    let (reads, bodies) = (ledger.reads.load(SeqCst), ledger.bodies.load(SeqCst));
    assert!(bodies < reads, "nothing was ever cached");
}

/// A test for each policy.
macro_rules! evicting {
    ($($name:ident: $policy:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            evicts($policy).await;
        }
    )*};
}

evicting! {
    eviction_of_the_least_recently_used_shows_nothing_outdated: "allkeys-lru",
    eviction_of_the_least_frequently_used_shows_nothing_outdated: "allkeys-lfu",
    eviction_at_random_shows_nothing_outdated: "allkeys-random",
    eviction_of_the_least_recently_used_that_expire_shows_nothing_outdated: "volatile-lru",
    eviction_of_the_least_frequently_used_that_expire_shows_nothing_outdated: "volatile-lfu",
    eviction_at_random_of_those_that_expire_shows_nothing_outdated: "volatile-random",
    eviction_of_those_that_expire_soonest_shows_nothing_outdated: "volatile-ttl",
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushing_at_any_time_shows_nothing_outdated() {
    let server = RedisServer::start();
    let ledger = Arc::<Ledger>::default();
    let desks = [0, 1].map(|_| Desk::new(cache(&server.url()), &ledger, 10));
    let flush = async || {
        server.command(&["FLUSHALL", "ASYNC"]);
        // So that something is cached between two of them, as is asserted below.
        tokio::time::sleep(Duration::from_millis(3)).await;
    };
    let enough = || ledger.reads.load(SeqCst) > 5_000 && calls(&server, "flushall") > 50;
    trade(&desks, flush, enough).await;
    assert!(ledger.bodies.load(SeqCst) < ledger.reads.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_empty_shows_nothing_outdated() {
    let server = RedisServer::start();
    let ledger = Arc::<Ledger>::default();
    let caches = [0, 1].map(|_| {
        let builder = builder(&server.url()).store_timeout(redis::SHORT);
        builder.build().unwrap()
    });
    let desks = caches.clone().map(|cache| Desk::new(cache, &ledger, 10));
    for _ in 0..3 {
        let before = ledger.reads.load(SeqCst);
        let wait = async || tokio::time::sleep(Duration::from_millis(5)).await;
        trade(&desks, wait, || ledger.reads.load(SeqCst) > before + 500).await;
        let restart = async || {
            server.kill();
            tokio::time::sleep(Duration::from_millis(20)).await;
            server.restart();
        };
        let began = ledger.reads.load(SeqCst);
        trade(&desks, restart, || ledger.reads.load(SeqCst) > began).await;
        for cache in &caches {
            recovered(cache).await;
        }
    }
    for desk in &desks {
        desk.read(0).await;
    }
}
