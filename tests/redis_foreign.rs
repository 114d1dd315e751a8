//! What others put into Redis, or did to what we put there, is never a wrong answer.

mod redis;

use cachewright_test_support::{RedisServer, Reply};
use redis::service::Users;
use redis::{cache, key_below, keys, store_bytes, store_health, stored};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

fn both(server: &RedisServer) -> (Users, Users) {
    let here = Users::new(cache(&server.url()));
    let there = here.through(cache(&server.url()));
    (here, there)
}

/// What another program could have put where ours belongs.
const FOREIGN: [&[&str]; 8] = [
    &["SET", "", ""],
    &["SET", "", "hello"],
    &["SET", "", "sixteen bytes ..", "PX", "60000"],
    &["RPUSH", "", "a", "b"],
    &["SADD", "", "a"],
    &["HSET", "", "field", "value"],
    &["ZADD", "", "1", "a"],
    &["XADD", "", "*", "field", "value"],
];

#[tokio::test]
async fn what_another_program_puts_in_the_place_of_our_keys_is_never_an_answer_nor_in_the_way() {
    let server = RedisServer::start();
    let (here, there) = both(&server);
    here.warm("42").await;
    for name in keys(&server) {
        let name = String::from_utf8(name).unwrap();
        for foreign in FOREIGN {
            server.command(&["DEL", &name]);
            let mut words = foreign.to_vec();
            words[1] = &name;
            server.command(&words);
            assert!(!here.hits("42").await, "{foreign:?} under {name}");
            there.warm("42").await;
            // It may have stayed in the way of one call.
            server.command(&["DEL", &name]);
            server.command(&words);
            here.cache.invalidate("user:42:*").await.unwrap();
            assert_eq!(there.profile("42").await, 0);
            there.warm("42").await;
        }
    }
    for users in [here, there] {
        assert!(!store_health(&users.cache).await.breaker_open);
        assert_eq!(users.cache.stats().pending_invalidations, 0);
    }
}

#[tokio::test]
async fn keys_that_look_like_ours_stop_no_clearing() {
    let server = RedisServer::start();
    let (here, there) = both(&server);
    here.warm("42").await;
    for name in [
        "app:~",
        "app:~n:",
        "app:~n:user:*",
        "app:~l:zzzz",
        "app:~t:x",
        "app:!c:x",
        "app:!",
        "app:user:42:profile:profile:00",
        "app:user:42:profile:profile",
        "app:",
        "app",
        "apple:~n:user",
        "app:~\u{1f35c}",
    ] {
        for foreign in FOREIGN {
            let mut words = foreign.to_vec();
            words[1] = name;
            server.command(&["DEL", name]);
            server.command(&words);
            here.warm("42").await;
            there.cache.clear().await.unwrap();
            assert!(!here.hits("42").await, "{foreign:?} under {name}");
        }
    }
    assert_eq!(
        server.command(&["EXISTS", "apple:~n:user"]),
        Reply::Integer(1)
    );
}

/// An entry whose check says that it is in order.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let check = xxh3_64_with_seed(&bytes[72..], xxh3_64(&bytes[..64]));
    bytes[64..72].copy_from_slice(&check.to_le_bytes());
    bytes
}

fn with(bytes: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = byte;
    bytes
}

/// The body runs once, and what it gave is stored over what was there.
async fn is_a_miss(users: &Users, server: &RedisServer, name: &str, bytes: &[u8], what: &str) {
    store_bytes(server, name, bytes);
    assert!(!users.hits("42").await, "{what}");
    assert!(users.hits("42").await, "{what}: not overwritten");
}

