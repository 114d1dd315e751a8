//! Any future, dropped at any point: nothing stale, nobody waiting, nothing left behind.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached, invalidate_cache};
use tokio::task::yield_now;

/// A database of one number whose every operation takes several polls.
struct Store {
    cache: Cache,
    committed: Cell<u64>,
}

impl Store {
    fn new() -> Self {
        let clock = SteppedClock::new();
        Self {
            cache: Cache::builder().clock(clock).build().unwrap(),
            committed: Cell::new(0),
        }
    }

    #[cached(cache = self.cache, key_prefix = "number")]
    async fn read(&self) -> Result<u64, String> {
        yield_now().await;
        let number = self.committed.get();
        yield_now().await;
        Ok(number)
    }

    #[invalidate_cache("number", cache = self.cache)]
    async fn write(&self) -> Result<(), String> {
        yield_now().await;
        self.committed.set(self.committed.get() + 1);
        yield_now().await;
        yield_now().await;
        Ok(())
    }
}

type Task<'a> = Option<Pin<Box<dyn Future<Output = ()> + 'a>>>;

/// More polls than any of the futures needs.
const MOST: usize = 8;

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

async fn read<'a>(store: &'a Store, floor: &'a Cell<u64>) {
    let promised = floor.get();
    let number = store.read().await.unwrap();
    assert!(number >= promised, "read {number}, promised {promised}");
}

async fn write<'a>(store: &'a Store, floor: &'a Cell<u64>) {
    store.write().await.unwrap();
    floor.set(store.committed.get());
}

/// Starts readers and writers in turn, drops one of them after so many polls, and lets the others
/// finish.
fn drop_one(which: usize, polls: usize) {
    let (store, floor) = (Store::new(), Cell::new(0));
    let (store, floor) = (&store, &floor);
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for number in 0..6 {
        tasks.push(Some(match number {
            2 | 4 => Box::pin(write(store, floor)),
            _ => Box::pin(read(store, floor)),
        }));
    }
    for _ in 0..polls {
        poll_all(&mut tasks);
    }
    let unfinished_writer = [2, 4].contains(&which) && polls > 0 && tasks[which].is_some();
    tasks[which] = None;
    if unfinished_writer {
        // What it may have committed is promised from the drop on.
        floor.set(store.committed.get());
    }
    tasks.push(Some(Box::pin(read(store, floor))));
    let mut rounds = 0;
    while poll_all(&mut tasks) {
        rounds += 1;
        assert!(rounds < 100, "somebody waits for ever");
    }
    assert_eq!(store.cache.stats().computations, 0);
    let mut last: [Task<'_>; 1] = [Some(Box::pin(async {
        assert_eq!(store.read().await, Ok(store.committed.get()));
    }))];
    while poll_all(&mut last) {}
}

#[test]
fn dropping_any_future_anywhere_leaves_nothing_stale_and_nobody_waiting() {
    for which in 0..6 {
        for polls in 0..=MOST {
            drop_one(which, polls);
        }
    }
}
