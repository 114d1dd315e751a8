//! Functions that answer for many elements at once, over a store: what they ask of it, and in which order.

#[path = "support/service.rs"]
mod service;

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cachewright::testing::Operation::{Mint, Prolong, Read, Write};
use cachewright::testing::{Fault, Operation};
use cachewright::{Cache, FunctionStats, cached, defer, invalidate_cache, warm};
use service::World;
use tokio::sync::Semaphore;

/// One process with users.
struct Users {
    cache: Cache,
    /// Which release of a name there is; the processes' own database.
    release: Arc<AtomicU64>,
    asked: Mutex<Vec<Vec<i64>>>,
    /// One permit lets one body go on after it has read.
    gate: Semaphore,
}

/// An error that stays on its thread.
#[derive(Debug)]
struct Local(#[expect(dead_code, reason = "it is what keeps it there")] Rc<()>);

impl Users {
    fn new(world: &World) -> Arc<Self> {
        Self::gated(world, Semaphore::MAX_PERMITS)
    }

    fn gated(world: &World, permits: usize) -> Arc<Self> {
        Self::with(world, world.cache(), permits)
    }

    fn with(world: &World, cache: Cache, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            cache,
            release: Arc::clone(&world.number),
            asked: Mutex::default(),
            gate: Semaphore::new(permits),
        })
    }

    async fn load(&self, ids: &[i64]) -> HashMap<i64, u64> {
        self.asked.lock().unwrap().push(ids.to_vec());
        let release = self.release.load(SeqCst);
        let _permit = self.gate.acquire().await.unwrap();
        let present = ids.iter().filter(|id| **id >= 0);
        present.map(|id| (*id, release)).collect()
    }

    fn asked(&self) -> Vec<Vec<i64>> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    #[cached(cache = self.cache, key_prefix = "user:{ids}", ttl = 300, batch = ids)]
    async fn users(&self, ids: &[i64]) -> HashMap<i64, u64> {
        self.load(ids).await
    }

    #[cached(cache = self.cache, key_prefix = "listed", ttl = 300, none_ttl = 30, batch = ids)]
    async fn listed(&self, ids: Vec<i64>) -> Vec<Option<u64>> {
        let found = self.load(&ids).await;
        ids.iter().map(|id| found.get(id).copied()).collect()
    }

    #[cached(cache = self.cache, batch = ids)]
    async fn local_error(&self, ids: Vec<i64>) -> Result<HashMap<i64, u64>, Local> {
        if ids.contains(&13) {
            return Err(Local(Rc::new(())));
        }
        Ok(self.load(&ids).await)
    }

    #[cached(cache = self.cache, ttl = "2h", batch = ids)]
    async fn long_lived(&self, ids: &[i64]) -> HashMap<i64, u64> {
        self.load(ids).await
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: i64) -> Result<(), String> {
        self.release.fetch_add(1, SeqCst);
        Ok(())
    }

    #[invalidate_cache(entry = self.listed(vec![1, 3]), cache = self.cache)]
    async fn rename_odd(&self) -> Result<(), String> {
        self.release.fetch_add(1, SeqCst);
        Ok(())
    }

    fn row(&self, name: &str) -> FunctionStats {
        let rows = self.cache.stats().functions;
        rows.into_iter().find(|row| row.name == name).unwrap()
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn all(release: u64, ids: &[i64]) -> HashMap<i64, u64> {
    ids.iter().map(|id| (*id, release)).collect()
}

#[tokio::test]
async fn a_warm_batch_is_one_read_and_a_cold_one_mints_and_writes_once() {
    let world = World::new();
    let users = Users::new(&world);
    let ids: Vec<i64> = (0..1_000).collect();
    assert_eq!(users.users(&ids).await, all(0, &ids));
    assert_eq!(world.log(), [Read, Mint, Write]);
    world.store.forget_log();
    assert_eq!(users.users(&ids).await, all(0, &ids));
    assert_eq!(world.log(), [Read]);
    world.store.forget_log();
    // The other elements are hits, and what is below one node knows its generation.
    let more: Vec<i64> = (500..1_500).collect();
    assert_eq!(users.users(&more).await, all(0, &more));
    assert_eq!(world.log(), [Read, Mint, Write]);
    let asked: Vec<_> = users.asked().into_iter().map(|ids| ids.len()).collect();
    assert_eq!(asked, [1_000, 500]);
    let row = users.row("users");
    assert_eq!((row.hits, row.misses), (1_500, 1_500));
}

#[tokio::test]
async fn what_one_process_computed_is_a_hit_in_another() {
    let world = World::new();
    let (a, b) = (Users::new(&world), Users::new(&world));
    a.users(&[1, 2]).await;
    assert_eq!(b.users(&[3, 2, 1]).await, all(0, &[1, 2, 3]));
    assert_eq!(b.asked(), [[3]]);
    assert_eq!(a.listed(vec![-1, 1]).await, [None, Some(0)]);
    assert_eq!(b.listed(vec![1, -1, 1]).await, [Some(0), None, Some(0)]);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(b.listed(vec![1, -1]).await, [Some(0), None]);
    assert_eq!(b.asked(), [[-1]]);
}

#[tokio::test]
async fn an_element_that_was_invalidated_meanwhile_lands_dead_and_the_others_live() {
    let world = World::new();
    let (slow, other) = (Users::gated(&world, 0), Users::new(&world));
    let mut late = pin!(slow.users(&[1, 2, 3]));
    assert!(poll_once(late.as_mut()).is_pending());
    assert_eq!(slow.asked(), [[1, 2, 3]]);
    other.rename(2).await.unwrap();
    slow.gate.add_permits(1);
    assert_eq!(late.await, all(0, &[1, 2, 3]));
    let found = other.users(&[1, 2, 3]).await;
    assert_eq!((found[&1], found[&2], found[&3]), (0, 1, 0));
    assert_eq!(other.asked(), [[2]]);
}

#[tokio::test]
async fn a_call_names_the_entry_of_each_element_in_every_process() {
    let world = World::new();
    let (a, b) = (Users::new(&world), Users::new(&world));
    b.listed(vec![1, 2, 3]).await;
    a.rename_odd().await.unwrap();
    assert_eq!(b.listed(vec![1, 2, 3]).await, [Some(1), Some(0), Some(1)]);
}

#[tokio::test]
async fn what_is_pending_bars_its_elements_alone() {
    let world = World::new();
    let users = Users::new(&world);
    users.users(&[1, 2]).await;
    world
        .store
        .next(usize::MAX, Operation::Invalidate, Fault::Outage);
    users.rename(2).await.unwrap();
    users.asked();
    for _ in 0..2 {
        let found = users.users(&[1, 2]).await;
        assert_eq!((found[&1], found[&2]), (0, 1));
    }
    assert_eq!(users.asked(), [[2], [2]], "neither read nor stored");
}

#[tokio::test]
async fn a_reader_that_was_invalidated_does_not_join_the_batch_from_before() {
    let world = World::new();
    let (slow, other) = (Users::gated(&world, 0), Users::new(&world));
    let mut old = pin!(slow.users(&[1, 2]));
    assert!(poll_once(old.as_mut()).is_pending());
    other.rename(1).await.unwrap();
    let mut new = pin!(slow.users(&[1, 2]));
    assert!(poll_once(new.as_mut()).is_pending());
    // 2 is followed, 1 is not.
    assert_eq!(slow.asked(), [vec![1, 2], vec![1]]);
    slow.gate.add_permits(2);
    assert_eq!(old.await, all(0, &[1, 2]));
    let found = new.await;
    assert_eq!((found[&1], found[&2]), (1, 0));
    assert_eq!(slow.row("users").coalesced, 1);
    assert_eq!(slow.cache.stats().computations, 0);
}

#[tokio::test]
async fn without_a_store_that_answers_the_body_computes_for_its_call_alone() {
    for operation in [Read, Mint] {
        let world = World::new();
        let users = Users::new(&world);
        world.store.next(1, operation, Fault::Outage);
        assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
        assert_eq!(world.store.count(Write), 0);
        assert_eq!(users.row("users").misses, 2);
        assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
        assert_eq!(users.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_write_that_fails_costs_a_computation() {
    let world = World::new();
    let users = Users::new(&world);
    world.store.next(1, Write, Fault::Outage);
    assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
    assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
    users.users(&[1, 2]).await;
    assert_eq!(users.asked().len(), 2);
}

#[tokio::test]
async fn a_full_store_answers_what_it_has() {
    let world = World::new();
    let users = Users::new(&world);
    users.users(&[1]).await;
    world.store.set_full(true);
    assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
    assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
    assert_eq!(users.asked(), [[1], [2], [2]]);
    assert!(users.row("users").errors > 0);
}

#[tokio::test]
async fn generations_that_were_there_are_prolonged_together() {
    let world = World::new();
    let users = Users::new(&world);
    users.long_lived(&[1, 2]).await;
    // Those that were minted just now live long enough.
    assert_eq!(world.store.log(), [Read, Mint, Write]);
    world.store.forget_log();
    users.long_lived(&[3, 4]).await;
    assert_eq!(world.store.log(), [Read, Mint, Write, Prolong]);
}

#[tokio::test]
async fn errors_need_not_be_send() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    let world = World::new();
    let users = Users::new(&world);
    assert_eq!(
        is_send(users.local_error(vec![1])).await.unwrap(),
        all(0, &[1])
    );
    assert!(users.local_error(vec![1, 13]).await.is_err());
    let row = users.row("local_error");
    assert_eq!((row.hits, row.misses, row.failures), (1, 2, 1));
}

#[tokio::test]
async fn inside_a_block_that_defers_the_store_answers_and_nothing_is_kept() {
    let world = World::new();
    let users = Users::new(&world);
    users.users(&[1, 2]).await;
    world.store.forget_log();
    let inner = Arc::clone(&users);
    let done: Result<(), String> = defer(async move {
        inner.rename(2).await?;
        inner.asked();
        let found = inner.users(&[1, 2, 3]).await;
        assert_eq!((found[&1], found[&2], found[&3]), (0, 1, 1));
        assert_eq!(inner.asked(), [[2, 3]]);
        Ok(())
    })
    .await;
    done.unwrap();
    assert_eq!((world.store.count(Mint), world.store.count(Write)), (0, 0));
    users.users(&[1, 2, 3]).await;
    assert_eq!(users.asked(), [[2, 3]]);
}

#[tokio::test]
async fn a_batch_that_is_dropped_at_any_point_leaves_nothing_behind() {
    for fault in [Fault::Hang, Fault::ReplyHeld] {
        for operation in [Read, Mint, Write] {
            let world = World::new();
            let users = Users::new(&world);
            world.store.next(1, operation, fault);
            {
                let mut dropped = pin!(users.users(&[1, 2]));
                assert!(poll_once(dropped.as_mut()).is_pending());
            }
            world.store.release();
            assert_eq!(users.cache.stats().computations, 0);
            assert_eq!(users.users(&[1, 2]).await, all(0, &[1, 2]));
            users.asked();
            users.users(&[1, 2]).await;
            assert_eq!(users.asked(), [[0; 0]; 0]);
        }
    }
}

#[test]
fn synchronous_functions_have_a_store_as_well() {
    let world = World::new();
    let sums = Sums {
        cache: world.cache(),
        bodies: AtomicU64::new(0),
    };
    assert_eq!(sums.doubled(vec![1, 2]), [Some(2), Some(4)]);
    assert_eq!(sums.doubled(vec![2, 3, 2]), [Some(4), Some(6), Some(4)]);
    assert_eq!(sums.bodies.load(SeqCst), 3);
}

struct Sums {
    cache: Cache,
    bodies: AtomicU64,
}

impl Sums {
    #[cached(cache = self.cache, tier = "shared", batch = numbers)]
    fn doubled(&self, mut numbers: Vec<u64>) -> Vec<Option<u64>> {
        self.bodies.fetch_add(numbers.len() as u64, SeqCst);
        numbers.iter_mut().for_each(|number| *number *= 2);
        numbers.into_iter().map(Some).collect()
    }
}

#[tokio::test]
async fn a_batch_of_which_the_store_has_everything_is_skipped_by_who_warms() {
    let world = World::new();
    let (users, others) = (Users::new(&world), Users::new(&world));
    let counts = async |batch: &[i64]| {
        let report = warm([others.users(batch)]).run().await;
        (report.done, report.skipped, report.failed)
    };
    users.users(&[1, 2]).await;
    assert_eq!(counts(&[2, 1]).await, (0, 1, 0));
    assert_eq!(counts(&[2, 3]).await, (1, 0, 0));
    let failing = others.local_error(vec![13, 1]);
    assert_eq!(warm([failing]).run().await.failed, 1);
}
