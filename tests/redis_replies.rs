//! Replies that come late, twice, not at all, or for another request: what a shifted connection says
//! is never an answer.

mod redis;

use std::time::Duration;

use cachewright_test_support::{Proxy, RedisServer, Reply};
use redis::service::Users;
use redis::{cache, faulty, gives_up, hasty, in_time, keys, recovered, row};
use tokio::task::JoinSet;

/// How many users there are.
const USERS: usize = 20;

/// Bytes that a broken proxy might put between replies.
const INSERTED: [&[u8]; 9] = [
    b"+OK\r\n",
    b":0\r\n",
    b":1\r\n",
    b"$-1\r\n",
    b"*0\r\n",
    b"$5\r\nhello\r\n",
    b"*6\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
    b"-ERR unknown command 'x'\r\n",
    b"not the protocol at all\r\n",
];

#[derive(Clone, Debug)]
enum Fault {
    Dropped(&'static str),
    Doubled(&'static str),
    Inserted(&'static [u8]),
}

impl Fault {
    fn all() -> impl Iterator<Item = Self> {
        let commands = ["MGET", "SET", "UNLINK", "ECHO", "PEXPIRE"];
        let named = commands.map(|command| [Self::Dropped(command), Self::Doubled(command)]);
        let inserted = INSERTED.map(Self::Inserted);
        named.into_iter().flatten().chain(inserted)
    }

    fn befall(&self, proxy: &Proxy) {
        match self {
            Self::Dropped(command) => proxy.drop_replies_to(command, 1),
            Self::Doubled(command) => proxy.duplicate_replies_to(command, 1),
            Self::Inserted(bytes) => proxy.insert_reply(bytes),
        }
    }
}

/// Many calls at once over one connection, each with its answer; all of them are right whatever
/// befalls the connection.
async fn all_are_right(here: &Users, there: &Users, fault: &Fault) {
    let mut calls = JoinSet::new();
    for number in 0..USERS {
        let (here, there, fault) = (here.clone(), there.clone(), fault.clone());
        calls.spawn(async move {
            let id = number.to_string();
            for turn in 0..6 {
                if (number + turn) % 5 == 0 {
                    here.rename(&id).await;
                    assert_eq!(
                        here.profile(&id).await,
                        here.database.peek(&id),
                        "{fault:?}"
                    );
                }
                if (number + turn) % 7 == 0 {
                    there.database.commit(&id);
                    there
                        .cache
                        .invalidate(&format!("user:{id}:*"))
                        .await
                        .unwrap();
                }
                assert_eq!(
                    here.profile(&id).await,
                    here.database.peek(&id),
                    "{fault:?}"
                );
                let badge = here.badge(&id).await;
                assert!(badge.starts_with(&format!("{id}:")), "{fault:?}: {badge}");
            }
        });
    }
    calls.join_all().await;
}

async fn survives(fault: Fault, (server, proxy): (RedisServer, Proxy)) {
    let here = Users::new(hasty(&proxy.url()));
    let there = here.through(cache(&server.url()));
    here.cache.connect().await.unwrap();
    for _ in 0..3 {
        fault.befall(&proxy);
        all_are_right(&here, &there, &fault).await;
        proxy.pass();
        recovered(&here.cache).await;
    }
    here.warm("0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shifted_reply_is_nobodys_answer_and_the_cache_recovers() {
    // All are started before anybody connects: to start one blocks the thread, and with it those who
    // wait for a reply.
    let worlds: Vec<_> = Fault::all().map(|fault| (fault, faulty())).collect();
    let worlds = worlds.into_iter();
    let trials: JoinSet<_> = worlds
        .map(|(fault, world)| survives(fault, world))
        .collect();
    trials.join_all().await;
}

/// A reply of the server as it stands on the wire.
fn on_the_wire(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Array(items) => {
            let mut bytes = format!("*{}\r\n", items.len()).into_bytes();
            bytes.extend(items.iter().flat_map(on_the_wire));
            bytes
        }
        Reply::Bulk(text) => [format!("${}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat(),
        Reply::Nil => b"$-1\r\n".to_vec(),
        other => panic!("{other:?} is no part of what a read is answered"),
    }
}

/// What a read of the only entry would be answered now.
fn read_reply(server: &RedisServer) -> Vec<u8> {
    let names = keys(server);
    let (mut read, generations): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| !name.starts_with(b"app:~"));
    assert_eq!(read.len(), 1);
    read.splice(0..0, [b"MGET".to_vec()]);
    read.extend(generations);
    on_the_wire(&server.command(&read))
}

#[tokio::test]
async fn an_older_reply_for_the_same_entry_is_not_served_after_its_invalidation() {
    // Alone, and with the echo that stood behind it.
    for echo in [&b""[..], b"$16\r\nsixteen bytes ..\r\n"] {
        let (server, proxy) = faulty();
        let here = Users::new(hasty(&proxy.url()));
        let there = here.through(cache(&server.url()));
        here.warm("42").await;
        let older = read_reply(&server);
        there.database.commit("42");
        there.cache.invalidate("user:42:*").await.unwrap();
        proxy.insert_reply(&older);
        proxy.insert_reply(echo);
        for _ in 0..5 {
            assert_eq!(here.profile("42").await, 1);
        }
        recovered(&here.cache).await;
        here.warm("42").await;
    }
}

#[tokio::test]
async fn an_older_reply_that_arrives_twice_is_not_served_after_an_invalidation() {
    let (server, proxy) = faulty();
    let here = Users::new(hasty(&proxy.url()));
    let there = here.through(cache(&server.url()));
    here.warm("42").await;
    proxy.duplicate_replies_to("MGET", 1);
    assert_eq!(here.profile("42").await, 0);
    there.database.commit("42");
    there.cache.invalidate("user:42:*").await.unwrap();
    for _ in 0..5 {
        assert_eq!(here.profile("42").await, 1);
    }
    recovered(&here.cache).await;
    here.warm("42").await;
}

#[tokio::test]
async fn slow_replies_are_waited_for() {
    let (_server, proxy) = faulty();
    let users = Users::new(cache(&proxy.url()));
    proxy.delay_replies(Duration::from_millis(30));
    users.rename("42").await;
    assert!(!users.hits("42").await);
    assert!(users.hits("42").await);
    users.cache.invalidate("user:42:*").await.unwrap();
    assert_eq!(row(&users.cache, "profile").errors, 0);
}

#[tokio::test]
async fn replies_slower_than_the_time_out_are_not_waited_for_and_shift_nothing() {
    let (_server, proxy) = faulty();
    let users = Users::new(hasty(&proxy.url()));
    for id in ["1", "2", "3"] {
        users.rename(id).await;
        users.warm(id).await;
    }
    for _ in 0..2 {
        proxy.delay_replies(Duration::from_millis(400));
        for id in ["1", "2", "3"] {
            assert_eq!(users.profile(id).await, users.database.peek(id));
        }
        proxy.pass();
        for id in ["3", "2", "1"] {
            users.rename(id).await;
            assert_eq!(users.profile(id).await, users.database.peek(id));
        }
        recovered(&users.cache).await;
    }
}

#[tokio::test]
async fn a_server_that_answers_nothing_costs_each_call_its_time_out_at_most() {
    let (_server, proxy) = faulty();
    let users = Users::new(hasty(&proxy.url()));
    users.warm("42").await;
    proxy.swallow_replies();
    for _ in 0..3 {
        assert!(!in_time(users.hits("42")).await);
        in_time(users.rename("42")).await;
    }
    gives_up(&users.cache, async || {
        users.profile("42").await;
    })
    .await;
    proxy.pass();
    recovered(&users.cache).await;
    users.warm("42").await;
}
