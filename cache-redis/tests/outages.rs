//! A server that hangs, dies, comes back or lies costs a caller its deadline at most.

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use cache_core::Error;
use cache_core::store::{Deadline, Store};
use cache_redis::RedisStore;
use cachewright_test_support::{Proxy, RedisServer, Reply, eventually, free_port};
use common::{TTL, ask_everything, counters, get, key, mint, probe, put, soon, store, within};

/// Far below what a hang would take, far above what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(5);

fn at(proxy: &Proxy) -> RedisStore {
    store(&proxy.url())
}

/// Waits until the store works again. Its attempts pause in real time, and nothing signals the end of
/// a pause: the sleep keeps the loop from taking the processor away from it.
async fn works_again(store: &RedisStore) {
    let begin = Instant::now();
    while let Err(error) = probe(store).await {
        assert!(begin.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn outage(result: Result<(), Error>, operation: &str) {
    let error = result.expect_err(operation);
    assert!(error.is_outage(), "{operation}: {error}");
}

#[tokio::test]
async fn every_operation_ends_by_its_deadline_when_the_server_hangs() {
    let server = RedisServer::start();
    let connected = store(&server.url());
    probe(&connected).await.unwrap();
    server.pause();
    for store in [connected, store(&server.url())] {
        let begin = Instant::now();
        for (operation, result) in ask_everything(&store, || within(50)).await {
            outage(result, operation);
        }
        assert!(begin.elapsed() < PATIENCE);
        server.resume();
        works_again(&store).await;
        server.pause();
    }
}

async fn probe_within(store: &RedisStore, millis: u64) -> Result<(), Error> {
    store.probe(&key("~canary"), within(millis)).await
}

#[tokio::test]
async fn deadline_that_is_over_sends_nothing() {
    let server = RedisServer::start();
    let store = store(&server.url());
    probe(&store).await.unwrap();
    let over = Deadline::at(Instant::now());
    for (operation, result) in ask_everything(&store, || over).await {
        outage(result, operation);
    }
    probe(&store).await.unwrap();
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(0));
}

#[tokio::test]
async fn nobody_there_is_an_outage_at_once_and_names_the_place() {
    let port = free_port();
    let store = store(&format!("redis://app:hunter2@127.0.0.1:{port}"));
    let begin = Instant::now();
    for (operation, result) in ask_everything(&store, soon).await {
        let error = result.expect_err(operation);
        assert!(error.is_outage());
        let shown = format!("{error:?}");
        assert!(shown.contains(&format!("127.0.0.1:{port}")), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(begin.elapsed() < PATIENCE);
}

#[tokio::test]
async fn killed_and_restarted_server_works_again() {
    let server = RedisServer::start();
    let store = store(&server.url());
    for _ in 0..3 {
        put(&store, "v", "value").await.unwrap();
        server.kill();
        outage(probe_within(&store, 1000).await, "probe");
        server.restart();
        works_again(&store).await;
        assert_eq!(get(&store, "v").await.unwrap(), None);
    }
}

#[tokio::test]
async fn connection_that_was_closed_while_idle_costs_no_operation() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    put(&store, "v", "value").await.unwrap();
    for _ in 0..5 {
        proxy.cut();
        eventually(PATIENCE, || proxy.open_connections() == 0).await;
        // The kernel has been told; the runtime asks it again after some turns.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(get(&store, "v").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn attempt_goes_on_when_its_caller_gives_up() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    proxy.hold_replies();
    let store = at(&proxy);
    outage(probe_within(&store, 20).await, "probe");
    eventually(PATIENCE, || proxy.held_replies() > 0).await;
    proxy.pass();
    proxy.release_replies();
    probe(&store).await.unwrap();
    assert_eq!(proxy.count("HELLO"), 1);
}

#[tokio::test]
async fn attempt_ends_after_its_own_time() {
    let server = RedisServer::start();
    server.pause();
    let builder = RedisStore::builder(&server.url());
    let builder = builder.connect_timeout(Duration::from_millis(50));
    let store = builder.build().unwrap();
    let begin = Instant::now();
    outage(probe(&store).await, "probe");
    assert!(begin.elapsed() < PATIENCE);
}

#[tokio::test]
async fn operations_answer_at_once_while_an_attempt_has_just_failed() {
    let port = free_port();
    let store = store(&format!("redis://127.0.0.1:{port}"));
    outage(probe(&store).await, "probe");
    // Polled once: what is paused does not wait.
    let mut pending = 0;
    for _ in 0..100 {
        let canary = key("~canary");
        let mut probe = pin!(store.probe(&canary, soon()));
        pending += usize::from(
            probe
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending(),
        );
    }
    assert!(pending < 50, "{pending}");
}

#[tokio::test]
async fn connection_that_answers_nothing_any_more_is_replaced() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    put(&store, "v", "value").await.unwrap();
    proxy.swallow_replies();
    for _ in 0..3 {
        outage(store.read(&[key("v")], within(120)).await.map(drop), "read");
    }
    proxy.pass();
    works_again(&store).await;
    assert_eq!(proxy.count("HELLO"), 2);
}

#[tokio::test]
async fn slow_answers_replace_no_connection() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    put(&store, "v", "value").await.unwrap();
    for _ in 0..10 {
        proxy.hold_replies();
        outage(store.read(&[key("v")], within(10)).await.map(drop), "read");
        proxy.release_replies();
        proxy.pass();
        assert!(get(&store, "v").await.unwrap().is_some());
    }
    assert_eq!(proxy.count("HELLO"), 1);
}

#[tokio::test]
async fn timeouts_behind_one_that_was_answered_replace_no_connection() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    put(&store, "v", "value").await.unwrap();
    proxy.hold_replies();
    let late = async |millis| {
        let result = store.read(&[key("v")], within(millis)).await;
        result.map(drop)
    };
    let answer_one = async {
        // Each request is answered twice: behind its own reply comes the echo that proves it.
        eventually(PATIENCE, || proxy.held_replies() == 8).await;
        proxy.release_some(2);
    };
    let (first, a, b, c, ()) = tokio::join!(
        get(&store, "v"),
        late(500),
        late(500),
        late(500),
        answer_one
    );
    assert!(first.unwrap().is_some());
    for result in [a, b, c] {
        outage(result, "read");
    }
    proxy.release_replies();
    proxy.pass();
    assert!(get(&store, "v").await.unwrap().is_some());
    assert_eq!(proxy.count("HELLO"), 1);
}

#[tokio::test]
async fn shifted_reply_gives_the_connection_up_and_acknowledges_nothing() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    let minted = store.mint(vec![mint("g").0], TTL, soon()).await.unwrap();
    assert!(minted[0].is_some());
    // One reply more than was asked for: every later one is another's.
    proxy.insert_reply(b":0\r\n");
    put(&store, "v", "value").await.unwrap_err();
    works_again(&store).await;
    proxy.duplicate_replies_to("UNLINK", 1);
    outage(store.invalidate(&[key("g")], soon()).await, "invalidate");
    works_again(&store).await;
    store.invalidate(&[key("g")], soon()).await.unwrap();
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    probe(&store).await.unwrap();
    let before = proxy.count("SET");
    proxy.drop_replies_to("SET", 1);
    let lost = store.mint(vec![mint("g").0], TTL, within(50)).await;
    outage(lost.map(drop), "mint");
    proxy.cut();
    works_again(&store).await;
    // The two of the probe, and the mint.
    assert_eq!(proxy.count("SET"), before + 3);

    let name = key("c");
    proxy.hold_replies_to("INCRBY");
    let add = counters(&store).add(&name, 1, None, soon());
    let cut = async {
        eventually(PATIENCE, || proxy.held_replies() > 0).await;
        proxy.cut();
    };
    let (added, ()) = tokio::join!(add, cut);
    outage(added.map(drop), "add");
    proxy.pass();
    works_again(&store).await;
    assert_eq!(server.command(&["GET", "app:c"]), Reply::bulk("1"));
}

#[tokio::test]
async fn dropped_futures_take_nothing_from_those_that_follow() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    put(&store, "v", "value").await.unwrap();
    proxy.hold_replies();
    for _ in 0..20 {
        let keys = [key("w")];
        let mut read = pin!(store.read(&keys, soon()));
        assert!(
            read.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        tokio::task::yield_now().await;
    }
    proxy.release_replies();
    proxy.pass();
    for _ in 0..20 {
        assert_eq!(get(&store, "v").await.unwrap().unwrap(), b"value");
        assert_eq!(get(&store, "w").await.unwrap(), None);
    }
}

#[tokio::test]
async fn future_that_was_never_polled_has_done_nothing() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = at(&proxy);
    let keys = [key("v")];
    drop(store.read(&keys, soon()));
    drop(counters(&store).add(&keys[0], 1, None, soon()));
    probe(&store).await.unwrap();
    assert_eq!(
        (proxy.count("INCRBY"), server.command(&["DBSIZE"])),
        (0, Reply::Integer(0))
    );
}
