//! Each operation of the contract, against a real server.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use cache_core::store::{Cursor, Store, Swap, Written};
use cachewright_test_support::{RedisServer, Reply};
use common::{TTL, counters, get, key, mint, probe, put, soon, store};

#[tokio::test]
async fn read_answers_in_the_order_asked_and_nothing_for_what_is_no_string() {
    let server = RedisServer::start();
    let store = store(&server.url());
    put(&store, "b", "2").await.unwrap();
    server.command(&["LPUSH", "app:list", "x"]);
    let keys = [key("a"), key("b"), key("list"), key("b")];
    let two = Some(b"2".to_vec());
    let read = store.read(&keys, soon()).await.unwrap();
    assert_eq!(read, [None, two.clone(), None, two]);
    assert!(store.read(&[], soon()).await.unwrap().is_empty());
}

#[tokio::test]
async fn heads_are_read_without_bodies_and_of_no_string_there_is_none() {
    let server = RedisServer::start();
    let store = store(&server.url());
    put(&store, "a", &"x".repeat(100_000)).await.unwrap();
    server.command(&["LPUSH", "app:list", "x"]);
    server.command(&["CONFIG", "RESETSTAT"]);
    let keys = [key("list"), key("a"), key("absent")];
    let heads = store.heads(&keys, 3, soon()).await.unwrap();
    assert_eq!(heads, [b"".to_vec(), b"xxx".to_vec(), b"".to_vec()]);
    let stats = server.command(&["INFO", "commandstats"]).text();
    assert!(stats.contains("cmdstat_getrange:calls=3") && !stats.contains("mget"));
}

#[tokio::test]
async fn mint_sets_what_is_absent_and_shows_what_is_there() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let (first, shown) = mint("g");
    let minted = store.mint(vec![first], TTL, soon()).await.unwrap();
    assert_eq!(minted, [Some(shown)]);
    let ((second, _), (third, fresh)) = (mint("g"), mint("h"));
    let minted = store.mint(vec![second, third], TTL, soon()).await.unwrap();
    assert_eq!(minted, [Some(shown), Some(fresh)]);
    let bytes = get(&store, "g").await.unwrap().unwrap();
    assert_eq!(bytes, shown.to_bytes());
    assert!(server.command(&["PTTL", "app:h"]).integer() > 50_000);
}

#[tokio::test]
async fn mint_deletes_what_is_foreign_so_that_the_next_one_succeeds() {
    let server = RedisServer::start();
    let store = store(&server.url());
    server.command(&["SET", "app:text", "planted"]);
    server.command(&["LPUSH", "app:list", "planted"]);
    for name in ["text", "list"] {
        let minted = store.mint(vec![mint(name).0], TTL, soon()).await.unwrap();
        assert_eq!(minted, [None]);
        let (again, shown) = mint(name);
        let minted = store.mint(vec![again], TTL, soon()).await.unwrap();
        assert_eq!(minted, [Some(shown)]);
    }
}

#[tokio::test]
async fn write_stores_for_its_time_and_remove_deletes() {
    let server = RedisServer::start();
    let store = store(&server.url());
    put(&store, "v", "value").await.unwrap();
    let left = server.command(&["PTTL", "app:v"]).integer();
    assert!((50_000..=60_000).contains(&left), "{left}");
    store.remove(&[key("v"), key("w")], soon()).await.unwrap();
    assert_eq!(get(&store, "v").await.unwrap(), None);
}

#[tokio::test]
async fn invalidation_deletes_and_may_be_repeated() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let minted = store.mint(vec![mint("g").0], TTL, soon()).await.unwrap();
    assert!(minted[0].is_some());
    for _ in 0..2 {
        let keys = [key("g"), key("absent")];
        store.invalidate(&keys, soon()).await.unwrap();
        assert_eq!(server.command(&["EXISTS", "app:g"]), Reply::Integer(0));
    }
}

