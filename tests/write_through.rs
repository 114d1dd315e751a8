//! Writers that store what they return, in memory.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cachewright::testing::SteppedClock;
use cachewright::{Cache, Rollout, cached, defer, invalidate_cache, update_cache};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
}

fn named(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
    }
}

#[derive(Debug, PartialEq)]
struct Refused;

/// A service whose bodies wait for permits where a test wants them to.
struct Service {
    cache: Cache,
    clock: SteppedClock,
    bodies: AtomicU64,
    /// What the database has.
    name: std::sync::Mutex<String>,
    reads: Semaphore,
    writes: Semaphore,
}

impl Service {
    fn new() -> Arc<Self> {
        Self::with_permits(1_000)
    }

    fn gated() -> Arc<Self> {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Arc<Self> {
        let clock = SteppedClock::new();
        Arc::new(Self {
            cache: Cache::builder().clock(clock.clone()).build().unwrap(),
            clock,
            bodies: AtomicU64::new(0),
            name: std::sync::Mutex::new("Ada".to_owned()),
            reads: Semaphore::new(permits),
            writes: Semaphore::new(permits),
        })
    }

    fn load(&self) -> Profile {
        self.bodies.fetch_add(1, SeqCst);
        named(&self.name.lock().unwrap())
    }

    fn save(&self, name: &str) -> Profile {
        name.clone_into(&mut self.name.lock().unwrap());
        named(name)
    }

    fn bodies(&self) -> u64 {
        self.bodies.load(SeqCst)
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}", ttl = 60)]
    async fn profile(&self, id: i64) -> Result<Profile, Refused> {
        let _ = id;
        let profile = self.load();
        self.reads.acquire().await.unwrap().forget();
        Ok(profile)
    }

    #[update_cache(entry = self.profile(id))]
    async fn rename(&self, id: i64, name: String) -> Result<Profile, Refused> {
        let _ = id;
        let profile = match &*name {
            "" => return Err(Refused),
            name => self.save(name),
        };
        self.writes.acquire().await.unwrap().forget();
        Ok(profile)
    }

    #[update_cache(entry = self.profile(id), on = "always")]
    async fn rename_and_fail(&self, id: i64, name: &str) -> Result<Profile, Refused> {
        let _ = id;
        self.save(name);
        Err(Refused)
    }

    #[cached(cache = self.cache, ttl = 60, none_ttl = 10)]
    async fn lookup(&self, email: &str) -> Option<Profile> {
        let _ = email;
        Some(self.load())
    }

    #[update_cache(entry = self.lookup(&email))]
    async fn assign(&self, email: String, to: Option<Profile>) -> Result<Option<Profile>, Refused> {
        drop(email);
        Ok(to)
    }

    #[update_cache(entry = self.profile(id), entry = self.lookup(&format!("{id}@example.org")))]
    async fn both(&self, id: i64, to: Option<Profile>) -> Option<Profile> {
        let _ = id;
        to
    }

    #[cached(cache = self.cache, ttl = 60)]
    fn blocking(&self, id: u64) -> Profile {
        let _ = id;
        self.load()
    }

    #[update_cache(entry = self.blocking(id))]
    fn rename_blocking(&self, id: u64, name: &str) -> Profile {
        let _ = id;
        self.save(name)
    }

    #[update_cache(entry = self.blocking(id))]
    async fn rename_for_a_blocking_reader(&self, id: u64, name: &str) -> Profile {
        let _ = id;
        self.save(name)
    }

    #[update_cache(entry = self.profile(id))]
    fn rename_for_an_async_reader(&self, id: i64, name: &str) -> Profile {
        let _ = id;
        self.save(name)
    }

    #[cached(cache = self.cache, ttl = 60, store_if = |profile: &Profile| profile.name != "secret")]
    async fn public(&self, id: i64) -> Profile {
        let _ = id;
        self.load()
    }

    #[update_cache(entry = self.public(id))]
    async fn publish(&self, id: i64, name: &str) -> Profile {
        let _ = id;
        self.save(name)
    }

    #[cached(cache = self.cache, ttl = 60, bypass_if = id < 0)]
    async fn bypassing(&self, id: i64) -> Profile {
        self.load()
    }

    #[update_cache(entry = self.bypassing(id))]
    async fn write_bypassing(&self, id: i64, name: &str) -> Profile {
        let _ = id;
        self.save(name)
    }

    /// A pattern of the same writer that covers the entry wins, whichever attribute stands first.
    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    #[update_cache(entry = self.profile(id))]
    async fn invalidated_too(&self, id: i64, name: &str) -> Profile {
        self.save(name)
    }

    #[update_cache(entry = self.profile(id))]
    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn updated_too(&self, id: i64, name: &str) -> Profile {
        self.save(name)
    }

    #[invalidate_cache("other:{id}", cache = self.cache)]
    #[update_cache(entry = self.profile(id))]
    #[invalidate_cache("another:{id}", cache = self.cache)]
    async fn and_others(&self, id: i64, name: &str) -> Profile {
        self.save(name)
    }
}

/// Waits until a body has come to its gate.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_after_the_writer_is_answered_with_what_it_returned() {
    let service = Service::new();
    assert_eq!(service.profile(1).await, Ok(named("Ada")));
    assert_eq!(service.rename(1, "Grace".into()).await, Ok(named("Grace")));
    "not asked for".clone_into(&mut service.name.lock().unwrap());
    assert_eq!(service.profile(1).await, Ok(named("Grace")));
    assert_eq!(service.bodies(), 1);
    assert_eq!(service.profile(2).await, Ok(named("not asked for")));
}

