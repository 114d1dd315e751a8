//! What invalidations leave unreachable is removed from the store beside the callers, and nothing else.

#[path = "support/service.rs"]
mod service;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cache_core::layout::Key;
use cachewright::testing::Fault;
use cachewright::testing::Operation::{Heads, Mint, Probe, Prolong, Read, Remove, Scan};
use cachewright::{Cache, cached};
use service::{Service, World, until};

/// Ten pages in a second.
const RATE: u32 = 2_000;
const PAGE: Duration = Duration::from_millis(100);

/// What a sweep waits for other invalidations, and what nothing is done in.
const SECOND: Duration = Duration::from_secs(1);

const LEASE: &str = "app:!s";

fn sweeping(world: &World) -> Arc<Service> {
    world.service_with(cache(world, RATE))
}

fn cache(world: &World, rate: u32) -> Cache {
    world.builder().sweep_rate(rate).build().unwrap()
}

fn names(world: &World) -> BTreeSet<String> {
    let text = |key: Key| String::from_utf8(key.as_bytes().to_vec()).unwrap();
    world.store.keys().into_iter().map(text).collect()
}

fn key(name: &str) -> Key {
    Key::from(name.to_owned())
}

fn plant(world: &World, name: &str, bytes: &[u8]) {
    let planted = bytes.to_vec();
    (world.store).alter(|contents| contents.set(&key(name), planted, None));
}

/// Lets the time pass in which so many pages are due.
fn pages(world: &World, pages: usize) {
    for _ in 0..pages {
        world.clock.advance(PAGE);
    }
}

/// Lets all be done that is arranged.
fn swept(world: &World) {
    pages(world, 300);
}

/// The only value's name that begins so.
fn value(world: &World, beginning: &str) -> String {
    let names = names(world);
    let mut found = names.into_iter().filter(|name| name.starts_with(beginning));
    let name = found.next().unwrap();
    assert_eq!(found.next(), None);
    name
}

#[tokio::test]
async fn exactly_what_is_unreachable_is_removed() {
    let world = World::new();
    let service = sweeping(&world);
    let cache = &service.cache;
    for id in 1..4 {
        cache.set(&format!("user:{id}"), id, None).await.unwrap();
        service.read(id).await.unwrap();
        let name = format!("user:{id}:name");
        cache.set(&name, "Ada".to_owned(), None).await.unwrap();
    }
    cache.set("user:10", 10, None).await.unwrap();
    cache.counter("user:1").increment(1).await.unwrap();
    let bytes = |name: &str| world.store.peek(&key(name)).unwrap();
    let entry = bytes("app:user:1:name");
    let newer = [&entry[..3], &[2], &entry[4..]].concat();
    for (name, bytes) in [
        ("app:user:1:foreign", &b"{\"not\": \"ours\"}"[..]),
        ("app:user:1:empty", b""),
        ("app:user:1:copied", &entry),
        ("app:user:1:newer", &newer),
        ("app:user:1:short", &entry[..71]),
        ("other:user:1:name", &entry),
        ("user:1:name", &entry),
    ] {
        plant(&world, name, bytes);
    }
    cache.invalidate("user:1:*").await.unwrap();
    // Filled anew before the sweep.
    cache.set("user:1", 1_u64, None).await.unwrap();
    let before = names(&world);
    let number = value(&world, "app:user:1:number:read:");
    swept(&world);
    let gone: BTreeSet<_> = before.difference(&names(&world)).cloned().collect();
    let unreachable = ["app:user:1:name".to_owned(), number];
    assert_eq!(gone, BTreeSet::from(unreachable));
    assert_eq!(cache.stats().swept, 2);
    assert_eq!(cache.get("user:1").await.unwrap(), Some(1_u64));
    assert_eq!(cache.get("user:2").await.unwrap(), Some(2_u64));
    assert_eq!((service.read(2).await, service.bodies()), (Ok(0), 3));
}

