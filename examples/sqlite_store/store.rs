//! A store of one's own: entries in an SQLite file that the processes of one machine share.
//! `docs/store.md` goes through it step by step.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cachewright::Error;
use cachewright::store::{BoxFuture, Cursor, Deadline, Generation, Key, Mint, Page, Store};
use cachewright::store::{Swap, Written};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};
use tokio::runtime::{Builder, Runtime};

// Each commit is synced: a deletion that a power cut undid would bring back what was invalidated.
const OPEN: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS cache (
        key     BLOB PRIMARY KEY,
        value   BLOB NOT NULL,
        expires INTEGER NOT NULL -- milliseconds since 1970
    ) STRICT;
    CREATE INDEX IF NOT EXISTS cache_by_expiry ON cache (expires);
    COMMIT;
";
const GET: &str = "SELECT value FROM cache WHERE key = ?1 AND expires > ?2";
const PUT: &str = "INSERT INTO cache VALUES (?1, ?2, ?3) ON CONFLICT (key)
    DO UPDATE SET value = excluded.value, expires = excluded.expires";
const PUT_IF_ABSENT: &str = "INSERT INTO cache VALUES (?1, ?2, ?3) ON CONFLICT (key)
    DO UPDATE SET value = excluded.value, expires = excluded.expires WHERE expires <= ?4";
const PROLONG: &str = "UPDATE cache SET expires = max(expires, ?2) WHERE key = ?1 AND expires > ?3";
// Also what has expired: a clock that is set back would bring it to life again.
const DELETE: &str = "DELETE FROM cache WHERE key = ?1";
// More than one fill adds, so that the file grows no further than what lives.
const PURGE: &str = "DELETE FROM cache
    WHERE rowid IN (SELECT rowid FROM cache WHERE expires <= ?1 LIMIT 20)";
const SCAN: &str = "SELECT key FROM cache WHERE key >= ?1 ORDER BY key LIMIT ?2";

/// Entries in an SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    /// One thread for SQLite, which blocks, and one for the deadlines; a caller may have neither a
    /// runtime nor a timer. There until the store is dropped.
    runtime: Option<Runtime>,
}