#[tokio::test]
async fn what_nobody_had_asked_for_yet_is_stored_and_lives_as_long_as_the_function_says() {
    let service = Service::new();
    service.rename(1, "Grace".into()).await.unwrap();
    assert_eq!(service.cache.keys().len(), 1);
    service.clock.advance(Duration::from_secs(59));
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 0);
    service.clock.advance(Duration::from_secs(1));
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 1);
}

#[tokio::test]
async fn an_invalidation_takes_what_was_written_through() {
    let service = Service::new();
    service.rename(1, "Grace".into()).await.unwrap();
    service.cache.invalidate("user:1").await.unwrap();
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 1);
}

#[tokio::test]
async fn an_error_leaves_the_entry_and_always_drops_it() {
    let service = Service::new();
    service.profile(1).await.unwrap();
    assert_eq!(service.rename(1, String::new()).await, Err(Refused));
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 1);
    assert_eq!(service.rename_and_fail(1, "Grace").await, Err(Refused));
    assert_eq!(service.profile(1).await, Ok(named("Grace")));
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn an_absence_is_kept_only_where_the_function_keeps_absences() {
    let service = Service::new();
    service.both(1, Some(named("Grace"))).await;
    assert_eq!(service.profile(1).await, Ok(named("Grace")));
    let found = service.lookup("1@example.org").await;
    assert_eq!(found, Some(named("Grace")));
    assert_eq!(service.bodies(), 0);
    service.both(1, None).await;
    assert_eq!(service.lookup("1@example.org").await, None);
    assert_eq!(service.bodies(), 0);
    assert_eq!(service.profile(1).await, Ok(named("Ada")));
    assert_eq!(service.bodies(), 1);
    service.clock.advance(Duration::from_secs(10));
    service.lookup("1@example.org").await.unwrap();
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn values_are_the_same_in_whatever_shape_they_are_returned() {
    let service = Service::new();
    let email = || "ada@example.org".to_owned();
    service.assign(email(), Some(named("Grace"))).await.unwrap();
    assert_eq!(service.lookup(&email()).await, Some(named("Grace")));
    assert_eq!(service.bodies(), 0);
}

#[tokio::test]
async fn writers_and_readers_may_block_or_not() {
    let service = Service::new();
    service.blocking(1);
    service.rename_blocking(1, "Grace");
    assert_eq!(service.blocking(1), named("Grace"));
    service.rename_for_a_blocking_reader(1, "Hedy").await;
    assert_eq!(service.blocking(1), named("Hedy"));
    service.rename_for_an_async_reader(1, "Joan");
    assert_eq!(service.profile(1).await, Ok(named("Joan")));
    assert_eq!(service.bodies(), 1);
}

#[tokio::test]
async fn a_function_with_conditions_is_invalidated_and_not_written() {
    let service = Service::new();
    service.public(1).await;
    service.publish(1, "secret").await;
    assert_eq!(service.public(1).await, named("secret"));
    assert_eq!(service.bodies(), 2);
    service.bypassing(1).await;
    service.write_bypassing(1, "Grace").await;
    assert_eq!(service.bypassing(1).await, named("Grace"));
    assert_eq!(service.bodies(), 3);
    service.write_bypassing(-1, "Hedy").await;
    assert_eq!(service.bypassing(-1).await, named("Hedy"));
    assert_eq!(service.bodies(), 4);
}

#[tokio::test]
async fn what_a_rollout_leaves_out_is_invalidated_and_not_written() {
    let service = Service::new();
    service.profile(1).await.unwrap();
    service.cache.set_rollout(Rollout::Off).unwrap();
    service.rename(1, "Grace".into()).await.unwrap();
    service.cache.set_rollout(Rollout::On).unwrap();
    "newer".clone_into(&mut service.name.lock().unwrap());
    assert_eq!(service.profile(1).await, Ok(named("newer")));
}

#[tokio::test]
async fn a_pattern_beside_it_that_covers_the_entry_wins() {
    let service = Service::new();
    service.invalidated_too(1, "Grace").await;
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 1);
    service.updated_too(1, "Hedy").await;
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 2);
    service.and_others(1, "Joan").await;
    assert_eq!(service.profile(1).await, Ok(named("Joan")));
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn a_reader_that_had_read_older_data_does_not_store_over_it() {
    let service = Service::gated();
    let reader = Arc::clone(&service);
    let reader = tokio::spawn(async move { reader.profile(1).await });
    until(|| service.bodies() == 1).await;
    service.writes.add_permits(1);
    service.rename(1, "Grace".into()).await.unwrap();
    service.reads.add_permits(10);
    assert_eq!(reader.await.unwrap(), Ok(named("Ada")));
    assert_eq!(service.profile(1).await, Ok(named("Grace")));
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn of_two_writers_that_overlap_neither_leaves_an_older_value() {
    for first_to_end in [0, 1] {
        let service = Service::gated();
        let mut cx = Context::from_waker(Waker::noop());
        let mut older = Box::pin(service.rename(1, "older".into()));
        assert!(older.as_mut().poll(&mut cx).is_pending());
        let mut newer = Box::pin(service.rename(1, "newer".into()));
        assert!(newer.as_mut().poll(&mut cx).is_pending());
        service.writes.add_permits(2);
        service.reads.add_permits(1);
        let mut writers = [older, newer];
        assert!(writers[first_to_end].as_mut().poll(&mut cx).is_ready());
        assert!(writers[1 - first_to_end].as_mut().poll(&mut cx).is_ready());
        assert_eq!(service.profile(1).await, Ok(named("newer")));
        assert_eq!(service.bodies(), 1, "neither knew that it was the last");
    }
}

#[tokio::test]
async fn an_invalidation_that_overlaps_the_writer_is_not_lost() {
    let service = Service::gated();
    let mut cx = Context::from_waker(Waker::noop());
    let mut writing = pin!(service.rename(1, "Grace".into()));
    assert!(writing.as_mut().poll(&mut cx).is_pending());
    service.save("newer");
    service.cache.invalidate("user:1").await.unwrap();
    service.writes.add_permits(1);
    assert!(writing.as_mut().poll(&mut cx).is_ready());
    service.reads.add_permits(1);
    assert_eq!(service.profile(1).await, Ok(named("newer")));
}

#[tokio::test]
async fn what_was_computed_after_an_invalidation_and_before_the_commit_is_dropped() {
    let service = Service::gated();
    service.reads.add_permits(10);
    let mut cx = Context::from_waker(Waker::noop());
    // The writer has begun and not committed: its database is that of another name.
    let mut writing = pin!(service.rename(1, "Grace".into()));
    assert!(writing.as_mut().poll(&mut cx).is_pending());
    service.save("before the commit");
    service.cache.invalidate("user:1").await.unwrap();
    service.profile(1).await.unwrap();
    service.save("Grace");
    service.writes.add_permits(1);
    assert!(writing.as_mut().poll(&mut cx).is_ready());
    assert_eq!(service.profile(1).await, Ok(named("Grace")));
}

#[tokio::test]
async fn a_writer_that_is_dropped_in_its_body_invalidates_at_once_and_again() {
    let service = Service::gated();
    service.reads.add_permits(10);
    service.profile(1).await.unwrap();
    {
        let mut writing = pin!(service.rename(1, "Grace".into()));
        let polled = writing
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Pending);
    }
    assert_eq!(service.cache.stats().settling_invalidations, 1);
    service.profile(1).await.unwrap();
    assert_eq!(service.bodies(), 2);
    // Nobody is announced any more, or this could not be stored.
    service.writes.add_permits(1);
    service.rename(1, "Hedy".into()).await.unwrap();
    assert_eq!(service.profile(1).await, Ok(named("Hedy")));
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn inside_a_block_nothing_is_stored_and_the_entry_is_dropped_at_its_end() {
    let service = Service::new();
    service.profile(1).await.unwrap();
    let block = defer(async {
        service.rename(1, "Grace".into()).await?;
        service.profile(1).await?;
        assert_eq!(service.bodies(), 2, "the block sees what it wrote");
        Err::<(), _>(Refused)
    });
    assert_eq!(block.await, Err(Refused));
    assert_eq!(service.profile(1).await, Ok(named("Ada")));
    assert_eq!(service.bodies(), 2, "nothing was committed");
    let block = defer(async { service.rename(1, "Grace".into()).await });
    block.await.unwrap();
    "newer".clone_into(&mut service.name.lock().unwrap());
    assert_eq!(service.profile(1).await, Ok(named("newer")));
}
