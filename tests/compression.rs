//! Compressed entries: golden bytes, no bytes that answer wrongly or take more memory than comes out, and what a
//! cache does with them.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, UNIX_EPOCH};

use cache_core::codec::{Codec, Compression, Json};
use cache_core::entry::{Body, Draft, Echo, Envelope, Expected, Fingerprint, Head, Reject, Stamp};
use cache_core::fence::{Fence, Generation, Observed};
use cachewright::testing::{Operation, ScriptedStore};
use cachewright::{Cache, CacheBuilder, FunctionStats, cached};
use proptest::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const LARGEST: usize = 1 << 20;

/// Where the body begins, behind one generation.
const BODY: usize = 72 + 16;

fn observed() -> Observed {
    Observed::new([Generation::from_bytes(&[1; 16])])
}

fn draft(fence: &Fence) -> Draft<'_> {
    let created = UNIX_EPOCH + Duration::from_millis(1_767_225_600_123);
    let fresh = Duration::from_secs(300);
    Draft {
        echo: Echo::of_function(b"app:user:42:get_profile:3f9a"),
        fingerprint: Fingerprint::new([0xfe; 16]),
        stamp: Stamp::new(created, fresh, Duration::from_micros(4_200)),
        fence,
    }
}

fn value() -> Vec<String> {
    (0..40).map(|n| format!("flight {n} to EWR")).collect()
}

fn both() -> [Compression; 2] {
    [Compression::zstd(3), Compression::lz4()].map(|compression| compression.above(64))
}

fn compressed(compression: Compression) -> Vec<u8> {
    let fence = observed().complete().unwrap();
    draft(&fence)
        .compressed(&Json, &value(), &compression)
        .unwrap()
}

/// The encoded value of an entry that may answer.
fn answer(bytes: &[u8], largest: usize) -> Result<Vec<u8>, Reject> {
    let (observed, fence) = (observed(), observed().complete().unwrap());
    let expected = Expected {
        echo: draft(&fence).echo,
        fingerprint: draft(&fence).fingerprint,
        codec: Json.id(),
        observed: &observed,
    };
    match Envelope::parse(bytes, LARGEST)?.prove(&expected)?.body() {
        Body::Absent => Ok(Vec::new()),
        Body::Value(body) => Ok(body.to_vec()),
        Body::Compressed(packed) => packed.unpack(largest),
    }
}

fn json() -> Vec<u8> {
    serde_json::to_vec(&value()).unwrap()
}

/// What a writer would do that meant the bytes.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = u32::try_from(bytes.len() - BODY).unwrap();
    bytes[60..64].copy_from_slice(&body.to_le_bytes());
    let check = xxh3_64_with_seed(&bytes[72..], xxh3_64(&bytes[..64]));
    bytes[64..72].copy_from_slice(&check.to_le_bytes());
    bytes
}

/// An entry that says to be `declared` bytes, compressed by `algorithm` to these.
fn planted(algorithm: u8, declared: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = compressed(Compression::lz4());
    bytes.truncate(BODY);
    bytes.extend(declared.to_le_bytes());
    bytes.extend(body);
    (bytes[4], bytes[7]) = (2, algorithm);
    resealed(bytes)
}

#[test]
fn what_is_behind_the_header_is_golden() {
    for (compression, algorithm) in both().into_iter().zip([1, 2]) {
        let bytes = compressed(compression);
        assert_eq!((bytes[4], bytes[7]), (2, algorithm));
        assert_eq!(bytes[BODY..BODY + 4], 751_u32.to_le_bytes());
        assert_eq!(answer(&bytes, LARGEST), Ok(json()));
        assert!(bytes.len() < BODY + json().len() / 2);
    }
    assert_eq!(json().len(), 751);
    // An algorithm may find other bytes for a value tomorrow; these have to mean the same.
    let aaa = br#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#;
    let lz4 = planted(2, 66, &[0x2f, b'"', b'a', 1, 0, 43, 0x20, b'a', b'"']);
    assert_eq!(answer(&lz4, LARGEST).as_deref(), Ok(&aaa[..]));
    let zstd = [
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 66, 0x45, 0, 0, 0x10, b'a', b'a', 1, 0, 0x95, 0, 0x16,
    ];
    let zstd = planted(1, 66, &zstd);
    assert_eq!(answer(&zstd, LARGEST).as_deref(), Ok(&[b'a'; 66][..]));
}

