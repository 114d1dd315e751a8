//! The SQLite store keeps the contract, and what it promises beyond what every store is asked.

mod program;
#[path = "../sqlite_store/store.rs"]
mod store;

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use cachewright::store::{Blocking, Deadline, Generation, Key, Mint, Nonce, Store, Written};
use cachewright::testing::conformance;
use cachewright::{Cache, Error, cached, invalidate_cache};
use rusqlite::Connection;

use store::SqliteStore;

/// Longer than anything takes, for what is not to end before.
const LONG: Duration = Duration::from_secs(60);

/// A file that is gone with the test.
struct File {
    folder: PathBuf,
}

impl File {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sqlite-store-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("cache.db")
    }

    fn store(&self) -> Blocking<SqliteStore> {
        SqliteStore::open(self.path()).unwrap()
    }

    fn cache(&self, store_timeout: Duration) -> Cache {
        let builder = Cache::builder().namespace("test").store(self.store());
        builder.store_timeout(store_timeout).build().unwrap()
    }

    /// As any other program has it.
    fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn key(name: &str) -> Key {
    Key::from_bytes(name.as_bytes())
}

fn soon() -> Deadline {
    Deadline::after(LONG)
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_a_store() {
    let file = File::new();
    conformance::run(|| async { file.store() }).await;
    conformance::run_shared(|| async { file.store() }).await;
}

/// Polls a future by hand: neither a runtime nor a timer is there.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn without_a_runtime_too() {
    let file = File::new();
    block_on(conformance::run(|| async { file.store() }));
}

