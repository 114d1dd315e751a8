//! What can't work as configured says so when it connects, with the way out and without a secret;
//! functions run all the same.

mod redis;

use std::time::Duration;

use cachewright::redis::RedisStore;
use cachewright::{Cache, Error};
use cachewright_test_support::{RedisServer, Reply};
use redis::service::Users;
use redis::{NAMESPACE, builder, cache, hasty, recovered};

const SECRET: &str = "hunter2";

const COMMANDS: [&str; 6] = ["mget", "set", "unlink", "echo", "pexpire", "scan"];

/// A user who may do what a cache needs, and one command less.
fn user_without(command: &str) -> String {
    let others = COMMANDS.iter().filter(|other| **other != command);
    let others: Vec<_> = others.map(|other| format!("+{other}")).collect();
    format!("app on >{SECRET} ~app:* {}", others.join(" "))
}

/// Functions run, and the error is shown with what it says and without a secret.
async fn fails(url: &str, says: &[&str]) -> Error {
    let users = Users::new(cache(url));
    let error = users.cache.connect().await.expect_err("it connects");
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(SECRET), "{shown}");
        for text in says {
            assert!(shown.contains(text), "{shown}");
        }
    }
    assert!(!users.hits("42").await);
    users.rename("42").await;
    assert!(!users.hits("42").await);
    let health = users.cache.health().await;
    assert!(!health.is_healthy());
    assert!(!format!("{health} {health:?}").contains(SECRET), "{health}");
    error
}

#[tokio::test]
async fn a_wrong_password_says_to_check_the_url() {
    let server = RedisServer::builder().password("another").start();
    let place = format!("127.0.0.1:{}", server.port());
    let says = [&place, "WRONGPASS", "check the URL"];
    for user in ["", "nobody"] {
        let error = fails(&server.url_as(user, SECRET), &says).await;
        assert!(error.is_configuration(), "{error}");
    }
    let error = fails(&format!("redis://{place}"), &["NOAUTH", "into the URL"]).await;
    assert!(error.is_configuration(), "{error}");
}

#[tokio::test]
async fn a_missing_permission_names_the_command_and_what_is_needed() {
    for command in COMMANDS {
        let server = RedisServer::builder().acl(&user_without(command)).start();
        let url = server.url_as("app", SECRET);
        let name = command.to_uppercase();
        let refused = format!("refused {name}");
        let error = fails(&url, &[&refused, "NOPERM", "ACL user", &name]).await;
        assert!(error.is_configuration(), "{error}");
    }
}

#[tokio::test]
async fn a_user_with_the_documented_permissions_lacks_none() {
    let server = RedisServer::builder().acl(&user_without("none")).start();
    let users = Users::new(cache(&server.url_as("app", SECRET)));
    users.cache.connect().await.unwrap();
    users.warm("42").await;
    users.rename("42").await;
    users.warm("42").await;
    users.cache.set("key", 1, None).await.unwrap();
    assert_eq!(users.cache.get::<i32>("key").await.unwrap(), Some(1));
    users.cache.clear().await.unwrap();
    assert!(users.cache.health().await.is_healthy());
    assert_eq!(server.command(&["ACL", "LOG"]), Reply::Array(Vec::new()));
}

#[tokio::test]
async fn a_namespace_that_the_user_may_not_touch_is_a_missing_permission() {
    let server = RedisServer::builder().acl(&user_without("none")).start();
    let builder = builder(&server.url_as("app", SECRET)).namespace("other");
    let error = builder.build().unwrap().connect().await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
    assert!(
        error.to_string().contains("keys of the namespace"),
        "{error}"
    );
}

#[tokio::test]
async fn a_permission_that_is_taken_away_and_given_back_is_missed_and_found() {
    let server = RedisServer::builder().acl(&user_without("none")).start();
    let here = Users::new(hasty(&server.url_as("app", SECRET)));
    let there = here.through(cache(&server.url()));
    here.warm("42").await;
    assert_eq!(
        server.command(&["ACL", "SETUSER", "app", "-unlink"]),
        Reply::ok()
    );
    let error = here.cache.invalidate("user:41:*").await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
    for _ in 0..8 {
        here.rename("42").await;
        assert_eq!(here.profile("42").await, here.database.peek("42"));
    }
    assert_eq!(here.cache.stats().pending_invalidations, 2);
    assert_eq!(
        server.command(&["ACL", "SETUSER", "app", "+unlink"]),
        Reply::ok()
    );
    recovered(&here.cache).await;
    assert_eq!(there.profile("42").await, 8);
    here.warm("42").await;
}

#[tokio::test]
async fn a_database_that_the_server_does_not_have_says_to_check_the_url() {
    let server = RedisServer::start();
    let error = fails(
        &format!("{}/99", server.url()),
        &["database", "check the URL"],
    )
    .await;
    assert!(error.is_configuration(), "{error}");
}

#[tokio::test]
async fn databases_are_kept_apart() {
    let server = RedisServer::start();
    let third = Users::new(cache(&format!("{}/3", server.url())));
    third.warm("42").await;
    assert_eq!(redis::keys(&server).len(), 0);
    assert!(!third.through(cache(&server.url())).hits("42").await);
    assert!(
        third
            .through(cache(&format!("{}/3", server.url())))
            .hits("42")
            .await
    );
}

#[tokio::test]
async fn an_unknown_host_is_an_outage_that_names_it() {
    let url = format!("redis://app:{SECRET}@no-such-host.invalid:6380");
    let error = fails(&url, &["no-such-host.invalid:6380"]).await;
    assert!(error.is_outage(), "{error}");
}

#[tokio::test]
async fn a_server_that_is_misconfigured_is_no_reason_to_fall_back_to_memory() {
    let server = RedisServer::builder().password("another").start();
    let store = RedisStore::new(&server.url_as("", SECRET)).unwrap();
    let builder = Cache::builder().namespace(NAMESPACE).store(store);
    let builder = builder.fall_back_to_memory(Duration::from_secs(1));
    let error = builder.build().unwrap().connect().await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
}