impl SqliteStore {
    /// Opens a file, and creates it if there is none. Blocks for five seconds at most.
    ///
    /// # Errors
    ///
    /// Configuration, if it can't be opened for writing or is something else; outage, if somebody
    /// else has it locked.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let connection = connect(&path).map_err(failure)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("sqlite-store")
            .enable_time()
            .build()
            .map_err(|error| Error::outage("no thread for the store").with_source(error))?;
        Ok(Self {
            path,
            connection: Arc::new(Mutex::new(connection)),
            runtime: Some(runtime),
        })
    }

    /// Does `work` in one transaction, and answers when it is committed, or at the deadline.
    fn run<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        deadline: Deadline,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Error>> {
        let connection = Arc::clone(&self.connection);
        let job = move || {
            // A panic in an earlier transaction has rolled that one back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            // It waited behind others. What its caller has given up is not begun any more.
            if deadline.is_over() {
                return Err(late());
            }
            transact(&mut connection, behavior, deadline, work).map_err(failure)
        };
        Box::pin(async move {
            let runtime = self.runtime.as_ref().ok_or_else(late)?;
            let answer = {
                let _timer = runtime.enter();
                tokio::time::timeout_at(deadline.instant().into(), runtime.spawn_blocking(job))
            };
            let answer = answer.await.map_err(|_| late())?;
            answer.map_err(|error| Error::outage("the store broke down").with_source(error))?
        })
    }

    fn delete(&self, keys: &[Key], deadline: Deadline) -> BoxFuture<'_, Result<(), Error>> {
        let keys = keys.to_vec();
        self.run(TransactionBehavior::Immediate, deadline, move |cache| {
            let mut delete = cache.prepare(DELETE)?;
            let mut keys = keys.iter();
            keys.try_for_each(|key| delete.execute([key.as_bytes()]).map(drop))
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Dropping a runtime blocks, and panics inside of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store for SqliteStore {
    fn describe(&self) -> String {
        format!("SQLite, {}", self.path.display())
    }

    fn probe<'a>(
        &'a self,
        canary: &'a Key,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let canary = canary.clone();
        self.run(TransactionBehavior::Immediate, deadline, move |cache| {
            let second = after(Duration::from_secs(1));
            cache.execute(PUT, (canary.as_bytes(), b"canary", second))?;
            cache.execute(DELETE, [canary.as_bytes()]).map(drop)
        })
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        let keys = keys.to_vec();
        self.run(TransactionBehavior::Deferred, deadline, move |cache| {
            keys.iter().map(|key| get(cache, key)).collect()
        })
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        self.run(TransactionBehavior::Immediate, deadline, move |cache| {
            let mint = |Mint { key, nonce }: Mint| {
                let row = (key.as_bytes(), nonce.to_bytes(), after(ttl), now());
                cache.execute(PUT_IF_ABSENT, row)?;
                let shown = get(cache, &key)?;
                let shown = shown.and_then(|bytes| Generation::from_bytes(&bytes));
                if shown.is_none() {
                    cache.execute(DELETE, [key.as_bytes()])?;
                }
                Ok(shown)
            };
            mints.into_iter().map(mint).collect()
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        let key = key.clone();
        self.run(TransactionBehavior::Immediate, deadline, move |cache| {
            cache.execute(PUT, (key.as_bytes(), value, after(ttl)))?;
            cache.execute(PURGE, [now()])?;
            Ok(Written::Stored)
        })
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.delete(generations, deadline)
    }

    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>> {
        let Mint { key, nonce } = mint;
        let bytes = nonce.to_bytes();
        let swapped = self.run(TransactionBehavior::Immediate, deadline, move |cache| {
            let before = get(cache, &key)?;
            cache.execute(PUT, (key.as_bytes(), bytes, after(ttl)))?;
            Ok(before.and_then(|bytes| Generation::from_bytes(&bytes)))
        });
        Box::pin(async move {
            let previous = swapped.await?;
            let now = nonce.into_generation();
            Ok(Swap::Done { previous, now })
        })
    }

    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let keys = generations.to_vec();
        self.run(TransactionBehavior::Immediate, deadline, move |cache| {
            let mut prolong = cache.prepare(PROLONG)?;
            let mut keys = keys.iter();
            keys.try_for_each(|key| {
                let row = (key.as_bytes(), after(ttl), now());
                prolong.execute(row).map(drop)
            })
        })
    }

    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.delete(values, deadline)
    }

    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        let beginning = beginning.as_bytes().to_vec();
        let limit = limit.max(1);
        self.run(TransactionBehavior::Deferred, deadline, move |cache| {
            let from = match cursor.is_start() {
                true => &beginning[..],
                false => cursor.as_bytes(),
            };
            let mut keys: Vec<Vec<u8>> = cache
                .prepare(SCAN)?
                .query_map((from, limit as i64), |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let is_last = keys.len() < limit;
            keys.retain(|key| key.starts_with(&beginning));
            // The next key in the order of bytes: the last one and a zero behind it.
            let next = keys.last().filter(|_| !is_last);
            let next = next.map(|last| Cursor::from_bytes([&last[..], b"\0"].concat()));
            let keys = keys.into_iter().map(Key::from_bytes).collect();
            Ok(Page { keys, next })
        })
    }
}

/// Of several that turn a new file to `WAL` at once, SQLite lets only one, and the others not wait.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let deadline = Deadline::after(Duration::from_secs(5));
    loop {
        let opened = Connection::open(path).and_then(|connection| {
            connection.busy_timeout(deadline.remaining())?;
            connection.execute_batch(OPEN)?;
            Ok(connection)
        });
        let busy = Some(ErrorCode::DatabaseBusy);
        match opened {
            Err(error) if error.sqlite_error_code() == busy && !deadline.is_over() => {
                thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

/// Those that write take the lock at the beginning: SQLite lets nobody wait who has read first.
fn transact<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    deadline: Deadline,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let longest = Duration::from_secs(60);
    connection.busy_timeout(deadline.remaining().min(longest))?;
    let transaction = connection.transaction_with_behavior(behavior)?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

fn get(cache: &Transaction<'_>, key: &Key) -> rusqlite::Result<Option<Vec<u8>>> {
    let found = cache.query_row(GET, (key.as_bytes(), now()), |row| row.get(0));
    found.optional()
}

/// The clock that all processes of the machine have in common, in milliseconds.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, milliseconds)
}

fn after(ttl: Duration) -> i64 {
    now().saturating_add(milliseconds(ttl))
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn late() -> Error {
    Error::outage("SQLite did not answer in time")
}

/// What may pass by itself is an outage; what needs somebody to do something is configuration.
fn failure(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::SystemIoFailure,
        ) => Error::outage("SQLite can't do it now").with_source(error),
        _ => Error::configuration("SQLite can't use the file of the store").with_source(error),
    }
}
