//! The departures of January 2013 in SQLite: the slow thing that is worth a cache.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use rusqlite::{Connection, Params, Row, Transaction, TransactionBehavior, params_from_iter};

const FLIGHTS: &[u8] = include_bytes!("../data/flights-2013-01.csv.gz");
const AIRLINES: &[u8] = include_bytes!("../data/airlines.csv");
const AIRPORTS: &[u8] = include_bytes!("../data/airports.csv");

const SCHEMA: &str = "
    CREATE TABLE flights (
        carrier         TEXT NOT NULL,
        number          INTEGER NOT NULL,
        day             INTEGER NOT NULL,
        origin          TEXT NOT NULL,
        destination     TEXT NOT NULL,
        scheduled       TEXT NOT NULL,
        departure_delay INTEGER,
        arrival_delay   INTEGER,
        PRIMARY KEY (carrier, number, day)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX flights_by_origin ON flights (origin, day);
    CREATE TABLE airlines (carrier TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE airports (airport TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One SQLite database. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    /// A new database in memory with all flights, airlines and airports; the data is part of the
    /// program.
    ///
    /// # Errors
    ///
    /// When SQLite cannot be had or refuses a row.
    pub fn load() -> Result<Self, Failure> {
        let mut connection = Connection::open_in_memory()?;
        fill(&mut connection)?;
        Ok(Self::of(connection))
    }

    /// The database in a file, which several processes may share, and whether it is new:
    /// then it has
    /// the same content as that of [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or is no such database.
    pub fn open(path: impl AsRef<Path>) -> Result<(Self, bool), Failure> {
        let mut connection = Connection::open(path)?;
        let is_new = fill(&mut connection)?;
        Ok((Self::of(connection), is_new))
    }

    fn of(connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
        }
    }

    /// All rows that a query yields.
    ///
    /// # Errors
    ///
    /// SQLite's.
    pub async fn rows<T, P>(
        &self,
        sql: &'static str,
        parameters: P,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>>
    where
        T: Send + 'static,
        P: Params + Send + 'static,
    {
        self.run(move |connection| {
            connection
                .prepare(sql)?
                .query_map(parameters, read)?
                .collect()
        })
        .await
    }

    /// Runs a statement that writes; the number of rows that it changed.
    ///
    /// # Errors
    ///
    /// SQLite's.
    pub async fn execute<P>(&self, sql: &'static str, parameters: P) -> rusqlite::Result<usize>
    where
        P: Params + Send + 'static,
    {
        self.run(move |connection| connection.execute(sql, parameters))
            .await
    }

    /// SQLite blocks, so the work is done on a thread that may block. As with a database server,
    /// work that has begun is finished even when its caller goes away.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = Arc::clone(&self.connection);
        tokio::task::spawn_blocking(move || {
            // A panic between two statements leaves SQLite itself intact.
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
        .unwrap_or_else(|error| {
            // The runtime is shutting down and has not begun the work.
            let interrupted = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT);
            Err(rusqlite::Error::SqliteFailure(
                interrupted,
                Some(error.to_string()),
            ))
        })
    }
}

/// Loads the data, unless it is there. Of several processes that begin together, one loads it.
fn fill(connection: &mut Connection) -> Result<bool, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.table_exists(None, "flights")? {
        return Ok(false);
    }
    transaction.execute_batch(SCHEMA)?;
    load_table(
        &transaction,
        "INSERT INTO flights VALUES (
            ?1, ?2, ?3, ?4, ?5, format('%02d:%02d', ?6, ?7),
            nullif(?8, 'NA'), nullif(?9, 'NA')
        )",
        GzDecoder::new(FLIGHTS),
        &[
            "carrier",
            "flight",
            "day",
            "origin",
            "dest",
            "hour",
            "minute",
            "dep_delay",
            "arr_delay",
        ],
    )?;
    load_table(
        &transaction,
        "INSERT INTO airlines VALUES (?1, ?2)",
        AIRLINES,
        &["carrier", "name"],
    )?;
    load_table(
        &transaction,
        "INSERT INTO airports VALUES (?1, ?2)",
        AIRPORTS,
        &["faa", "name"],
    )?;
    transaction.commit()?;
    Ok(true)
}

/// Inserts the named columns of every CSV row. The values are bound as text: the table's column
/// types convert them.
fn load_table(
    transaction: &Transaction<'_>,
    insert: &str,
    csv: impl Read,
    columns: &[&str],
) -> Result<(), Failure> {
    let mut rows = csv::Reader::from_reader(csv);
    let headers = rows.headers()?.clone();
    let positions = columns
        .iter()
        .map(|column| {
            headers
                .iter()
                .position(|header| header == *column)
                .ok_or_else(|| format!("no column {column}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut statement = transaction.prepare(insert)?;
    let mut row = csv::StringRecord::new();
    while rows.read_record(&mut row)? {
        statement.execute(params_from_iter(positions.iter().map(|&at| &row[at])))?;
    }
    Ok(())
}
