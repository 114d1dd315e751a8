//! A tour of a cached flight service: cold and warm answers, writes and the fresh answers after
//! them, then what the cache counted and what it keeps.
//!
//! ```sh
//! cargo run --example quickstart
//! REDIS_URL=redis://127.0.0.1 cargo run --example quickstart --features redis
//! ```

use std::io::{self, Write};
use std::time::{Duration, Instant};

use cachewright::Cache;
use cachewright_examples::{Database, Error, FlightService};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // In memory, unless the environment names a server.
    let cache = cachewright::from_env()?.namespace("nyc").build()?;
    cache.connect().await?;
    tour(cache, &mut io::stdout()).await
}

pub(crate) async fn tour(cache: Cache, out: &mut impl Write) -> Result<(), Failure> {
    // A server may have answers of an earlier run, whose database was another.
    cache.clear().await?;
    // All annotated functions use the installed cache.
    cache.install()?;

    let start = Instant::now();
    let service = FlightService::new(Database::load()?);
    let time = start.elapsed();
    writeln!(
        out,
        "Departures from New York, January 2013, loaded in {time:.0?}"
    )?;

    reads(out, &service).await?;
    writes(out, &service).await?;
    statistics(out)?;
    keys(out).await?;
    Ok(())
}

const READERS: [&str; 4] = ["carrier_delays", "departure_board", "best_route", "flight"];

/// Each reader cold, then warm.
async fn reads(out: &mut impl Write, service: &FlightService) -> Result<(), Failure> {
    let times = [
        measure(|| service.carrier_delays("UA")).await?,
        measure(|| service.departure_board("EWR", 15)).await?,
        measure(|| service.best_route("EWR", "BOS")).await?,
        measure(|| service.flight("UA", 1703, 15)).await?,
    ];
    writeln!(
        out,
        "\n{:<16} {:>10} {:>10} {:>10}",
        "read", "cold", "warm", "speed-up"
    )?;
    for (name, (cold, warm)) in READERS.iter().zip(times) {
        let factor = cold.as_secs_f64() / warm.as_secs_f64();
        writeln!(out, "{name:<16} {cold:>10.1?} {warm:>10.1?} {factor:>9.0}×")?;
    }
    Ok(())
}

/// The time of the first call, and the mean time of the next thousand.
async fn measure<T>(
    call: impl AsyncFn() -> Result<T, Error>,
) -> Result<(Duration, Duration), Error> {
    const CALLS: u32 = 1_000;

    let start = Instant::now();
    call().await?;
    let cold = start.elapsed();

    let start = Instant::now();
    for _ in 0..CALLS {
        call().await?;
    }
    Ok((cold, start.elapsed() / CALLS))
}

/// The readers' answers before and after two writes to one flight.
async fn writes(out: &mut impl Write, service: &FlightService) -> Result<(), Failure> {
    let before = answers(service).await?;
    service.record_delay("UA", 1703, 15, 600).await?;
    let delayed = answers(service).await?;
    service.cancel_flight("UA", 1703, 15).await?;
    let cancelled = answers(service).await?;

    writeln!(
        out,
        "\n{:<16} {:<22} {:<22} then cancel_flight",
        "answer", "before", "after record_delay"
    )?;
    for (index, name) in READERS.iter().enumerate() {
        let (before, delayed) = (&before[index], &delayed[index]);
        writeln!(
            out,
            "{name:<16} {before:<22} {delayed:<22} {}",
            cancelled[index]
        )?;
    }
    Ok(())
}

/// What each reader says about the things that flight UA 1703 of the 15th has a part in.
async fn answers(service: &FlightService) -> Result<[String; 4], Failure> {
    let delays = service.carrier_delays("UA").await?;
    let board = service.departure_board("EWR", 15).await?;
    let route = service
        .best_route("EWR", "BOS")
        .await?
        .ok_or("no flight arrives")?;
    let flight = service
        .flight("UA", 1703, 15)
        .await?
        .ok_or("no such flight")?;

    let late = board
        .iter()
        .filter(|departure| departure.delay > Some(15))
        .count();
    let cancelled = board
        .iter()
        .filter(|departure| departure.delay.is_none())
        .count();
    Ok([
        format!("mean {:.2} min", delays.mean),
        format!("{late} late, {cancelled} cancelled"),
        format!(
            "{}, mean {:.2} min",
            route.carrier, route.mean_arrival_delay
        ),
        match flight.departure_delay {
            Some(minutes) => format!("{minutes} min late"),
            None => "cancelled".to_owned(),
        },
    ])
}

/// Hits and misses of each cached function.
fn statistics(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{:<16} {:>10} {:>10}   key prefix",
        "function", "hits", "misses"
    )?;
    for function in cachewright::installed().stats().functions {
        let (name, hits, misses) = (function.name, function.hits, function.misses);
        writeln!(
            out,
            "{name:<16} {hits:>10} {misses:>10}   {}",
            function.key_prefix
        )?;
    }
    Ok(())
}

/// The keys of the entries. Those on a server are not listed by the cache, which would have to
/// scan what all its users keep there.
async fn keys(out: &mut impl Write) -> io::Result<()> {
    let cache = cachewright::installed();
    writeln!(out, "\nkeys")?;
    if let Some(store) = cache.health().await.store {
        let place = store.description;
        return writeln!(out, "redis-cli -u {place} --scan --pattern 'nyc:flights:*'");
    }
    let mut keys = cache.keys();
    keys.sort_unstable();
    keys.iter().try_for_each(|key| writeln!(out, "{key}"))
}