#[tokio::test]
async fn swap_shows_what_stood_there_before() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let (first, one) = mint("g");
    let (second, two) = mint("g");
    let done = |previous, now| Swap::Done { previous, now };
    let swap = store.swap(first, TTL, soon()).await.unwrap();
    assert_eq!(swap, done(None, one));
    let swap = store.swap(second, TTL, soon()).await.unwrap();
    assert_eq!(swap, done(Some(one), two));
    server.command(&["SET", "app:g", "planted"]);
    let (third, three) = mint("g");
    let swap = store.swap(third, TTL, soon()).await.unwrap();
    assert_eq!(swap, done(None, three));
}

#[tokio::test]
async fn swap_over_another_type_is_an_outage_once() {
    let server = RedisServer::start();
    let store = store(&server.url());
    server.command(&["LPUSH", "app:g", "planted"]);
    let refused = store.swap(mint("g").0, TTL, soon()).await.unwrap_err();
    assert!(refused.is_outage());
    let (again, now) = mint("g");
    let swap = store.swap(again, TTL, soon()).await.unwrap();
    let previous = None;
    assert_eq!(swap, Swap::Done { previous, now });
}

#[tokio::test]
async fn prolongation_never_shortens_and_creates_nothing() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let minted = store.mint(vec![mint("g").0], TTL, soon()).await.unwrap();
    assert!(minted[0].is_some());
    let keys = [key("g"), key("absent")];
    store.prolong(&keys, 2 * TTL, soon()).await.unwrap();
    store
        .prolong(&keys, Duration::from_secs(1), soon())
        .await
        .unwrap();
    assert!(server.command(&["PTTL", "app:g"]).integer() > 100_000);
    assert_eq!(server.command(&["EXISTS", "app:absent"]), Reply::Integer(0));
}

#[tokio::test]
async fn scan_names_every_key_that_begins_so_and_no_other() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let names: BTreeSet<_> = (0..500).map(|n| key(&format!("scanned:{n}"))).collect();
    for n in 0..500 {
        server.command(&["SET", &format!("app:scanned:{n}"), "x"]);
    }
    server.command(&["SET", "other:scanned:1", "x"]);
    let mut found = BTreeSet::new();
    let mut cursor = Some(Cursor::start());
    while let Some(at) = cursor {
        let page = store.scan(&key("scanned:"), at, 50, soon()).await.unwrap();
        found.extend(page.keys);
        cursor = page.next;
    }
    assert_eq!(found, names);
}

#[tokio::test]
async fn cursor_of_another_server_or_another_life_of_it_is_an_outage() {
    let server = RedisServer::start();
    let other = RedisServer::start();
    let (here, there) = (store(&server.url()), store(&other.url()));
    for server in [&server, &other] {
        for n in 0..100 {
            server.command(&["SET", &format!("app:{n}"), "x"]);
        }
    }
    let page = here.scan(&key(""), Cursor::start(), 1, soon()).await;
    let cursor = page.unwrap().next.expect("more than one page");
    let foreign = there.scan(&key(""), cursor.clone(), 1, soon()).await;
    assert!(foreign.unwrap_err().is_outage());
    let goes_on = here.scan(&key(""), cursor.clone(), 1, soon()).await;
    assert!(goes_on.is_ok());
    server.restart();
    let late = here.scan(&key(""), cursor, 1, soon()).await;
    assert!(late.unwrap_err().is_outage());
}

#[tokio::test]
async fn full_server_still_reads_and_invalidates_and_passes_the_probe() {
    let server = RedisServer::start();
    let store = store(&server.url());
    put(&store, "v", "value").await.unwrap();
    let minted = store.mint(vec![mint("g").0], TTL, soon()).await.unwrap();
    assert!(minted[0].is_some());
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let written = store.write(&key("w"), b"x".to_vec(), TTL, soon()).await;
    assert_eq!(written.unwrap(), Written::Full);
    let minted = store.mint(vec![mint("g").0], TTL, soon()).await;
    assert_eq!(minted.unwrap(), [None]);
    let swapped = store.swap(mint("g").0, TTL, soon()).await;
    assert_eq!(swapped.unwrap(), Swap::Full);
    assert!(get(&store, "v").await.unwrap().is_some());
    store.invalidate(&[key("g")], soon()).await.unwrap();
    assert_eq!(get(&store, "g").await.unwrap(), None);
    probe(&store).await.unwrap();
    let add = counters(&store).add(&key("c"), 1, None, soon()).await;
    assert!(add.unwrap_err().is_outage());
}

