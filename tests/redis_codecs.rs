//! Codecs and compression over a real server.

mod redis;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::codec::{Compression, MessagePack, Postcard};
use cachewright::{Cache, CacheBuilder, cached};
use cachewright_test_support::RedisServer;
use redis::{builder, key_below, row, store_bytes, stored};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Report {
    id: u64,
    lines: Vec<String>,
}

/// A process: its cache, and how many bodies ran in it.
struct Process {
    cache: Cache,
    bodies: AtomicU64,
}

impl Process {
    fn new(builder: CacheBuilder) -> Self {
        Self {
            cache: builder.build().unwrap(),
            bodies: AtomicU64::new(0),
        }
    }

    fn compute(&self, id: u64) -> Report {
        self.bodies.fetch_add(1, SeqCst);
        let line = |n: u64| format!("line {n} of report {id}");
        Report {
            id,
            lines: (0..200).map(line).collect(),
        }
    }

    #[cached(cache = self.cache, key_prefix = "report:{id}", ttl = 600)]
    async fn report(&self, id: u64) -> Result<Option<Report>, ()> {
        Ok((id > 0).then(|| self.compute(id)))
    }

    #[cached(cache = self.cache, key_prefix = "summary:{id}", ttl = 600, codec = Postcard)]
    async fn summary(&self, id: u64) -> Report {
        self.compute(id)
    }

    /// How many bodies ran for a report that is right.
    async fn bodies_of(&self, id: u64) -> u64 {
        let before = self.bodies.load(SeqCst);
        let report = self.report(id).await.unwrap().unwrap();
        assert_eq!((report.id, report.lines.len()), (id, 200));
        self.bodies.load(SeqCst) - before
    }
}

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let generations = usize::from(bytes[6]);
    let body = u32::try_from(bytes.len() - 72 - 16 * generations).unwrap();
    bytes[60..64].copy_from_slice(&body.to_le_bytes());
    let check = xxh3_64_with_seed(&bytes[72..], xxh3_64(&bytes[..64]));
    bytes[64..72].copy_from_slice(&check.to_le_bytes());
    bytes
}

#[tokio::test]
async fn a_mixed_fleet_reads_and_invalidates_each_others_entries() {
    let server = RedisServer::start();
    let url = server.url();
    let fleet = [
        (1, 0, Process::new(builder(&url))),
        (2, 0, Process::new(builder(&url).codec(Postcard))),
        (
            3,
            1,
            Process::new(
                builder(&url)
                    .codec(MessagePack)
                    .compression(Compression::zstd(3)),
            ),
        ),
        (
            1,
            2,
            Process::new(builder(&url).compression(Compression::lz4())),
        ),
    ];
    for (codec, compression, writer) in &fleet {
        writer.cache.invalidate("report:7:*").await.unwrap();
        assert_eq!(writer.bodies_of(7).await, 1);
        let entry = stored(&server, &key_below(&server, "app:report:7:report:"));
        assert_eq!((entry[5], entry[7]), (*codec, *compression));
        for (_, _, reader) in &fleet {
            assert_eq!(reader.bodies_of(7).await, 0, "codec {codec}");
        }
    }
    let [(_, _, one), (_, _, other), ..] = &fleet;
    assert_eq!(one.summary(7).await, other.summary(7).await);
    let entry = stored(&server, &key_below(&server, "app:summary:7:summary:"));
    assert_eq!(entry[5], 2, "the function's own");
    // A plain value prolonged by a process of another codec.
    one.cache
        .set("plain:1", one.compute(1), None)
        .await
        .unwrap();
    let day = std::time::Duration::from_secs(86_400);
    assert!(other.cache.expire("plain:1", day).await.unwrap());
    let found = other.cache.get::<Report>("plain:1").await.unwrap();
    assert_eq!(found, Some(one.compute(1)));
}

#[tokio::test]
async fn compressed_entries_take_less_room_and_answer_as_the_others() {
    let server = RedisServer::start();
    let plain = Process::new(builder(&server.url()));
    plain.bodies_of(1).await;
    let name = key_below(&server, "app:report:1:report:");
    let before = stored(&server, &name).len();
    for compression in [Compression::zstd(3), Compression::lz4()] {
        plain.cache.clear().await.unwrap();
        let packed = Process::new(builder(&server.url()).compression(compression));
        assert_eq!(packed.bodies_of(1).await, 1);
        assert!(stored(&server, &name).len() < before / 2);
        assert_eq!(packed.bodies_of(1).await + plain.bodies_of(1).await, 0);
        assert_eq!(packed.report(0).await.unwrap(), None);
    }
}

#[tokio::test]
async fn damaged_compressed_bytes_are_a_miss_and_are_overwritten() {
    let server = RedisServer::start();
    let process = Process::new(builder(&server.url()).compression(Compression::zstd(3)));
    process.bodies_of(1).await;
    let name = key_below(&server, "app:report:1:report:");
    let body = 72 + 16 * usize::from(stored(&server, &name)[6]);
    for at in (0..stored(&server, &name).len()).step_by(7) {
        let mut bytes = stored(&server, &name);
        let cut = bytes[..at].to_vec();
        bytes[at] ^= 1 << (at % 8);
        let mut damaged = vec![cut.clone(), bytes];
        if at > body {
            // With a check that says that all is well.
            damaged.push(resealed(cut));
        }
        for bytes in damaged {
            store_bytes(&server, &name, &bytes);
            assert_eq!(process.bodies_of(1).await, 1, "byte {at}");
            assert_eq!(process.bodies_of(1).await, 0, "byte {at}: not overwritten");
        }
    }
    assert_eq!(row(&process.cache, "report").errors, 0);
}

#[tokio::test]
async fn a_planted_bomb_is_a_miss_and_is_overwritten() {
    let server = RedisServer::start();
    for (compression, largest) in [
        (Compression::zstd(19), 16 << 20),
        (Compression::lz4(), 16 << 20),
        (Compression::zstd(1), 100_000),
    ] {
        let set = |cache: CacheBuilder| cache.compression(compression).largest_value(largest);
        let process = Process::new(set(builder(&server.url())));
        process.cache.clear().await.unwrap();
        process.bodies_of(1).await;
        let name = key_below(&server, "app:report:1:report:");
        let entry = stored(&server, &name);
        let body = 72 + 16 * usize::from(entry[6]);

        // What becomes 64 MiB of zeros.
        let huge = Process::new(
            builder(&server.url())
                .compression(compression)
                .largest_value(128 << 20),
        );
        let zeros = "0".repeat(64 << 20);
        huge.cache.set("huge", zeros, None).await.unwrap();
        let bomb = stored(&server, "app:huge");
        let bomb = &bomb[72 + 16 * usize::from(bomb[6])..];
        for declared in [0, 1 << 10, 1 << 20, 16 << 20, 64 << 20, u32::MAX] {
            let mut bytes = entry[..body].to_vec();
            bytes.extend(declared.to_le_bytes());
            bytes.extend(&bomb[4..]);
            store_bytes(&server, &name, &resealed(bytes));
            assert_eq!(process.bodies_of(1).await, 1, "{declared} declared");
            assert_eq!(
                process.bodies_of(1).await,
                0,
                "{declared} declared: not overwritten"
            );
        }
        server.command(&["DEL", "app:huge"]);
    }
}