#[test]
fn the_program_shows_two_processes_that_share_answers_and_invalidations() {
    let output = program::run("sqlite_store", &[]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "\
first process: 8 minutes late, says the database
first process: 8 minutes late, says the cache
second process: 8 minutes late, says the cache
second process: delays the flight by ten hours
second process: 600 minutes late, says the database
first process: 600 minutes late, says the cache
";
    assert_eq!(said, expected);
}

/// A number in a database, and the process that caches it.
struct Reader {
    cache: Cache,
    number: Arc<AtomicU32>,
    computed: AtomicU32,
}

impl Reader {
    fn new(cache: Cache, number: &Arc<AtomicU32>) -> Self {
        let number = Arc::clone(number);
        let computed = AtomicU32::new(0);
        Self {
            cache,
            number,
            computed,
        }
    }

    #[cached(cache = self.cache, ttl = "1h", key_prefix = "number")]
    async fn number(&self) -> u32 {
        self.computed.fetch_add(1, Ordering::Relaxed);
        self.number.load(Ordering::Relaxed)
    }

    #[invalidate_cache("number:*", cache = self.cache)]
    async fn change(&self, number: u32) {
        self.number.store(number, Ordering::Relaxed);
    }

    fn computed(&self) -> u32 {
        self.computed.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn two_caches_on_one_file_answer_and_invalidate_for_each_other() {
    let (file, number) = (File::new(), Arc::new(AtomicU32::new(0)));
    let one = Reader::new(file.cache(LONG), &number);
    let two = Reader::new(file.cache(LONG), &number);
    for round in 0..10 {
        assert_eq!((one.number().await, two.number().await), (round, round));
        let (writer, reader) = if round % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        writer.change(round + 1).await;
        assert_eq!(reader.number().await, round + 1);
    }
    assert_eq!(one.computed() + two.computed(), 11);
}

#[tokio::test]
async fn a_file_answers_when_its_processes_have_ended() {
    let (file, number) = (File::new(), Arc::new(AtomicU32::new(7)));
    let before = Reader::new(file.cache(LONG), &number);
    assert_eq!(before.number().await, 7);
    drop(before);
    let after = Reader::new(file.cache(LONG), &number);
    assert_eq!((after.number().await, after.computed()), (7, 0));
}

/// One handle does one thing after the other: only two can be in each other's way.
#[test]
fn two_handles_that_mint_at_once_are_shown_one_generation() {
    let file = File::new();
    let stores = [file.store(), file.store(), file.store(), file.store()];
    for round in 0..50 {
        let key = key(&format!("test:~n:{round}"));
        let shown: Vec<Generation> = thread::scope(|scope| {
            let mint = |store| block_on(mint(store, &key)).unwrap().unwrap();
            let threads = stores
                .each_ref()
                .map(|store| scope.spawn(move || mint(store)));
            threads.map(|thread| thread.join().unwrap()).into()
        });
        assert!(shown.iter().all(|other| *other == shown[0]), "{shown:?}");
    }
}

async fn mint(store: &impl Store, key: &Key) -> Result<Option<Generation>, Error> {
    let (key, nonce) = (key.clone(), Nonce::random()?);
    let mut shown = store.mint(vec![Mint { key, nonce }], LONG, soon()).await?;
    Ok(shown.remove(0))
}

/// What an operation on a locked file answers, which is not to wait until it is free.
async fn in_time<T>(operation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = tokio::time::sleep(LONG / 2) => panic!("no answer at the deadline"),
        answer = operation => answer,
    }
}

#[tokio::test]
async fn a_locked_file_is_an_outage_at_the_deadline_and_usable_when_it_is_free() {
    let file = File::new();
    let store = file.store();
    let lock = file.connection();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();

    let (value, brief) = (key("test:v"), || Deadline::after(Duration::from_millis(50)));
    let keys = [value.clone()];
    let written = in_time(store.write(&value, vec![1], LONG, brief())).await;
    assert!(written.unwrap_err().is_outage());
    let invalidated = in_time(store.invalidate(&keys, brief())).await;
    assert!(invalidated.unwrap_err().is_outage());
    let probed = in_time(store.probe(&key("test:!1"), brief())).await;
    assert!(probed.unwrap_err().is_outage());
    // SQLite lets read while somebody else writes.
    let read = in_time(store.read(&keys, soon())).await;
    assert_eq!(read.unwrap(), [None]);

    lock.execute_batch("ROLLBACK").unwrap();
    let written = store.write(&value, vec![1], LONG, soon()).await;
    assert_eq!(written.unwrap(), Written::Stored);
}

#[tokio::test]
async fn an_operation_whose_caller_has_gone_is_not_begun_behind_a_lock() {
    let file = File::new();
    let store = file.store();
    let lock = file.connection();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();

    // The first one holds the store's thread for as long as the file is locked.
    let values = ["test:first", "test:second"].map(key);
    let brief = Deadline::after(Duration::from_millis(50));
    let (first, second) = tokio::join!(store.write(&values[0], vec![1], LONG, soon()), async {
        let second = store.write(&values[1], vec![1], LONG, brief).await;
        lock.execute_batch("ROLLBACK").unwrap();
        second
    },);
    assert_eq!(first.unwrap(), Written::Stored);
    assert!(second.unwrap_err().is_outage());
    let read = store.read(&values, soon()).await.unwrap();
    assert_eq!(read, [Some(vec![1]), None]);
}

#[tokio::test]
async fn what_a_locked_file_could_not_be_told_is_pending_until_it_is_free() {
    let (file, number) = (File::new(), Arc::new(AtomicU32::new(1)));
    let one = Reader::new(file.cache(Duration::from_millis(100)), &number);
    let two = Reader::new(file.cache(LONG), &number);
    assert_eq!(two.number().await, 1);

    let lock = file.connection();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    one.change(2).await;
    assert_eq!(one.number().await, 2);
    assert_eq!(one.cache.stats().pending_invalidations, 1);

    lock.execute_batch("ROLLBACK").unwrap();
    one.cache.shutdown(LONG).await.unwrap();
    assert_eq!(two.number().await, 2);
}

#[tokio::test]
async fn a_damaged_row_is_a_miss_and_replaced() {
    let (file, number) = (File::new(), Arc::new(AtomicU32::new(5)));
    let reader = Reader::new(file.cache(LONG), &number);
    assert_eq!(reader.number().await, 5);
    let damages: [fn(&mut Vec<u8>); 4] = [
        |value| *value.last_mut().unwrap() ^= 1,
        |value| value.truncate(40),
        Vec::clear,
        |value| value.resize(100_000, 0),
    ];
    let connection = file.connection();
    for (earlier, damage) in damages.iter().enumerate() {
        // A generation has 16 bytes.
        let find = "SELECT rowid, value FROM cache WHERE length(value) > 16";
        let found = connection.query_row(find, (), |row| Ok((row.get(0)?, row.get(1)?)));
        let (row, mut value): (i64, Vec<u8>) = found.unwrap();
        damage(&mut value);
        let replace = "UPDATE cache SET value = ?1 WHERE rowid = ?2";
        connection.execute(replace, (value, row)).unwrap();
        for _ in 0..2 {
            assert_eq!(reader.number().await, 5);
            assert_eq!(reader.computed() as usize, earlier + 2);
        }
    }
}

#[tokio::test]
async fn what_has_expired_is_removed_from_the_file() {
    let file = File::new();
    let store = file.store();
    let least = Duration::from_millis(1);
    for number in 0..50 {
        let value = key(&format!("test:{number}"));
        let _ = store
            .write(&value, vec![0; 100], least, soon())
            .await
            .unwrap();
    }
    // Each write takes some of the expired along.
    let (last, connection) = (key("test:last"), file.connection());
    let mut left: u32 = 51;
    for _ in 0..1_000 {
        let _ = store.write(&last, vec![1], LONG, soon()).await.unwrap();
        let count = connection.query_row("SELECT count(*) FROM cache", (), |row| row.get(0));
        left = count.unwrap();
        if left == 1 {
            break;
        }
    }
    assert_eq!(left, 1);
    assert_eq!(store.read(&[last], soon()).await.unwrap(), [Some(vec![1])]);
}

#[tokio::test]
async fn prolonging_revives_nothing_that_has_expired() {
    let file = File::new();
    let store = file.store();
    let generations = [key("test:~n:expired")];
    mint(&store, &generations[0]).await.unwrap();
    let expire = "UPDATE cache SET expires = 1";
    file.connection().execute(expire, ()).unwrap();
    store.prolong(&generations, LONG, soon()).await.unwrap();
    assert_eq!(store.read(&generations, soon()).await.unwrap(), [None]);
}

/// Whoever sets the clock back prolongs what has expired. What was invalidated stays away.
#[tokio::test]
async fn a_clock_that_is_set_back_revives_nothing_that_was_invalidated() {
    let file = File::new();
    let store = file.store();
    let generations = ["test:~n:deleted", "test:~n:cleared"].map(key);
    for generation in &generations {
        mint(&store, generation).await.unwrap();
    }
    let connection = file.connection();
    connection
        .execute("UPDATE cache SET expires = 1", ())
        .unwrap();
    let beginning = key("test:~n:c");
    let start = cachewright::store::Cursor::start();
    let page = store.scan(&beginning, start, 10, soon()).await.unwrap();
    store.invalidate(&page.keys, soon()).await.unwrap();
    store.invalidate(&generations[..1], soon()).await.unwrap();
    connection
        .execute("UPDATE cache SET expires = 1 << 60", ())
        .unwrap();
    let read = store.read(&generations, soon()).await.unwrap();
    assert_eq!(read, [None, None]);
}

/// SQLite refuses some of them without waiting; it takes a few files to see it.
#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..40 {
        let file = File::new();
        thread::scope(|scope| {
            let open = || scope.spawn(|| SqliteStore::open(file.path()));
            let threads: Vec<_> = (0..8).map(|_| open()).collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn a_file_that_cannot_be_one_is_a_configuration_error() {
    let file = File::new();
    let other = file.folder.join("notes.txt");
    fs::write(&other, "no database ".repeat(100)).unwrap();
    for path in [&other, Path::new("/nowhere/cache.db"), &file.folder] {
        let error = SqliteStore::open(path).unwrap_err();
        assert!(error.is_configuration(), "{error:?}");
    }
    let text = fs::read_to_string(&other).unwrap();
    assert_eq!(text, "no database ".repeat(100));
}
