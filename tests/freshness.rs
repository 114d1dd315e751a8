//! Values that are not as fresh as could be: who waits, and who is answered with what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::{ScriptedStore, SteppedClock};
use cachewright::{Cache, CacheBuilder, FunctionStats, cached, defer, invalidate_cache};
use tokio::sync::Semaphore;

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(100);

/// A database that counts, waits and fails as it is told to.
struct Database {
    asked: AtomicU32,
    answered: AtomicU32,
    is_down: AtomicBool,
    is_empty: AtomicBool,
    /// Whether an answer has to wait for a permit.
    is_slow: AtomicBool,
    permits: Semaphore,
}

impl Database {
    async fn ask(&self) -> Result<u32, String> {
        let number = self.asked.fetch_add(1, SeqCst) + 1;
        if self.is_slow.load(SeqCst) {
            self.permits.acquire().await.unwrap().forget();
        }
        if self.is_down.load(SeqCst) {
            return Err("down".to_owned());
        }
        self.answered.fetch_add(1, SeqCst);
        Ok(number)
    }

    fn asked(&self) -> u32 {
        self.asked.load(SeqCst)
    }
}

#[derive(Clone)]
struct Service {
    cache: Cache,
    clock: SteppedClock,
    database: Arc<Database>,
}

impl Service {
    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, stale_while_revalidate = 50)]
    async fn revalidated(&self) -> Result<u32, String> {
        self.database.ask().await
    }

    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, refresh_ahead = 20)]
    async fn ahead(&self) -> Result<u32, String> {
        self.database.ask().await
    }

    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, stale_if_error = 1000)]
    async fn resilient(&self) -> Result<u32, String> {
        self.database.ask().await
    }

    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, stale_if_error = 1000, timeout = "2s")]
    async fn in_time(&self) -> Result<u32, String> {
        self.database.ask().await
    }

    #[cached(cache = self.cache, key_prefix = "x", ttl = Duration::MAX, stale_if_error = 1000)]
    async fn endless(&self) -> Result<u32, String> {
        self.database.ask().await
    }

    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, none_ttl = 10, stale_if_error = 1000)]
    async fn absent(&self) -> Result<Option<u32>, String> {
        self.database.ask().await.map(|_| None)
    }

    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, stale_while_revalidate = 50, stale_if_error = 1000)]
    async fn found(&self) -> Result<Option<u32>, String> {
        let number = self.database.ask().await?;
        Ok((!self.database.is_empty.load(SeqCst)).then_some(number))
    }

    /// Takes 40 seconds.
    #[cached(cache = self.cache, key_prefix = "x", ttl = 100, refresh_ahead = 20)]
    async fn costly(&self, _id: u32) -> Result<u32, String> {
        self.clock.advance(40 * SECOND);
        self.database.ask().await
    }

    #[invalidate_cache("x:*", cache = self.cache)]
    async fn write(&self) {}

    fn stats(&self, name: &str) -> FunctionStats {
        let mut rows = self.cache.stats().functions.into_iter();
        rows.find(|row| row.name == name).unwrap()
    }

    /// Lets the tasks in the background come as far as they can.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

fn service(builder: CacheBuilder, clock: &SteppedClock) -> Service {
    let cache = builder.clock(clock.clone()).build().unwrap();
    Service {
        cache,
        clock: clock.clone(),
        database: Arc::new(Database {
            asked: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            is_down: AtomicBool::new(false),
            is_empty: AtomicBool::new(false),
            is_slow: AtomicBool::new(false),
            permits: Semaphore::new(0),
        }),
    }
}

/// In memory, and in a store.
fn services() -> [Service; 2] {
    let (clock, other) = (SteppedClock::new(), SteppedClock::new());
    let store = ScriptedStore::with_clock(other.clone());
    [
        service(Cache::builder(), &clock),
        service(Cache::builder().namespace("app").store(store), &other),
    ]
}

#[tokio::test]
async fn at_expiry_no_caller_waits_and_one_body_runs() {
    for service in services() {
        assert_eq!(service.revalidated().await, Ok(1));
        service.clock.advance(TTL);
        service.database.is_slow.store(true, SeqCst);
        for _ in 0..10 {
            assert_eq!(service.revalidated().await, Ok(1), "at once");
        }
        service.settle().await;
        assert_eq!(service.database.asked(), 2, "one for all of them");
        service.database.permits.add_permits(1);
        service.settle().await;
        assert_eq!(service.revalidated().await, Ok(2));
        let stats = service.stats("revalidated");
        assert_eq!((stats.hits, stats.stale, stats.refreshes), (11, 10, 1));
    }
}

