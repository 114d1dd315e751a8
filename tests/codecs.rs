//! Which codec encodes a value, and who can read it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::codec::{Codec, Json, MessagePack, Postcard};
use cachewright::testing::ScriptedStore;
use cachewright::{Cache, CacheBuilder, Error, FunctionStats, cache_defaults, cached};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn builder(store: &ScriptedStore) -> CacheBuilder {
    let builder = Cache::builder().namespace("app").sweep_rate(0);
    builder.store(store.clone())
}

/// The stored entries of a function, or of plain keys, below a prefix.
fn entries(store: &ScriptedStore, below: &str) -> Vec<Vec<u8>> {
    let below = format!("app:{below}");
    let names = store.keys().into_iter();
    let names = names.filter(|name| name.as_bytes().starts_with(below.as_bytes()));
    names.filter_map(|name| store.peek(&name)).collect()
}

/// The number of the codec in the header of the only entry.
#[track_caller]
fn codec_below(store: &ScriptedStore, below: &str) -> u8 {
    let entries = entries(store, below);
    assert_eq!(entries.len(), 1, "entries below {below}");
    entries[0][5]
}

fn row(cache: &Cache, name: &str) -> FunctionStats {
    let rows = cache.stats().functions.into_iter();
    let mut rows = rows.filter(|row| row.name == name);
    rows.next().expect("a function that was called")
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    delay: Option<f64>,
}

fn flight() -> Flight {
    Flight {
        carrier: "UA".to_owned(),
        delay: Some(5.5),
    }
}

/// JSON from behind, and how often it was asked for.
#[derive(Clone)]
struct Turned {
    number: u8,
    used: Arc<AtomicU64>,
}

impl Turned {
    fn new(number: u8) -> Self {
        let used = Arc::default();
        Self { number, used }
    }
}

impl Codec for Turned {
    fn id(&self) -> u8 {
        self.number
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, into: &mut Vec<u8>) -> Result<(), Error> {
        self.used.fetch_add(1, SeqCst);
        let begin = into.len();
        Json.encode(value, into)?;
        into[begin..].reverse();
        Ok(())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        self.used.fetch_add(1, SeqCst);
        let turned: Vec<u8> = bytes.iter().rev().copied().collect();
        Json.decode(&turned)
    }
}

/// A process: its cache, and how many bodies ran in it.
struct Process {
    cache: Cache,
    bodies: AtomicU64,
    own: Turned,
}

impl Process {
    fn new(builder: CacheBuilder) -> Self {
        Self {
            cache: builder.build().unwrap(),
            bodies: AtomicU64::new(0),
            own: Turned::new(200),
        }
    }

    fn compute(&self) -> Flight {
        self.bodies.fetch_add(1, SeqCst);
        flight()
    }

    fn bodies(&self) -> u64 {
        self.bodies.load(SeqCst)
    }
}

#[cache_defaults(cache = self.cache, ttl = 600)]
impl Process {
    #[cached(key_prefix = "by_cache")]
    async fn by_cache(&self, id: u64) -> Result<Option<Flight>, ()> {
        let _ = id;
        Ok(Some(self.compute()))
    }

    #[cached(key_prefix = "by_function", codec = Postcard)]
    async fn by_function(&self, id: u64) -> Flight {
        let _ = id;
        self.compute()
    }

    #[cached(key_prefix = "by_own", codec = self.own.clone())]
    async fn by_own(&self, id: u64) -> Flight {
        let _ = id;
        self.compute()
    }

    #[cached(key_prefix = "blocking", codec = MessagePack)]
    fn blocking(&self, id: u64) -> Flight {
        let _ = id;
        self.compute()
    }
}

#[tokio::test]
async fn a_fleet_whose_codec_is_being_changed_misses_nothing() {
    let store = ScriptedStore::new();
    let processes = [
        (1, Process::new(builder(&store))),
        (2, Process::new(builder(&store).codec(Postcard))),
        (3, Process::new(builder(&store).codec(MessagePack))),
        (201, Process::new(builder(&store).codec(Turned::new(201)))),
    ];
    for (number, writer) in &processes[..3] {
        writer.cache.clear().await.unwrap();
        store.flush();
        assert_eq!(writer.by_cache(1).await.unwrap(), Some(flight()));
        assert_eq!(codec_below(&store, "by_cache"), *number);
        writer.cache.set("plain:1", flight(), None).await.unwrap();
        assert_eq!(codec_below(&store, "plain"), *number);
        let before: u64 = processes.iter().map(|(_, process)| process.bodies()).sum();
        for (_, reader) in &processes {
            assert_eq!(reader.by_cache(1).await.unwrap(), Some(flight()));
            let plain = reader.cache.get::<Flight>("plain:1").await.unwrap();
            assert_eq!(plain, Some(flight()));
            assert!(reader.cache.exists("plain:1").await.unwrap());
            let many = reader.cache.get_many::<Flight>(&["plain:1"]).await.unwrap();
            assert_eq!(many, [Some(flight())]);
        }
        let after: u64 = processes.iter().map(|(_, process)| process.bodies()).sum();
        assert_eq!(after, before, "entries of codec {number}");
    }
}

