//! The cache without macros.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::Semaphore;

fn cache() -> (Cache, SteppedClock) {
    let clock = SteppedClock::new();
    let builder = Cache::builder().clock(clock.clone()).namespace("app");
    (builder.build().unwrap(), clock)
}

#[tokio::test]
async fn values_are_set_found_replaced_and_removed() {
    let (cache, _) = cache();
    assert_eq!(cache.get::<String>("user:42").await.unwrap(), None);
    cache.set("user:42", "Ada".to_owned(), None).await.unwrap();
    cache.set("user:43", "Bob".to_owned(), None).await.unwrap();
    assert_eq!(cache.get("user:42").await.unwrap(), Some("Ada".to_owned()));
    cache.set("user:42", "Eve".to_owned(), None).await.unwrap();
    assert_eq!(cache.get("user:42").await.unwrap(), Some("Eve".to_owned()));
    cache.remove("user:42").await.unwrap();
    assert_eq!(cache.get::<String>("user:42").await.unwrap(), None);
    assert_eq!(cache.get("user:43").await.unwrap(), Some("Bob".to_owned()));
    assert_eq!(cache.keys(), ["app:user:43"]);
}

#[tokio::test]
async fn a_value_of_another_type_is_not_there() {
    let (cache, _) = cache();
    cache.set("key", 1_u32, None).await.unwrap();
    assert_eq!(cache.get::<u64>("key").await.unwrap(), None);
    assert_eq!(
        cache
            .get_or_set("key", None, async || Ok::<_, ()>(2_u64))
            .await,
        Ok(2)
    );
    assert_eq!(cache.get::<u64>("key").await.unwrap(), Some(2));
}

#[tokio::test]
async fn a_ttl_of_its_own_the_default_and_zero() {
    let (cache, clock) = cache();
    cache
        .set("minute", 1, Duration::from_secs(60))
        .await
        .unwrap();
    cache.set("hour", 1, None).await.unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(cache.get::<i32>("minute").await.unwrap(), None);
    assert_eq!(cache.get::<i32>("hour").await.unwrap(), Some(1));
    cache.set("hour", 2, Duration::ZERO).await.unwrap();
    assert_eq!(cache.get::<i32>("hour").await.unwrap(), None);
    cache.set("long", 1, Duration::MAX).await.unwrap();
    clock.advance(cachewright::MAX_TTL - Duration::from_secs(1));
    assert_eq!(cache.get::<i32>("long").await.unwrap(), Some(1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.get::<i32>("long").await.unwrap(), None);
}

#[tokio::test]
async fn get_or_set_computes_once_and_never_keeps_an_error() {
    let (cache, _) = cache();
    let runs = AtomicU64::new(0);
    let get = async |fails: bool| {
        let compute = async || {
            let run = runs.fetch_add(1, SeqCst) + 1;
            if fails { Err(run) } else { Ok(run) }
        };
        cache
            .get_or_set("key", Duration::from_secs(60), compute)
            .await
    };
    assert_eq!(get(true).await, Err(1));
    assert_eq!(get(false).await, Ok(2));
    assert_eq!(get(true).await, Ok(2));
}

#[tokio::test]
async fn each_prefix_of_a_key_invalidates_it() {
    let (cache, _) = cache();
    for pattern in [
        "user",
        "user:*",
        "user:42",
        "user:42:*",
        "user:42:name",
        "user:*:name",
    ] {
        cache.set("user:42:name", 1, None).await.unwrap();
        cache.set("users:42:name", 1, None).await.unwrap();
        cache.invalidate(pattern).await.unwrap();
        assert_eq!(
            cache.get::<i32>("user:42:name").await.unwrap(),
            None,
            "{pattern}"
        );
        assert_eq!(
            cache.get::<i32>("users:42:name").await.unwrap(),
            Some(1),
            "{pattern}"
        );
    }
}

#[tokio::test]
async fn keys_with_anything_in_them_are_kept_apart() {
    let (cache, _) = cache();
    let long = "x".repeat(1 << 20);
    let keys = [
        "42:*", "a:b", "a:b:", ":a:b", "a::b", "{x}", "[", "\\", "\n", "é", "%", "%25", "a b", " ",
        &long,
    ];
    for (value, key) in keys.iter().enumerate() {
        cache.set(key, value, None).await.unwrap();
    }
    for (value, key) in keys.iter().enumerate() {
        assert_eq!(cache.get(key).await.unwrap(), Some(value), "{key:.20}");
    }
    cache.set("42:1", 1, None).await.unwrap();
    cache.remove("42:*").await.unwrap();
    assert_eq!(cache.get("42:1").await.unwrap(), Some(1));
}

#[tokio::test]
async fn an_empty_key_is_refused_and_computed_uncached() {
    let (cache, _) = cache();
    assert!(cache.get::<u8>("").await.unwrap_err().is_invalid_input());
    assert!(cache.set("", 1, None).await.unwrap_err().is_invalid_input());
    assert!(cache.remove("").await.unwrap_err().is_invalid_input());
    assert_eq!(
        cache.get_or_set("", None, async || Ok::<_, ()>(1)).await,
        Ok(1)
    );
    assert_eq!(
        cache.get_or_set("", None, async || Ok::<_, ()>(2)).await,
        Ok(2)
    );
}

#[cached(cache = cache, skip(cache), key_prefix = "user:{id}", version = 2)]
async fn profile(cache: &Cache, id: &str) -> String {
    format!("profile of {id}")
}

#[tokio::test]
async fn visible_keys_have_the_documented_form() {
    let (cache, _) = cache();
    profile(&cache, "42:*").await;
    let key = cache.keys().remove(0);
    let (path, hash) = key.rsplit_once(':').unwrap();
    assert_eq!(path, "app:user:42%3A%2A:profile.v2");
    assert_eq!(hash.len(), 32);
    assert!(
        hash.bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    );
}

#[tokio::test]
async fn statistics_count_per_function() {
    let (cache, _) = cache();
    for id in ["a", "b", "a"] {
        profile(&cache, id).await;
    }
    cache.set("key", 1, None).await.unwrap();
    let _: Option<i32> = cache.get("key").await.unwrap();
    let _: Option<i32> = cache.get("missing").await.unwrap();
    let stats = cache.stats();
    let row = |name| stats.functions.iter().find(|row| row.name == name).unwrap();
    assert_eq!((row("profile").hits, row("profile").misses), (1, 2));
    assert_eq!((row("").hits, row("").misses), (1, 1));
    assert_eq!(row("profile").key_prefix, "user:{id}");
    assert_eq!(row("profile").module, "direct");
    assert_eq!(stats.entries, 3);
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The first value of all blocks while it is weighed, which is while it is being set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Gated(u64);

static IS_BEING_SET: Barrier = Barrier::new(2);
static MAY_BE_SET: Barrier = Barrier::new(2);

impl Serialize for Gated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        static FIRST: AtomicBool = AtomicBool::new(true);
        if FIRST.swap(false, SeqCst) {
            IS_BEING_SET.wait();
            MAY_BE_SET.wait();
        }
        serializer.serialize_u64(self.0)
    }
}

