//! Callers with different patience over one connection.

mod common;

use cache_core::store::Store;
use cachewright_test_support::{Proxy, RedisServer};
use common::{get, key, put, store, within};

#[tokio::test]
async fn a_caller_with_little_patience_costs_no_other_caller_its_answer() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let store = store(&proxy.url());
    put(&store, "v", "value").await.unwrap();
    // A server that takes a while, for another client's slow command for example.
    proxy.hold_replies();
    let patient = tokio::spawn({
        let store = store.clone();
        async move { get(&store, "v").await }
    });
    // Each leaves a moment before its answer would have come.
    for _ in 0..3 {
        let keys = [key("v")];
        assert!(store.read(&keys, within(5)).await.is_err());
    }
    proxy.release_replies();
    proxy.pass();
    let found = patient.await.unwrap();
    assert_eq!(found.unwrap().unwrap(), b"value");
}
