//! Entries in a store that processes share: hits, misses and fills.

#[path = "support/service.rs"]
mod service;

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::layout::Key;
use cachewright::testing::Operation::{Mint, Read, Write};
use cachewright::{Cache, cached, invalidate_cache};
use service::{World, until};

fn is_value(key: &Key) -> bool {
    !key.as_bytes().starts_with(b"app:~")
}

/// The key of the only entry.
fn value_key(world: &World) -> Key {
    let mut values = world.store.keys().into_iter().filter(is_value);
    let value = values.next().unwrap();
    assert_eq!(values.next(), None);
    value
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn what_one_process_computed_is_a_hit_in_another() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    assert_eq!(a.read(1).await, Ok(0));
    assert_eq!(b.read(1).await, Ok(0));
    assert_eq!((a.bodies(), b.bodies()), (1, 0));
    assert_eq!(b.read(2).await, Ok(0));
    assert_eq!(b.bodies(), 1);
    let stats = b.cache.stats();
    assert_eq!((stats.functions[0].hits, stats.functions[0].misses), (1, 1));
}

#[tokio::test]
async fn a_hit_is_one_read_and_a_miss_mints_and_writes() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    assert_eq!(world.log(), [Read, Mint, Write]);
    world.store.forget_log();
    service.read(1).await.unwrap();
    assert_eq!(world.log(), [Read]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_of_a_cold_key_run_one_body() {
    for _ in 0..10 {
        let world = World::new();
        let service = world.service();
        let callers: Vec<_> = (0..1_000)
            .map(|_| {
                let service = service.clone();
                tokio::spawn(async move { service.read(1).await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Ok(0));
        }
        assert_eq!(service.bodies(), 1);
        assert_eq!(service.cache.stats().computations, 0);
    }
}

#[tokio::test]
async fn an_entry_ends_with_its_time_to_live() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    a.read(1).await.unwrap();
    world.clock.advance(Duration::from_secs(599));
    b.read(1).await.unwrap();
    assert_eq!(b.bodies(), 0);
    world.clock.advance(Duration::from_secs(1));
    b.read(1).await.unwrap();
    assert_eq!(b.bodies(), 1);
}

#[tokio::test]
async fn generations_outlive_the_entries_that_are_filled_under_them() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    let value = value_key(&world);
    let entry = world.store.time_to_live(&value).unwrap();
    for generation in world.store.keys().iter().filter(|key| !is_value(key)) {
        assert!(world.store.time_to_live(generation).unwrap() > 2 * entry);
    }
}

#[tokio::test]
async fn evicting_any_key_costs_one_computation() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    for key in world.store.keys() {
        let before = service.bodies();
        assert_eq!(world.store.evict(|other| *other == key), 1);
        assert_eq!(service.read(1).await, Ok(0));
        assert_eq!(service.bodies(), before + 1);
        service.read(1).await.unwrap();
        assert_eq!(service.bodies(), before + 1);
    }
    world.store.flush();
    service.read(1).await.unwrap();
    service.read(1).await.unwrap();
    assert_eq!(service.bodies(), 8);
}

#[tokio::test]
async fn bytes_that_are_no_entry_are_a_miss_and_overwritten() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    let value = value_key(&world);
    let good = world.store.peek(&value).unwrap();
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut of_the_future = good.clone();
    // Behind the magic bytes.
    of_the_future[4] = of_the_future[4].wrapping_add(1);
    let truncated = (0..good.len()).map(|len| good[..len].to_vec());
    let strange = [damaged, of_the_future, b"foreign".to_vec(), vec![0; 200]];
    for bytes in strange.into_iter().chain(truncated) {
        let before = service.bodies();
        let ttl = Duration::from_secs(60);
        world
            .store
            .alter(|contents| contents.set(&value, bytes, ttl));
        assert_eq!(service.read(1).await, Ok(0));
        assert_eq!(service.read(1).await, Ok(0));
        assert_eq!(service.bodies(), before + 1);
    }
}

