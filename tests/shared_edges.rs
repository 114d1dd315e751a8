//! Where a cache over a store is easily wrong.

#[path = "support/service.rs"]
mod service;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use cachewright::Cache;
use cachewright::testing::Fault;
use cachewright::testing::Operation::{Count, Invalidate, Read, Swap, Write};
use service::{World, until};

const KEY: &str = "user:42:name";

/// `set` has swapped its key's generation and not yet read those above it.
async fn setting(world: &World, cache: &Cache) -> tokio::task::JoinHandle<()> {
    world.store.next(1, Swap, Fault::ReplyHeld);
    let setter = cache.clone();
    let task = tokio::spawn(async move { setter.set(KEY, 1_u64, None).await.unwrap() });
    until(|| world.store.hanging() == 1).await;
    task
}

#[tokio::test]
async fn an_invalidation_that_follows_the_swap_of_a_set_covers_its_value() {
    let world = World::new();
    let (a, b) = (world.cache(), world.cache());
    let task = setting(&world, &a).await;
    // Begins after the value was handed to `set`, and after `set` took effect on the key.
    b.invalidate("user:42:*").await.unwrap();
    world.store.release();
    task.await.unwrap();
    assert_eq!(b.get::<u64>(KEY).await.unwrap(), None);
    assert_eq!(a.get::<u64>(KEY).await.unwrap(), None);
}

/// A read that keeps a seat until it is dropped.
fn seated(cache: &Cache) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let cache = cache.clone();
    Box::pin(async move {
        let _ = cache
            .get_or_set(KEY, None, async || Ok::<_, ()>(99_u64))
            .await;
    })
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn what_was_told_to_expire_is_not_given_out_by_the_flight_that_computed_it() {
    let world = World::new();
    let cache = world.cache();
    let bodies = AtomicU64::new(0);
    let read = async || {
        let ttl = Duration::from_secs(600);
        let compute = async || Ok::<_, ()>(bodies.fetch_add(1, SeqCst));
        cache.get_or_set(KEY, ttl, compute).await.unwrap()
    };
    // Another reader is being answered all the time, as for any key in demand.
    world.store.next(1, Read, Fault::ReplyHeld);
    let mut other = seated(&cache);
    assert!(poll_once(other.as_mut()).is_pending());
    assert_eq!(read().await, 0);
    assert!(cache.expire(KEY, Duration::from_secs(1)).await.unwrap());
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(cache.get::<u64>(KEY).await.unwrap(), None);
    assert_eq!(read().await, 1, "it ended a second ago");
}

#[tokio::test]
async fn what_was_told_to_expire_is_not_given_out_while_its_leader_waits_to_hear_that_it_is_stored()
{
    let world = World::new();
    let (here, there) = (world.cache(), world.cache());
    world.store.next(1, Write, Fault::ReplyHeld);
    let mut leader = seated(&here);
    assert!(poll_once(leader.as_mut()).is_pending());
    assert!(there.expire(KEY, Duration::from_secs(1)).await.unwrap());
    world.clock.advance(Duration::from_secs(2));
    let read = here.get_or_set(KEY, None, async || Ok::<_, ()>(1_u64));
    assert_eq!(read.await, Ok(1), "it ended a second ago");
}

const AGE: Duration = Duration::from_secs(1);

async fn fallen_back(world: &World) -> Cache {
    world.store.set_down(true);
    let cache = world.builder().fall_back_to_memory(AGE).build().unwrap();
    cache.connect().await.unwrap();
    cache
}

#[tokio::test]
async fn prolonging_in_memory_does_not_exceed_the_age_of_a_fallback() {
    let world = World::new();
    let cache = fallen_back(&world).await;
    cache.set("session:7", 1_u64, None).await.unwrap();
    // Another process, which reaches the store, invalidates the key here. This one can't hear it.
    for _ in 0..20 {
        world.clock.advance(AGE / 2);
        let _ = cache.expire("session:7", Duration::from_secs(600)).await;
    }
    assert_eq!(
        cache.get::<u64>("session:7").await.unwrap(),
        None,
        "ten seconds old"
    );
}

