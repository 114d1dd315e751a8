//! What only an operator can mend is said at once, with the way out and without secrets.

mod common;

use cache_core::Error;
use cache_redis::RedisStore;
use cachewright_test_support::{RedisServer, Reply};
use common::{ask_everything, get, probe, put, soon, store};

const ALL: &str = "+mget +set +unlink +echo +pexpire +scan +getrange +incrby";

/// Refused as a matter of configuration, naming the server and no secret.
fn refused(result: Result<(), Error>, server: &RedisServer, told: &str) {
    let error = result.unwrap_err();
    assert!(error.is_configuration(), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(told), "{shown}");
    let place = format!("127.0.0.1:{}", server.port());
    assert!(shown.contains(&place), "{shown}");
    for secret in ["hunter2", "hunter3", "canary", "everything"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn wrong_password_is_told_by_every_operation() {
    let server = RedisServer::builder().password("hunter2").start();
    probe(&store(&server.url())).await.unwrap();
    let wrong = store(&server.url_as("", "hunter3"));
    for (_, result) in ask_everything(&wrong, soon).await {
        refused(result, &server, "WRONGPASS");
    }
    let none = store(&format!("redis://127.0.0.1:{}", server.port()));
    refused(probe(&none).await, &server, "NOAUTH");
}

#[tokio::test]
async fn user_and_password_may_stand_beside_the_url() {
    let user = format!("app on >hunter2 ~app:* {ALL}");
    let server = RedisServer::builder().acl(&user).start();
    let builder = RedisStore::builder(&server.url_as("nobody", "hunter3"));
    let builder = builder.username("app").password("hunter2");
    probe(&builder.build().unwrap()).await.unwrap();
}

#[tokio::test]
async fn user_with_the_documented_permissions_can_do_everything() {
    let user = format!("app on >hunter2 ~app:* {ALL} +select");
    let server = RedisServer::builder().acl(&user).acl("default off").start();
    let store = store(&format!("{}/2", server.url_as("app", "hunter2")));
    for (operation, result) in ask_everything(&store, soon).await {
        assert!(result.is_ok(), "{operation}: {result:?}");
    }
}

#[tokio::test]
async fn command_that_the_user_lacks_is_named_by_the_probe() {
    let server = RedisServer::start();
    for lacking in ["MGET", "SET", "UNLINK", "ECHO", "PEXPIRE", "SCAN"] {
        let rules = format!("{ALL} -{}", lacking.to_lowercase());
        let mut words = vec!["ACL", "SETUSER", lacking, "on", ">hunter2", "~app:*"];
        words.extend(rules.split(' '));
        assert_eq!(server.command(&words), Reply::ok());
        let store = store(&server.url_as(lacking, "hunter2"));
        let told = format!("refused {lacking} with NOPERM");
        refused(probe(&store).await, &server, &told);
    }
}

#[tokio::test]
async fn keys_that_the_user_may_not_touch_are_a_configuration_error() {
    let user = format!("app on >hunter2 ~other:* {ALL}");
    let server = RedisServer::builder().acl(&user).start();
    let store = store(&server.url_as("app", "hunter2"));
    refused(probe(&store).await, &server, "keys of the namespace");
}

#[tokio::test]
async fn database_is_the_one_that_was_named() {
    let server = RedisServer::builder().config("databases", 4).start();
    let third = store(&format!("{}/3", server.url()));
    put(&third, "v", "3").await.unwrap();
    assert_eq!(get(&store(&server.url()), "v").await.unwrap(), None);
    assert_eq!(get(&third, "v").await.unwrap().unwrap(), b"3");
    let fourth = store(&format!("{}/4", server.url()));
    refused(probe(&fourth).await, &server, "database");
}

#[tokio::test]
async fn node_of_a_cluster_is_a_configuration_error() {
    let server = RedisServer::builder()
        .config("cluster-enabled", "yes")
        .start();
    refused(probe(&store(&server.url())).await, &server, "cluster");
}