#[test]
fn what_does_not_become_smaller_or_is_small_is_stored_as_it_is() {
    let fence = observed().complete().unwrap();
    let noise: Vec<u8> = (0..200_u64)
        .map(|n| (xxh3_64(&n.to_le_bytes()) >> 7) as u8)
        .collect();
    struct Raw;
    impl Codec for Raw {
        fn id(&self) -> u8 {
            200
        }
        fn encode<T: serde::Serialize + ?Sized>(
            &self,
            value: &T,
            into: &mut Vec<u8>,
        ) -> Result<(), cachewright::Error> {
            let json = serde_json::to_vec(value).unwrap();
            into.extend(serde_json::from_slice::<Vec<u8>>(&json).unwrap());
            Ok(())
        }
        fn decode<T: serde::de::DeserializeOwned>(
            &self,
            _: &[u8],
        ) -> Result<T, cachewright::Error> {
            unreachable!("not needed here")
        }
    }
    for compression in both() {
        let plain = draft(&fence).value(&Raw, &noise).unwrap();
        assert_eq!(
            draft(&fence)
                .compressed(&Raw, &noise, &compression)
                .unwrap(),
            plain
        );
        let short = draft(&fence).value(&Json, &"a".repeat(50)).unwrap();
        let small = draft(&fence)
            .compressed(&Json, &"a".repeat(50), &compression)
            .unwrap();
        assert_eq!(small, short);
        let long = draft(&fence)
            .compressed(&Json, &"a".repeat(62), &compression)
            .unwrap();
        assert_eq!(long[4], 2);
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_detected() {
    for compression in both() {
        let bytes = compressed(compression);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(answer(&flipped, LARGEST).is_err(), "bit {bit}");
        }
        for length in 1..bytes.len() {
            assert_eq!(answer(&bytes[..length], LARGEST), Err(Reject::Truncated));
        }
    }
}

#[test]
fn a_body_that_is_cut_or_flipped_under_a_right_check_is_rejected_or_another_value() {
    for compression in both() {
        let bytes = compressed(compression);
        for length in BODY..bytes.len() {
            assert!(
                answer(&resealed(bytes[..length].to_vec()), LARGEST).is_err(),
                "{length}"
            );
        }
        for bit in BODY * 8..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // Whoever can compute the check may store any value; its length is what was declared.
            if let Ok(body) = answer(&resealed(flipped), LARGEST) {
                assert_eq!(body.len(), json().len(), "bit {bit}");
            }
        }
    }
}

#[test]
fn flags_and_algorithm_that_contradict_each_other_are_damage() {
    let bytes = compressed(Compression::lz4().above(64));
    for (offset, byte, reject) in [
        (4, 0, Reject::Damaged),
        (4, 3, Reject::Damaged),
        (7, 0, Reject::Damaged),
        (7, 3, Reject::Future),
        (4, 10, Reject::Future),
    ] {
        let mut bytes = bytes.clone();
        bytes[offset] = byte;
        assert_eq!(
            answer(&resealed(bytes), LARGEST),
            Err(reject),
            "{offset} {byte}"
        );
    }
    let mut short = bytes[..BODY + 3].to_vec();
    short[4] = 2;
    assert_eq!(answer(&resealed(short), LARGEST), Err(Reject::Damaged));
}

#[test]
fn the_head_of_a_compressed_entry_is_read_like_any_other() {
    let bytes = compressed(Compression::zstd(1).above(64));
    let head = Head::parse(&bytes[..Head::length(1)]).unwrap();
    assert_eq!(head.generation(0), Generation::from_bytes(&[1; 16]));
}

/// Zeros, compressed: nearly nothing.
fn bombs(length: usize) -> [(u8, Vec<u8>); 2] {
    let zeros = vec![0; length];
    let zstd = zstd_of(&zeros);
    [(1, zstd), (2, lz4_of(length))]
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    let fence = observed().complete().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let entry = draft(&fence).compressed(&Text, &text, &Compression::zstd(3).above(0));
    entry.unwrap()[BODY + 4..].to_vec()
}