#[tokio::test]
async fn an_own_codec_of_a_cache_reads_what_it_wrote_and_others_overwrite_it() {
    let store = ScriptedStore::new();
    let own = Turned::new(201);
    let writer = Process::new(builder(&store).codec(own.clone()));
    writer.by_cache(1).await.unwrap();
    assert_eq!(codec_below(&store, "by_cache"), 201);
    let entry = entries(&store, "by_cache").remove(0);
    assert!(entry.ends_with(br#""AU":"reirrac"{"#), "turned");
    let again = Process::new(builder(&store).codec(own));
    assert_eq!(again.by_cache(1).await.unwrap(), Some(flight()));
    assert_eq!(again.bodies(), 0);

    for other in [
        builder(&store),
        builder(&store).codec(Postcard),
        builder(&store).codec(Turned::new(202)),
    ] {
        let other = Process::new(other);
        again.cache.invalidate("by_cache").await.unwrap();
        again.by_cache(1).await.unwrap();
        assert_eq!(other.by_cache(1).await.unwrap(), Some(flight()));
        assert_eq!(other.bodies(), 1, "a miss");
        assert_ne!(codec_below(&store, "by_cache"), 201, "overwritten");
        assert!(other.by_cache(1).await.is_ok());
        assert_eq!(other.bodies(), 1);
        assert_eq!(row(&other.cache, "by_cache").errors, 0);
    }
}

#[tokio::test]
async fn the_codec_of_a_function_wins_over_that_of_the_cache() {
    let store = ScriptedStore::new();
    for cache in [builder(&store), builder(&store).codec(MessagePack)] {
        store.flush();
        let process = Process::new(cache);
        for _ in 0..2 {
            assert_eq!(process.by_function(1).await, flight());
            assert_eq!(process.by_own(1).await, flight());
            assert_eq!(process.blocking(1), flight());
        }
        assert_eq!(process.bodies(), 3);
        assert_eq!(codec_below(&store, "by_function"), 2);
        assert_eq!(codec_below(&store, "by_own"), 200);
        assert_eq!(codec_below(&store, "blocking"), 3);
    }
}

#[tokio::test]
async fn a_function_that_is_given_a_codec_reads_what_was_stored_before() {
    let store = ScriptedStore::new();
    let process = Process::new(builder(&store));
    process.by_own(1).await;
    let used = process.own.used.load(SeqCst);
    let name = names_below(&store, "by_own").remove(0);
    // What the release before, whose function had no codec, would have stored.
    let json = serde_json::to_vec(&flight()).unwrap();
    let mut bytes = store.peek(&name).unwrap();
    let body = bytes.len() - json.len();
    bytes[body..].copy_from_slice(&json);
    bytes[5] = 1;
    let bytes = resealed(bytes);
    store.alter(|contents| contents.set(&name, bytes, Duration::from_secs(600)));
    assert_eq!(process.by_own(1).await, flight());
    assert_eq!(process.bodies(), 1);
    assert_eq!(process.own.used.load(SeqCst), used, "its own was not asked");
}

fn names_below(store: &ScriptedStore, below: &str) -> Vec<cache_core::layout::Key> {
    let below = format!("app:{below}");
    let mut names = store.keys();
    names.retain(|name| name.as_bytes().starts_with(below.as_bytes()));
    names
}

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};
    let check = xxh3_64_with_seed(&bytes[72..], xxh3_64(&bytes[..64]));
    bytes[64..72].copy_from_slice(&check.to_le_bytes());
    bytes
}

