//! Writers that store what they return, in a store that processes share and that does what the test says.

#[path = "support/service.rs"]
mod service;

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::__private::{Returns, function, lookup};
use cachewright::testing::{Fault, Operation};
use cachewright::{Cache, Rollout, cached, defer, invalidate_cache, update_cache};
use serde::{Deserialize, Serialize, Serializer};
use service::{World, until};
use tokio::sync::Semaphore;

/// One process.
struct Process {
    cache: Cache,
    number: Arc<AtomicU64>,
    bodies: AtomicU64,
    /// One permit lets one reader go on that has read, or one writer that has committed.
    reads: Semaphore,
    writes: Semaphore,
    /// What begins with a panic instead of a commit.
    panics: bool,
}

/// A number that can't be encoded if it is odd.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Even(u64);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 2 {
            0 => serializer.serialize_newtype_struct("Even", &self.0),
            _ => Err(serde::ser::Error::custom("it is odd")),
        }
    }
}

impl Process {
    fn new(world: &World) -> Arc<Self> {
        Self::with(world, world.cache(), 1_000)
    }

    fn gated(world: &World) -> Arc<Self> {
        Self::with(world, world.cache(), 0)
    }

    fn with(world: &World, cache: Cache, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            cache,
            number: Arc::clone(&world.number),
            bodies: AtomicU64::new(0),
            reads: Semaphore::new(permits),
            writes: Semaphore::new(permits),
            panics: false,
        })
    }

    #[cached(cache = self.cache, ttl = 600, key_prefix = "user:{id}:number")]
    async fn read(&self, id: u64) -> Result<u64, String> {
        let _ = id;
        self.bodies.fetch_add(1, SeqCst);
        let number = self.number.load(SeqCst);
        self.reads.acquire().await.unwrap().forget();
        Ok(number)
    }

    #[update_cache(entry = self.read(id))]
    async fn count(&self, id: u64) -> Result<u64, String> {
        let _ = id;
        let number = self.number.fetch_add(1, SeqCst) + 1;
        assert!(!self.panics, "it was told to");
        self.writes.acquire().await.unwrap().forget();
        Ok(number)
    }

    #[invalidate_cache("user:{id}", cache = self.cache)]
    async fn bump(&self, id: u64) {
        let _ = id;
        self.number.fetch_add(1, SeqCst);
    }

    #[cached(cache = self.cache, ttl = 600, none_ttl = 10)]
    async fn even(&self, id: u64) -> Option<Even> {
        let _ = id;
        self.bodies.fetch_add(1, SeqCst);
        None
    }

    #[update_cache(entry = self.even(id))]
    async fn set_even(&self, id: u64, to: Option<u64>) -> Option<Even> {
        let _ = id;
        to.map(Even)
    }

    #[cached(cache = self.cache, ttl = 600, tier = "memory")]
    async fn local(&self, id: u64) -> u64 {
        let _ = id;
        self.bodies.fetch_add(1, SeqCst);
        self.number.load(SeqCst)
    }

    #[update_cache(entry = self.local(id), entry = self.plain(id))]
    async fn count_both(&self, id: u64) -> u64 {
        let _ = id;
        self.number.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, ttl = 600)]
    async fn plain(&self, id: u64) -> u64 {
        let _ = id;
        self.bodies.fetch_add(1, SeqCst);
        self.number.load(SeqCst)
    }

    #[update_cache(entry = self.read(id))]
    fn count_blocking(&self, id: u64) -> Result<u64, String> {
        let _ = id;
        Ok(self.number.fetch_add(1, SeqCst) + 1)
    }

    fn bodies(&self) -> u64 {
        self.bodies.load(SeqCst)
    }
}

/// Waits until the store was told all that can be told it by now.
async fn told(world: &World, cache: &Cache) {
    until(|| {
        world.clock.advance(Duration::from_millis(10));
        let stats = cache.stats();
        stats.pending_invalidations == stats.settling_invalidations
    })
    .await;
}

fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    future.poll(&mut cx).is_pending()
}

#[tokio::test]
async fn every_process_is_answered_with_what_a_writer_of_one_returned() {
    let world = World::new();
    let (a, b) = (Process::new(&world), Process::new(&world));
    assert_eq!(b.read(1).await, Ok(0));
    for number in 1..5 {
        assert_eq!(a.count(1).await, Ok(number));
        assert_eq!((a.read(1).await, b.read(1).await), (Ok(number), Ok(number)));
    }
    a.count_blocking(1).unwrap();
    assert_eq!(b.read(1).await, Ok(5));
    assert_eq!((a.bodies(), b.bodies()), (0, 1));
}