struct Versioned(Cache);

impl Versioned {
    #[cached(cache = self.0, ttl = 600, key_prefix = "user:{id}", version = 2)]
    async fn profile(&self, id: u64) -> u64 {
        id
    }

    #[cached(cache = self.0, ttl = 600, version = 2)]
    async fn top(&self, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn whatever_names_a_value_has_it_removed() {
    let world = World::new();
    let versioned = Versioned(cache(&world, RATE));
    let cache = &versioned.0;
    for pattern in ["user", "user:7", "user:7:profile", "user:7:*", "top"] {
        versioned.profile(7).await;
        versioned.top(7).await;
        cache.set("user:7:profile", 7, None).await.unwrap();
        cache.set("top", 7, None).await.unwrap();
        let beginning = match pattern {
            "top" => "app:top",
            _ => "app:user:",
        };
        let covered = |name: &&String| name.starts_with(beginning);
        assert_eq!(names(&world).iter().filter(covered).count(), 2);
        cache.invalidate(pattern).await.unwrap();
        swept(&world);
        assert_eq!(names(&world).iter().find(covered), None, "{pattern}");
    }
    cache.set("key", 7, None).await.unwrap();
    cache.remove("key").await.unwrap();
    swept(&world);
    assert!(!names(&world).contains("app:key"));
}

#[tokio::test]
async fn clearing_leaves_counters_and_what_is_foreign() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..250 {
        service.read(id).await.unwrap();
    }
    let counter = service.cache.counter("visits");
    counter.increment(3).await.unwrap();
    plant(&world, "app:foreign", b"foreign");
    service.cache.clear().await.unwrap();
    service.read(1).await.unwrap();
    swept(&world);
    let kept = value(&world, "app:user:1:number:read:");
    let values = names(&world);
    let values = values.iter().filter(|name| !name.starts_with("app:~"));
    let expected = ["app:!c:visits", "app:foreign", &kept];
    assert!(values.eq(expected.iter()));
    assert_eq!(service.cache.stats().swept, 249);
    assert_eq!(counter.get().await.unwrap(), Some(3));
}

#[tokio::test]
async fn invalidations_of_one_second_are_swept_together() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..5 {
        service.read(id).await.unwrap();
    }
    for id in 0..5 {
        service.write(id).await.unwrap();
        world.clock.advance(Duration::from_millis(150));
    }
    assert_eq!(world.store.count(Scan), 0);
    swept(&world);
    // One page with them, and one that is empty.
    assert_eq!(world.store.count(Scan), 2);
    assert_eq!(service.cache.stats().swept, 5);
}

#[tokio::test]
async fn an_invalidation_during_a_sweep_arranges_another() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..600 {
        service.read(id).await.unwrap();
    }
    service.write(599).await.unwrap();
    world.clock.advance(SECOND);
    pages(&world, 2);
    assert!(world.store.count(Scan) > 1);
    // In the first page, which the sweep has behind it.
    service.write(0).await.unwrap();
    swept(&world);
    assert_eq!(service.cache.stats().swept, 2);
    assert!(!names(&world).contains(LEASE));
}

#[tokio::test]
async fn no_more_keys_are_looked_at_in_a_second_than_was_set() {
    let world = World::new();
    for (rate, step) in [
        (RATE, PAGE),
        (10, SECOND),
        (20_000, Duration::from_millis(10)),
    ] {
        let service = world.service_with(cache(&world, rate));
        for id in 0..2_000 {
            service.read(id).await.unwrap();
        }
        service.write(1).await.unwrap();
        world.clock.advance(SECOND);
        for page in 1..5 {
            assert_eq!(world.store.count(Scan), page, "{rate}");
            world.clock.advance(step);
        }
        // What was missed is not made up for, but for a moment's worth.
        let moment = Duration::from_millis(50).div_duration_f64(step) as usize;
        world.clock.advance(5 * SECOND);
        let pages = world.store.count(Scan);
        assert!(pages <= 5 + 2 + moment, "{rate}: {pages}");
        world.store.forget_log();
        drop(service);
        world.store.flush();
    }
}

