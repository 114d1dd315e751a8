//! Fills the cache with what will be asked for, before it is: every departure board of the month, with a
//! progress bar, and every carrier and route in the background.
//!
//! ```sh
//! cargo run --example warming
//! REDIS_URL=redis://127.0.0.1 cargo run --example warming --features redis
//! ```

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use cachewright::{Cache, installed, warm, warm_stream};
use cachewright_examples::{Database, FlightService};
use indicatif::{ProgressBar, ProgressStyle};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const AIRPORTS: [&str; 3] = ["EWR", "JFK", "LGA"];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // In memory, unless the environment names a server.
    let cache = cachewright::from_env()?.namespace("nyc").build()?;
    cache.connect().await?;
    // It is drawn to a terminal, and nowhere else.
    fill(cache, ProgressBar::new(0), &mut io::stdout()).await
}

pub(crate) async fn fill(
    cache: Cache,
    bar: ProgressBar,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // A server may have answers of an earlier run, whose database was another.
    cache.clear().await?;
    cache.install()?;
    let service = Arc::new(FlightService::new(Database::load()?));

    // Nobody waits for these. Somebody who asks meanwhile shares the computation.
    let carriers = service.carriers().await?;
    let calls = Arc::clone(&service);
    let background = warm(carriers.into_iter().map(move |carrier| {
        let service = Arc::clone(&calls);
        async move { service.carrier_delays(&carrier).await }
    }))
    .concurrency(2)
    .spawn(installed());

    // A service that asked for these before it is ready would begin with them.
    bar.set_style(ProgressStyle::with_template(
        "boards {wide_bar} {pos}/{len} {msg}",
    )?);
    let boards = AIRPORTS
        .into_iter()
        .flat_map(|airport| (1..=31).map(move |day| (airport, day)));
    let boards: Vec<_> = boards.collect();
    let boards = || {
        boards
            .iter()
            .map(|&(airport, day)| service.departure_board(airport, day))
    };
    let shown = bar.clone();
    let report = warm(boards())
        .concurrency(4)
        .on_progress(move |progress| {
            shown.set_length(progress.total.unwrap_or_default());
            shown.set_position(progress.ended());
            shown.set_message(format!("{} failed", progress.failed));
        })
        .run()
        .await;
    bar.finish_and_clear();
    writeln!(out, "boards: {report}")?;

    // What has to be waited for itself, such as the rows of a query, comes as a stream.
    let mut routes = service.routes().await?.into_iter();
    let next = async || {
        let (origin, destination) = routes.next()?;
        let service = &service;
        Some(async move { service.best_route(&origin, &destination).await })
    };
    let report = warm_stream(next).concurrency(4).run().await;
    writeln!(out, "routes: {report}")?;

    writeln!(out, "carriers: {}", background.await)?;

    // All is there now.
    let begin = Instant::now();
    let again = warm(boards()).run().await;
    writeln!(out, "boards, once more: {again}")?;
    let board = service.departure_board("JFK", 15).await?;
    let time = begin.elapsed();
    writeln!(
        out,
        "{} departures of JFK on the 15th, and all that in {time:.1?}",
        board.len()
    )?;
    Ok(())
}
