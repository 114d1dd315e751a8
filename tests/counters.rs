//! Counters, in memory and in a store.

use std::time::Duration;

use cache_core::fence::Generation;
use cache_core::layout::{Key, Layout};
use cache_core::store::{BoxFuture, Cursor, Deadline, Mint, Page, Store, Swap, Written};
use cache_core::testing::SteppedClock;
use cachewright::testing::{Fault, Operation, ScriptedStore};
use cachewright::{Cache, Error};

const MINUTE: Duration = Duration::from_secs(60);

/// A cache in memory, or before a store.
struct World {
    cache: Cache,
    clock: SteppedClock,
}

impl World {
    fn in_memory() -> Self {
        let clock = SteppedClock::new();
        let cache = Cache::builder().clock(clock.clone()).build().unwrap();
        Self { cache, clock }
    }

    fn in_store() -> (Self, ScriptedStore) {
        let clock = SteppedClock::new();
        let store = ScriptedStore::with_clock(clock.clone());
        let builder = Cache::builder().namespace("app").clock(clock.clone());
        let world = Self {
            cache: builder.store(store.clone()).build().unwrap(),
            clock,
        };
        (world, store)
    }

    fn both() -> [Self; 2] {
        [Self::in_memory(), Self::in_store().0]
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
}

#[tokio::test]
async fn a_counter_is_incremented_read_set_and_removed() {
    for World { cache, .. } in World::both() {
        let counter = cache.counter("visits:home");
        assert_eq!(counter.get().await.unwrap(), None);
        assert_eq!(counter.increment(5).await.unwrap(), 5);
        assert_eq!(counter.increment(-7).await.unwrap(), -2);
        assert_eq!(counter.increment(0).await.unwrap(), -2);
        assert_eq!(counter.get().await.unwrap(), Some(-2));
        counter.set(i64::MIN, None).await.unwrap();
        assert_eq!(counter.increment(1).await.unwrap(), i64::MIN + 1);
        assert_eq!(cache.counter("visits:shop").get().await.unwrap(), None);
        counter.remove().await.unwrap();
        assert_eq!(counter.get().await.unwrap(), None);
        assert_eq!(counter.increment(1).await.unwrap(), 1);
        counter.set(7, Duration::ZERO).await.unwrap();
        assert_eq!(counter.get().await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_of_concurrent_callers_is_lost() {
    for World { cache, .. } in World::both() {
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let counter = cache.counter("hits");
                tokio::spawn(async move {
                    let mut sums = Vec::new();
                    for _ in 0..100 {
                        sums.push(counter.increment(1).await.unwrap());
                    }
                    sums
                })
            })
            .collect();
        let mut sums = Vec::new();
        for task in tasks {
            sums.extend(task.await.unwrap());
        }
        sums.sort_unstable();
        assert!(sums.into_iter().eq(1..=6400));
        let sum = cache.counter("hits").get().await.unwrap();
        assert_eq!(sum, Some(6400));
    }
}

#[tokio::test]
async fn a_window_begins_with_the_first_increment_and_is_not_prolonged() {
    for world in World::both() {
        let counter = world.cache.counter("login:ada");
        assert_eq!(counter.increment_within(1, MINUTE).await.unwrap(), 1);
        world.advance(MINUTE / 2);
        assert_eq!(counter.increment_within(1, MINUTE).await.unwrap(), 2);
        assert_eq!(counter.increment(1).await.unwrap(), 3);
        world.advance(MINUTE / 2);
        assert_eq!(counter.get().await.unwrap(), None);
        assert_eq!(counter.increment_within(1, MINUTE).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_counter_without_a_time_to_live_gets_the_window() {
    for world in World::both() {
        let counter = world.cache.counter("login:ada");
        counter.increment(1).await.unwrap();
        world.advance(100 * MINUTE);
        assert_eq!(counter.increment_within(1, MINUTE).await.unwrap(), 2);
        world.advance(MINUTE);
        assert_eq!(counter.get().await.unwrap(), None);
        counter.set(5, None).await.unwrap();
        world.advance(100 * MINUTE);
        assert_eq!(counter.increment_within(1, MINUTE).await.unwrap(), 6);
        world.advance(MINUTE);
        assert_eq!(counter.get().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_time_to_live_is_set_and_changed() {
    for world in World::both() {
        let counter = world.cache.counter("quota");
        assert!(!counter.expire(MINUTE).await.unwrap());
        counter.set(1, MINUTE).await.unwrap();
        assert!(counter.expire(10 * MINUTE).await.unwrap());
        world.advance(MINUTE);
        assert_eq!(counter.increment(1).await.unwrap(), 2);
        world.advance(9 * MINUTE);
        assert_eq!(counter.get().await.unwrap(), None);
        assert!(!counter.expire(MINUTE).await.unwrap());
        counter.set(1, MINUTE).await.unwrap();
        counter.set(2, None).await.unwrap();
        world.advance(MINUTE);
        assert_eq!(counter.get().await.unwrap(), Some(2));
        assert!(counter.expire(Duration::ZERO).await.unwrap());
        assert_eq!(counter.get().await.unwrap(), None);
        counter.set(1, Duration::MAX).await.unwrap();
        world.advance(1_000_000 * MINUTE);
        assert_eq!(counter.get().await.unwrap(), Some(1));
    }
}

#[tokio::test]
async fn a_sum_out_of_range_is_refused_and_nothing_is_added() {
    for World { cache, .. } in World::both() {
        let counter = cache.counter("full");
        counter.set(i64::MAX, None).await.unwrap();
        assert!(counter.increment(1).await.unwrap_err().is_invalid_input());
        assert_eq!(counter.get().await.unwrap(), Some(i64::MAX));
    }
}

#[tokio::test]
async fn an_empty_key_and_an_empty_window_are_refused() {
    for World { cache, .. } in World::both() {
        let counter = cache.counter("");
        assert!(counter.increment(1).await.unwrap_err().is_invalid_input());
        assert!(counter.get().await.unwrap_err().is_invalid_input());
        assert!(counter.set(1, None).await.unwrap_err().is_invalid_input());
        assert!(counter.remove().await.unwrap_err().is_invalid_input());
        let counter = cache.counter("key");
        let refused = counter.increment_within(1, Duration::ZERO).await;
        assert!(refused.unwrap_err().is_invalid_input());
    }
}

#[tokio::test]
async fn counters_and_values_do_not_see_each_other() {
    for World { cache, .. } in World::both() {
        let counter = cache.counter("user:42");
        counter.increment(1).await.unwrap();
        assert!(!cache.exists("user:42").await.unwrap());
        cache.set("user:42", "Ada".to_owned(), None).await.unwrap();
        assert_eq!(counter.increment(1).await.unwrap(), 2);
        cache.remove("user:42").await.unwrap();
        cache.invalidate("user:*").await.unwrap();
        cache.clear().await.unwrap();
        assert_eq!(counter.get().await.unwrap(), Some(2));
    }
}

#[tokio::test]
async fn keys_with_anything_in_them_are_counters_of_their_own() {
    let keys = [
        "a:b", "a:b:", ":a:b", "a::b", "{x}", "~n:a", "!", "é", "%", " ",
    ];
    for World { cache, .. } in World::both() {
        for (key, value) in keys.iter().zip(0..) {
            cache.counter(key).set(value, None).await.unwrap();
        }
        for (key, value) in keys.iter().zip(0..) {
            assert_eq!(cache.counter(key).get().await.unwrap(), Some(value));
        }
    }
}

#[tokio::test]
async fn processes_that_share_a_store_share_its_counters() {
    let (World { cache, .. }, store) = World::in_store();
    let other = Cache::builder().namespace("app").store(store.clone());
    let other = other.build().unwrap();
    let stranger = Cache::builder().namespace("other").store(store.clone());
    let stranger = stranger.build().unwrap();
    cache.counter("hits").increment(1).await.unwrap();
    assert_eq!(other.counter("hits").increment(1).await.unwrap(), 2);
    assert_eq!(stranger.counter("hits").get().await.unwrap(), None);
    let name = Layout::new("app").unwrap().counter("hits").unwrap();
    assert_eq!(store.peek(&name).as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn what_is_no_number_is_a_data_error() {
    let (World { cache, .. }, store) = World::in_store();
    let name = Key::from("app:!c:hits".to_owned());
    store.alter(|contents| contents.set(&name, b"many".to_vec(), None));
    let counter = cache.counter("hits");
    assert!(counter.get().await.unwrap_err().is_data());
    assert!(counter.increment(1).await.unwrap_err().is_data());
}

#[tokio::test]
async fn an_increment_without_an_answer_is_not_repeated() {
    let (World { cache, .. }, store) = World::in_store();
    let counter = cache.counter("hits");
    store.next(1, Operation::Count, Fault::ReplyLost);
    assert!(counter.increment(1).await.unwrap_err().is_outage());
    assert_eq!(store.count(Operation::Count), 1);
    assert_eq!(counter.get().await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_store_that_is_down_is_asked_until_the_breaker_opens_and_nothing_counts_in_memory() {
    let (_, store) = World::in_store();
    let builder = Cache::builder().namespace("app").store(store.clone());
    let builder = builder
        .clock(SteppedClock::new())
        .fall_back_to_memory(MINUTE);
    let cache = builder.build().unwrap();
    store.set_down(true);
    let counter = cache.counter("hits");
    for _ in 0..20 {
        assert!(counter.increment(1).await.unwrap_err().is_outage());
        assert!(counter.get().await.unwrap_err().is_outage());
    }
    assert!(store.count(Operation::Count) <= 5);
    cache.set("value", 1, None).await.unwrap();
    assert_eq!(cache.get::<i32>("value").await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_store_without_room_is_an_outage() {
    let (World { cache, .. }, store) = World::in_store();
    store.set_full(true);
    let set = cache.counter("hits").set(1, MINUTE).await;
    assert!(set.unwrap_err().is_outage());
}

/// A store of a third party that does not count, and that nobody asks anything else.
#[derive(Debug)]
struct Uncounting;

type Reply<'a, T> = BoxFuture<'a, Result<T, Error>>;

fn down<'a, T: Send + 'a>() -> Reply<'a, T> {
    Box::pin(async { Err(Error::outage("down")) })
}

impl Store for Uncounting {
    fn describe(&self) -> String {
        "uncounting".to_owned()
    }
    fn probe<'a>(&'a self, _: &'a Key, _: Deadline) -> Reply<'a, ()> {
        down()
    }
    fn read<'a>(&'a self, _: &'a [Key], _: Deadline) -> Reply<'a, Vec<Option<Vec<u8>>>> {
        down()
    }
    fn mint(&self, _: Vec<Mint>, _: Duration, _: Deadline) -> Reply<'_, Vec<Option<Generation>>> {
        down()
    }
    fn write<'a>(&'a self, _: &'a Key, _: Vec<u8>, _: Duration, _: Deadline) -> Reply<'a, Written> {
        down()
    }
    fn invalidate<'a>(&'a self, _: &'a [Key], _: Deadline) -> Reply<'a, ()> {
        down()
    }
    fn swap(&self, _: Mint, _: Duration, _: Deadline) -> Reply<'_, Swap> {
        down()
    }
    fn prolong<'a>(&'a self, _: &'a [Key], _: Duration, _: Deadline) -> Reply<'a, ()> {
        down()
    }
    fn remove<'a>(&'a self, _: &'a [Key], _: Deadline) -> Reply<'a, ()> {
        down()
    }
    fn scan<'a>(&'a self, _: &'a Key, _: Cursor, _: usize, _: Deadline) -> Reply<'a, Page> {
        down()
    }
}

#[tokio::test]
async fn a_store_without_counters_is_said_to_have_none() {
    let builder = Cache::builder().namespace("app").store(Uncounting);
    let counter = builder.build().unwrap().counter("hits");
    for error in [
        counter.increment(1).await.unwrap_err(),
        counter.get().await.unwrap_err(),
        counter.set(1, None).await.unwrap_err(),
    ] {
        assert!(error.is_configuration());
        assert!(error.to_string().contains("has no counters"), "{error}");
    }
}