#[tokio::test]
async fn a_rate_of_nothing_leaves_everything_there() {
    let world = World::new();
    let service = world.service_with(cache(&world, 0));
    service.read(1).await.unwrap();
    service.write(1).await.unwrap();
    world.store.forget_log();
    swept(&world);
    assert_eq!(world.store.count(None), 0);
}

#[tokio::test]
async fn processes_sweep_one_after_the_other() {
    let world = World::new();
    let (a, b) = (sweeping(&world), sweeping(&world));
    for id in 0..1_000 {
        a.read(id).await.unwrap();
    }
    a.write(1).await.unwrap();
    b.write(2).await.unwrap();
    world.clock.advance(SECOND);
    for page in 1..6 {
        assert_eq!(world.store.count(Scan), page);
        pages(&world, 1);
    }
    swept(&world);
    assert_eq!((a.cache.stats().swept, b.cache.stats().swept), (1, 1));
}

#[tokio::test]
async fn a_holder_that_died_is_waited_for_as_long_as_its_lease() {
    let world = World::new();
    let service = sweeping(&world);
    let lease = |contents: &mut cachewright::testing::Contents| {
        contents.set(&key(LEASE), vec![7; 16], 10 * SECOND);
    };
    service.read(1).await.unwrap();
    world.store.alter(lease);
    service.write(1).await.unwrap();
    pages(&world, 95);
    assert_eq!(world.store.count(Scan), 0);
    pages(&world, 60);
    assert_eq!(service.cache.stats().swept, 1);
}

#[tokio::test]
async fn a_long_sweep_keeps_its_lease_and_begins_anew_without() {
    let world = World::new();
    let service = world.service_with(cache(&world, 10));
    for id in 0..600 {
        service.read(id).await.unwrap();
    }
    service.write(599).await.unwrap();
    world.clock.advance(SECOND);
    let holder = world.store.peek(&key(LEASE)).unwrap();
    for _ in 0..30 {
        world.clock.advance(SECOND);
        assert_eq!(world.store.peek(&key(LEASE)).as_ref(), Some(&holder));
    }
    assert!(world.store.count(Prolong) > 5);
    world.store.evict(|name| *name == key(LEASE));
    for _ in 0..5 {
        world.clock.advance(SECOND);
    }
    let scans = world.store.count(Scan);
    assert!(scans < 36, "{scans}");
    for _ in 0..150 {
        world.clock.advance(SECOND);
    }
    assert_eq!(service.cache.stats().swept, 1);
}

#[tokio::test]
async fn a_store_that_is_full_is_swept_without_a_lease() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    world.store.set_full(true);
    service.write(1).await.unwrap();
    swept(&world);
    assert_eq!(service.cache.stats().swept, 1);
}

