//! `rediss://`: encrypted, and with nobody but the server that was meant.

#![cfg(feature = "tls")]

mod common;

use std::time::Duration;

use cache_core::store::Store;
use cache_redis::RedisStore;
use cachewright_test_support::RedisServer;
use common::{ask_everything, block_on, probe, soon, store};

fn trusting(url: &str, server: &RedisServer) -> RedisStore {
    let builder = RedisStore::builder(url).root_certificates_pem(server.ca_pem());
    builder.build().unwrap()
}

#[tokio::test]
async fn everything_works_with_an_authority_of_ones_own() {
    let server = RedisServer::builder().tls().password("hunter2").start();
    let by_address = trusting(&server.url(), &server);
    assert!(by_address.describe().starts_with("rediss://127.0.0.1:"));
    let by_name = trusting(&server.url_via("localhost", server.port()), &server);
    for store in [by_address, by_name] {
        for (operation, result) in ask_everything(&store, soon).await {
            assert!(result.is_ok(), "{operation}: {result:?}");
        }
    }
}

#[test]
fn encryption_needs_no_runtime() {
    let server = RedisServer::builder().tls().start();
    block_on(probe(&trusting(&server.url(), &server))).unwrap();
}

#[tokio::test]
async fn certificate_that_is_not_trusted_is_a_configuration_error() {
    let server = RedisServer::builder().tls().start();
    let other = RedisServer::builder().tls().start();
    let error = probe(&trusting(&server.url(), &other)).await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    let elsewhere = server.url_via("127.0.0.2", server.port());
    let error = probe(&trusting(&elsewhere, &server)).await.unwrap_err();
    assert!(!error.is_data(), "{error}");
}

#[tokio::test]
async fn client_without_the_certificate_that_is_asked_for_is_a_configuration_error() {
    let server = RedisServer::builder()
        .tls()
        .config("tls-auth-clients", "yes")
        .start();
    let error = probe(&trusting(&server.url(), &server)).await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
}

#[tokio::test]
async fn encryption_on_one_side_alone_is_an_error_that_says_so() {
    let plain = RedisServer::start();
    let encrypted = RedisServer::builder().tls().start();
    let url = format!("rediss://127.0.0.1:{}", plain.port());
    // It waits for the rest of what it takes for a command.
    let builder = RedisStore::builder(&url).root_certificates_pem(encrypted.ca_pem());
    let builder = builder.connect_timeout(Duration::from_millis(200));
    let error = probe(&builder.build().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
    let error = probe(&store(&format!("redis://127.0.0.1:{}", encrypted.port()))).await;
    let error = error.unwrap_err();
    assert!(
        error.is_outage() && error.to_string().contains("rediss://"),
        "{error}"
    );
}