#[tokio::test]
async fn probe_leaves_nothing() {
    let server = RedisServer::start();
    probe(&store(&server.url())).await.unwrap();
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(0));
}

#[tokio::test]
async fn server_that_refuses_writes_is_down_for_the_probe() {
    let server = RedisServer::start();
    let store = store(&server.url());
    probe(&store).await.unwrap();
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert!(probe(&store).await.unwrap_err().is_outage());
    let invalidation = store.invalidate(&[key("g")], soon()).await;
    assert!(invalidation.unwrap_err().is_outage());
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    probe(&store).await.unwrap();
}

#[tokio::test]
async fn replica_is_never_read() {
    let server = RedisServer::start();
    let master = RedisServer::start();
    let port = master.port().to_string();
    let before = store(&server.url());
    put(&before, "v", "value").await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", &port]);
    // The connection was made to a master; its first refusal shows what has become of it.
    let refused = before.invalidate(&[key("g")], soon()).await;
    assert!(refused.unwrap_err().is_outage());
    assert!(get(&before, "v").await.unwrap_err().is_outage());
    assert!(probe(&store(&server.url())).await.unwrap_err().is_outage());
}

#[tokio::test]
async fn counting_adds_and_reads_as_text() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let counters = counters(&store);
    assert_eq!(counters.add(&key("c"), 5, None, soon()).await.unwrap(), 5);
    assert_eq!(counters.add(&key("c"), -7, None, soon()).await.unwrap(), -2);
    assert_eq!(get(&store, "c").await.unwrap().unwrap(), b"-2");
    assert_eq!(server.command(&["PTTL", "app:c"]), Reply::Integer(-1));
    assert!(counters.expire(&key("c"), TTL, soon()).await.unwrap());
    assert!(server.command(&["PTTL", "app:c"]).integer() > 50_000);
    assert!(!counters.expire(&key("absent"), TTL, soon()).await.unwrap());
}

#[tokio::test]
async fn window_begins_with_the_first_addition_and_is_not_prolonged_by_others() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let counters = counters(&store);
    let add = |name, window| counters.add(name, 1, Some(window), soon());
    let name = key("c");
    assert_eq!(add(&name, TTL).await.unwrap(), 1);
    assert_eq!(add(&name, 100 * TTL).await.unwrap(), 2);
    let left = server.command(&["PTTL", "app:c"]).integer();
    assert!((1..=60_000).contains(&left), "{left}");
    // One that has no time to live gets one.
    server.command(&["SET", "app:d", "41"]);
    assert_eq!(add(&key("d"), TTL).await.unwrap(), 42);
    assert!(server.command(&["PTTL", "app:d"]).integer() > 0);
}

#[tokio::test]
async fn what_can_not_be_counted_stays_as_it_is() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let counters = counters(&store);
    let most = i64::MAX.to_string();
    server.command(&["SET", "app:most", &most]);
    server.command(&["SET", "app:text", "secret"]);
    server.command(&["LPUSH", "app:list", "secret"]);
    for window in [None, Some(TTL)] {
        let over = counters.add(&key("most"), 1, window, soon()).await;
        assert!(over.unwrap_err().is_invalid_input());
        for name in ["text", "list"] {
            let error = counters.add(&key(name), 1, window, soon()).await;
            let error = error.unwrap_err();
            assert!(error.is_data() && !format!("{error:?}").contains("secret"));
        }
    }
    assert_eq!(server.command(&["GET", "app:most"]), Reply::bulk(most));
    assert_eq!(server.command(&["GET", "app:text"]), Reply::bulk("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_additions_are_all_counted() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let adders: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut sums = Vec::new();
                for _ in 0..20 {
                    let counter = key("c");
                    let add = counters(&store).add(&counter, 1, Some(TTL), soon());
                    sums.push(add.await.unwrap());
                }
                sums
            })
        })
        .collect();
    let mut sums = BTreeSet::new();
    for adder in adders {
        sums.extend(adder.await.unwrap());
    }
    assert_eq!(sums, (1..=64 * 20).collect());
}
