//! What is done without a cache: a server full of keys, and an invalidation by hand.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

/// Writes `count` keys that begin with `bench:{group}`, each with this value.
///
/// # Panics
///
/// If the server does not take them.
pub async fn fill(connection: &mut MultiplexedConnection, group: &str, count: u64, value: &[u8]) {
    for chunk in 0..count.div_ceil(10_000) {
        let mut pipeline = redis::pipe();
        for id in chunk * 10_000..count.min((chunk + 1) * 10_000) {
            pipeline.set(format!("bench:{group}:{id}"), value).ignore();
        }
        let _: () = pipeline.query_async(connection).await.unwrap();
    }
}

/// Deletes every key that matches, as programs without generations do.
///
/// # Panics
///
/// If the server does not answer.
pub async fn scan_and_unlink(connection: &mut MultiplexedConnection, pattern: &str) {
    let mut cursor = 0_u64;
    loop {
        let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(1_000)
            .query_async(connection)
            .await
            .unwrap();
        if !keys.is_empty() {
            let _: u64 = connection.unlink(keys).await.unwrap();
        }
        cursor = next;
        if cursor == 0 {
            return;
        }
    }
}