#[tokio::test]
async fn what_is_written_is_what_a_fill_would_have_written() {
    let (filled, written) = (World::new(), World::new());
    Process::new(&filled).read(1).await.unwrap();
    Process::new(&written).count(1).await.unwrap();
    let names = filled.store.keys();
    assert_eq!(written.store.keys(), names);
    for name in names {
        let lives = filled.store.time_to_live(&name);
        assert_eq!(written.store.time_to_live(&name), lives, "{name:?}");
    }
    // The generations were missing, so they are minted before the body.
    let log = [
        Operation::Read,
        Operation::Mint,
        Operation::Swap,
        Operation::Write,
    ];
    assert_eq!(written.log(), log);
}

#[tokio::test]
async fn a_fill_that_began_before_the_writer_ended_is_never_served() {
    for reader in 0..2 {
        let world = World::new();
        let processes = [Process::gated(&world), Process::gated(&world)];
        processes[1].writes.add_permits(1);
        let filling = {
            let reader = Arc::clone(&processes[reader]);
            tokio::spawn(async move { reader.read(1).await })
        };
        until(|| processes[reader].bodies() == 1).await;
        processes[1].count(1).await.unwrap();
        processes[reader].reads.add_permits(1);
        assert_eq!(filling.await.unwrap(), Ok(0));
        for process in processes {
            process.reads.add_permits(1);
            assert_eq!(process.read(1).await, Ok(1));
        }
    }
}

#[tokio::test]
async fn of_two_writers_the_one_that_committed_first_leaves_nothing() {
    for first_to_end in [0, 1] {
        let world = World::new();
        let (a, b) = (Process::gated(&world), Process::gated(&world));
        let mut older = Box::pin(a.count(1));
        assert!(is_pending(older.as_mut()));
        let mut newer = Box::pin(b.count(1));
        assert!(is_pending(newer.as_mut()));
        a.writes.add_permits(1);
        b.writes.add_permits(1);
        if first_to_end == 0 {
            older.await.unwrap();
            newer.await.unwrap();
        } else {
            newer.await.unwrap();
            older.await.unwrap();
        }
        a.reads.add_permits(1);
        assert_eq!(a.read(1).await, Ok(2));
    }
}

#[tokio::test]
async fn an_invalidation_of_a_node_that_overlaps_the_writer_is_not_lost() {
    for invalidator in 0..2 {
        let world = World::new();
        let processes = [Process::gated(&world), Process::gated(&world)];
        let mut writing = pin!(processes[0].count(1));
        assert!(is_pending(writing.as_mut()));
        processes[invalidator].bump(1).await;
        processes[0].writes.add_permits(1);
        assert_eq!(writing.await, Ok(1));
        for process in &processes {
            process.reads.add_permits(1);
            assert_eq!(process.read(1).await, Ok(2));
        }
    }
}

/// What readers of two processes see after a writer whose operation met a fault, and how often the database was
/// asked for it.
async fn after(operation: Operation, fault: Fault) -> (u64, u64) {
    let world = World::new();
    let (a, b) = (Process::new(&world), Process::new(&world));
    b.read(1).await.unwrap();
    if operation == Operation::Mint {
        // So that there is one.
        world.store.flush();
    }
    world.store.next(1, operation, fault);
    assert_eq!(a.count(1).await, Ok(1));
    assert_eq!(a.read(1).await, Ok(1), "{operation:?} {fault:?}");
    let asked = a.bodies();
    while world.store.late() > 0 {
        world.store.deliver(0);
    }
    until(|| a.cache.stats().pending_invalidations == 0).await;
    assert_eq!(b.read(1).await, Ok(1), "{operation:?} {fault:?}");
    assert_eq!(a.read(1).await, Ok(1), "{operation:?} {fault:?}");
    (asked, a.bodies() + b.bodies())
}