#[tokio::test]
async fn a_hit_in_memory_asks_no_codec() {
    let process = Process::new(Cache::builder());
    process.by_own(1).await;
    let used = process.own.used.load(SeqCst);
    #[cached(cache = process.cache, codec = made(), skip(process))]
    async fn counted(process: &Process) -> Flight {
        process.compute()
    }
    static MADE: AtomicU64 = AtomicU64::new(0);
    fn made() -> Postcard {
        MADE.fetch_add(1, SeqCst);
        Postcard
    }
    for _ in 0..3 {
        process.by_own(1).await;
        counted(&process).await;
    }
    assert_eq!(process.own.used.load(SeqCst), used);
    assert_eq!(MADE.load(SeqCst), 1);
    assert_eq!(process.bodies(), 2);
}

#[tokio::test]
async fn a_codec_with_a_number_of_the_projects_is_refused() {
    for number in [0, 1, 2, 127] {
        let told = Cache::builder().codec(Turned::new(number)).build();
        let told = told.unwrap_err();
        assert!(told.is_configuration(), "{told}");
        assert!(told.to_string().contains("from 128 to 255"), "{told}");

        let store = ScriptedStore::new();
        let mut process = Process::new(builder(&store));
        process.own = Turned::new(number);
        for _ in 0..2 {
            assert_eq!(process.by_own(1).await, flight());
        }
        assert_eq!(process.bodies(), 2);
        assert!(entries(&store, "by_own").is_empty());
        assert_eq!(row(&process.cache, "by_own").errors, 2);
    }
}

#[tokio::test]
async fn what_a_codec_cannot_express_is_computed_each_time_and_never_a_wrong_answer() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "is_zero", default)]
        first: u8,
        second: u8,
        third: u8,
    }
    fn is_zero(number: &u8) -> bool {
        *number == 0
    }
    #[cached(cache = cache, key_prefix = "sparse", skip(cache), codec = Postcard)]
    async fn sparse(cache: &Cache, first: u8) -> Vec<Sparse> {
        let second = 2;
        // As many numbers as one would want, were they read from the wrong place.
        [first, 3, first, 3]
            .map(|first| Sparse {
                first,
                second,
                third: 0,
            })
            .to_vec()
    }
    // One that is written by another number than it is read by.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Seat {
        Open,
        #[serde(skip)]
        #[expect(dead_code, reason = "what matters is that the next have other numbers")]
        Local,
        Held(u8),
        Sold(u8),
    }
    #[cached(cache = cache, key_prefix = "seat", skip(cache), codec = Postcard)]
    async fn seat(cache: &Cache, holder: u8) -> Vec<Seat> {
        match holder {
            0 => vec![Seat::Open],
            _ => vec![Seat::Open, Seat::Held(holder)],
        }
    }
    #[cached(cache = cache, key_prefix = "pairs", skip(cache))]
    async fn pairs(cache: &Cache) -> BTreeMap<(u8, u8), f64> {
        BTreeMap::from([((1, 2), f64::INFINITY)])
    }
    #[cached(cache = cache, key_prefix = "untagged", skip(cache), codec = Postcard)]
    async fn anything(cache: &Cache) -> serde_json::Value {
        serde_json::json!({"a": [1, null]})
    }
    let store = ScriptedStore::new();
    let json = builder(&store).build().unwrap();
    for _ in 0..3 {
        for first in [0, 1] {
            assert_eq!(sparse(&json, first).await[0].first, first);
        }
        assert_eq!(seat(&json, 0).await, [Seat::Open]);
        assert_eq!(seat(&json, 7).await, [Seat::Open, Seat::Held(7)]);
        assert_eq!(pairs(&json).await[&(1, 2)], f64::INFINITY);
        assert_eq!(anything(&json).await["a"][0], 1);
    }
    // Of the two vectors the one that can be expressed is stored.
    let found = row(&json, "sparse");
    assert_eq!((found.hits, found.misses, found.errors), (2, 4, 3));
    let found = row(&json, "seat");
    assert_eq!((found.hits, found.misses, found.errors), (2, 4, 3));
    let found = row(&json, "pairs");
    assert_eq!((found.hits, found.misses, found.errors), (0, 3, 3));
    let found = row(&json, "anything");
    assert_eq!((found.hits, found.misses), (0, 3));

    let packed = builder(&store).codec(MessagePack).build().unwrap();
    for _ in 0..2 {
        assert_eq!(pairs(&packed).await[&(1, 2)], f64::INFINITY);
    }
    assert_eq!(row(&packed, "pairs").hits, 1);
}