#[tokio::test]
async fn a_sweep_that_fails_is_done_again_and_no_caller_notices() {
    for operation in [Mint, Scan, Heads, Read, Remove] {
        for fault in [Fault::Outage, Fault::ReplyLost, Fault::Panic] {
            let world = World::new();
            let service = sweeping(&world);
            service.read(1).await.unwrap();
            service.read(2).await.unwrap();
            service.write(1).await.unwrap();
            world.store.next(9, operation, fault);
            world.clock.advance(SECOND);
            world.store.clear_script();
            assert_eq!((service.read(2).await, service.bodies()), (Ok(0), 2));
            for _ in 0..10 {
                swept(&world);
            }
            let gone = names(&world);
            let gone = !gone.iter().any(|name| name.starts_with("app:user:1:"));
            assert!(gone, "{operation:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn how_a_sweep_goes_neither_opens_the_breaker_nor_keeps_it_closed() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.write(1).await.unwrap();
    world.store.next(usize::MAX, Heads, Fault::Outage);
    for _ in 0..20 {
        swept(&world);
    }
    assert!(world.store.count(Heads) > 5);
    assert!(service.cache.health().await.is_healthy());
    world.store.clear_script();
    // It comes to its end at last.
    for _ in 0..5 {
        swept(&world);
    }

    // Callers fail in a row while a sweep succeeds.
    for id in 0..1_000 {
        service.read(id).await.unwrap();
    }
    service.write(1).await.unwrap();
    for _ in 0..5 {
        swept(&world);
        let scans = world.store.count(Scan);
        service.write(2).await.unwrap();
        world.clock.advance(SECOND);
        assert!(world.store.count(Scan) > scans);
        world.store.next(1, Read, Fault::Outage);
        assert!(service.cache.get::<u64>("key").await.is_err());
    }
    assert!(!service.cache.health().await.is_healthy());
}

#[tokio::test]
async fn a_store_that_refuses_is_left_alone_for_long() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.write(1).await.unwrap();
    world.store.next(usize::MAX, Heads, Fault::Refused);
    world.clock.advance(SECOND);
    assert_eq!(world.store.count(Heads), 1);
    // Others may be allowed to.
    assert!(!names(&world).contains(LEASE));
    swept(&world);
    for id in 0..100 {
        service.read(id).await.unwrap();
        service.write(id).await.unwrap();
        world.clock.advance(5 * SECOND);
    }
    assert_eq!(world.store.count(Heads), 1);
    assert!(service.cache.health().await.is_healthy());
    world.store.clear_script();
    world.clock.advance(80 * SECOND);
    swept(&world);
    assert_eq!(service.cache.stats().swept, 100);
}

#[tokio::test]
async fn a_sweep_waits_while_the_breaker_is_open() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..600 {
        service.read(id).await.unwrap();
    }
    service.write(599).await.unwrap();
    world.clock.advance(SECOND);
    world.store.set_down(true);
    for _ in 0..5 {
        assert!(service.cache.get::<u64>("key").await.is_err());
    }
    world.store.forget_log();
    pages(&world, 50);
    assert_eq!(world.store.count(None), world.store.count(Probe));
    world.store.set_down(false);
    swept(&world);
    assert_eq!(service.cache.stats().swept, 1);
}

#[tokio::test]
async fn pending_invalidations_come_first() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.read(2).await.unwrap();
    service.write(1).await.unwrap();
    let unacknowledged = cachewright::testing::Operation::Invalidate;
    world.store.next(4, unacknowledged, Fault::Outage);
    service.write(2).await.unwrap();
    while service.pending() > 0 {
        assert_eq!(world.store.count(Scan), 0);
        world.clock.advance(SECOND / 2);
    }
    swept(&world);
    assert_eq!(service.cache.stats().swept, 2);
}

#[tokio::test]
async fn a_sweep_ends_with_its_cache() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..600 {
        service.read(id).await.unwrap();
    }
    service.write(599).await.unwrap();
    world.clock.advance(SECOND);
    drop(service);
    world.store.forget_log();
    swept(&world);
    assert_eq!(world.store.count(None), 0);
}

#[tokio::test]
async fn shutting_down_ends_a_sweep_and_frees_its_lease() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..600 {
        service.read(id).await.unwrap();
    }
    service.write(599).await.unwrap();
    world.clock.advance(SECOND);
    assert!(names(&world).contains(LEASE));
    service.cache.shutdown(SECOND).await.unwrap();
    world.store.forget_log();
    swept(&world);
    assert_eq!(world.store.log(), [Remove]);
    assert!(!names(&world).contains(LEASE));
    // The cache can still be used.
    service.write(1).await.unwrap();
    swept(&world);
    assert_eq!(service.cache.stats().swept, 1);
}

