//! What every store must do, asked of a real server.

use cache_core::testing::conformance;
use cache_redis::RedisStore;
use cachewright_test_support::RedisServer;

#[tokio::test]
async fn redis_keeps_the_contract_of_a_store() {
    let server = RedisServer::start();
    conformance::run(|| async { RedisStore::new(&server.url()).unwrap() }).await;
}

#[tokio::test]
async fn two_handles_of_one_server_keep_it_too() {
    let server = RedisServer::start();
    conformance::run_shared(|| async { RedisStore::new(&server.url()).unwrap() }).await;
}

#[test]
fn without_a_runtime_too() {
    let server = RedisServer::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // A runtime without timers and I/O: the store's own thread does it.
    runtime.block_on(conformance::run(|| async {
        RedisStore::new(&server.url()).unwrap()
    }));
}