#[tokio::test]
async fn behind_the_window_callers_wait() {
    for service in services() {
        assert_eq!(service.revalidated().await, Ok(1));
        service.clock.advance(TTL + 50 * SECOND);
        assert_eq!(service.revalidated().await, Ok(2));
    }
}

#[tokio::test]
async fn a_value_is_refreshed_before_it_expires() {
    for service in services() {
        assert_eq!(service.ahead().await, Ok(1));
        service.clock.advance(79 * SECOND);
        assert_eq!(service.ahead().await, Ok(1));
        service.settle().await;
        assert_eq!(service.database.asked(), 1);
        service.clock.advance(SECOND);
        assert_eq!(service.ahead().await, Ok(1));
        service.settle().await;
        assert_eq!(service.database.asked(), 2);
        assert_eq!(service.ahead().await, Ok(2));
        let stats = service.stats("ahead");
        assert_eq!((stats.stale, stats.refreshes, stats.misses), (0, 1, 1));
    }
}

#[tokio::test]
async fn what_takes_long_is_refreshed_earlier_and_not_by_all_at_once() {
    const CALLS: u32 = 60;
    for service in services() {
        let mut refreshes = 0;
        for id in 0..CALLS {
            service.costly(id).await.unwrap();
            // 40 seconds before it expires: 20 before it would be refreshed at the latest.
            service.clock.advance(60 * SECOND);
            service.costly(id).await.unwrap();
            service.settle().await;
            let begun = service.stats("costly").refreshes;
            let asked = service.database.asked();
            assert_eq!(
                u64::from(asked),
                u64::from(id) + 1 + begun,
                "what is begun is done"
            );
            refreshes = begun;
        }
        // Six in ten are to be expected.
        assert!(
            (CALLS / 4..CALLS - 5).contains(&(refreshes as u32)),
            "{refreshes}"
        );
    }
}

#[tokio::test]
async fn an_expired_value_answers_in_the_place_of_an_error_but_not_for_ever() {
    for service in services() {
        assert_eq!(service.resilient().await, Ok(1));
        service.clock.advance(TTL);
        service.database.is_down.store(true, SeqCst);
        assert_eq!(service.resilient().await, Ok(1));
        assert_eq!(service.database.asked(), 2);
        // The database is left alone for a second.
        assert_eq!(service.resilient().await, Ok(1));
        assert_eq!(service.database.asked(), 2);
        service.clock.advance(SECOND);
        assert_eq!(service.resilient().await, Ok(1));
        assert_eq!(service.database.asked(), 3);
        service.clock.advance(999 * SECOND);
        assert!(service.resilient().await.is_err(), "too old");
        service.database.is_down.store(false, SeqCst);
        assert_eq!(service.resilient().await, Ok(5));
    }
}

#[tokio::test]
async fn an_expired_value_answers_when_the_body_is_slow_and_the_body_goes_on() {
    for service in services() {
        assert_eq!(service.in_time().await, Ok(1));
        service.clock.advance(TTL);
        service.database.is_slow.store(true, SeqCst);
        let caller = tokio::spawn({
            let service = service.clone();
            async move { service.in_time().await }
        });
        service.settle().await;
        assert!(!caller.is_finished(), "its time is not up");
        service.clock.advance(2 * SECOND);
        assert_eq!(caller.await.unwrap(), Ok(1));
        service.database.permits.add_permits(1);
        service.settle().await;
        service.database.is_slow.store(false, SeqCst);
        assert_eq!(service.in_time().await, Ok(2), "what the body gave later");
        assert_eq!(service.database.asked(), 2);
    }
}

#[tokio::test]
async fn what_a_slow_body_gives_in_time_is_the_answer() {
    for service in services() {
        assert_eq!(service.in_time().await, Ok(1));
        service.clock.advance(TTL);
        assert_eq!(service.in_time().await, Ok(2));
        service.clock.advance(TTL);
        service.database.is_down.store(true, SeqCst);
        assert_eq!(service.in_time().await, Ok(2), "in the place of the error");
    }
}

#[tokio::test]
async fn an_invalidated_value_is_answered_by_none_of_them() {
    for service in services() {
        for _ in 0..2 {
            service.revalidated().await.unwrap();
            service.ahead().await.unwrap();
            service.resilient().await.unwrap();
            service.in_time().await.unwrap();
        }
        service.clock.advance(99 * SECOND);
        service.write().await;
        service.database.is_down.store(true, SeqCst);
        assert!(service.ahead().await.is_err());
        service.clock.advance(SECOND);
        assert!(service.revalidated().await.is_err());
        assert!(service.resilient().await.is_err());
        assert!(service.in_time().await.is_err());
    }
}

