//! Invalidations across processes.

#[path = "support/service.rs"]
mod service;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::testing::{Fault, Operation};
use cachewright::{Cache, cached, invalidate_cache};
use service::{World, until};

#[tokio::test]
async fn an_invalidation_here_is_seen_there_at_once() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    for number in 1..10 {
        b.read(1).await.unwrap();
        a.write(1).await.unwrap();
        assert_eq!(b.read(1).await, Ok(number));
        assert_eq!(a.read(1).await, Ok(number));
    }
    assert_eq!(a.bodies(), 0);
}

#[tokio::test]
async fn what_is_not_covered_stays() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    a.read(1).await.unwrap();
    a.read(2).await.unwrap();
    b.write(1).await.unwrap();
    assert_eq!(b.read(2).await, Ok(0));
    assert_eq!(b.bodies(), 0);
}

#[tokio::test]
async fn every_pattern_that_covers_an_entry_invalidates_it() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    for pattern in [
        "user:*",
        "user",
        "user:1:*",
        "user:1:number",
        "user:1:number:read",
        "user:*:number:*",
    ] {
        a.read(1).await.unwrap();
        let before = a.bodies();
        b.cache.invalidate(pattern).await.unwrap();
        a.read(1).await.unwrap();
        assert_eq!(a.bodies(), before + 1, "{pattern}");
    }
}

#[tokio::test]
async fn clearing_takes_every_entry_of_the_namespace() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    let other = world.service_with(world.builder().namespace("other").build().unwrap());
    other.read(1).await.unwrap();
    for id in 0..700 {
        a.read(id).await.unwrap();
    }
    b.cache.clear().await.unwrap();
    assert!(world.store.count(Operation::Scan) > 2);
    for id in 0..700 {
        a.read(id).await.unwrap();
    }
    assert_eq!(a.bodies(), 1_400);
    other.read(1).await.unwrap();
    assert_eq!(other.bodies(), 1);
}

#[tokio::test]
async fn a_computation_that_began_before_an_invalidation_there_is_not_kept() {
    let world = World::new();
    let (a, b) = (world.gated(), world.service());
    let old = {
        let a = a.clone();
        tokio::spawn(async move { a.read(1).await })
    };
    until(|| a.bodies() == 1).await;
    b.write(1).await.unwrap();
    a.gate.add_permits(1);
    assert_eq!(old.await.unwrap(), Ok(0));
    assert_eq!(b.read(1).await, Ok(1));
    assert_eq!(a.read(1).await, Ok(1));
    assert_eq!(a.bodies(), 1);
}

#[tokio::test]
async fn a_reader_after_an_invalidation_there_does_not_join_an_older_computation_here() {
    let world = World::new();
    let (a, b) = (world.gated(), world.service());
    let read = || {
        let a = a.clone();
        tokio::spawn(async move { a.read(1).await })
    };
    let old = read();
    until(|| a.bodies() == 1).await;
    let joined = read();
    until(|| world.store.count(Operation::Read) == 2).await;
    b.write(1).await.unwrap();
    let new = read();
    until(|| a.bodies() == 2).await;
    a.gate.add_permits(2);
    assert_eq!(old.await.unwrap(), Ok(0));
    assert_eq!(joined.await.unwrap(), Ok(0));
    assert_eq!(new.await.unwrap(), Ok(1));
    // The older fill, if it came last, is dead.
    assert_eq!(b.read(1).await, Ok(1));
}

#[tokio::test]
async fn a_fill_that_arrives_after_an_invalidation_is_dead() {
    for fault in [Fault::Hang, Fault::Late] {
        let world = World::new();
        let (a, b) = (world.service(), world.service());
        world.store.next(1, Operation::Write, fault);
        let filling = {
            let a = a.clone();
            tokio::spawn(async move { a.read(1).await })
        };
        until(|| world.store.hanging() + world.store.late() == 1).await;
        b.write(1).await.unwrap();
        assert_eq!(b.read(1).await, Ok(1));
        world.store.release();
        assert_eq!(filling.await.unwrap(), Ok(0));
        while world.store.late() > 0 {
            world.store.deliver(0);
        }
        assert_eq!(b.read(1).await, Ok(1));
        assert_eq!(a.read(1).await, Ok(1));
    }
}

#[tokio::test]
async fn a_mint_that_arrives_after_an_invalidation_revives_nothing() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    world.store.next(1, Operation::Mint, Fault::Late);
    assert_eq!(a.read(1).await, Ok(0));
    b.write(1).await.unwrap();
    world.store.deliver(0);
    assert_eq!(b.read(1).await, Ok(1));
    assert_eq!(a.read(1).await, Ok(1));
}

#[tokio::test]
async fn a_reply_that_is_read_before_an_invalidation_serves_nothing_new() {
    // The reader began before, so the old value is allowed; what it mints and fills is not.
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    world.store.next(1, Operation::Mint, Fault::ReplyHeld);
    let reading = {
        let a = a.clone();
        tokio::spawn(async move { a.read(1).await })
    };
    until(|| world.store.hanging() == 1).await;
    b.write(1).await.unwrap();
    world.store.release();
    assert_eq!(reading.await.unwrap(), Ok(1));
    b.write(1).await.unwrap();
    assert_eq!((a.read(1).await, b.read(1).await), (Ok(2), Ok(2)));
}

/// A database whose writes take several polls, and may panic.
struct Writer<'a> {
    cache: Cache,
    world: &'a World,
}

