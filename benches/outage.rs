//! What callers wait for when Redis hangs or is dead, and how soon it is used again.
//!
//! ```text
//! cargo bench -p cachewright-benches --bench outage
//! ```
//!
//! One caller after the other reads through `#[cached]` functions whose bodies return at once, with the default settings (250 ms for
//! the store). The server is stopped (SIGSTOP: it accepts connections and answers nothing), or killed. *Recovery* is the time from its
//! return until a key that was computed is a hit again, with every invalidation of the meantime acknowledged.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cachewright::redis::RedisStore;
use cachewright::{Cache, invalidate_cache};
use cachewright_test_support::RedisServer;

static CACHE: OnceLock<Cache> = OnceLock::new();
static VERSION: AtomicU64 = AtomicU64::new(0);
static BODIES: AtomicU64 = AtomicU64::new(0);

#[cachewright::cached(cache = CACHE.get().unwrap(), key_prefix = "row:{id}")]
async fn read(id: u64) -> u64 {
    BODIES.fetch_add(1, Relaxed);
    VERSION.load(Relaxed)
}

#[invalidate_cache("row:{id}", cache = CACHE.get().unwrap())]
async fn write(id: u64) {
    VERSION.fetch_add(1, Relaxed);
}

/// How long a call takes.
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let answer = call.await;
    (answer, began.elapsed())
}

/// Reads again and again, and prints what the first five and the others took.
async fn while_away(what: &str) {
    let mut times = Vec::new();
    for id in 0..1_000 {
        let (version, took) = timed(read(id)).await;
        assert_eq!(version, VERSION.load(Relaxed), "nothing stale");
        times.push(took);
    }
    let (_, written) = timed(write(1)).await;
    let (first, others) = times.split_at(5);
    println!(
        "{what:<10} first five calls: {:>7.1?} at most; the next {}: {:>7.1?} at most; an invalidation: {written:>7.1?}",
        first.iter().max().unwrap(),
        others.len(),
        others.iter().max().unwrap(),
    );
}

/// Waits until a key is a hit and nothing is pending.
async fn until_used(since: Instant, what: &str) {
    let cache = CACHE.get().unwrap();
    loop {
        assert_eq!(read(1).await, VERSION.load(Relaxed), "nothing stale");
        let before = BODIES.load(Relaxed);
        read(1).await;
        let hit = BODIES.load(Relaxed) == before;
        if hit && cache.stats().pending_invalidations == 0 {
            println!("{what:<10} recovery: {:.2?}", since.elapsed());
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::main]
async fn main() {
    let server = RedisServer::start();
    let store = RedisStore::new(&server.url()).unwrap();
    let cache = Cache::builder().namespace("bench").store(store);
    CACHE.set(cache.build().unwrap()).ok().unwrap();
    for id in 0..1_000 {
        read(id).await;
    }

    server.pause();
    while_away("hanging").await;
    server.resume();
    until_used(Instant::now(), "hanging").await;

    server.kill();
    while_away("dead").await;
    server.restart();
    until_used(Instant::now(), "dead").await;
}
