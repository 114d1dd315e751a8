//! `assert_cached!` and `assert_not_cached!`, over memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use cachewright::testing::{SteppedClock, assert_cached, assert_not_cached};
use cachewright::{Cache, Rollout, cached, defer, invalidate_cache};

const MINUTE: Duration = Duration::from_secs(60);

struct Users {
    cache: Cache,
    bodies: AtomicU64,
}

impl Users {
    fn new() -> (Self, SteppedClock) {
        let clock = SteppedClock::new();
        let cache = Cache::builder().namespace("app").clock(clock.clone());
        let users = Self {
            cache: cache.build().unwrap(),
            bodies: AtomicU64::new(0),
        };
        (users, clock)
    }

    fn run(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    #[cached(cache = self.cache, ttl = "1m", key_prefix = "user:{id}")]
    async fn get(&self, id: u64) -> u64 {
        id + self.run()
    }

    #[cached(cache = self.cache)]
    async fn find(&self, name: &str, tags: &[&str]) -> Option<u64> {
        let found = !name.is_empty() && tags.is_empty();
        found.then(|| self.run())
    }

    #[cached(cache = self.cache, ttl = "1m", key_prefix = "age")]
    fn age(&self, id: u64) -> u64 {
        id + self.run()
    }

    #[cached(cache = self.cache)]
    fn of_name(&self, name: String) -> usize {
        self.run();
        name.len()
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: u64) -> u64 {
        id + self.run()
    }

    async fn bare(&self) -> u64 {
        7
    }
}

#[async_trait]
trait Find {
    async fn by_id(&self, id: u64) -> u64;
}

#[async_trait]
impl Find for Users {
    #[cached(cache = self.cache)]
    async fn by_id(&self, id: u64) -> u64 {
        id + self.run()
    }
}

/// The message of the panic that a future, or a statement, ends with.
macro_rules! failure {
    (async $assertion:expr) => {{
        let rt = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        failure!(rt.block_on(async { $assertion.await }))
    }};
    ($statement:expr) => {{
        let ended = catch_unwind(AssertUnwindSafe(|| $statement));
        let payload = ended.map(drop).unwrap_err();
        let formatted = payload.downcast_ref::<String>().cloned();
        formatted.unwrap_or_else(|| payload.downcast_ref::<&str>().unwrap().to_string())
    }};
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let rt = tokio::runtime::Builder::new_current_thread().build();
    rt.unwrap().block_on(future)
}

#[tokio::test]
async fn a_call_is_cached_from_its_first_answer_until_a_write_or_its_end() {
    let (users, clock) = Users::new();
    assert_not_cached!(users.get(1)).await;
    users.get(1).await;
    assert_cached!(users.get(1)).await;
    assert_not_cached!(users.get(2)).await;

    users.rename(1).await;
    assert_not_cached!(users.get(1)).await;

    users.get(1).await;
    clock.advance(MINUTE - Duration::from_millis(1));
    assert_cached!(users.get(1)).await;
    clock.advance(Duration::from_millis(1));
    assert_not_cached!(users.get(1)).await;
}

#[tokio::test]
async fn an_assertion_runs_no_body_fills_nothing_and_counts_nothing() {
    let (users, _) = Users::new();
    users.get(1).await;
    let (before, bodies) = (users.cache.stats(), users.bodies.load(SeqCst));
    for _ in 0..3 {
        assert_cached!(users.get(1)).await;
        assert_not_cached!(users.get(2)).await;
        assert_not_cached!(users.age(3));
    }
    let after = users.cache.stats();
    assert_eq!(after.functions, before.functions);
    assert_eq!(after.entries, before.entries);
    assert_eq!(users.bodies.load(SeqCst), bodies);
}

#[test]
fn a_synchronous_call_is_asserted_on_the_spot() {
    let (users, clock) = Users::new();
    assert_not_cached!(users.age(1));
    users.age(1);
    assert_cached!(users.age(1), "asked for {} before", 1);
    clock.advance(MINUTE);
    assert_not_cached!(users.age(1));
}

#[tokio::test]
async fn a_synchronous_call_is_asserted_inside_of_a_runtime_too() {
    let (users, _) = Users::new();
    users.age(1);
    assert_cached!(users.age(1));
}

#[tokio::test]
async fn a_call_is_written_as_it_always_is() {
    let (users, _) = Users::new();
    let name = String::from("Ada");
    users.find(&name, &[]).await;
    // Borrowed from what lives no longer than the call.
    assert_cached!(users.find(&format!("{}{}", "A", "da"), &Vec::new())).await;
    assert_not_cached!(users.find(&name.to_lowercase(), &["tag"])).await;

    let dynamic: &dyn Find = &users;
    dynamic.by_id(1).await;
    assert_cached!(dynamic.by_id(1)).await;
    assert_not_cached!(dynamic.by_id(2),).await;

    users.of_name(name.clone());
    assert_cached!(users.of_name(name));

    // An argument of a call may be a cached call itself, which is made.
    users.get(3).await;
    assert_cached!(users.get(users.of_name("Bob".to_owned()) as u64)).await;
}

#[tokio::test]
async fn assertions_can_be_spawned() {
    let (users, _) = Users::new();
    users.get(1).await;
    let task = tokio::spawn(async move { assert_cached!(users.get(1)).await });
    task.await.unwrap();
}

#[test]
fn a_failure_tells_the_key_what_is_there_instead_and_the_function() {
    let (users, clock) = Users::new();
    let line = |name| {
        let source = include_str!("assertions.rs").lines();
        let at = source.take_while(|line| !line.contains(name)).count();
        at + 1
    };
    let message = failure!(async assert_cached!(users.get(1)));
    assert!(
        message.starts_with("`users.get(1)` is not cached: nothing is there"),
        "{message}"
    );
    assert!(
        message.contains("\n       key: app:user:1:get:"),
        "{message}"
    );
    // The attribute's line, which is above the name's.
    let place = format!("tests/test_kit/assertions.rs:{}", line("async fn get") - 1);
    assert!(
        message.ends_with(&format!("\n  function: get, {place}")),
        "{message}"
    );

    now(users.get(1));
    clock.advance(MINUTE / 4);
    let message = failure!(async assert_not_cached!(users.get(1)));
    assert!(
        message.starts_with("`users.get(1)` is cached, for another 45s\n"),
        "{message}"
    );

    now(users.rename(1));
    let message = failure!(async assert_cached!(users.get(1)));
    assert!(message.contains("has been invalidated"), "{message}");

    now(users.get(1));
    clock.advance(MINUTE);
    let message = failure!(async assert_cached!(users.get(1)));
    assert!(message.contains("has expired"), "{message}");

    now(users.get(1));
    users.cache.set_rollout(Rollout::Off).unwrap();
    let message = failure!(async assert_cached!(users.get(1)));
    assert!(message.contains("a rollout leaves it out"), "{message}");
}

#[test]
fn a_failure_begins_with_the_message_of_the_test() {
    let (users, _) = Users::new();
    let id = 9;
    let message = failure!(async assert_cached!(users.get(id), "user {id}, round {}", 2));
    assert!(
        message.starts_with("user 9, round 2: `users.get(id)` is not cached"),
        "{message}"
    );
    let message = failure!(assert_cached!(users.age(id), "user {id}"));
    assert!(
        message.starts_with("user 9: `users.age(id)` is not cached"),
        "{message}"
    );
}

#[test]
fn a_failure_is_at_the_place_of_the_assertion() {
    use std::sync::Mutex;
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let (users, _) = Users::new();
    let before = std::panic::take_hook();
    let mine = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == mine {
            let place = info.location().map(|at| (at.file().to_owned(), at.line()));
            *PLACE.lock().unwrap() = place;
        } else {
            before(info);
        }
    }));
    let of_async = line!() + 1;
    failure!(async assert_cached!(users.get(1)));
    assert_eq!(*PLACE.lock().unwrap(), Some((file!().to_owned(), of_async)));
    let of_sync = line!() + 1;
    failure!(assert_cached!(users.age(1)));
    assert_eq!(*PLACE.lock().unwrap(), Some((file!().to_owned(), of_sync)));
}

