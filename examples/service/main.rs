//! The flight service behind HTTP, with all that a service in production wants of its cache:
//! settings from the environment, health, metrics, invalidation by hand, and an end that loses no
//! invalidation.
//!
//! ```sh
//! cargo run --example service --features service             # in memory
//! REDIS_URL=redis://127.0.0.1 CACHE_NAMESPACE=flights SERVICE_DATABASE=/tmp/flights.db \
//!     cargo run --example service --features service,redis   # any number of them
//!
//! service=http://127.0.0.1:8080
//! curl $service/airports/EWR/departures/15
//! curl $service/carriers/UA/delays
//! curl $service/routes/EWR/BOS
//! curl $service/flights/UA/1703/15
//! curl -X PUT --json '{"minutes": 600}' $service/flights/UA/1703/15/delay
//! curl -X POST $service/flights/UA/1703/15/cancel
//! curl $service/health
//! curl $service/metrics
//! curl --json '{"pattern": "flights:board:15:*"}' $service/cache/invalidate
//! ```
//!
//! | variable | what it says |
//! | --- | --- |
//! | `SERVICE_ADDR` | where to listen, `127.0.0.1:8080` if not set; with port 0 the system chooses one. The first line on stdout is the address |
//! | `SERVICE_DATABASE` | a file for the database, which processes may share; a database in memory if not set |
//! | `REDIS_URL`, … | the settings of the cache, see `cachewright::from_env`; `CACHE_NAMESPACE` is needed with Redis |
//! | `RUST_LOG` | what to log on stderr, such as `info,cachewright=debug` |

mod routes;

use std::env;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cachewright::Cache;
use cachewright_examples::{Database, FlightService};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::routes::App;

type Anything = Box<dyn std::error::Error + Send + Sync>;

/// How long requests under way may take to end, and then the cache's last invalidations.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Anything> {
    log_to_stderr()?;
    let stop = stop_signal()?;
    let metrics = recorder()?;
    let cache = cache().await?;
    let app = App {
        flights: Arc::new(FlightService::new(database(&cache).await?)),
        cache: cache.clone(),
        metrics,
    };

    let address = env::var("SERVICE_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    serve(listener, routes::router(app), stop).await?;

    // What no store has acknowledged by now would be lost with the process.
    if let Err(error) = cache.shutdown(GRACE).await {
        tracing::warn!(%error, "entries may be stale until they expire");
    }
    Ok(())
}

/// The cache that all annotated functions use.
async fn cache() -> Result<Cache, cachewright::Error> {
    let cache = cachewright::from_env()?.build()?;
    cache.clone().install()?;
    match cache.connect().await {
        // A cache that is away is no reason not to start; a wrong password is.
        Err(error) if error.is_outage() => tracing::warn!(%error, "not cached until it answers"),
        connected => connected?,
    }
    Ok(cache)
}

async fn database(cache: &Cache) -> Result<Database, Anything> {
    let (database, is_new) = match env::var_os("SERVICE_DATABASE") {
        Some(path) => Database::open(path)?,
        None => (Database::load()?, true),
    };
    // A store outlives the process: what it keeps was computed from another database.
    if is_new && let Err(error) = cache.clear().await {
        tracing::warn!(%error, "the cache will be cleared when it answers");
    }
    Ok(database)
}

/// Receives what the cache counts.
fn recorder() -> Result<PrometheusHandle, Anything> {
    let operations = Matcher::Full("cache_operation_seconds".to_owned());
    let buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(operations, &buckets)?
        .install_recorder()?;
    // Otherwise the times of operations pile up while nobody asks for them.
    let upkeep = recorder.clone();
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_secs(5));
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(recorder)
}

/// The cache's own events have the target `cachewright`. They tell templates and no arguments.
fn log_to_stderr() -> Result<(), Anything> {
    let levels: Targets = env::var("RUST_LOG").as_deref().unwrap_or("info").parse()?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(levels))
        .init();
    Ok(())
}

/// Serves until `stop` ends, and then what is under way, for as long as [`GRACE`].
async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> Result<(), Anything> {
    let (tell, told) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        let _ = told.await;
    });
    let server = tokio::spawn(server.into_future());
    stop.await;
    tracing::info!("stopping");
    let _ = tell.send(());
    match timeout(GRACE, server).await {
        Ok(ended) => Ok(ended??),
        Err(_) => {
            tracing::warn!("some requests took too long");
            Ok(())
        }
    }
}

/// Ends with SIGTERM or ctrl-c, which no longer end the process once this has returned.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends with ctrl-c.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
