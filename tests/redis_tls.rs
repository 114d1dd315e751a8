//! A cache over TLS, with a certificate authority of one's own.

mod redis;

use std::time::Duration;

use cachewright::Cache;
use cachewright::redis::RedisStore;
use cachewright_test_support::RedisServer;
use redis::service::Users;
use redis::{NAMESPACE, RECOVERY, SHORT, in_time, recovered};

/// A cache that trusts `authority` and nobody else.
fn trusting(url: &str, authority: &RedisServer, timeout: Duration) -> Cache {
    let store = RedisStore::builder(url).root_certificates_pem(authority.ca_pem());
    let store = store
        .connect_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let builder = Cache::builder().namespace(NAMESPACE).store(store);
    builder.store_timeout(timeout).build().unwrap()
}

fn encrypted() -> RedisServer {
    RedisServer::builder().tls().password("hunter2").start()
}

#[tokio::test]
async fn entries_and_invalidations_are_shared_over_tls() {
    let server = encrypted();
    let here = Users::new(trusting(&server.url(), &server, RECOVERY));
    let by_name = server.url_via("localhost", server.port());
    let there = here.through(trusting(&by_name, &server, RECOVERY));
    here.cache.connect().await.unwrap();
    assert!(!here.hits("42").await);
    assert!(there.hits("42").await);
    there.rename("42").await;
    assert!(!here.hits("42").await);
    assert!(there.hits("42").await);
    here.cache.clear().await.unwrap();
    assert!(!there.hits("42").await);
    let health = here.cache.health().await;
    assert!(health.is_healthy(), "{health}");
    assert!(
        health
            .store
            .unwrap()
            .description
            .starts_with("rediss://127.0.0.1")
    );
}

#[test]
fn sync_functions_work_over_tls() {
    let server = encrypted();
    let users = Users::new(trusting(&server.url(), &server, RECOVERY));
    for _ in 0..3 {
        users.rename_blocking("42");
        users.profile_blocking("42");
        users.profile_blocking("42");
    }
    assert_eq!(users.database.queries(), 3);
}

#[tokio::test]
async fn a_server_with_tls_that_hangs_or_dies_is_given_up_and_picked_up() {
    let server = encrypted();
    let users = Users::new(trusting(&server.url(), &server, SHORT));
    users.cache.connect().await.unwrap();
    users.warm("42").await;
    for stop in [RedisServer::pause, RedisServer::kill] {
        stop(&server);
        for _ in 0..8 {
            in_time(users.rename("42")).await;
            let answer = in_time(users.profile("42")).await;
            assert_eq!(answer, users.database.peek("42"));
        }
        if server.is_running() {
            server.resume();
        } else {
            server.restart();
        }
        recovered(&users.cache).await;
        users.warm("42").await;
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_a_configuration_error() {
    let (server, other) = (encrypted(), encrypted());
    let users = Users::new(trusting(&server.url(), &other, RECOVERY));
    let error = users.cache.connect().await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert!(!users.hits("42").await && !users.hits("42").await);
}

#[tokio::test]
async fn tls_on_one_side_alone_says_so() {
    let (plain, server) = (RedisServer::start(), encrypted());
    let to_plain = format!("rediss://127.0.0.1:{}", plain.port());
    let users = Users::new(trusting(&to_plain, &server, RECOVERY));
    let error = users.cache.connect().await.unwrap_err();
    assert!(error.to_string().contains("without TLS"), "{error}");
    let to_encrypted = format!("redis://127.0.0.1:{}", server.port());
    let error = redis::cache(&to_encrypted).connect().await.unwrap_err();
    assert!(error.to_string().contains("rediss://"), "{error}");
    assert!(!users.hits("42").await && !users.hits("42").await);
}