#[tokio::test]
async fn what_is_invalidated_while_the_body_runs_does_not_answer_in_its_place() {
    for service in services() {
        service.resilient().await.unwrap();
        service.in_time().await.unwrap();
        service.clock.advance(TTL);
        service.database.is_slow.store(true, SeqCst);
        service.database.is_down.store(true, SeqCst);
        let resilient = tokio::spawn({
            let service = service.clone();
            async move { service.resilient().await }
        });
        let in_time = tokio::spawn({
            let service = service.clone();
            async move { service.in_time().await }
        });
        service.settle().await;
        service.write().await;
        service.clock.advance(2 * SECOND);
        service.settle().await;
        assert!(!in_time.is_finished(), "there is nothing to answer with");
        service.database.permits.add_permits(2);
        assert!(resilient.await.unwrap().is_err());
        assert!(in_time.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn an_absence_is_no_use_once_it_has_expired() {
    for service in services() {
        assert_eq!(service.absent().await, Ok(None));
        service.clock.advance(9 * SECOND);
        assert_eq!(service.absent().await, Ok(None));
        assert_eq!(service.database.asked(), 1);
        service.clock.advance(SECOND);
        service.database.is_down.store(true, SeqCst);
        assert!(service.absent().await.is_err());
    }
}

#[tokio::test]
async fn a_window_that_ends_while_the_body_runs_is_over() {
    for service in services() {
        assert_eq!(service.resilient().await, Ok(1));
        service.clock.advance(TTL + 999 * SECOND);
        service.database.is_slow.store(true, SeqCst);
        service.database.is_down.store(true, SeqCst);
        let call = tokio::spawn({
            let service = service.clone();
            async move { service.resilient().await }
        });
        service.settle().await;
        service.clock.advance(600 * SECOND);
        service.database.permits.add_permits(1);
        assert_eq!(call.await.unwrap(), Err("down".to_owned()));
    }
}

#[tokio::test]
async fn a_ttl_without_end_has_windows_too() {
    for service in services() {
        assert_eq!(service.endless().await, Ok(1));
        service.clock.advance(SECOND);
        assert_eq!(service.endless().await, Ok(1));
    }
}

#[tokio::test]
async fn a_call_that_waits_for_its_body_is_a_miss_in_either_tier() {
    for service in services() {
        assert_eq!(service.in_time().await, Ok(1));
        service.clock.advance(TTL);
        assert_eq!(service.in_time().await, Ok(2));
        assert_eq!(service.in_time().await, Ok(2));
        let stats = service.stats("in_time");
        assert_eq!((stats.hits, stats.misses, stats.stale), (1, 2, 0));
    }
}

#[tokio::test]
async fn a_success_that_is_not_kept_takes_the_place_of_what_has_expired() {
    for service in services() {
        assert_eq!(service.found().await, Ok(Some(1)));
        service.clock.advance(TTL);
        service.database.is_empty.store(true, SeqCst);
        assert_eq!(
            service.found().await,
            Ok(Some(1)),
            "it is computed meanwhile"
        );
        service.settle().await;
        assert_eq!(
            service.found().await,
            Ok(None),
            "that there is none is known now"
        );
        service.database.is_down.store(true, SeqCst);
        assert!(
            service.found().await.is_err(),
            "nothing is left that could answer"
        );
    }
}

#[tokio::test]
async fn inside_of_a_transaction_a_value_answers_until_it_expires() {
    for service in services() {
        assert_eq!(service.ahead().await, Ok(1));
        service.clock.advance(90 * SECOND);
        assert_eq!(defer(service.ahead()).await, Ok(1));
        service.settle().await;
        assert_eq!(
            service.database.asked(),
            1,
            "and is not computed anew there"
        );
        service.clock.advance(10 * SECOND);
        assert_eq!(defer(service.ahead()).await, Ok(2));
    }
}

#[tokio::test]
async fn what_replaces_a_value_is_no_call() {
    for service in services() {
        assert_eq!(service.revalidated().await, Ok(1));
        service.clock.advance(TTL);
        assert_eq!(service.revalidated().await, Ok(1));
        // Before it looks, so that it finds nothing.
        service.write().await;
        service.settle().await;
        let stats = service.stats("revalidated");
        assert_eq!((stats.hits, stats.misses, stats.refreshes), (1, 1, 1));
    }
}