#[tokio::test]
async fn an_entry_under_anothers_key_is_a_miss() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    let value = value_key(&world);
    let stolen = world.store.peek(&value).unwrap();
    world.number.store(7, SeqCst);
    service.read(2).await.unwrap();
    for key in world
        .store
        .keys()
        .into_iter()
        .filter(|key| is_value(key) && *key != value)
    {
        world
            .store
            .alter(|contents| contents.set(&key, stolen.clone(), None));
    }
    assert_eq!(service.read(2).await, Ok(7));
}

#[tokio::test]
async fn something_foreign_under_a_generation_is_replaced() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    let generations: Vec<_> = world
        .store
        .keys()
        .into_iter()
        .filter(|key| !is_value(key))
        .collect();
    for generation in generations {
        world
            .store
            .alter(|contents| contents.set(&generation, b"foreign".to_vec(), None));
        // The first mint makes room, the second takes it.
        for _ in 0..2 {
            assert_eq!(service.read(1).await, Ok(0));
        }
        let before = service.bodies();
        assert_eq!(service.read(1).await, Ok(0));
        assert_eq!(service.bodies(), before);
    }
}

struct Many {
    cache: Cache,
    bodies: AtomicU64,
}

impl Many {
    fn new(world: &World) -> Self {
        Self {
            cache: world.cache(),
            bodies: AtomicU64::new(0),
        }
    }

    fn body(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache)]
    async fn failing(&self) -> Result<u64, String> {
        Err(self.body().to_string())
    }

    #[cached(cache = self.cache, none_ttl = 10)]
    async fn absent(&self) -> Option<u64> {
        self.body();
        None
    }

    #[cached(cache = self.cache)]
    async fn absent_for_nobody(&self) -> Option<u64> {
        self.body();
        None
    }

    #[cached(cache = self.cache, key_prefix = "outer")]
    async fn outer(&self, number: u64) -> u64 {
        self.body();
        self.inner(number).await + self.inner(number).await
    }

    #[cached(cache = self.cache, key_prefix = "inner")]
    async fn inner(&self, number: u64) -> u64 {
        self.body();
        number
    }

    #[cached(cache = self.cache, key_prefix = "sync")]
    fn blocking(&self, number: u64) -> u64 {
        self.body();
        number
    }

    #[invalidate_cache("sync", cache = self.cache)]
    fn write_blocking(&self) {}

    #[cached(cache = self.cache, tier = "memory", key_prefix = "memory")]
    async fn in_memory(&self) -> u64 {
        self.body()
    }

    #[cached(cache = self.cache, tier = "shared", key_prefix = "shared")]
    async fn in_the_store(&self) -> u64 {
        self.body()
    }

    #[cached(cache = self.cache, single_flight = "off", key_prefix = "alone")]
    async fn alone(&self) -> u64 {
        self.body()
    }

    #[cached(cache = self.cache)]
    async fn not_send(&self) -> Result<u64, NotSend> {
        tokio::task::yield_now().await;
        match self.body() {
            1 => Err(NotSend(Rc::new(1))),
            number => Ok(number),
        }
    }

    #[invalidate_cache("x", cache = self.cache, on = "always")]
    async fn write_not_send(&self) -> Result<u64, NotSend> {
        tokio::task::yield_now().await;
        Err(NotSend(Rc::new(1)))
    }
}

#[derive(Debug, PartialEq)]
struct NotSend(Rc<u64>);

#[tokio::test]
async fn errors_are_not_stored() {
    let world = World::new();
    let many = Many::new(&world);
    assert_eq!(many.failing().await, Err("1".to_owned()));
    assert_eq!(many.failing().await, Err("2".to_owned()));
    assert!(world.store.keys().iter().all(|key| !is_value(key)));
}

#[tokio::test]
async fn an_absence_is_stored_for_as_long_as_its_function_says() {
    let world = World::new();
    let (a, b) = (Many::new(&world), Many::new(&world));
    assert_eq!((a.absent().await, b.absent().await), (None, None));
    assert_eq!((a.body(), b.body()), (2, 1));
    world.clock.advance(Duration::from_secs(10));
    b.absent().await;
    assert_eq!(b.body(), 3);
    a.absent_for_nobody().await;
    b.absent_for_nobody().await;
    assert_eq!((a.body(), b.body()), (4, 5));
}