impl Writer<'_> {
    #[invalidate_cache("user:1", cache = self.cache)]
    async fn slow(&self) -> Result<(), String> {
        tokio::task::yield_now().await;
        self.world.number.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        Ok(())
    }

    #[invalidate_cache("user:1", cache = self.cache)]
    fn panicking(&self) {
        self.world.number.fetch_add(1, SeqCst);
        panic!("after the commit");
    }

    #[invalidate_cache("user:1", cache = self.cache)]
    async fn failing(&self) -> Result<(), String> {
        Err("nothing was written".to_owned())
    }

    #[invalidate_cache("user:1", cache = self.cache, on = "always")]
    async fn doubtful(&self) -> Result<(), String> {
        self.world.number.fetch_add(1, SeqCst);
        Err("who knows".to_owned())
    }
}

fn poll_and_drop(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut cx).is_ready() {
            return;
        }
    }
}

#[tokio::test]
async fn a_writer_that_is_dropped_anywhere_leaves_nothing_old() {
    for fault in [Fault::None, Fault::Hang, Fault::ReplyHeld] {
        for polls in 0..5 {
            let world = World::new();
            let reader = world.service();
            let cache = world
                .builder()
                .settle(Duration::from_secs(30))
                .build()
                .unwrap();
            let writer = Writer {
                cache,
                world: &world,
            };
            reader.read(1).await.unwrap();
            world.store.next(1, Operation::Invalidate, fault);
            poll_and_drop(writer.slow(), polls);
            world.store.clear_script();
            world.clock.advance(Duration::ZERO);
            let number = world.number.load(SeqCst);
            assert_eq!(reader.read(1).await, Ok(number), "{fault:?} {polls}");
            // The commit may land after the drop: once more when it must have.
            let unfinished = (1..3).contains(&polls);
            assert_eq!(
                writer.cache.stats().pending_invalidations,
                u64::from(unfinished)
            );
            world.number.fetch_add(u64::from(unfinished), SeqCst);
            world.clock.advance(Duration::from_secs(31));
            world.clock.advance(Duration::ZERO);
            let number = world.number.load(SeqCst);
            assert_eq!(reader.read(1).await, Ok(number), "{fault:?} {polls}");
            assert_eq!(writer.cache.stats().pending_invalidations, 0);
        }
    }
}

#[tokio::test]
async fn a_writer_that_panics_invalidates() {
    let world = World::new();
    let reader = world.service();
    let cache = world.cache();
    let writer = Writer {
        cache,
        world: &world,
    };
    reader.read(1).await.unwrap();
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| writer.panicking()));
    assert!(panicked.is_err());
    world.clock.advance(Duration::ZERO);
    assert_eq!(reader.read(1).await, Ok(1));
}

#[tokio::test]
async fn a_writer_that_failed_invalidates_if_it_says_so() {
    let world = World::new();
    let reader = world.service();
    let cache = world.cache();
    let writer = Writer {
        cache,
        world: &world,
    };
    reader.read(1).await.unwrap();
    writer.failing().await.unwrap_err();
    world.clock.advance(Duration::ZERO);
    assert_eq!(world.store.count(Operation::Invalidate), 0);
    writer.doubtful().await.unwrap_err();
    world.clock.advance(Duration::ZERO);
    assert_eq!(reader.read(1).await, Ok(1));
}

/// Users by ids that are texts.
struct Users {
    cache: Cache,
    bodies: AtomicU64,
}

impl Users {
    #[cached(cache = self.cache, ttl = 600, key_prefix = "user:{id}")]
    async fn name(&self, id: &str) -> Result<String, String> {
        self.bodies.fetch_add(1, SeqCst);
        Ok(id.to_owned())
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: &str) -> Result<(), String> {
        let _ = id;
        Ok(())
    }

    #[invalidate_cache("user:{id}", cache = self.cache)]
    async fn remove(&self, id: &str) -> Result<(), String> {
        let _ = id;
        Ok(())
    }
}

#[tokio::test]
async fn an_id_that_looks_like_a_hash_or_a_version_takes_no_neighbours_along() {
    let hash = "a3f1".repeat(8);
    for id in [hash.as_str(), "acme.v2"] {
        let world = World::new();
        let users = Users {
            cache: world.cache(),
            bodies: AtomicU64::new(0),
        };
        for name in ["acme", "7", id] {
            users.name(name).await.unwrap();
        }
        users.rename(id).await.unwrap();
        users.remove(id).await.unwrap();
        for name in ["acme", "7"] {
            users.name(name).await.unwrap();
        }
        assert_eq!(users.bodies.load(SeqCst), 3, "{id}");
        users.name(id).await.unwrap();
        assert_eq!(users.bodies.load(SeqCst), 4);
    }
    // Said directly, it may be the beginning of keys, too; a key in full has nothing behind its hash.
    let world = World::new();
    let users = Users {
        cache: world.cache(),
        bodies: AtomicU64::new(0),
    };
    for name in ["7", &hash] {
        users.name(name).await.unwrap();
    }
    let pattern = format!("user:{hash}:*");
    users.cache.invalidate(&pattern).await.unwrap();
    users.name("7").await.unwrap();
    assert_eq!(users.bodies.load(SeqCst), 2);
    users.name(&hash).await.unwrap();
    assert_eq!(users.bodies.load(SeqCst), 3);
}
