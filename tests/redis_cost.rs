//! What things cost a server, counted in commands.

mod redis;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use cachewright::redis::RedisStore;
use cachewright_test_support::{RedisServer, Reply};
use redis::service::Users;
use redis::{NAMESPACE, cache, calls};
use tokio::task::JoinSet;

#[tokio::test]
async fn invalidating_ten_thousand_entries_is_one_unlink_of_one_key() {
    const BELOW: usize = 10_000;
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    let mut fills = JoinSet::new();
    for worker in 0..100 {
        let users = users.clone();
        fills.spawn(async move {
            for number in 0..BELOW / 100 {
                users.badge(&format!("{worker}-{number}")).await;
            }
            users.profile(&worker.to_string()).await;
        });
    }
    fills.join_all().await;
    let size = server.command(&["DBSIZE"]).integer();
    assert!(size > BELOW as i64, "{size}");

    for pattern in ["badge:*", "user:7:*"] {
        server.command(&["CONFIG", "RESETSTAT"]);
        users.cache.invalidate(pattern).await.unwrap();
        assert_eq!((calls(&server, "unlink"), calls(&server, "echo")), (1, 1));
        let read_or_scanned = ["mget", "get", "scan", "keys", "del", "set"];
        assert!(
            read_or_scanned
                .iter()
                .all(|command| calls(&server, command) == 0)
        );
    }
    let gone = size - server.command(&["DBSIZE"]).integer();
    assert!((1..10).contains(&gone), "{gone} keys went");
    let before = users.database.queries();
    for number in 0..50 {
        users.badge(&format!("3-{number}")).await;
    }
    assert_eq!(users.database.queries() - before, 50);
    assert!(users.hits("8").await && !users.hits("7").await);
}

#[tokio::test]
async fn a_hit_is_one_read() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    users.warm("42").await;
    server.command(&["CONFIG", "RESETSTAT"]);
    for _ in 0..10 {
        assert!(users.hits("42").await);
    }
    assert_eq!(calls(&server, "mget"), 10);
    let writes = ["set", "unlink", "pexpire"];
    assert!(writes.iter().all(|command| calls(&server, command) == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_of_a_cold_key_run_one_body() {
    const CALLERS: usize = 1_000;
    let server = RedisServer::start();
    let store = RedisStore::new(&server.url()).unwrap();
    let builder = cachewright::Cache::builder()
        .namespace(NAMESPACE)
        .store(store);
    let cache = builder.store_timeout(redis::RECOVERY).build().unwrap();
    let (slow, gate) = tokio::sync::watch::channel(false);
    let stampede = Arc::new(Stampede {
        cache: cache.clone(),
        gate,
        bodies: 0.into(),
    });
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let stampede = Arc::clone(&stampede);
        callers.spawn(async move { stampede.report("cold").await });
    }
    // The body ends when all have missed.
    let missed = || cache.stats().functions.first().map_or(0, |row| row.misses);
    cachewright_test_support::eventually(redis::RECOVERY, || missed() == CALLERS as u64).await;
    slow.send(true).unwrap();
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answer| answer == "report of cold"));
    assert_eq!(stampede.bodies.load(SeqCst), 1);
    assert_eq!(redis::row(&cache, "report").coalesced, CALLERS as u64 - 1);
    let stored = redis::key_below(&server, "app:report:cold:");
    assert_eq!(server.command(&["EXISTS", &stored]), Reply::Integer(1));
}

struct Stampede {
    cache: cachewright::Cache,
    gate: tokio::sync::watch::Receiver<bool>,
    bodies: std::sync::atomic::AtomicU64,
}

impl Stampede {
    #[cachewright::cached(cache = self.cache, ttl = "10m", key_prefix = "report:{name}")]
    async fn report(&self, name: &str) -> String {
        self.bodies.fetch_add(1, SeqCst);
        self.gate.clone().wait_for(|open| *open).await.unwrap();
        format!("report of {name}")
    }
}