#[tokio::test]
async fn cached_functions_may_call_each_other() {
    let world = World::new();
    let (a, b) = (Many::new(&world), Many::new(&world));
    assert_eq!(a.outer(21).await, 42);
    assert_eq!(a.body(), 3);
    assert_eq!(b.inner(21).await, 21);
    assert_eq!(b.outer(21).await, 42);
    assert_eq!(b.body(), 1);
}

#[test]
fn synchronous_functions_share_entries_too() {
    let world = World::new();
    let (a, b) = (Many::new(&world), Many::new(&world));
    assert_eq!((a.blocking(7), b.blocking(7)), (7, 7));
    assert_eq!((a.body(), b.body()), (2, 1));
    b.write_blocking();
    a.blocking(7);
    assert_eq!(a.body(), 4);
}

#[tokio::test]
async fn what_stays_in_memory_never_reaches_the_store() {
    let world = World::new();
    let many = Many::new(&world);
    assert_eq!((many.in_memory().await, many.in_memory().await), (1, 1));
    assert_eq!(world.store.count(None), 0);
    assert_eq!(many.in_the_store().await, 2);
    assert!(world.store.count(None) > 0);
    many.cache.invalidate("memory").await.unwrap();
    assert_eq!(many.in_memory().await, 3);
}

#[tokio::test]
async fn a_function_that_shares_no_computations_shares_entries() {
    let world = World::new();
    let (a, b) = (Many::new(&world), Many::new(&world));
    assert_eq!((a.alone().await, b.alone().await), (1, 1));
}

#[tokio::test]
async fn futures_are_send_though_the_error_is_not() {
    fn send<T: Send>(future: T) -> T {
        future
    }
    let world = World::new();
    let many = Many::new(&world);
    assert_eq!(send(many.not_send()).await, Err(NotSend(Rc::new(1))));
    assert_eq!(send(many.not_send()).await, Ok(2));
    assert_eq!(send(many.not_send()).await, Ok(2));
    assert!(send(many.write_not_send()).await.is_err());
}

#[tokio::test]
async fn plain_entries_of_another_type_are_a_miss_and_overwritten() {
    let world = World::new();
    let (a, b) = (world.cache(), world.cache());
    a.set("key", "text".to_owned(), None).await.unwrap();
    assert_eq!(b.get::<u64>("key").await.unwrap(), None);
    let answer = b.get_or_set("key", None, async || Ok::<_, ()>(7_u64)).await;
    assert_eq!(answer, Ok(7));
    assert_eq!(a.get::<u64>("key").await.unwrap(), Some(7));
}

#[tokio::test]
async fn namespaces_on_one_store_do_not_meet() {
    let world = World::new();
    let other = world.builder().namespace("other").build().unwrap();
    let (a, b) = (world.service(), world.service_with(other));
    a.read(1).await.unwrap();
    world.number.store(1, SeqCst);
    assert_eq!(b.read(1).await, Ok(1));
    b.cache.clear().await.unwrap();
    b.write(1).await.unwrap();
    assert_eq!(a.read(1).await, Ok(0));
    assert_eq!(a.bodies(), 1);
}

#[tokio::test]
async fn a_full_store_lets_functions_work_and_invalidates() {
    let world = World::new();
    let (a, b) = (world.service(), world.service());
    a.read(1).await.unwrap();
    world.store.set_full(true);
    assert_eq!(b.read(1).await, Ok(0));
    assert_eq!(b.bodies(), 0);
    for bodies in 1..20 {
        assert_eq!(b.read(2).await, Ok(0));
        assert_eq!(b.bodies(), bodies);
    }
    a.write(1).await.unwrap();
    assert_eq!((b.read(1).await, a.pending()), (Ok(1), 0));
    world.store.set_full(false);
    assert_eq!(b.read(1).await, Ok(1));
    let before = a.bodies();
    assert_eq!(a.read(1).await, Ok(1));
    assert_eq!(a.bodies(), before);
}