#[test]
fn what_was_set_stays_though_a_computation_began_while_it_was_being_set() {
    let cache = Cache::builder().max_weight(1 << 20).build().unwrap();
    std::thread::scope(|scope| {
        let setter = scope.spawn(|| {
            let set = pin!(cache.set("key", Gated(1), None));
            assert!(poll(set).is_ready());
        });
        IS_BEING_SET.wait();
        let gate = Semaphore::new(0);
        let mut computing = pin!(cache.get_or_set("key", None, async || {
            gate.acquire().await.unwrap().forget();
            Ok::<_, ()>(Gated(0))
        }));
        assert!(poll(computing.as_mut()).is_pending());
        MAY_BE_SET.wait();
        setter.join().unwrap();
        gate.add_permits(1);
        assert_eq!(poll(computing), Poll::Ready(Ok(Gated(0))));
    });
    let found = pin!(cache.get::<Gated>("key"));
    assert!(matches!(poll(found), Poll::Ready(Ok(Some(Gated(1))))));
}

#[tokio::test]
async fn what_was_set_stays_though_a_caller_had_waited_for_a_value_of_another_type() {
    let (cache, _) = cache();
    let gate = Semaphore::new(0);
    let mut text = pin!(cache.get_or_set("key", None, async || {
        gate.acquire().await.unwrap().forget();
        Ok::<_, ()>("text".to_owned())
    }));
    assert!(poll(text.as_mut()).is_pending());
    let mut number = pin!(cache.get_or_set("key", None, async || Ok::<_, ()>(0_u64)));
    assert!(poll(number.as_mut()).is_pending());
    gate.add_permits(1);
    assert!(poll(text).is_ready());
    cache.set("key", 1_u64, None).await.unwrap();
    assert_eq!(number.await, Ok(1));
    assert_eq!(cache.get::<u64>("key").await.unwrap(), Some(1));
}

/// A waker that, when it is woken, removes the key and reads it again.
struct RemovesAndReads {
    cache: Cache,
    database: AtomicU64,
    read: Mutex<Vec<u64>>,
}

impl Wake for RemovesAndReads {
    fn wake(self: Arc<Self>) {
        self.database.store(1, SeqCst);
        assert!(poll(pin!(self.cache.remove("key"))).is_ready());
        let read = async || Ok::<_, ()>(self.database.load(SeqCst));
        let answer = poll(pin!(self.cache.get_or_set("key", None, read)));
        if let Poll::Ready(Ok(value)) = answer {
            self.read.lock().unwrap().push(value);
        }
    }
}

#[test]
fn a_read_after_a_removal_does_not_get_the_result_of_a_flight_that_is_ending() {
    let (cache, _) = cache();
    let reader = Arc::new(RemovesAndReads {
        cache: cache.clone(),
        database: AtomicU64::new(0),
        read: Mutex::default(),
    });
    let gate = Semaphore::new(0);
    let mut leader = pin!(cache.get_or_set("key", None, async || {
        let value = reader.database.load(SeqCst);
        gate.acquire().await.unwrap().forget();
        Ok::<_, ()>(value)
    }));
    assert!(poll(leader.as_mut()).is_pending());
    let mut follower = pin!(cache.get_or_set("key", None, async || Ok::<_, ()>(9)));
    let waker = Waker::from(Arc::clone(&reader));
    let pending = follower.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(pending.is_pending());
    gate.add_permits(1);
    assert_eq!(poll(leader), Poll::Ready(Ok(0)));
    assert_eq!(*reader.read.lock().unwrap(), [1]);
}
