//! Writers that store what they return, in processes that share a real server.

mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::{Cache, cached, update_cache};
use cachewright_test_support::{Proxy, RedisServer, eventually};
use redis::{RECOVERY, builder, cache, calls, faulty, hasty, recovered};

/// Users of one database, in one process.
#[derive(Clone)]
struct Users {
    cache: Cache,
    version: Arc<AtomicU64>,
    bodies: Arc<AtomicU64>,
}

impl Users {
    fn new(cache: Cache) -> Self {
        Self {
            cache,
            version: Arc::default(),
            bodies: Arc::default(),
        }
    }

    /// The same database in another process.
    fn through(&self, cache: Cache) -> Self {
        Self {
            version: Arc::clone(&self.version),
            ..Self::new(cache)
        }
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "user:{id}")]
    async fn version(&self, id: u64) -> Result<u64, String> {
        let _ = id;
        self.bodies.fetch_add(1, SeqCst);
        Ok(self.version.load(SeqCst))
    }

    #[update_cache(entry = self.version(id))]
    async fn write(&self, id: u64) -> Result<u64, String> {
        let _ = id;
        let version = self.version.fetch_add(1, SeqCst) + 1;
        tokio::task::yield_now().await;
        Ok(version)
    }

    /// What it reads, and how many bodies that took.
    async fn read(&self) -> (u64, u64) {
        let before = self.bodies.load(SeqCst);
        let version = self.version(1).await.unwrap();
        (version, self.bodies.load(SeqCst) - before)
    }
}

/// Two processes, the first of them behind a faulty network.
fn two() -> (RedisServer, Proxy, Users, Users) {
    let (server, proxy) = faulty();
    let here = Users::new(hasty(&proxy.url()));
    let there = here.through(cache(&server.url()));
    (server, proxy, here, there)
}

#[tokio::test]
async fn every_process_hits_what_a_writer_of_one_returned() {
    let server = RedisServer::start();
    let here = Users::new(cache(&server.url()));
    let there = here.through(cache(&server.url()));
    assert_eq!(there.read().await, (0, 1));
    for version in 1..10 {
        here.write(1).await.unwrap();
        assert_eq!(there.read().await, (version, 0));
        assert_eq!(here.read().await, (version, 0));
    }
    there.cache.invalidate("user:1").await.unwrap();
    assert_eq!(here.read().await, (9, 1));
}

#[tokio::test]
async fn of_writers_that_race_none_leaves_an_older_value() {
    let server = RedisServer::start();
    let here = Users::new(cache(&server.url()));
    let there = here.through(cache(&server.url()));
    let reader = here.through(cache(&server.url()));
    for _ in 0..100 {
        let (one, other) = tokio::join!(
            async { tokio::join!(here.write(1), here.write(1), reader.version(1)) },
            async { tokio::join!(there.write(1), there.version(1), there.write(1)) },
        );
        drop((one, other));
        let latest = here.version.load(SeqCst);
        for users in [&here, &there, &reader] {
            assert_eq!(users.read().await.0, latest);
        }
    }
}

#[tokio::test]
async fn a_swap_whose_reply_is_lost_leaves_nothing_older() {
    let (_server, proxy, here, there) = two();
    there.read().await;
    // The swap is a `SET … GET`; a fill and a mint are `SET`s, too, and not needed here.
    proxy.drop_replies_to("SET", 1);
    assert_eq!(here.write(1).await, Ok(1));
    assert_eq!(here.read().await.0, 1);
    recovered(&here.cache).await;
    assert_eq!(there.read().await.0, 1);
}

#[tokio::test]
async fn connections_that_are_cut_at_any_step_leave_nothing_older() {
    let (server, _proxy, here, there) = two();
    for version in 1..20 {
        there.read().await;
        let writing = tokio::spawn({
            let here = here.clone();
            async move { here.write(1).await }
        });
        for _ in 0..version % 5 {
            tokio::task::yield_now().await;
        }
        server.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES"]);
        assert_eq!(writing.await.unwrap(), Ok(version));
        assert_eq!(here.read().await.0, version);
        recovered(&here.cache).await;
        recovered(&there.cache).await;
        assert_eq!(there.read().await.0, version);
    }
}

#[tokio::test]
async fn a_server_without_room_and_one_that_is_gone_have_the_entry_dropped() {
    let (server, proxy, here, there) = two();
    there.read().await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    here.write(1).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(there.read().await, (1, 1));
    proxy.refuse_connections();
    proxy.cut();
    here.write(1).await.unwrap();
    assert_eq!(here.read().await.0, 2);
    assert_eq!(there.read().await, (1, 0), "it is not told yet");
    proxy.accept_connections();
    eventually(RECOVERY, || here.cache.stats().pending_invalidations == 0).await;
    assert_eq!(there.read().await.0, 2);
}

#[tokio::test]
async fn what_is_written_through_costs_a_read_a_swap_and_a_write() {
    let server = RedisServer::start();
    let users = Users::new(builder(&server.url()).build().unwrap());
    users.write(1).await.unwrap();
    server.command(&["CONFIG", "RESETSTAT"]);
    users.write(1).await.unwrap();
    let count = |command| calls(&server, command);
    assert_eq!((count("mget"), count("set"), count("unlink")), (1, 2, 0));
    let ttl = server.command(&["KEYS", "*:version:*"]).items();
    let ttl = server.command(&["PTTL", &ttl[0].clone().text()]).integer();
    let ttl = Duration::from_millis(u64::try_from(ttl).unwrap());
    assert!(ttl <= Duration::from_secs(600) && ttl > Duration::from_secs(500));
}