#[tokio::test]
async fn a_value_that_is_too_large_is_computed_and_not_stored() {
    let world = World::new();
    let cache = world.cache();
    let huge = || cache.get_or_set("huge", None, async || Ok::<_, ()>("x".repeat(17 << 20)));
    assert_eq!(huge().await.unwrap().len(), 17 << 20);
    assert_eq!(world.store.count(Write), 0);
    assert_eq!(cache.stats().functions[0].errors, 1);
}

#[tokio::test]
async fn callers_that_wait_get_the_result_before_it_is_stored() {
    use cachewright::testing::Fault;
    let world = World::new();
    let service = world.gated();
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.read(1).await })
        })
        .collect();
    until(|| service.bodies() == 1 && world.store.count(Read) == 10).await;
    world.store.next(1, Write, Fault::Hang);
    service.gate.add_permits(1);
    until(|| callers.iter().filter(|caller| caller.is_finished()).count() == 9).await;
    assert_eq!(world.store.hanging(), 1);
    world.store.release();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok(0));
    }
    assert_eq!(service.bodies(), 1);
}

#[tokio::test]
async fn a_caller_that_comes_while_the_result_is_being_stored_gets_it() {
    use cachewright::testing::Fault;
    let world = World::new();
    let service = world.service();
    let mut storing = pin!(service.read(1));
    world.store.next(1, Write, Fault::Hang);
    assert!(poll_once(storing.as_mut()).is_pending());
    assert_eq!((service.bodies(), world.store.hanging()), (1, 1));
    assert_eq!(service.read(1).await, Ok(0));
    // One that is told by the store that there is nothing, and hears it when there is something.
    world.store.next(1, Read, Fault::ReplyHeld);
    let mut late = pin!(service.read(1));
    assert!(poll_once(late.as_mut()).is_pending());
    world.store.release();
    assert_eq!((storing.await, late.await), (Ok(0), Ok(0)));
    assert_eq!(
        (service.bodies(), service.cache.stats().computations),
        (1, 0)
    );
}

#[tokio::test]
async fn a_caller_that_comes_after_an_invalidation_does_not_get_what_is_being_stored() {
    use cachewright::testing::Fault;
    for elsewhere in [false, true] {
        let world = World::new();
        let service = world.service();
        let writer = if elsewhere {
            world.service()
        } else {
            Arc::clone(&service)
        };
        let mut storing = pin!(service.read(1));
        world.store.next(1, Write, Fault::Hang);
        assert!(poll_once(storing.as_mut()).is_pending());
        writer.write(1).await.unwrap();
        assert_eq!(service.read(1).await, Ok(1));
        world.store.release();
        assert_eq!(storing.await, Ok(0));
        assert_eq!(service.read(1).await, Ok(1));
    }
}

#[tokio::test]
async fn what_is_gone_after_it_was_stored_is_computed_again() {
    use cachewright::testing::Fault;
    let world = World::new();
    let service = world.service();
    // Another reader is being answered all the time, as for any key in demand.
    world.store.next(1, Read, Fault::ReplyHeld);
    let mut other = pin!(service.read(1));
    assert!(poll_once(other.as_mut()).is_pending());
    service.read(1).await.unwrap();
    let value = value_key(&world);
    world.store.evict(|key| *key == value);
    service.read(1).await.unwrap();
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn a_caller_whose_reply_is_on_its_way_gets_what_was_computed_meanwhile() {
    use cachewright::testing::Fault;
    let world = World::new();
    let service = world.gated();
    let read = || {
        let service = service.clone();
        tokio::spawn(async move { service.read(1).await })
    };
    let leader = read();
    until(|| service.bodies() == 1).await;
    world.store.next(1, Read, Fault::ReplyHeld);
    let late = read();
    until(|| world.store.hanging() == 1).await;
    service.gate.add_permits(1);
    assert_eq!(leader.await.unwrap(), Ok(0));
    assert_eq!(service.cache.stats().computations, 1);
    world.store.release();
    assert_eq!(late.await.unwrap(), Ok(0));
    assert_eq!(
        (service.bodies(), service.cache.stats().computations),
        (1, 0)
    );
}