fn lz4_of(length: usize) -> Vec<u8> {
    let fence = observed().complete().unwrap();
    let text = "\0".repeat(length);
    let entry = draft(&fence).compressed(&Text, &text, &Compression::lz4());
    entry.unwrap()[BODY + 4..].to_vec()
}

/// A text as its bytes.
struct Text;

impl Codec for Text {
    fn id(&self) -> u8 {
        201
    }

    fn encode<T: serde::Serialize + ?Sized>(
        &self,
        value: &T,
        into: &mut Vec<u8>,
    ) -> Result<(), cachewright::Error> {
        let text = serde_json::to_value(value).unwrap();
        into.extend_from_slice(text.as_str().unwrap().as_bytes());
        Ok(())
    }

    fn decode<T: serde::de::DeserializeOwned>(
        &self,
        bytes: &[u8],
    ) -> Result<T, cachewright::Error> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Ok(serde_json::from_value(text.into()).unwrap())
    }
}

#[test]
fn a_bomb_is_rejected_and_named() {
    for (algorithm, body) in bombs(8 << 20) {
        for declared in [0, 1, 100, 65_536, 1 << 20] {
            let bomb = planted(algorithm, declared, &body);
            assert_eq!(
                answer(&bomb, LARGEST),
                Err(Reject::Bomb),
                "{algorithm} {declared}"
            );
        }
        for declared in [(1 << 20) + 1, 8 << 20, u32::MAX] {
            let bomb = planted(algorithm, declared, &body);
            assert_eq!(
                answer(&bomb, LARGEST),
                Err(Reject::TooLarge),
                "{algorithm} {declared}"
            );
        }
        // Of a size that is allowed it is a value, and one that declares too much is damaged.
        let right = planted(algorithm, 8 << 20, &body);
        assert_eq!(answer(&right, 8 << 20).map(|body| body.len()), Ok(8 << 20));
        let more = planted(algorithm, (8 << 20) + 1, &body);
        assert_eq!(answer(&more, 9 << 20), Err(Reject::Damaged));
    }
}

proptest! {
    #[test]
    fn arbitrary_bodies_never_panic(
        algorithm in 0_u8..4,
        declared: u32,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        for declared in [declared, declared % 2048] {
            if let Ok(out) = answer(&planted(algorithm, declared, &body), LARGEST) {
                prop_assert_eq!(out.len(), declared as usize);
            }
        }
    }

    #[test]
    fn edited_bodies_never_panic(
        edits in prop::collection::vec((0_usize..600, any::<u8>()), 1..6),
        zstd: bool,
    ) {
        let mut bytes = compressed(both()[usize::from(!zstd)]);
        for (offset, byte) in edits {
            if let Some(target) = bytes[BODY..].get_mut(offset) {
                *target = byte;
            }
        }
        if let Ok(out) = answer(&resealed(bytes), LARGEST) {
            prop_assert!(out.len() <= LARGEST);
        }
    }

    #[test]
    fn every_value_comes_back(
        value: Vec<Option<String>>,
        repeated in 1_usize..50,
        level in 1_i32..10,
        lz4: bool,
    ) {
        let value = vec![value; repeated];
        let fence = observed().complete().unwrap();
        let compression = if lz4 { Compression::lz4() } else { Compression::zstd(level) };
        let bytes = draft(&fence).compressed(&Json, &value, &compression.above(0)).unwrap();
        prop_assert_eq!(answer(&bytes, LARGEST), Ok(serde_json::to_vec(&value).unwrap()));
    }
}

/// What a cache does with them.
struct Process {
    cache: Cache,
    bodies: AtomicU64,
}

impl Process {
    fn new(store: &ScriptedStore, set: impl FnOnce(CacheBuilder) -> CacheBuilder) -> Self {
        let builder = Cache::builder().namespace("app").sweep_rate(0);
        Self {
            cache: set(builder.store(store.clone())).build().unwrap(),
            bodies: AtomicU64::new(0),
        }
    }

    #[cached(cache = self.cache, key_prefix = "text", ttl = 600)]
    async fn text(&self, length: usize) -> String {
        self.bodies.fetch_add(1, SeqCst);
        "a".repeat(length)
    }

