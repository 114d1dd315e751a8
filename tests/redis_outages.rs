//! A server that hangs, dies, comes back or was never there costs callers little and nobody a stale
//! answer.

mod redis;

use std::time::{Duration, Instant};

use cachewright::redis::RedisStore;
use cachewright::testing::SteppedClock;
use cachewright::{Cache, Stats};
use cachewright_test_support::{Proxy, RedisServer, Reply, eventually, free_port};
use redis::service::Users;
use redis::{
    BOUND, NAMESPACE, RECOVERY, builder, cache, gives_up, hasty, in_time, recovered, row,
    store_health,
};
use tokio::task::JoinSet;

/// As many failures in a row have a store given up.
const FAILURES: u64 = 5;

fn errors(stats: &Stats) -> u64 {
    stats.functions.iter().map(|row| row.errors).sum()
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_five_times_and_not_once_more() {
    let server = RedisServer::start();
    let users = Users::new(hasty(&server.url()));
    users.warm("42").await;
    server.pause();
    for call in 0..50 {
        assert!(!in_time(users.hits("42")).await);
        assert_eq!(row(&users.cache, "profile").errors, FAILURES.min(call + 1));
    }
    server.resume();
    recovered(&users.cache).await;
    assert!(users.hits("42").await);
}

#[tokio::test]
async fn every_operation_on_a_server_that_hangs_returns_in_time() {
    let server = RedisServer::start();
    let users = Users::new(hasty(&server.url()));
    users.warm("42").await;
    server.pause();
    let cache = &users.cache;
    for _ in 0..2 {
        in_time(users.rename("42")).await;
        in_time(users.profile("42")).await;
        // An outage at first, and later nothing: what `set` and `remove` left is pending.
        assert!(!matches!(
            in_time(cache.get::<u8>("key")).await,
            Ok(Some(_))
        ));
        assert!(in_time(cache.set("key", 1, None)).await.is_err());
        let made = in_time(cache.get_or_set("key", None, async || Ok::<_, ()>(2))).await;
        assert_eq!(made, Ok(2));
        assert!(in_time(cache.remove("key")).await.is_err());
        assert!(in_time(cache.invalidate("user:*")).await.is_err());
        assert!(in_time(cache.clear()).await.is_err());
        assert!(in_time(cache.shutdown(Duration::ZERO)).await.is_err());
        let health = in_time(cache.health()).await;
        assert!(!health.is_healthy());
        assert!(health.store.unwrap().breaker_open);
    }
    server.resume();
    recovered(cache).await;
    users.warm("42").await;
    assert_eq!(cache.get::<i32>("key").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_before_a_server_that_hangs_gets_its_answers_in_time() {
    let server = RedisServer::start();
    let users = Users::new(hasty(&server.url()));
    users.warm("0").await;
    server.pause();
    let mut crowd = JoinSet::new();
    for number in 0..200 {
        let users = users.clone();
        crowd.spawn(async move { in_time(users.profile(&number.to_string())).await });
    }
    assert_eq!(crowd.join_all().await.len(), 200);
    server.resume();
    recovered(&users.cache).await;
    users.warm("1").await;
}

/// Writes through one cache while the server is away; what another may be given afterwards.
async fn nothing_stale_comes_back(
    take_away: impl Fn(&RedisServer),
    bring_back: impl Fn(&RedisServer),
) {
    let server = RedisServer::start();
    let here = Users::new(hasty(&server.url()));
    let there = here.through(hasty(&server.url()));
    for id in ["42", "43"] {
        here.warm(id).await;
        there.warm(id).await;
    }
    take_away(&server);
    for _ in 0..8 {
        in_time(here.rename("42")).await;
        assert_eq!(in_time(here.profile("42")).await, here.database.peek("42"));
        in_time(there.profile("43")).await;
    }
    assert_eq!(here.cache.stats().pending_invalidations, 1);
    bring_back(&server);
    // While it recovers.
    let begin = Instant::now();
    while here.cache.stats().pending_invalidations > 0 {
        assert_eq!(here.profile("42").await, 8);
        assert!(begin.elapsed() < RECOVERY);
        tokio::task::yield_now().await;
    }
    recovered(&here.cache).await;
    recovered(&there.cache).await;
    for users in [&there, &here] {
        assert_eq!(users.profile("42").await, 8);
        users.warm("42").await;
        users.warm("43").await;
    }
}

#[tokio::test]
async fn nothing_stale_comes_back_with_a_server_that_was_stopped() {
    nothing_stale_comes_back(RedisServer::pause, RedisServer::resume).await;
}

#[tokio::test]
async fn nothing_stale_comes_back_with_a_server_that_was_killed() {
    nothing_stale_comes_back(RedisServer::kill, RedisServer::restart).await;
}

#[tokio::test]
async fn nothing_stale_comes_back_with_a_server_that_was_ended() {
    nothing_stale_comes_back(RedisServer::stop, RedisServer::restart).await;
}

#[tokio::test]
async fn nothing_stale_comes_back_with_a_network_that_was_cut() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let here = Users::new(hasty(&proxy.url()));
    let there = here.through(cache(&server.url()));
    here.warm("42").await;
    proxy.refuse_connections();
    proxy.cut();
    for _ in 0..8 {
        in_time(here.rename("42")).await;
        assert_eq!(in_time(here.profile("42")).await, here.database.peek("42"));
    }
    // Who never lost the server hears of it when it is acknowledged.
    assert!(there.profile("42").await < 8);
    assert_eq!(here.cache.stats().pending_invalidations, 1);
    proxy.pass();
    recovered(&here.cache).await;
    assert_eq!(there.profile("42").await, 8);
    assert!(here.hits("42").await);
}

#[tokio::test]
async fn a_server_that_was_killed_makes_nobody_wait() {
    let server = RedisServer::start();
    // Would be waited for, had it to be.
    let users = Users::new(
        builder(&server.url())
            .store_timeout(10 * BOUND)
            .build()
            .unwrap(),
    );
    users.warm("42").await;
    server.kill();
    for _ in 0..20 {
        assert!(!in_time(users.hits("42")).await);
        in_time(users.rename("42")).await;
    }
    server.restart();
    recovered(&users.cache).await;
    users.warm("42").await;
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_picked_up_when_it_comes() {
    let server = RedisServer::start();
    server.kill();
    let users = Users::new(hasty(&server.url()));
    for _ in 0..10 {
        assert!(!in_time(users.hits("42")).await);
        in_time(users.rename("42")).await;
    }
    let health = store_health(&users.cache).await;
    assert!(health.breaker_open && !health.fallen_back, "{health:?}");
    server.restart();
    recovered(&users.cache).await;
    users.warm("42").await;
}

#[tokio::test]
async fn connecting_to_a_server_that_is_down_is_an_outage_and_the_cache_works_when_it_comes() {
    let server = RedisServer::start();
    server.kill();
    let users = Users::new(hasty(&server.url()));
    let error = in_time(users.cache.connect()).await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    let place = format!("127.0.0.1:{}", server.port());
    assert!(error.to_string().contains(&place), "{error}");
    assert!(!in_time(users.hits("42")).await);
    server.restart();
    recovered(&users.cache).await;
    users.warm("42").await;
    users.cache.connect().await.unwrap();
}

#[tokio::test]
async fn memory_stands_in_until_the_server_is_reached_for_the_first_time() {
    let server = RedisServer::start();
    server.kill();
    let builder = builder(&server.url()).fall_back_to_memory(Duration::from_secs(60));
    let here = Users::new(builder.build().unwrap());
    here.cache.connect().await.unwrap();
    here.warm("42").await;
    here.rename("42").await;
    here.warm("42").await;
    let health = store_health(&here.cache).await;
    assert!(health.fallen_back && health.breaker_open, "{health:?}");
    assert_eq!(here.cache.keys().len(), 1);

    server.restart();
    recovered(&here.cache).await;
    assert!(!store_health(&here.cache).await.fallen_back);
    assert_eq!(here.cache.keys(), Vec::<String>::new());
    assert!(!here.hits("42").await);
    let there = here.through(cache(&server.url()));
    assert!(there.hits("42").await);

    // A server that was reached is not replaced.
    server.kill();
    gives_up(&here.cache, async || {
        here.profile("42").await;
    })
    .await;
    assert!(!store_health(&here.cache).await.fallen_back);
    assert!(!here.hits("42").await && !here.hits("42").await);
}

#[tokio::test]
async fn what_memory_keeps_for_a_server_lives_as_long_as_was_asked_for() {
    let clock = SteppedClock::new();
    let store = RedisStore::new(&format!("redis://127.0.0.1:{}", free_port())).unwrap();
    let builder = Cache::builder().namespace(NAMESPACE).store(store);
    let builder = builder.fall_back_to_memory(Duration::from_secs(1));
    let users = Users::new(builder.clock(clock.clone()).build().unwrap());
    users.cache.connect().await.unwrap();
    users.warm("42").await;
    clock.advance(Duration::from_millis(999));
    assert!(users.hits("42").await);
    clock.advance(Duration::from_millis(1));
    assert!(!users.hits("42").await);
}

#[tokio::test]
async fn a_breaker_that_is_open_asks_the_server_for_nothing_but_its_probes() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let users = Users::new(hasty(&proxy.url()));
    users.warm("42").await;
    proxy.swallow_replies();
    gives_up(&users.cache, async || {
        users.profile("42").await;
    })
    .await;
    let (before, sets) = (errors(&users.cache.stats()), proxy.count("UNLINK"));
    for _ in 0..200 {
        users.rename("42").await;
        users.profile("42").await;
    }
    // 400 calls took less than a probe or two.
    assert!(errors(&users.cache.stats()) - before < 20);
    assert!(proxy.count("UNLINK") - sets < 20);
    proxy.pass();
    recovered(&users.cache).await;
    users.warm("42").await;
    assert_eq!(server.command(&["PING"]), Reply::Status("PONG".to_owned()));
    eventually(RECOVERY, || users.cache.stats().pending_invalidations == 0).await;
}