#[tokio::test]
async fn whatever_becomes_of_its_operations_nobody_sees_what_was_there_before() {
    for fault in [Fault::Outage, Fault::Refused, Fault::ReplyLost, Fault::Late] {
        for operation in [
            Operation::Read,
            Operation::Mint,
            Operation::Swap,
            Operation::Write,
        ] {
            let (asked, _) = after(operation, fault).await;
            let is_stored = operation == Operation::Write && fault == Fault::ReplyLost;
            assert_eq!(asked, u64::from(!is_stored), "{operation:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_store_without_room_has_the_entry_dropped() {
    let world = World::new();
    let process = Process::new(&world);
    process.read(1).await.unwrap();
    world.store.set_full(true);
    process.count(1).await.unwrap();
    world.store.set_full(false);
    process.bump(2).await;
    assert_eq!(process.read(1).await, Ok(2));
    assert_eq!(process.bodies(), 2);
}

#[tokio::test]
async fn a_store_that_is_down_is_told_later() {
    let world = World::new();
    let (a, b) = (Process::new(&world), Process::new(&world));
    b.read(1).await.unwrap();
    world.store.set_down(true);
    assert_eq!(a.count(1).await, Ok(1));
    assert_eq!(a.cache.stats().pending_invalidations, 1);
    assert_eq!(a.read(1).await, Ok(1));
    world.store.set_down(false);
    // What is pending covers the entry: nothing is stored meanwhile.
    assert_eq!(a.count(1).await, Ok(2));
    until(|| {
        world.clock.advance(Duration::from_secs(1));
        a.cache.stats().pending_invalidations == 0
    })
    .await;
    assert_eq!(b.read(1).await, Ok(2));
}

#[tokio::test]
async fn what_cannot_be_stored_outdates_what_is_there_all_the_same() {
    let world = World::new();
    let process = Process::new(&world);
    process.set_even(1, Some(2)).await;
    assert_eq!(process.even(1).await, Some(Even(2)));
    process.set_even(1, Some(3)).await;
    assert_eq!(process.even(1).await, None);
    assert_eq!(process.bodies(), 1);
    process.set_even(1, Some(4)).await;
    process.set_even(1, None).await;
    assert_eq!(process.even(1).await, None, "an absence is kept here");
    assert_eq!(process.bodies(), 1);
    world.clock.advance(Duration::from_secs(10));
    process.even(1).await;
    assert_eq!(process.bodies(), 2);
}

#[tokio::test]
async fn each_entry_goes_to_where_its_function_keeps_it() {
    let world = World::new();
    let (a, b) = (Process::new(&world), Process::new(&world));
    a.count_both(1).await;
    world.number.store(7, SeqCst);
    assert_eq!((a.local(1).await, a.plain(1).await), (1, 1));
    assert_eq!((b.local(1).await, b.plain(1).await), (7, 1));
    assert_eq!((a.bodies(), b.bodies()), (0, 1));
}

#[tokio::test]
async fn while_memory_stands_in_for_a_store_nothing_is_written_through() {
    let world = World::new();
    world.store.set_down(true);
    let cache = world.builder().fall_back_to_memory(Duration::from_secs(60));
    let process = Process::with(&world, cache.build().unwrap(), 1_000);
    process.read(1).await.unwrap();
    let before = process.bodies();
    process.count(1).await.unwrap();
    assert_eq!(process.read(1).await, Ok(1));
    assert_eq!(process.bodies(), before + 1);
    assert_eq!(process.cache.stats().pending_invalidations, 1);
}

#[tokio::test]
async fn what_is_rolled_out_to_nobody_is_invalidated() {
    let world = World::new();
    let (a, b) = (Process::new(&world), Process::new(&world));
    b.read(1).await.unwrap();
    a.cache.set_rollout(Rollout::Off).unwrap();
    a.count(1).await.unwrap();
    world.number.store(7, SeqCst);
    assert_eq!(b.read(1).await, Ok(7));
}

#[tokio::test]
async fn a_writer_inside_of_a_block_waits_for_its_end_and_stores_nothing() {
    let world = World::new();
    let (a, b) = (Process::new(&world), Process::new(&world));
    b.read(1).await.unwrap();
    let block = defer(async {
        a.count(1).await?;
        assert_eq!(b.read(1).await, Ok(0));
        Ok::<_, String>(())
    });
    block.await.unwrap();
    world.number.store(7, SeqCst);
    assert_eq!(b.read(1).await, Ok(7));
    assert_eq!(world.store.count(Operation::Swap), 0);
}

/// Drops a writer while it waits for its `step`: an operation of the store, or its body.
async fn dropped_at(step: Option<Operation>) {
    let world = World::new();
    let (a, b) = (Process::gated(&world), Process::new(&world));
    b.read(1).await.unwrap();
    if let Some(operation) = step {
        a.writes.add_permits(1);
        world.store.next(1, operation, Fault::ReplyHeld);
    }
    {
        let mut writing = pin!(a.count(1));
        assert!(is_pending(writing.as_mut()));
    }
    let has_begun = world.number.load(SeqCst) == 1;
    assert_eq!(has_begun, step != Some(Operation::Read));
    let stats = a.cache.stats();
    assert_eq!(
        stats.settling_invalidations,
        u64::from(has_begun),
        "{step:?}"
    );
    a.reads.add_permits(10);
    assert_eq!(a.read(1).await, Ok(u64::from(has_begun)), "{step:?}");
    told(&world, &a.cache).await;
    assert_eq!(b.read(1).await, Ok(u64::from(has_begun)), "{step:?}");
    // What commits later is seen when it must have.
    world.number.store(7, SeqCst);
    world.clock.advance(Duration::from_secs(600));
    told(&world, &a.cache).await;
    assert_eq!(a.cache.stats().settling_invalidations, 0);
    if has_begun {
        assert_eq!(b.read(1).await, Ok(7), "{step:?}");
    }
}

#[tokio::test]
async fn a_writer_that_is_dropped_anywhere_invalidates_at_once_and_again() {
    dropped_at(None).await;
    dropped_at(Some(Operation::Read)).await;
    dropped_at(Some(Operation::Swap)).await;
    dropped_at(Some(Operation::Write)).await;
}

#[tokio::test]
async fn a_body_that_panics_and_a_store_that_does_invalidate() {
    let world = World::new();
    let b = Process::new(&world);
    b.read(1).await.unwrap();
    let mut a = Process::new(&world);
    Arc::get_mut(&mut a).unwrap().panics = true;
    let panicked = panics(a.count(1)).await;
    assert!(panicked);
    told(&world, &a.cache).await;
    assert_eq!(b.read(1).await, Ok(1));
    world.store.next(1, Operation::Swap, Fault::Panic);
    Arc::get_mut(&mut a).unwrap().panics = false;
    assert!(panics(a.count(1)).await);
    assert!(a.cache.stats().settling_invalidations >= 1);
    told(&world, &a.cache).await;
    assert_eq!(b.read(1).await, Ok(2));
}

/// Whether a future panics.
async fn panics<T>(future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match polled {
            Ok(polled) => polled.map(|_| false),
            Err(_) => std::task::Poll::Ready(true),
        }
    })
    .await
}

/// A function whose value may answer in the place of an error for a while, with its attribute written out.
async fn lasting(cache: &Cache, fails: bool) -> Result<u64, String> {
    let function = function!(
        "lasting",
        "",
        arguments(0),
        ttl_millis(60000),
        stale_if_error_millis(60000)
    );
    let shape = Returns::<Result<u64, String>>::new().outcome();
    let call = lookup(cache, function, shape, |_| {}, |_| {});
    let body = async || {
        if fails {
            Err("it fails".to_owned())
        } else {
            Ok(0)
        }
    };
    call.or_stale(body).await
}

#[update_cache(entry = lasting(cache, false))]
async fn set_lasting(cache: &Cache, to: u64) -> u64 {
    let _ = cache;
    to
}

#[tokio::test]
async fn what_is_written_has_the_windows_that_the_function_gives_its_values() {
    let world = World::new();
    let alone = Cache::builder().clock(world.clock.clone()).build().unwrap();
    for cache in [alone, world.cache()] {
        set_lasting(&cache, 7).await;
        assert_eq!(lasting(&cache, true).await, Ok(7));
        world.clock.advance(Duration::from_secs(61));
        assert_eq!(
            lasting(&cache, true).await,
            Ok(7),
            "in the place of the error"
        );
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(lasting(&cache, true).await, Err("it fails".to_owned()));
    }
}

#[cached(cache = cache, ttl = 1000, jitter = 0.5, skip(cache))]
async fn jittered(cache: &Cache, id: u64) -> u64 {
    let _ = cache;
    id
}

#[update_cache(entry = jittered(cache, id))]
async fn set_jittered(cache: &Cache, id: u64) -> u64 {
    let _ = cache;
    id
}

#[tokio::test]
async fn lifetimes_of_what_is_written_are_spread_as_those_of_values() {
    let world = World::new();
    let cache = world.cache();
    for id in 0..20 {
        set_jittered(&cache, id).await;
    }
    let names = world.store.keys();
    let lives = names
        .iter()
        .filter_map(|name| world.store.time_to_live(name));
    let mut lives: Vec<_> = lives
        .filter(|ttl| *ttl <= Duration::from_secs(1_000))
        .collect();
    lives.sort_unstable();
    lives.dedup();
    assert_eq!(lives.len(), 20, "{lives:?}");
    assert!(lives[0] >= Duration::from_secs(500));
}