#[tokio::test]
async fn damaged_bytes_are_a_miss_and_are_overwritten() {
    let server = RedisServer::start();
    let (users, _) = both(&server);
    users.rename("42").await;
    users.warm("42").await;
    let name = key_below(&server, "app:user:42:profile:");
    for at in 0..stored(&server, &name).len() {
        let bytes = stored(&server, &name);
        let flipped = with(&bytes, at, bytes[at] ^ (1 << (at % 8)));
        is_a_miss(
            &users,
            &server,
            &name,
            &flipped,
            &format!("byte {at} flipped"),
        )
        .await;
        let bytes = stored(&server, &name);
        is_a_miss(
            &users,
            &server,
            &name,
            &bytes[..at],
            &format!("cut to {at}"),
        )
        .await;
    }
    let bytes = stored(&server, &name);
    is_a_miss(
        &users,
        &server,
        &name,
        &[&bytes[..], b" "].concat(),
        "longer",
    )
    .await;
    for garbage in [
        &b"null"[..],
        b"1",
        b"{}",
        &[0; 200],
        &[0xff; 200],
        &vec![b'x'; 20 << 20],
    ] {
        is_a_miss(&users, &server, &name, garbage, "garbage").await;
    }
    assert_eq!(redis::row(&users.cache, "profile").errors, 0);
}

#[tokio::test]
async fn well_formed_entries_of_others_are_a_miss_and_are_overwritten() {
    let server = RedisServer::start();
    let (users, _) = both(&server);
    users.warm("42").await;
    let name = key_below(&server, "app:user:42:profile:");
    let places = [
        ("a later format", 3, 2),
        ("an unknown flag", 4, 0x80),
        ("a compressed body", 4, 2),
        ("an absent value", 4, 1),
        ("another codec", 5, 77),
        ("no codec", 5, 0),
        ("fewer generations", 6, 1),
        ("more generations", 6, 200),
        ("a reserved byte", 7, 1),
        ("another echo", 8, 0),
        ("another fingerprint", 24, 1),
        ("another generation", 72, 0),
        ("a text for a number", 72 + 5 * 16, b'"'),
    ];
    for (what, at, byte) in places {
        let bytes = stored(&server, &name);
        let byte = if bytes[at] == byte { byte ^ 1 } else { byte };
        is_a_miss(
            &users,
            &server,
            &name,
            &resealed(with(&bytes, at, byte)),
            what,
        )
        .await;
    }
    // The sealing itself is right: what is only sealed anew is an answer.
    store_bytes(&server, &name, &resealed(stored(&server, &name)));
    assert!(users.hits("42").await);
}

#[tokio::test]
async fn an_entry_that_was_copied_to_another_key_is_no_answer() {
    let server = RedisServer::start();
    let (users, _) = both(&server);
    let leaf = |generations: &[Vec<u8>]| {
        let leaf = keys(&server)
            .into_iter()
            .find(|name| name.starts_with(b"app:~l:") && !generations.contains(name));
        String::from_utf8(leaf.unwrap()).unwrap()
    };
    assert_eq!(users.badge("1").await, "1:0");
    let first = (key_below(&server, "app:badge:"), leaf(&[]));
    let before = keys(&server);
    assert_eq!(users.badge("2").await, "2:0");
    let new = |name: &&Vec<u8>| name.starts_with(b"app:badge:") && !before.contains(name);
    let second = keys(&server).iter().find(new).cloned().unwrap();
    let second = (String::from_utf8(second).unwrap(), leaf(&before));
    for command in ["COPY", "RENAME"] {
        for ((from, from_leaf), (to, to_leaf)) in [(&first, &second), (&second, &first)] {
            let copy = |from: &str, to: &str| match command {
                "COPY" => server.command(&["COPY", from, to, "REPLACE"]),
                _ => server.command(&["RENAME", from, to]),
            };
            assert!(!matches!(copy(from, to), Reply::Error(_)));
            server.command(&["COPY", from_leaf, to_leaf, "REPLACE"]);
            for id in ["1", "2"] {
                assert_eq!(users.badge(id).await, format!("{id}:0"));
                assert_eq!(users.badge(id).await, format!("{id}:0"));
            }
        }
    }
}
