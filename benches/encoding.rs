//! What codecs and compressions leave of a value, and what they take: for lists of records of several lengths.
#![allow(clippy::print_stdout, reason = "it is a report")]

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use cache_core::codec::{Codec, Compression, Json, MessagePack, Postcard};
use cache_core::entry::{Body, Draft, Echo, Envelope, Expected, Fingerprint, Stamp};
use cache_core::fence::{Generation, Observed};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    number: u32,
    origin: String,
    destination: String,
    departed: String,
    delay: Option<f64>,
    cancelled: bool,
    seats: Vec<u16>,
}

/// Records that differ as those of a table do.
fn flights(count: u64) -> Vec<Flight> {
    let mut seed = 42_u64;
    let mut draw = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let carriers = ["UA", "DL", "AA", "B6", "EV"];
    let airports = ["EWR", "JFK", "LGA", "ORD", "ATL", "SFO", "MIA", "BOS"];
    let pick = |from: &[&str], at: u64| from[at as usize % from.len()].to_owned();
    let flight = |_| Flight {
        carrier: pick(&carriers, draw(5)),
        number: draw(8000) as u32,
        origin: pick(&airports, draw(3)),
        destination: pick(&airports, draw(8)),
        departed: format!(
            "2013-01-{:02}T{:02}:{:02}:00Z",
            1 + draw(31),
            draw(24),
            draw(60)
        ),
        delay: (draw(10) > 0).then(|| draw(20_000) as f64 / 100.0),
        cancelled: draw(50) == 0,
        seats: (0..draw(4)).map(|_| draw(300) as u16).collect(),
    };
    (0..count).map(flight).collect()
}

/// The time of one of many runs.
fn time<T>(length: usize, quick: bool, run: impl Fn() -> T) -> Duration {
    let bytes = if quick { 1 << 18 } else { 1 << 25 };
    let runs = (bytes / length.max(1)).clamp(3, 20_000);
    let measured = || {
        let began = Instant::now();
        (0..runs).for_each(|_| drop(black_box(run())));
        began.elapsed() / u32::try_from(runs).unwrap_or(u32::MAX)
    };
    (0..5).map(|_| measured()).min().unwrap_or_default()
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn codec<C: Codec>(name: &str, codec: &C, count: u64, quick: bool) {
    let value = flights(count);
    let encode = || {
        let mut bytes = Vec::new();
        codec.encode(&value, &mut bytes).expect("it can be encoded");
        bytes
    };
    let bytes = encode();
    let decode = || {
        codec
            .decode::<Vec<Flight>>(&bytes)
            .expect("it can be decoded")
    };
    assert_eq!(decode(), value);
    let (encoding, decoding) = (
        time(bytes.len(), quick, encode),
        time(bytes.len(), quick, decode),
    );
    let length = bytes.len();
    println!(
        "{name:12} {count:6} records {length:9} bytes  {:>12}  {:>12}",
        micros(encoding),
        micros(decoding)
    );
}

fn compression(name: &str, compression: Compression, count: u64, quick: bool) {
    let value = flights(count);
    let observed = Observed::new([Generation::from_bytes(&[1; 16])]);
    let fence = observed.clone().complete().expect("nothing is missing");
    let draft = Draft {
        echo: Echo::of_plain(b"app:flights"),
        fingerprint: Fingerprint::NONE,
        stamp: Stamp::new(SystemTime::now(), Duration::from_secs(60), Duration::ZERO),
        fence: &fence,
    };
    let plain = || draft.value(&Json, &value).expect("it can be encoded");
    let packed = || {
        let entry = draft.compressed(&Json, &value, &compression.above(0));
        entry.expect("it can be encoded")
    };
    let expected = Expected {
        echo: draft.echo,
        fingerprint: draft.fingerprint,
        codec: Json.id(),
        observed: &observed,
    };
    let entry = packed();
    let body = || {
        let envelope = Envelope::parse(&entry, 16 << 20).expect("it is an entry");
        match envelope.prove(&expected).expect("it may answer").body() {
            Body::Compressed(packed) => packed.unpack(16 << 20).expect("it is what was compressed"),
            Body::Value(_) | Body::Absent => Vec::new(),
        }
    };
    let (before, after) = (plain().len() - 88, entry.len() - 88);
    let compressing = time(before, quick, packed).saturating_sub(time(before, quick, plain));
    let left = 100.0 * after as f64 / before as f64;
    println!(
        "{name:12} {count:6} records {before:9} bytes  {left:5.1} %  {:>12}  {:>12}",
        micros(compressing),
        micros(time(before, quick, body)),
    );
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!("codec: length, encoding, decoding");
    for count in [1, 100, 10_000] {
        codec("json", &Json, count, quick);
        codec("postcard", &Postcard, count, quick);
        codec("messagepack", &MessagePack, count, quick);
    }
    println!(
        "compression of JSON: length, what is left, compressing, taking apart an entry and decompressing"
    );
    for count in [2, 4, 8, 100, 1_500, 50_000] {
        compression("lz4", Compression::lz4(), count, quick);
        for level in [1, 3, 9, 19] {
            compression(
                &format!("zstd:{level}"),
                Compression::zstd(level),
                count,
                quick,
            );
        }
    }
}
