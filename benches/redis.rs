//! A warm hit in Redis, beside its floor and a peer; a batch of 1,000 beside as many calls; and an invalidation of 10,000 entries of a million.
//!
//! ```text
//! cargo bench -p cachewright-benches --bench redis
//! cargo bench -p cachewright-benches --bench redis -- --quick
//! ```
//!
//! The server is a `redis-server` of this program's own, on the same machine. Every contender answers `get_user(id) -> User`, 1,000 keys
//! drawn by Zipf's law, a value of some 270 bytes of JSON:
//!
//! - *floor*: `GET` over redis-rs' multiplexed connection, and serde_json. No ttl to set, no fence, no deadline, no proof.
//! - *cached*: the crate's `AsyncRedisCache`, asked directly.
//! - *cachewright*: `#[cached]` before a `RedisStore`: the value and its generations, proven, within a deadline.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cached::AsyncRedisCache;
use cached::ConcurrentCachedAsync;
use cachewright::redis::RedisStore;
use cachewright::{Cache, invalidate_cache};
use cachewright_benches::by_hand::{fill, scan_and_unlink};
use cachewright_benches::latency::{Effort, Remote, many_callers, median, one_caller};
use cachewright_benches::workload::zipf;
use cachewright_test_support::RedisServer;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

const KEYS: u64 = 1_000;
const CALLERS: usize = 64;

static LOADS: AtomicU64 = AtomicU64::new(0);
static FLOOR: OnceLock<MultiplexedConnection> = OnceLock::new();
static PEER: OnceLock<AsyncRedisCache<u64, User>> = OnceLock::new();
static OURS: OnceLock<Cache> = OnceLock::new();

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    email: String,
    region: String,
    about: String,
    age: u32,
    score: f64,
    active: bool,
}

impl User {
    fn load(id: u64) -> Self {
        LOADS.fetch_add(1, Relaxed);
        Self {
            id,
            name: format!("user {id}"),
            email: format!("user{id}@example.org"),
            region: "eu".to_owned(),
            about: "What a service keeps of somebody is rarely as short as a benchmark has it. "
                .repeat(2),
            age: 30,
            score: id as f64 / 3.0,
            active: true,
        }
    }
}

#[cachewright::cached(cache = OURS.get().unwrap(), ttl = 3600, key_prefix = "user:{id}")]
async fn get_user(id: u64) -> User {
    User::load(id)
}

#[cachewright::cached(cache = OURS.get().unwrap(), ttl = 3600, key_prefix = "batch", batch = ids)]
async fn get_users(ids: &[u64]) -> Vec<Option<User>> {
    ids.iter().map(|id| Some(User::load(*id))).collect()
}

/// All keys, warm, asked for together and one after the other.
async fn batches() {
    let ids: Vec<u64> = (0..KEYS).collect();
    get_users(&ids).await;
    let loads = LOADS.load(Relaxed);
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(get_users(&ids).await.len(), ids.len());
        together.push(began.elapsed());
        let began = Instant::now();
        for id in &ids {
            ours(*id).await;
        }
        alone.push(began.elapsed());
    }
    assert_eq!(LOADS.load(Relaxed), loads, "all were hits");
    together.sort_unstable();
    alone.sort_unstable();
    let (together, alone) = (together[2], alone[2]);
    let ratio = alone.as_secs_f64() / together.as_secs_f64();
    println!(
        "\n{KEYS} warm elements: {together:.1?} as a batch, {alone:.1?} as single calls, {ratio:.1} times"
    );
}

async fn floor(id: u64) {
    let mut connection = FLOOR.get().unwrap().clone();
    let bytes: Vec<u8> = connection.get(format!("floor:{id}")).await.unwrap();
    let user: User = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(user.id, id);
}

async fn peer(id: u64) {
    let user = PEER.get().unwrap().async_cache_get(&id).await.unwrap();
    assert_eq!(user.unwrap().id, id);
}

