//! Values in Redis that are not as fresh as could be, seen by several processes.

mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cachewright::__private::{Function, KeyWriter, Returns, lookup};
use cachewright::testing::SteppedClock;
use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::{RedisServer, Reply, eventually};
use redis::{RECOVERY, builder, key_below, row, stored};
use tokio::sync::Semaphore;

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(100);

#[derive(Default)]
struct Database {
    asked: AtomicU32,
    is_down: AtomicBool,
    is_slow: AtomicBool,
    permits: Option<Semaphore>,
}

#[derive(Clone)]
struct Process {
    cache: Cache,
    database: Arc<Database>,
}

impl Process {
    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, stale_while_revalidate = 50, stale_if_error = 500)]
    async fn get(&self) -> Result<u32, String> {
        let number = self.database.asked.fetch_add(1, SeqCst) + 1;
        if self.database.is_slow.load(SeqCst) {
            let permits = self.database.permits.as_ref().unwrap();
            permits.acquire().await.unwrap().forget();
        }
        if self.database.is_down.load(SeqCst) {
            return Err("down".to_owned());
        }
        Ok(number)
    }

    #[invalidate_cache("x:*", cache = self.cache)]
    async fn write(&self) {}
}

/// Two processes that share a server and a database. Their clock is stepped, the server's is not.
fn processes(server: &RedisServer) -> (Process, Process, SteppedClock) {
    let clock = SteppedClock::new();
    let database = Arc::new(Database {
        permits: Some(Semaphore::new(0)),
        ..Database::default()
    });
    let process = || Process {
        cache: cache(server, &clock),
        database: Arc::clone(&database),
    };
    (process(), process(), clock)
}

fn cache(server: &RedisServer, clock: &SteppedClock) -> Cache {
    builder(&server.url()).clock(clock.clone()).build().unwrap()
}

#[tokio::test]
async fn what_one_process_refreshes_is_fresh_for_all() {
    let server = RedisServer::start();
    let (here, there, clock) = processes(&server);
    assert_eq!(here.get().await, Ok(1));
    let key = key_below(&server, "app:x:get:");
    let before = stored(&server, &key);
    clock.advance(TTL);
    assert_eq!(there.get().await, Ok(1), "at once");
    eventually(RECOVERY, || stored(&server, &key) != before).await;
    assert_eq!(here.get().await, Ok(2));
    assert_eq!(row(&here.cache, "get").refreshes, 0);
    assert_eq!(row(&there.cache, "get").refreshes, 1);
}

#[tokio::test]
async fn the_server_keeps_a_value_until_its_last_window_ends() {
    let server = RedisServer::start();
    let (here, ..) = processes(&server);
    here.get().await.unwrap();
    let key = key_below(&server, "app:x:get:");
    let Reply::Integer(ttl) = server.command(&["PTTL", &key]) else {
        panic!("no number of milliseconds");
    };
    assert!((590_000..=600_000).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn what_another_process_invalidates_while_the_body_fails_does_not_answer_in_its_place() {
    let server = RedisServer::start();
    let (here, there, clock) = processes(&server);
    assert_eq!(here.get().await, Ok(1));
    clock.advance(TTL + 50 * SECOND);
    here.database.is_down.store(true, SeqCst);
    assert_eq!(here.get().await, Ok(1), "in the place of the error");
    clock.advance(SECOND);
    here.database.is_slow.store(true, SeqCst);
    let call = tokio::spawn({
        let here = here.clone();
        async move { here.get().await }
    });
    eventually(RECOVERY, || here.database.asked.load(SeqCst) == 3).await;
    there.write().await;
    here.database.permits.as_ref().unwrap().add_permits(1);
    assert!(call.await.unwrap().is_err());
}

/// The same function in two releases of a program.
static WITH_WINDOWS: Function = Function::new("price", "", "", "", 0)
    .ttl_millis(100_000)
    .stale_while_revalidate_millis(1_000_000);
static WITHOUT: Function = Function::new("price", "", "", "", 0).ttl_millis(100_000);

async fn price(cache: &Cache, function: &'static Function, body: u32) -> u32 {
    let key = |key: &mut KeyWriter| {
        key.argument(&1_u32);
    };
    let call = lookup(
        cache,
        function,
        Returns::<u32>::new().outcome(),
        key,
        |_| {},
    );
    call.or_compute(async || body).await
}

#[tokio::test]
async fn a_release_that_knows_of_no_windows_takes_no_expired_value() {
    let server = RedisServer::start();
    let (here, there, clock) = processes(&server);
    assert_eq!(price(&here.cache, &WITH_WINDOWS, 1).await, 1);
    assert_eq!(price(&there.cache, &WITHOUT, 2).await, 1, "it is fresh");
    clock.advance(TTL);
    assert_eq!(price(&there.cache, &WITHOUT, 3).await, 3);
}
