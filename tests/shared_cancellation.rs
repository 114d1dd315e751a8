//! Callers that give up while a store is asked: nobody waits for them, and nothing old stays.

#[path = "support/service.rs"]
mod service;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cachewright::testing::Fault;
use cachewright::testing::Operation::{Read, Write};
use service::{Service, World, until};

fn read(service: &Arc<Service>) -> tokio::task::JoinHandle<Result<u64, String>> {
    let service = service.clone();
    tokio::spawn(async move { service.read(1).await })
}

#[tokio::test]
async fn a_leader_that_is_dropped_hands_over() {
    let world = World::new();
    let service = world.gated();
    let leader = read(&service);
    until(|| service.bodies() == 1).await;
    let followers: Vec<_> = (0..20).map(|_| read(&service)).collect();
    until(|| world.store.count(Read) == 21).await;
    leader.abort();
    until(|| service.bodies() == 2).await;
    service.gate.add_permits(1);
    for follower in followers {
        assert_eq!(follower.await.unwrap(), Ok(0));
    }
    assert_eq!(service.bodies(), 2);
    assert_eq!(service.cache.stats().computations, 0);
    assert_eq!(service.read(1).await, Ok(0));
    assert_eq!(service.bodies(), 2);
}

#[tokio::test]
async fn a_leader_that_is_dropped_while_it_stores_does_not_hurt_its_followers() {
    for fault in [Fault::Hang, Fault::ReplyHeld] {
        let world = World::new();
        let service = world.gated();
        let leader = read(&service);
        until(|| service.bodies() == 1).await;
        let followers: Vec<_> = (0..20).map(|_| read(&service)).collect();
        until(|| world.store.count(Read) == 21).await;
        world.store.next(1, Write, fault);
        service.gate.add_permits(1);
        until(|| world.store.hanging() == 1).await;
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        for follower in followers {
            assert_eq!(follower.await.unwrap(), Ok(0));
        }
        assert_eq!(service.bodies(), 1);
        assert_eq!(service.cache.stats().computations, 0);
    }
}

#[tokio::test]
async fn a_leader_that_is_dropped_while_it_asks_leaves_nothing() {
    for operation in 0..3 {
        for fault in [Fault::Hang, Fault::ReplyHeld] {
            let world = World::new();
            let service = world.service();
            world.store.next(operation, None, Fault::None);
            world.store.next(1, None, fault);
            {
                let mut reading = pin!(service.read(1));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(reading.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(service.cache.stats().computations, 0);
            assert_eq!(world.store.hanging(), 0);
            assert_eq!(service.read(1).await, Ok(0));
        }
    }
}

type Task<'a> = Option<Pin<Box<dyn Future<Output = ()> + 'a>>>;

/// Polls all that are left once. True while any is left.
fn poll_all(tasks: &mut [Task<'_>]) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    for task in tasks.iter_mut() {
        if let Some(future) = task
            && future.as_mut().poll(&mut cx) == Poll::Ready(())
        {
            *task = None;
        }
    }
    tasks.iter().any(Option::is_some)
}

/// Readers and writers of two processes in turn; every operation waits for a round before or after
/// its effect; one of them is dropped after so many polls.
fn drop_one(which: usize, polls: usize, fault: Fault) {
    let world = World::new();
    let services = [world.service(), world.service()];
    let floor = std::cell::Cell::new(0);
    let (services, floor, number) = (&services, &floor, &world.number);
    world.store.next(usize::MAX, None, fault);
    let reader = |process: usize| -> Task<'_> {
        Some(Box::pin(async move {
            let promised = floor.get();
            let seen = services[process].read(1).await.unwrap();
            assert!(
                seen >= promised,
                "{which} {polls} {fault:?}: {seen} < {promised}"
            );
        }))
    };
    let writer = |process: usize| -> Task<'_> {
        Some(Box::pin(async move {
            services[process].write(1).await.unwrap();
            floor.set(number.load(SeqCst).max(floor.get()));
        }))
    };
    let mut tasks = [
        reader(0),
        reader(1),
        writer(0),
        reader(1),
        writer(1),
        reader(0),
    ];
    for _ in 0..polls {
        poll_all(&mut tasks);
        world.store.release();
    }
    tasks[which] = None;
    let mut rounds = 0;
    while poll_all(&mut tasks) {
        world.store.release();
        rounds += 1;
        assert!(rounds < 100, "somebody waits for ever");
    }
    world.store.clear_script();
    // What the dropped one left pending is tried.
    world.clock.advance(Duration::from_secs(60));
    world.clock.advance(Duration::from_secs(1));
    for service in services {
        assert_eq!(
            (service.pending(), service.cache.stats().computations),
            (0, 0)
        );
    }
    let mut last = [reader(0), reader(1)];
    floor.set(number.load(SeqCst));
    while poll_all(&mut last) {}
}

#[test]
fn dropping_any_future_anywhere_leaves_nothing_stale_and_nobody_waiting() {
    for fault in [Fault::Hang, Fault::ReplyHeld] {
        for which in 0..6 {
            for polls in 0..8 {
                drop_one(which, polls, fault);
            }
        }
    }
}