async fn ours(id: u64) {
    assert_eq!(get_user(id).await.id, id);
}

async fn connect(server: &RedisServer) {
    let client = Client::open(server.url()).unwrap();
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let mut floor = connection.await.unwrap();
    let peer = AsyncRedisCache::builder("peer")
        .ttl(Duration::from_secs(3600))
        .connection_string(&server.url())
        .build()
        .await
        .unwrap();
    for id in 0..KEYS {
        let json = serde_json::to_vec(&User::load(id)).unwrap();
        let _: () = floor.set(format!("floor:{id}"), json).await.unwrap();
        peer.async_cache_set(id, User::load(id)).await.unwrap();
        get_user(id).await;
    }
    FLOOR.set(floor).ok().unwrap();
    PEER.set(peer).ok().unwrap();
}

/// Compares hits, and makes sure that what was timed were hits.
fn hits(runtime: &Runtime, effort: Effort) {
    let contenders = [
        Remote::new("floor: GET and serde_json", |id| Box::pin(floor(id))),
        Remote::new("cached, AsyncRedisCache", |id| Box::pin(peer(id))),
        Remote::new("cachewright, \"user:{id}\"", |id| Box::pin(ours(id))),
    ];
    let keys = zipf(KEYS, 10_000);
    let before = LOADS.load(Relaxed);
    one_caller(runtime, effort, &keys, &contenders);
    many_callers(runtime, effort, CALLERS, &keys, &contenders);
    assert_eq!(LOADS.load(Relaxed), before, "every call is a hit");
}

#[cachewright::cached(cache = OURS.get().unwrap(), ttl = 3600, key_prefix = "group")]
async fn member(id: u64) -> u64 {
    id
}

#[invalidate_cache("group:*", cache = OURS.get().unwrap())]
async fn change_group() {}

/// How long it takes to invalidate some of many entries: ours, and by looking for them.
async fn invalidation(quick: bool) {
    let (all, some, rounds) = if quick {
        (20_000, 200, 2)
    } else {
        (1_000_000, 10_000, 5)
    };
    let mut connection = FLOOR.get().unwrap().clone();
    let value = serde_json::to_vec(&User::load(0)).unwrap();
    fill(&mut connection, "other", all, &value).await;
    let (mut looked, mut own) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        fill(&mut connection, "looked:for", some, &value).await;
        let began = Instant::now();
        scan_and_unlink(&mut connection, "bench:looked:for:*").await;
        looked.push(began.elapsed().as_secs_f64() * 1e3);

        let before = LOADS.load(Relaxed);
        members(some).await;
        members(some).await;
        assert_eq!(
            LOADS.load(Relaxed),
            before,
            "no body of `get_user` runs here"
        );
        let began = Instant::now();
        change_group().await;
        own.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(OURS.get().unwrap().stats().pending_invalidations, 0);
    }
    println!("invalidating {some} of {all} entries: ms");
    println!(
        "  {:<42} {:>10.2}",
        "SCAN MATCH COUNT 1000, UNLINK",
        median(looked.into_iter())
    );
    println!(
        "  {:<42} {:>10.2}",
        "cachewright, \"group:*\"",
        median(own.into_iter())
    );
}

async fn members(count: u64) {
    for id in 0..count {
        member(id).await;
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = RedisServer::start();
    let store = RedisStore::new(&server.url()).unwrap();
    let cache = Cache::builder()
        .namespace("bench")
        .store(store)
        // An invalidation by itself; see `sweep.rs` for what comes behind it.
        .sweep_rate(0)
        .build()
        .unwrap();
    OURS.set(cache).ok().unwrap();
    runtime.block_on(connect(&server));
    hits(&runtime, Effort::from_args());
    runtime.block_on(batches());
    let quick = std::env::args().any(|argument| argument == "--quick");
    runtime.block_on(invalidation(quick));
}