#[test]
fn what_is_no_call_of_a_cached_function_fails_either_way_and_says_so() {
    let (users, _) = Users::new();
    for message in [
        failure!(async assert_cached!(users.bare())),
        failure!(async assert_not_cached!(users.bare())),
        failure!(assert_cached!(1 + 1)),
        failure!(assert_not_cached!(1 + 1)),
    ] {
        assert!(
            message.contains("calls no function with `#[cached]`"),
            "{message}"
        );
    }
    let message = failure!(async assert_not_cached!(std::future::pending::<()>()));
    assert!(message.contains("waits for something else"), "{message}");
    for message in [
        failure!(async assert_cached!(users.rename(1))),
        failure!(async assert_not_cached!(users.rename(1))),
    ] {
        assert!(
            message.contains("calls `rename`, which invalidates"),
            "{message}"
        );
    }
    assert_eq!(users.bodies.load(SeqCst), 0);
    assert_eq!(users.cache.stats().invalidations, 0);
}

#[test]
#[allow(unused_must_use, reason = "that is the mistake")]
fn an_assertion_that_is_not_awaited_fails() {
    let (users, _) = Users::new();
    let message = failure!({
        assert_not_cached!(users.get(1));
    });
    assert!(
        message.contains("`users.get(1)` was not awaited"),
        "{message}"
    );
}

#[tokio::test]
async fn a_transaction_sees_what_it_has_outdated_and_others_do_not() {
    let (users, _) = Users::new();
    users.get(1).await;
    let ended: Result<(), ()> = defer(async {
        assert_cached!(users.get(1)).await;
        users.rename(1).await;
        assert_not_cached!(users.get(1)).await;
        Err(())
    })
    .await;
    ended.unwrap_err();
    assert_cached!(users.get(1), "it was rolled back").await;
}

#[tokio::test]
async fn what_is_removed_in_every_other_way_is_not_cached() {
    let (users, _) = Users::new();
    users.get(1).await;
    users.cache.invalidate("user:*").await.unwrap();
    assert_not_cached!(users.get(1)).await;
    users.get(1).await;
    users.cache.clear().await.unwrap();
    assert_not_cached!(users.get(1)).await;
}