#[tokio::test]
async fn what_a_long_body_read_does_not_exceed_the_age_of_a_fallback() {
    let world = World::new();
    let service = world.gated_with(fallen_back(&world).await);
    let leader = tokio::spawn({
        let service = service.clone();
        async move { service.read(1).await }
    });
    until(|| service.bodies() == 1).await;
    // Another process writes, and has its invalidation acknowledged.
    world.number.store(1, SeqCst);
    world.clock.advance(8 * AGE);
    // Begins seven times the age after that.
    let mut late = pin!(service.read(1));
    assert!(poll_once(late.as_mut()).is_pending());
    service.gate.add_permits(2);
    assert_eq!(leader.await.unwrap(), Ok(0));
    assert_eq!(
        late.await,
        Ok(1),
        "joined a computation of eight times the age"
    );
}

#[tokio::test]
async fn what_a_long_body_read_is_not_kept_for_the_age_of_a_fallback_once_more() {
    let world = World::new();
    let service = world.gated_with(fallen_back(&world).await);
    let leader = tokio::spawn({
        let service = service.clone();
        async move { service.read(1).await }
    });
    until(|| service.bodies() == 1).await;
    world.number.store(1, SeqCst);
    world.clock.advance(8 * AGE);
    service.gate.add_permits(2);
    assert_eq!(leader.await.unwrap(), Ok(0));
    assert_eq!(
        service.read(1).await,
        Ok(1),
        "kept after it was eight times the age"
    );
}

#[tokio::test]
async fn counting_in_a_full_store_does_not_open_the_breaker() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    world.store.set_full(true);
    for _ in 0..5 {
        assert!(
            service
                .cache
                .counter("login:ada")
                .increment(1)
                .await
                .unwrap_err()
                .is_outage()
        );
    }
    service.read(1).await.unwrap();
    assert_eq!(service.bodies(), 1, "a full store reads and invalidates");
    service.cache.invalidate("user").await.unwrap();
}

#[tokio::test]
async fn a_program_that_may_not_count_keeps_its_cache() {
    let world = World::new();
    let service = world.service();
    service.read(1).await.unwrap();
    world.store.next(5, Count, Fault::Refused);
    for _ in 0..5 {
        let refused = service.cache.counter("login:ada").increment(1).await;
        assert!(refused.unwrap_err().is_configuration());
    }
    service.read(1).await.unwrap();
    assert_eq!(service.bodies(), 1);
}

#[tokio::test]
async fn shutting_down_keeps_to_its_time_though_the_store_hangs() {
    let world = World::new();
    let cache = world
        .builder()
        .store_timeout(Duration::from_secs(4))
        .build()
        .unwrap();
    let service = world.service_with(cache);
    world.store.next(1, Invalidate, Fault::Outage);
    service.write(1).await.unwrap();
    world.store.next(usize::MAX, None, Fault::Hang);
    let began = Instant::now();
    assert!(service.cache.shutdown(Duration::ZERO).await.is_err());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_cache_whose_last_handle_a_dropped_writer_held_still_invalidates() {
    let world = World::new();
    let reader = world.service();
    reader.read(1).await.unwrap();
    {
        // A request of its own, whose client hangs up behind the commit.
        let cache = world.cache();
        world.store.next(1, Invalidate, Fault::Hang);
        let writer = world.service_with(cache);
        let mut writing = pin!(writer.write(1));
        assert!(poll_once(writing.as_mut()).is_pending());
        poll_fn(|_| Poll::Ready(())).await;
    }
    world.clock.advance(Duration::from_secs(2));
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(reader.read(1).await, Ok(1));
}

/// A subscriber of logs that fails, as one does whose disk is full.
struct Failing;

impl tracing::Subscriber for Failing {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        panic!("no room for logs");
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_writer_whose_log_entry_panics_still_invalidates() {
    let world = World::new();
    let (reader, writer) = (world.service(), world.service());
    reader.read(1).await.unwrap();
    let panicked = tracing::subscriber::with_default(Failing, || {
        let mut writing = Box::pin(writer.write(1));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            poll_once(writing.as_mut()).is_ready()
        }))
        .is_err()
    });
    assert!(panicked);
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(reader.read(1).await, Ok(1));
}

#[tokio::test]
async fn ending_a_key_with_a_ttl_of_zero_holds_though_the_caller_gives_up() {
    let world = World::new();
    let cache = world.cache();
    cache.set(KEY, 1_u64, None).await.unwrap();
    world.store.next(1, Read, Fault::Hang);
    {
        let mut ending = pin!(cache.expire(KEY, Duration::ZERO));
        assert!(poll_once(ending.as_mut()).is_pending());
    }
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(
        cache.get::<u64>(KEY).await.unwrap(),
        None,
        "as `remove` would have it"
    );
}
