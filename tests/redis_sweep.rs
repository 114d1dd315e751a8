//! What invalidations leave unreachable goes from a real server, at little cost to it.

mod redis;

use std::collections::BTreeSet;

use cachewright::Cache;
use cachewright_test_support::{Proxy, RedisServer, eventually};
use redis::service::Users;
use redis::{RECOVERY, builder, calls, keys};

fn sweeping(url: &str) -> Cache {
    builder(url).sweep_rate(20_000).build().unwrap()
}

fn names(server: &RedisServer) -> BTreeSet<String> {
    let names = keys(server).into_iter();
    names.map(|name| String::from_utf8(name).unwrap()).collect()
}

fn values(server: &RedisServer, beginning: &str) -> usize {
    let names = names(server);
    let values = names.iter().filter(|name| name.starts_with(beginning));
    values.count()
}

#[tokio::test]
async fn what_an_invalidation_left_is_gone_and_the_rest_is_there() {
    let server = RedisServer::start();
    let users = Users::new(sweeping(&server.url()));
    for number in 0..500 {
        users.badge(&number.to_string()).await;
        users.profile(&number.to_string()).await;
    }
    let cache = &users.cache;
    cache.set("badge:7:note", 7, None).await.unwrap();
    cache.counter("badge:7").increment(1).await.unwrap();
    server.command(&["SET", "app:badge:foreign", "foreign"]);
    server.command(&["LPUSH", "app:badge:list", "foreign"]);
    let before = names(&server);
    cache.invalidate("badge:*").await.unwrap();
    eventually(RECOVERY, || cache.stats().swept == 501).await;
    let after = names(&server);
    let gone = |name: &&String| {
        let foreign = name.ends_with(":foreign") || name.ends_with(":list");
        name.starts_with("app:badge:") && !foreign
    };
    let removed = before.iter().filter(gone).count();
    assert_eq!(removed, 501);
    let kept = before.iter().filter(|name| !gone(name));
    let generation = |name: &&String| *name != "app:~n:badge";
    assert!(
        after
            .iter()
            .filter(|name| *name != "app:!s")
            .eq(kept.filter(generation))
    );
    assert!(users.hits("7").await);
}

#[tokio::test]
async fn a_cleared_namespace_is_emptied() {
    let server = RedisServer::start();
    let users = Users::new(sweeping(&server.url()));
    for number in 0..300 {
        users.profile(&number.to_string()).await;
    }
    server.command(&["SET", "other:user:7", "foreign"]);
    users.cache.clear().await.unwrap();
    eventually(RECOVERY, || keys(&server).len() == 1).await;
    assert_eq!(names(&server), ["other:user:7".to_owned()].into());
}

#[tokio::test]
async fn no_body_is_carried_to_see_that_a_value_is_unreachable() {
    const BODY: usize = 1 << 20;
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let cache = sweeping(&proxy.url());
    for number in 0..10 {
        let key = format!("large:{number}");
        cache.set(&key, "x".repeat(BODY), None).await.unwrap();
    }
    let before = proxy.seen().reply_bytes;
    cache.invalidate("large:*").await.unwrap();
    eventually(RECOVERY, || cache.stats().swept == 10).await;
    let carried = proxy.seen().reply_bytes - before;
    assert!(carried < 20_000, "{carried}");
    assert_eq!(values(&server, "app:large:"), 0);
}

#[tokio::test]
async fn processes_of_a_namespace_take_turns_until_all_is_gone() {
    let server = RedisServer::start();
    let all: Vec<_> = (0..2).map(|_| sweeping(&server.url())).collect();
    for number in 0..400 {
        let key = format!("user:{number}:name");
        all[0].set(&key, number, None).await.unwrap();
    }
    for (cache, number) in all.iter().zip(0..) {
        for number in (0..200).map(|user| 2 * user + number) {
            cache.invalidate(&format!("user:{number}")).await.unwrap();
        }
    }
    // Who finds the lease taken waits for some seconds.
    let swept = || all.iter().map(|cache| cache.stats().swept).sum::<u64>();
    eventually(4 * RECOVERY, || swept() == 400).await;
    assert_eq!(values(&server, "app:user:"), 0);
}

#[tokio::test]
async fn a_user_who_may_not_look_lacks_nothing_else() {
    let commands = "+mget +set +unlink +echo +pexpire +scan";
    let acl = format!("app on >hunter2 ~app:* {commands}");
    let server = RedisServer::builder().acl(&acl).start();
    let users = Users::new(sweeping(&server.url_as("app", "hunter2")));
    users.cache.connect().await.unwrap();
    users.warm("42").await;
    users.rename("42").await;
    let refused = || {
        let log = server.command(&["ACL", "LOG"]).items();
        log.len()
    };
    eventually(RECOVERY, || refused() > 0).await;
    users.warm("42").await;
    users.rename("42").await;
    users.warm("42").await;
    assert!(users.cache.health().await.is_healthy());
    assert_eq!(
        (users.cache.stats().swept, calls(&server, "getrange")),
        (0, 0)
    );
    // Others may be allowed to.
    eventually(RECOVERY, || values(&server, "app:!s") == 0).await;
}
