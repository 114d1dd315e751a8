//! Two processes share answers, and invalidations, by a store that is no part of cachewright: an
//! SQLite file, see `store.rs`.
//!
//! ```sh
//! cargo run --example sqlite_store
//! ```

mod store;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cachewright::Cache;
use cachewright_examples::{Database, FlightService};

use store::SqliteStore;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // The first process gives the second one its folder.
    if let Some(folder) = env::args_os().nth(1) {
        return second(Path::new(&folder)).await;
    }
    let name = format!("cachewright-sqlite-store-{}", std::process::id());
    let folder = env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    let done = first(&folder).await;
    fs::remove_dir_all(&folder)?;
    done
}

async fn first(folder: &Path) -> Result<(), Failure> {
    let service = open(folder).await?;
    tell("first", &service).await?;
    tell("first", &service).await?;
    let status = Command::new(env::current_exe()?).arg(folder).status()?;
    if !status.success() {
        return Err("the second process failed".into());
    }
    tell("first", &service).await?;
    Ok(cachewright::installed().shutdown(WAIT).await?)
}

async fn second(folder: &Path) -> Result<(), Failure> {
    let service = open(folder).await?;
    tell("second", &service).await?;
    service.record_delay("UA", 1703, 15, 600).await?;
    println!("second process: delays the flight by ten hours");
    tell("second", &service).await?;
    // What the store did not acknowledge would be lost with the process.
    Ok(cachewright::installed().shutdown(WAIT).await?)
}

/// Longer than a busy disk takes.
const WAIT: Duration = Duration::from_secs(30);

/// The flight service, its data in one file and its cache in another.
async fn open(folder: &Path) -> Result<FlightService, Failure> {
    let cache = Cache::builder()
        .namespace("nyc")
        .store(SqliteStore::open(folder.join("cache.db"))?)
        .store_timeout(WAIT)
        .build()?;
    cache.connect().await?;
    cache.install()?;
    let (database, _) = Database::open(folder.join("flights.db"))?;
    Ok(FlightService::new(database))
}

/// What a process is told of one flight, and by whom.
async fn tell(process: &str, service: &FlightService) -> Result<(), Failure> {
    let hits = || {
        let stats = cachewright::installed().stats();
        stats.functions.iter().map(|function| function.hits).sum()
    };
    let before: u64 = hits();
    let flight = service
        .flight("UA", 1703, 15)
        .await?
        .ok_or("no such flight")?;
    let source = match hits() > before {
        true => "the cache",
        false => "the database",
    };
    let minutes = flight.departure_delay.unwrap_or(0);
    println!("{process} process: {minutes} minutes late, says {source}");
    Ok(())
}
