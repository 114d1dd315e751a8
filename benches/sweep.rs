//! What a bystander of the same Redis notices of the removal of unreachable values.
//!
//! ```text
//! cargo bench -p cachewright-benches --bench sweep
//! cargo bench -p cachewright-benches --bench sweep -- --quick
//! cargo bench -p cachewright-benches --bench sweep -- --rate 20000
//! ```
//!
//! The server is a `redis-server` of this program's own, on the same machine, with 1,000,000 other keys of 270 bytes. Each time 10,000
//! entries are written and removed again, while a bystander, a thread and a connection of its own, asks for one key, time and again:
//!
//! - *idle*: nothing else happens.
//! - *by hand*: `SCAN MATCH COUNT 1000` and `UNLINK`, as fast as it goes.
//! - *cachewright*: one pattern is invalidated, and the cache removes what is unreachable at its rate (10,000 keys in a second by default).
//! - *cachewright, after clear()*: the same with every value of the namespace looked at, the others' included.
//!
//! What the bystander waits is told second by second, p50, p99 and p99.9 of each, and shown is the median of the seconds, so that other work
//! of the machine in some of them does not decide.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cachewright::Cache;
use cachewright::redis::RedisStore;
use cachewright_benches::by_hand::{fill, scan_and_unlink};
use cachewright_benches::latency::median;
use cachewright_test_support::RedisServer;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client};

static CACHE: OnceLock<Cache> = OnceLock::new();
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Of keys that are no entries.
const VALUE: [u8; 270] = [b'x'; 270];

/// With a header and four generations in front, 270 bytes are stored.
const BODY: usize = 270 - 72 - 3 * 16 - 2;

#[cachewright::cached(cache = CACHE.get().unwrap(), ttl = 3600, key_prefix = "group")]
async fn member(id: u64) -> String {
    format!("{id:0>BODY$}")
}

/// How much is measured.
struct Effort {
    others: u64,
    members: u64,
    rate: u32,
}

impl Effort {
    fn from_args() -> Self {
        let mut args = std::env::args();
        let quick = args.any(|argument| argument == "--quick");
        let mut args = std::env::args().skip_while(|argument| argument != "--rate");
        let rate = args.nth(1).map(|rate| rate.parse().expect("a number"));
        if quick {
            Self {
                others: 20_000,
                members: 200,
                rate: rate.unwrap_or(10_000),
            }
        } else {
            Self {
                others: 1_000_000,
                members: 10_000,
                rate: rate.unwrap_or(10_000),
            }
        }
    }
}

/// Asks for one key until it is told to stop.
struct Bystander(JoinHandle<Vec<Second>>);

/// What was waited in one second, in microseconds: p50, p99, p99.9.
type Second = [f64; 3];

fn second(mut waits: Vec<Duration>) -> Second {
    waits.sort_unstable();
    [0.5, 0.99, 0.999].map(|share| {
        let place = (waits.len() - 1) as f64 * share;
        waits[place as usize].as_secs_f64() * 1e6
    })
}

impl Bystander {
    fn start(url: String) -> Self {
        WATCHING.store(true, SeqCst);
        let watch = async move {
            let mut connection = connect(&url).await;
            let (mut seconds, mut times, mut since) = (Vec::new(), Vec::new(), Instant::now());
            while WATCHING.load(SeqCst) {
                if since.elapsed() >= Duration::from_secs(1) {
                    seconds.push(second(std::mem::take(&mut times)));
                    since = Instant::now();
                }
                let began = Instant::now();
                let found: Option<Vec<u8>> = connection.get("bench:other:7").await.unwrap();
                times.push(began.elapsed());
                assert!(found.is_some());
            }
            if seconds.is_empty() {
                seconds.push(second(times));
            }
            seconds
        };
        Self(std::thread::spawn(|| runtime().block_on(watch)))
    }

    fn stop(self) -> Vec<Second> {
        WATCHING.store(false, SeqCst);
        self.0.join().unwrap()
    }
}

