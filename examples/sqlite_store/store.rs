//! A store of one's own: entries in an SQLite file that the processes of one machine share.
//! `docs/store.md` goes through it step by step.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use cachewright::Error;
use cachewright::store::{Blocking, BlockingStore, Cursor, Deadline, Fill, Key, Mint, Page};
use rusqlite::{Connection, ErrorCode::*, OptionalExtension, Result, TransactionBehavior};

// Each commit is synced: a deletion that a power cut undid would bring back what was invalidated.
const CREATE: &str = "
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

/// What is there under each of several keys.
type Found = Vec<Option<Vec<u8>>>;

/// Entries in an SQLite file.
pub(crate) struct SqliteStore {
    path: PathBuf,
    connection: Connection,
}

impl SqliteStore {
    /// Opens a file, and creates it if there is none. Blocks for five seconds at most.
    ///
    /// # Errors
    ///
    /// Configuration, if it can't be opened for writing or is something else; outage, if somebody
    /// else has it locked.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Blocking<Self>, Error> {
        let path = path.into();
        let connection = connect(&path).map_err(Self::classify)?;
        Ok(Blocking::new(Self { path, connection }))
    }

    /// SQLite waits for another process by itself, no longer than it is told to.
    fn within(&mut self, deadline: Deadline) -> Result<&mut Connection> {
        let longest = deadline.remaining().min(Duration::from_secs(60));
        self.connection.busy_timeout(longest)?;
        Ok(&mut self.connection)
    }
}

impl BlockingStore for SqliteStore {
    type Error = rusqlite::Error;

    /// What may pass by itself is an outage; what needs somebody to do something is configuration.
    /// A full disk takes no deletion either, so it is an outage, too.
    fn classify(error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(
                DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OperationInterrupted
                | OutOfMemory
                | SystemIoFailure,
            ) => Error::outage("SQLite can't do it now").with_source(error),
            _ => Error::configuration("SQLite can't use the file of the store").with_source(error),
        }
    }

    fn describe(&self) -> String {
        format!("SQLite, {}", self.path.display())
    }

    fn read(&mut self, keys: &[Key], end: Deadline) -> Result<Found> {
        let cache = self.within(end)?;
        keys.iter().map(|key| get(cache, key)).collect()
    }

    fn mint(&mut self, mints: &[Mint], ttl: Duration, end: Deadline) -> Result<Found> {
        let cache = self.within(end)?.transaction()?;
        let mint = |Mint { key, nonce }: &Mint| {
            let row = (key.as_bytes(), nonce.to_bytes(), after(ttl), now());
            cache.execute(PUT_IF_ABSENT, row)?;
            get(&cache, key)
        };
        let shown = mints.iter().map(mint).collect::<Result<_>>()?;
        cache.commit()?;
        Ok(shown)
    }

    fn write(&mut self, key: &Key, value: &[u8], ttl: Duration, end: Deadline) -> Result<()> {
        let cache = self.within(end)?.transaction()?;
        cache.execute(PUT, (key.as_bytes(), value, after(ttl)))?;
        cache.execute(PURGE, [now()])?;
        cache.commit()
    }

    fn write_many(&mut self, fills: &[Fill], end: Deadline) -> Result<()> {
        let cache = self.within(end)?.transaction()?;
        for Fill { key, value, ttl } in fills {
            cache.execute(PUT, (key.as_bytes(), value, after(*ttl)))?;
        }
        cache.execute(PURGE, [now()])?;
        cache.commit()
    }

    fn invalidate(&mut self, keys: &[Key], end: Deadline) -> Result<()> {
        let cache = self.within(end)?.transaction()?;
        for key in keys {
            cache.execute(DELETE, [key.as_bytes()])?;
        }
        cache.commit()
    }

    fn swap(&mut self, mint: &Mint, ttl: Duration, end: Deadline) -> Result<Option<Vec<u8>>> {
        let cache = self.within(end)?.transaction()?;
        let before = get(&cache, &mint.key)?;
        let row = (mint.key.as_bytes(), mint.nonce.to_bytes(), after(ttl));
        cache.execute(PUT, row)?;
        cache.commit()?;
        Ok(before)
    }

    fn prolong(&mut self, keys: &[Key], ttl: Duration, end: Deadline) -> Result<()> {
        let cache = self.within(end)?.transaction()?;
        for key in keys {
            cache.execute(PROLONG, (key.as_bytes(), after(ttl), now()))?;
        }
        cache.commit()
    }

    fn scan(&mut self, begin: &Key, cursor: Cursor, limit: usize, end: Deadline) -> Result<Page> {
        let mut scan = self.within(end)?.prepare(SCAN)?;
        let row = (cursor.place(begin), limit as i64);
        let keys = scan.query_map(row, |row| {
            row.get(0).map(|key: Vec<u8>| Key::from_bytes(key))
        })?;
        Ok(Page::sorted(keys.collect::<Result<_>>()?, begin, limit))
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let deadline = Deadline::after(Duration::from_secs(5));
    let mut cache = Connection::open(path)?;
    // Those that write take the lock at the beginning: SQLite lets nobody wait who has read first.
    cache.set_transaction_behavior(TransactionBehavior::Immediate);
    // Of several that turn a new file to `WAL` at once, it lets only one, and the others not wait.
    let turn = || cache.execute_batch("PRAGMA journal_mode = WAL");
    let is_busy = |error: rusqlite::Error| error.sqlite_error_code() == Some(DatabaseBusy);
    while turn().is_err_and(is_busy) && !deadline.is_over() {
        thread::sleep(Duration::from_millis(10));
    }
    cache.busy_timeout(deadline.remaining())?;
    cache.execute_batch(CREATE)?;
    Ok(cache)
}

fn get(cache: &Connection, key: &Key) -> Result<Option<Vec<u8>>> {
    let found = cache.query_row(GET, (key.as_bytes(), now()), |row| row.get(0));
    found.optional()
}

/// The clock that all processes of the machine have in common, in milliseconds.
fn now() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, milliseconds)
}

fn after(ttl: Duration) -> i64 {
    now().saturating_add(milliseconds(ttl))
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