    fn row(&self, name: &str) -> FunctionStats {
        let rows = self.cache.stats().functions;
        rows.into_iter().find(|row| row.name == name).unwrap()
    }
}

fn lengths(store: &ScriptedStore) -> Vec<usize> {
    let keys = store.keys().into_iter();
    let keys = keys.filter(|key| key.as_bytes().starts_with(b"app:text"));
    keys.map(|key| store.peek(&key).unwrap().len()).collect()
}

#[tokio::test]
async fn large_values_are_stored_compressed_and_read_by_who_compresses_otherwise_or_not_at_all() {
    for compression in both() {
        let store = ScriptedStore::new();
        let writer = Process::new(&store, |cache| cache.compression(compression));
        let plain = Process::new(&store, |cache| cache);
        let other = Process::new(&store, |cache| cache.compression(Compression::lz4()));
        for process in [&writer, &plain, &other] {
            assert_eq!(process.text(100_000).await.len(), 100_000);
        }
        assert!(lengths(&store)[0] < 2_000);
        let bodies = [&writer, &plain, &other].map(|process| process.bodies.load(SeqCst));
        assert_eq!(bodies, [1, 0, 0]);
        writer
            .cache
            .set("text:1", "b".repeat(100_000), None)
            .await
            .unwrap();
        assert!(lengths(&store).iter().all(|length| *length < 2_000));
        assert!(
            writer
                .cache
                .expire("text:1", Duration::from_secs(60))
                .await
                .unwrap()
        );
        let read = plain.cache.get::<String>("text:1").await.unwrap();
        assert_eq!(read, Some("b".repeat(100_000)));
    }
}

#[tokio::test]
async fn a_value_above_the_largest_is_not_stored_compressed_or_not_and_counted() {
    for compression in [None, Some(Compression::zstd(3)), Some(Compression::lz4())] {
        let store = ScriptedStore::new();
        let process = Process::new(&store, |cache| {
            let cache = cache.largest_value(1000);
            match compression {
                Some(compression) => cache.compression(compression.above(1)),
                None => cache,
            }
        });
        // Two quotation marks.
        for (length, errors, stored) in [(998, 0, 1), (999, 1, 1), (999, 2, 1)] {
            process.text(length).await;
            assert_eq!(process.row("text").errors, errors);
            assert_eq!(lengths(&store).len(), stored);
        }
        assert_eq!(process.bodies.load(SeqCst), 3);
        let writes = store.count(Operation::Write);
        process
            .cache
            .set("text:1", "a".repeat(999), None)
            .await
            .unwrap();
        assert_eq!(store.count(Operation::Write), writes);
        let found = process.cache.get::<String>("text:1").await.unwrap();
        assert_eq!((found, process.row("").errors), (None, 1));
    }
}

#[tokio::test]
async fn a_value_that_is_larger_than_a_reader_takes_is_a_miss() {
    for compression in [None, Some(Compression::zstd(3)), Some(Compression::lz4())] {
        let store = ScriptedStore::new();
        let writer = Process::new(&store, |cache| match compression {
            Some(compression) => cache.compression(compression),
            None => cache,
        });
        let reader = Process::new(&store, |cache| cache.largest_value(10_000));
        writer.text(20_000).await;
        assert_eq!(reader.text(20_000).await.len(), 20_000);
        assert_eq!(reader.bodies.load(SeqCst), 1);
        let row = reader.row("text");
        assert_eq!((row.hits, row.misses), (0, 1));
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let refused = |builder: CacheBuilder, name: &str| {
        let error = builder.build().unwrap_err();
        assert!(
            error.is_configuration() && error.to_string().starts_with(name),
            "{error}"
        );
    };
    refused(Cache::builder().largest_value(0), "largest_value");
    refused(
        Cache::builder().largest_value((256 << 20) + 1),
        "largest_value",
    );
    refused(
        Cache::builder().compression(Compression::zstd(0)),
        "compression",
    );
    refused(
        Cache::builder().compression(Compression::zstd(23)),
        "compression",
    );
    assert!(
        Cache::builder()
            .compression(Compression::zstd(22))
            .build()
            .is_ok()
    );
}