/// What was seen in one way of removing.
struct Seen {
    name: &'static str,
    invalidation: Vec<f64>,
    removal: Vec<f64>,
    waits: Vec<Second>,
}

impl Seen {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            invalidation: Vec::new(),
            removal: Vec::new(),
            waits: Vec::new(),
        }
    }

    fn print(&self) {
        let of = |share: usize| median(self.waits.iter().map(|second| second[share]));
        println!(
            "  {:<28} {:>12.2} {:>10.2} {:>8.0} {:>8.0} {:>8.0} {:>9}",
            self.name,
            median(self.invalidation.iter().copied()),
            median(self.removal.iter().copied()),
            of(0),
            of(1),
            of(2),
            self.waits.len(),
        );
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

async fn connect(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).unwrap();
    // What takes long is to be measured.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    connection.await.unwrap()
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

async fn idle(seen: &mut Seen, url: &str, quick: bool) {
    let bystander = Bystander::start(url.to_owned());
    let span = if quick { 500 } else { 10_000 };
    tokio::time::sleep(Duration::from_millis(span)).await;
    seen.waits.extend(bystander.stop());
    seen.invalidation.push(0.0);
    seen.removal.push(0.0);
}

async fn by_hand(seen: &mut Seen, url: &str, members: u64) {
    let mut connection = connect(url).await;
    fill(&mut connection, "hand", members, &VALUE).await;
    let bystander = Bystander::start(url.to_owned());
    let began = Instant::now();
    scan_and_unlink(&mut connection, "bench:hand:*").await;
    seen.waits.extend(bystander.stop());
    seen.invalidation.push(millis(began));
    seen.removal.push(began.elapsed().as_secs_f64());
}

async fn ours(seen: &mut Seen, url: &str, effort: &Effort, clear: bool) {
    let store = RedisStore::new(url).unwrap();
    let cache = Cache::builder().namespace("bench").store(store);
    let cache = cache.sweep_rate(effort.rate).build().unwrap();
    let own = CACHE.get().unwrap();
    for id in 0..effort.members {
        assert_eq!(member(id).await.len(), BODY);
    }
    let bystander = Bystander::start(url.to_owned());
    let began = Instant::now();
    if clear {
        cache.clear().await.unwrap();
    } else {
        cache.invalidate("group:*").await.unwrap();
    }
    seen.invalidation.push(millis(began));
    while cache.stats().swept < effort.members {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    seen.removal.push(began.elapsed().as_secs_f64());
    seen.waits.extend(bystander.stop());
    // The next one is not to find its lease held.
    let mut connection = connect(url).await;
    while connection.exists("bench:!s").await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(own.stats().pending_invalidations, 0);
}

fn main() {
    let effort = Effort::from_args();
    let runtime = runtime();
    let server = RedisServer::start();
    let url = server.url();
    let store = RedisStore::new(&url).unwrap();
    let cache = Cache::builder().namespace("bench").store(store);
    let cache = cache.sweep_rate(0).build().unwrap();
    CACHE.set(cache).ok().unwrap();
    let mut seen = [
        "idle",
        "by hand: SCAN and UNLINK",
        "cachewright",
        "cachewright, after clear()",
    ]
    .map(Seen::new);
    runtime.block_on(async {
        fill(&mut connect(&url).await, "other", effort.others, &VALUE).await;
        let [none, hand, pattern, all] = &mut seen;
        idle(none, &url, effort.others < 1_000_000).await;
        by_hand(hand, &url, effort.members).await;
        ours(pattern, &url, &effort, false).await;
        ours(all, &url, &effort, true).await;
    });
    println!(
        "removing {} of {} entries, {} keys a second",
        effort.members, effort.others, effort.rate
    );
    println!(
        "  {:<28} {:>12} {:>10} {:>8} {:>8} {:>8} {:>9}",
        "a bystander's GET in µs", "invalid. ms", "removal s", "p50", "p99", "p99.9", "seconds"
    );
    seen.iter().for_each(Seen::print);
}
