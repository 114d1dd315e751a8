//! Writers: what they invalidate, when, and what happens when they don't finish.

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached, invalidate_cache};
use serde::Serialize;

/// A "database" of one number, and annotated ways to it.
struct Bookings {
    cache: Cache,
    clock: SteppedClock,
    version: AtomicU64,
}

impl Bookings {
    fn new() -> Self {
        let clock = SteppedClock::new();
        Self {
            cache: Cache::builder().clock(clock.clone()).build().unwrap(),
            clock,
            version: AtomicU64::new(0),
        }
    }

    fn commit(&self) -> u64 {
        self.version.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, key_prefix = "booking:stats")]
    async fn stats(&self) -> u64 {
        self.version.load(SeqCst)
    }

    #[cached(cache = self.cache, key_prefix = "user:{user}:bookings")]
    async fn of_user(&self, user: u64) -> u64 {
        let _ = user;
        self.version.load(SeqCst)
    }

    #[cached(cache = self.cache)]
    async fn unprefixed(&self) -> u64 {
        self.version.load(SeqCst)
    }

    async fn read_all(&self) -> [u64; 4] {
        [
            self.stats().await,
            self.of_user(1).await,
            self.of_user(2).await,
            self.unprefixed().await,
        ]
    }

    #[invalidate_cache("booking:*", "user:{user}:*", cache = self.cache)]
    async fn create(&self, user: u64) -> Result<u64, String> {
        Ok(self.commit())
    }

    #[invalidate_cache("booking:*", cache = self.cache)]
    async fn fail(&self) -> Result<u64, String> {
        Err(self.commit().to_string())
    }

    #[invalidate_cache("booking:*", on = "always", cache = self.cache)]
    async fn fail_after_commit(&self) -> Result<u64, String> {
        Err(self.commit().to_string())
    }

    #[invalidate_cache("booking:*", cache = self.cache)]
    #[invalidate_cache(pattern = "user:{user}", cache = self.cache)]
    async fn stacked(&self, user: u64) -> Option<u64> {
        self.commit();
        None
    }

    #[invalidate_cache("booking", cache = self.cache)]
    fn synchronous(&self) -> u64 {
        self.commit()
    }

    #[invalidate_cache("unprefixed", cache = self.cache)]
    async fn by_function(&self) {
        self.commit();
    }

    #[invalidate_cache("user:{user}:*", cache = self.cache)]
    async fn by_anything<T: Serialize>(&self, user: T) {
        self.commit();
    }

    #[invalidate_cache("{node}:*", cache = self.cache)]
    async fn by_any_node<T: Serialize>(&self, node: T) {
        self.commit();
    }

    /// Commits, then hangs, as a writer whose client went away does.
    #[invalidate_cache("booking:*", cache = self.cache)]
    async fn commit_and_hang(&self) {
        self.commit();
        pending().await
    }

    #[invalidate_cache("booking:*", cache = self.cache)]
    async fn commit_and_panic(&self) -> u64 {
        self.commit();
        panic!("on purpose");
    }

    #[invalidate_cache("booking:*", cache = self.cache)]
    fn commit_and_panic_synchronously(&self) -> u64 {
        self.commit();
        panic!("on purpose");
    }
}

#[tokio::test]
async fn a_writer_invalidates_what_its_patterns_cover_and_nothing_else() {
    let bookings = Bookings::new();
    assert_eq!(bookings.read_all().await, [0, 0, 0, 0]);
    assert_eq!(bookings.create(1).await, Ok(1));
    assert_eq!(bookings.read_all().await, [1, 1, 0, 0]);
    assert_eq!(bookings.create(2).await, Ok(2));
    assert_eq!(bookings.read_all().await, [2, 1, 2, 0]);
}

#[tokio::test]
async fn an_error_invalidates_only_where_asked_for() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.fail().await.unwrap_err();
    assert_eq!(bookings.stats().await, 0);
    bookings.fail_after_commit().await.unwrap_err();
    assert_eq!(bookings.stats().await, 2);
}

#[tokio::test]
async fn attributes_stack_and_none_is_a_success() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.stacked(1).await;
    assert_eq!(bookings.read_all().await, [1, 1, 0, 0]);
}

#[tokio::test]
async fn synchronous_writers_and_patterns_without_a_star() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.synchronous();
    assert_eq!(bookings.read_all().await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn a_function_without_a_prefix_is_invalidated_by_its_name() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.by_function().await;
    assert_eq!(bookings.read_all().await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn placeholders_mean_the_same_whatever_the_type_and_forge_nothing() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.by_anything("1").await;
    assert_eq!(bookings.read_all().await, [0, 1, 0, 0]);
    bookings.by_anything(Some(2_u8)).await;
    assert_eq!(bookings.read_all().await, [0, 1, 2, 0]);
    for hostile in ["*", "1:*", "1:bookings", "{1}", "", "1\n", "１"] {
        bookings.by_anything(hostile).await;
        assert_eq!(bookings.read_all().await, [0, 1, 2, 0], "{hostile:?}");
    }
}

#[tokio::test]
async fn what_shares_a_place_with_an_invalidated_name_is_the_same_in_each_run() {
    let lost = async || {
        let bookings = Bookings::new();
        for user in 0..3_000 {
            bookings.of_user(user).await;
        }
        for other in 10_000..10_300_u64 {
            bookings.by_anything(other).await;
        }
        let mut lost = Vec::new();
        for user in 0..3_000 {
            if bookings.of_user(user).await > 0 {
                lost.push(user);
            }
        }
        lost
    };
    let once = lost().await;
    assert!(!once.is_empty(), "by luck alone, some share one");
    assert_eq!(lost().await, once);
}

#[tokio::test]
async fn a_placeholder_that_cannot_be_rendered_widens() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.by_anything(vec![1]).await;
    assert_eq!(bookings.read_all().await, [0, 1, 1, 0]);
}

