//! Random interleavings of two processes over a store that uses every freedom it has: what a read gives
//! must never be older than the latest invalidation that was acknowledged before it began, or that its
//! own process has asked for.

#[path = "support/service.rs"]
mod service;

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cachewright::testing::Fault;
use cachewright::{Cache, Rollout};
use service::World;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

async fn pause(times: u64) {
    for _ in 0..times {
        let mut paused = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut paused, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

#[derive(Default)]
struct Floors {
    all: Cell<u64>,
    own: [Cell<u64>; 2],
}

impl Floors {
    fn of(&self, process: usize) -> u64 {
        self.all.get().max(self.own[process].get())
    }
}

fn raise(floor: &Cell<u64>, to: u64) {
    floor.set(floor.get().max(to));
}

/// Whether a writer was dropped or failed, its process must hold to it from then on.
struct Asked<'a>(&'a Floors, usize, u64);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        raise(&self.0.own[self.1], self.2);
    }
}

const KEY: &str = "user:1:name";

type Task = Pin<Box<dyn Future<Output = ()>>>;

fn reader(
    world: &World,
    caches: &[Cache; 2],
    process: usize,
    floors: &Rc<Floors>,
    dice: &mut Dice,
    seed: u64,
) -> Task {
    let (cache, number, floors) = (
        caches[process].clone(),
        world.number.clone(),
        floors.clone(),
    );
    let (pauses, kind, fail) = (dice.roll(4), dice.roll(5), dice.roll(8) == 0);
    let ttl = Duration::from_secs(1 + dice.roll(600));
    Box::pin(async move {
        let floor = floors.of(process);
        let seen = match kind {
            0 => cache.get::<u64>(KEY).await.ok().flatten(),
            1 => cache
                .get_many::<u64>(&[KEY, "x"])
                .await
                .ok()
                .and_then(|found| found[0]),
            2 => cache.expire(KEY, ttl).await.ok().and(None),
            _ => {
                let body = async || {
                    pause(pauses / 2).await;
                    let read = number.load(SeqCst);
                    pause(pauses).await;
                    if fail { Err(()) } else { Ok(read) }
                };
                cache.get_or_set(KEY, ttl, body).await.ok()
            }
        };
        if let Some(seen) = seen {
            assert!(seen >= floor, "seed {seed}: {seen} < {floor}");
        }
    })
}

fn writer(
    world: &World,
    caches: &[Cache; 2],
    process: usize,
    floors: &Rc<Floors>,
    dice: &mut Dice,
) -> Task {
    let (cache, number, floors) = (
        caches[process].clone(),
        world.number.clone(),
        floors.clone(),
    );
    let kind = dice.roll(9);
    Box::pin(async move {
        let written = number.fetch_add(1, SeqCst) + 1;
        // Dropped while it looks for what it is to end, `expire` has done nothing.
        let asked = (kind != 5).then(|| Asked(&floors, process, written));
        let done = match kind {
            0 | 1 => cache.invalidate("user:1:*").await,
            2 => cache.invalidate("user").await,
            3 | 4 => cache.remove(KEY).await,
            5 => cache.expire(KEY, Duration::ZERO).await.map(drop),
            6 => cache.set(KEY, 0_u64, Duration::ZERO).await,
            7 => cache.clear().await,
            _ => cache.invalidate(KEY).await,
        };
        drop(asked);
        raise(&floors.own[process], written);
        if done.is_ok() {
            raise(&floors.all, written);
        }
    })
}

const FAULTS: [Fault; 10] = [
    Fault::None,
    Fault::None,
    Fault::None,
    Fault::Hang,
    Fault::Hang,
    Fault::ReplyHeld,
    Fault::ReplyHeld,
    Fault::ReplyLost,
    Fault::Late,
    Fault::Outage,
];

fn run(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let world = World::new();
    let caches = [world.cache(), world.cache()];
    let floors = Rc::<Floors>::default();
    let tasks: RefCell<Vec<Task>> = RefCell::default();
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..300 {
        let mut tasks = tasks.borrow_mut();
        match dice.roll(40) {
            0..=5 if tasks.len() < 8 => {
                let process = dice.roll(2) as usize;
                tasks.push(reader(&world, &caches, process, &floors, &mut dice, seed));
            }
            6..=7 if tasks.len() < 8 => {
                let process = dice.roll(2) as usize;
                tasks.push(writer(&world, &caches, process, &floors, &mut dice));
            }
            8..=11 => {
                world.store.clear_script();
                let fault = FAULTS[dice.roll(10) as usize];
                world.store.next(usize::MAX, None, fault);
            }
            12..=15 => world.store.release(),
            16..=17 if world.store.late() > 0 => {
                let which = dice.roll(world.store.late() as u64) as usize;
                world.store.deliver(which);
            }
            18 => {
                let parity = dice.roll(2) as u8;
                world
                    .store
                    .evict(|key| key.as_bytes().len() as u8 % 2 == parity);
            }
            19 => {
                world.store.clear_script();
                let fault = [Fault::None, Fault::ReplyLost, Fault::Late, Fault::Outage];
                world
                    .store
                    .next(usize::MAX, None, fault[dice.roll(4) as usize]);
                world.clock.advance(Duration::from_millis(dice.roll(3_000)));
                world.store.clear_script();
            }
            20 if !tasks.is_empty() => {
                let which = dice.roll(tasks.len() as u64) as usize;
                drop(tasks.swap_remove(which));
            }
            21 => {
                let rollout = if dice.roll(2) == 0 {
                    Rollout::Off
                } else {
                    Rollout::On
                };
                caches[dice.roll(2) as usize].set_rollout(rollout).unwrap();
            }
            _ if !tasks.is_empty() => {
                let which = dice.roll(tasks.len() as u64) as usize;
                if tasks[which].as_mut().poll(&mut cx).is_ready() {
                    drop(tasks.swap_remove(which));
                }
            }
            _ => {}
        }
    }
    let mut tasks = tasks.take();
    world.store.clear_script();
    for _ in 0..200 {
        world.store.release();
        tasks.retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
        if tasks.is_empty() {
            break;
        }
    }
    assert!(tasks.is_empty(), "seed {seed}: somebody waits for ever");
    world.store.clear_script();
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(1));
    }
    for cache in &caches {
        let stats = cache.stats();
        assert_eq!(
            (stats.pending_invalidations, stats.computations),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn no_interleaving_gives_what_an_invalidation_has_covered() {
    let setting = |name, usual| {
        let said = std::env::var(name).ok();
        said.and_then(|said| said.parse().ok()).unwrap_or(usual)
    };
    let (first, many): (u64, u64) = (setting("SEED", 1), setting("SEEDS", 2_000));
    (first..first + many).for_each(run);
}