#[tokio::test]
async fn what_is_filled_between_the_look_and_the_removal_costs_a_computation() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.write(1).await.unwrap();
    world.store.next(1, Remove, Fault::Hang);
    let clock = world.clock.clone();
    let sweep = std::thread::spawn(move || clock.advance(SECOND));
    until(|| world.store.hanging() == 1).await;
    assert_eq!((service.read(1).await, service.bodies()), (Ok(1), 2));
    world.store.release();
    sweep.join().unwrap();
    assert_eq!((service.read(1).await, service.bodies()), (Ok(1), 3));
    swept(&world);
    assert_eq!((service.read(1).await, service.bodies()), (Ok(1), 3));
}

#[tokio::test]
async fn what_is_filled_before_the_look_is_spared() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.write(1).await.unwrap();
    service.read(1).await.unwrap();
    world.store.next(1, Heads, Fault::Hang);
    let clock = world.clock.clone();
    let sweep = std::thread::spawn(move || clock.advance(SECOND));
    until(|| world.store.hanging() == 1).await;
    service.write(1).await.unwrap();
    assert_eq!((service.read(1).await, service.bodies()), (Ok(2), 3));
    world.store.release();
    sweep.join().unwrap();
    swept(&world);
    assert_eq!((service.read(1).await, service.bodies()), (Ok(2), 3));
    assert_eq!(service.cache.stats().swept, 0);
}

#[tokio::test]
async fn what_no_invalidation_covers_is_not_looked_at() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.read(10).await.unwrap();
    world.store.evict(|name| *name == key("app:~n:user:10"));
    service.write(1).await.unwrap();
    swept(&world);
    assert_eq!(service.cache.stats().swept, 1);
    value(&world, "app:user:10:number:read:");
    // Nor are there heads to be looked at if nothing was ever stored there.
    let looked = world.store.count(Heads);
    service.write(3).await.unwrap();
    swept(&world);
    assert_eq!(world.store.count(Heads), looked);
}

#[tokio::test]
async fn a_sweep_is_followed_by_a_rest_as_long() {
    let world = World::new();
    let service = world.service_with(cache(&world, 10));
    for id in 0..100 {
        service.read(id).await.unwrap();
    }
    service.write(1).await.unwrap();
    world.clock.advance(SECOND);
    let mut took = 1;
    while names(&world).contains(LEASE) {
        world.clock.advance(SECOND);
        took += 1;
    }
    assert!(took > 30, "{took}");
    world.store.forget_log();
    service.write(2).await.unwrap();
    for _ in 0..took - 2 {
        world.clock.advance(SECOND);
    }
    assert_eq!(world.store.count(Scan), 0);
    for _ in 0..5 {
        world.clock.advance(SECOND);
    }
    assert!(world.store.count(Scan) > 0);
}

#[tokio::test]
async fn a_page_that_fails_is_tried_again_where_it_was() {
    let world = World::new();
    let service = sweeping(&world);
    for id in 0..600 {
        service.read(id).await.unwrap();
    }
    let whole = world.store.keys().len() / 200;
    service.write(599).await.unwrap();
    world.clock.advance(SECOND);
    pages(&world, 1);
    world.store.next(3, Scan, Fault::Outage);
    swept(&world);
    assert_eq!(service.cache.stats().swept, 1);
    assert!(world.store.count(Scan) <= whole + 2 + 3);
}

#[tokio::test]
async fn a_store_that_panics_on_every_page_is_swept_no_more_often_than_one_that_fails() {
    let world = World::new();
    let service = sweeping(&world);
    service.read(1).await.unwrap();
    service.write(1).await.unwrap();
    world.store.next(usize::MAX, Scan, Fault::Panic);
    for _ in 0..600 {
        world.clock.advance(SECOND);
    }
    let scans = world.store.count(Scan);
    assert!((2..=11).contains(&scans), "{scans} in ten minutes");
}