#[tokio::test]
async fn a_placeholder_that_cannot_be_rendered_widens_to_everything_at_worst() {
    let bookings = Bookings::new();
    bookings.read_all().await;
    bookings.by_any_node("user").await;
    assert_eq!(bookings.read_all().await, [0, 1, 1, 0]);
    bookings.by_any_node(vec!["user"]).await;
    assert_eq!(bookings.read_all().await, [2, 2, 2, 2]);
}

#[tokio::test]
async fn a_dropped_writer_invalidates_at_once_and_again_after_settling() {
    let bookings = Bookings::new();
    assert_eq!(bookings.stats().await, 0);
    {
        let mut writer = pin!(bookings.commit_and_hang());
        assert_eq!(poll(writer.as_mut()), Poll::Pending);
        assert_eq!(bookings.stats().await, 0, "not before the drop");
    }
    assert_eq!(bookings.stats().await, 1);
    assert_eq!(bookings.cache.stats().pending_invalidations, 1);
    assert_eq!(bookings.cache.stats().settling_invalidations, 1);

    // The commit arrives after the drop, and a reader came in between.
    bookings.commit();
    assert_eq!(bookings.stats().await, 1);
    bookings.clock.advance(Duration::from_secs(29));
    assert_eq!(bookings.stats().await, 1);
    bookings.clock.advance(Duration::from_secs(1));
    assert_eq!(bookings.stats().await, 2);
    assert_eq!(bookings.cache.stats().pending_invalidations, 0);
}

#[tokio::test]
async fn a_writer_dropped_before_its_first_poll_did_nothing() {
    let bookings = Bookings::new();
    assert_eq!(bookings.stats().await, 0);
    drop(bookings.commit_and_hang());
    assert_eq!(bookings.cache.stats().invalidations, 0);
    assert_eq!(bookings.cache.stats().pending_invalidations, 0);
}

#[tokio::test]
async fn a_panicking_writer_invalidates() {
    let bookings = std::sync::Arc::new(Bookings::new());
    assert_eq!(bookings.stats().await, 0);
    let writer = std::sync::Arc::clone(&bookings);
    let task = tokio::spawn(async move { writer.commit_and_panic().await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(bookings.stats().await, 1);

    // Equal invalidations that are to be repeated in one second would be one.
    bookings.clock.advance(Duration::from_secs(1));

    let writer = std::sync::Arc::clone(&bookings);
    let thread = std::thread::spawn(move || writer.commit_and_panic_synchronously());
    assert!(thread.join().is_err());
    assert_eq!(bookings.stats().await, 2);
    assert_eq!(bookings.cache.stats().pending_invalidations, 2);
}

#[tokio::test]
async fn every_prefix_of_the_visible_key_invalidates() {
    let bookings = Bookings::new();
    bookings.of_user(7).await;
    let key = bookings.cache.keys().pop().unwrap();
    assert!(key.starts_with("user:7:bookings:of_user:"), "{key}");
    let ends = key.match_indices(':').map(|(at, _)| at).chain([key.len()]);
    for end in ends {
        let before = bookings.of_user(7).await;
        bookings.commit();
        assert_eq!(bookings.of_user(7).await, before);
        bookings.cache.invalidate(&key[..end]).await.unwrap();
        assert_eq!(bookings.of_user(7).await, before + 1, "{}", &key[..end]);
    }
}

#[tokio::test]
async fn what_cannot_be_a_pattern_is_refused_with_the_way_out() {
    let cache = Cache::builder().build().unwrap();
    for pattern in ["", "*", "booking*", "*:x", "a::b", "a b", "{id}"] {
        let error = cache.invalidate(pattern).await.unwrap_err();
        assert!(error.is_invalid_input(), "{pattern:?}: {error}");
    }
    let error = cache.invalidate("*").await.unwrap_err();
    assert!(error.to_string().contains("clear()"), "{error}");
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

impl Bookings {
    #[cached(cache = self.cache, key_prefix = "booking:now")]
    fn stats_now(&self) -> u64 {
        self.version.load(SeqCst)
    }
}

/// Writes when it is dropped, as some transactions do; a reader comes just before.
struct CommitOnDrop<'a>(&'a Bookings);

impl Drop for CommitOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stats_now();
        self.0.commit();
    }
}

#[invalidate_cache("booking", cache = bookings.cache)]
async fn with_a_guard(bookings: &Bookings, _transaction: CommitOnDrop<'_>) {}

#[invalidate_cache("booking", cache = bookings.cache)]
fn with_guards(bookings: &Bookings, _: CommitOnDrop<'_>, (_, _b): (CommitOnDrop<'_>, u64)) {}

impl CommitOnDrop<'_> {
    #[invalidate_cache("booking", cache = self.0.cache)]
    fn end(self) {}
}

#[tokio::test]
async fn arguments_are_dropped_before_the_invalidation() {
    let bookings = Bookings::new();
    let guard = || CommitOnDrop(&bookings);
    assert_eq!(bookings.stats_now(), 0);
    with_a_guard(&bookings, guard()).await;
    assert_eq!(bookings.stats_now(), 1);
    with_guards(&bookings, guard(), (guard(), 0));
    assert_eq!(bookings.stats_now(), 3);
    guard().end();
    assert_eq!(bookings.stats_now(), 4);
}
