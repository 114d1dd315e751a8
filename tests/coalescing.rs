//! One computation for callers that miss together, and nobody ever hangs.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached};
use tokio::sync::Semaphore;

struct Slow {
    cache: Cache,
    clock: SteppedClock,
    /// One permit lets one body go on.
    gate: Semaphore,
    started: AtomicU64,
    finished: AtomicU64,
    failing: AtomicBool,
}

impl Slow {
    fn new() -> Arc<Self> {
        let clock = SteppedClock::new();
        Arc::new(Self {
            cache: Cache::builder().clock(clock.clone()).build().unwrap(),
            clock,
            gate: Semaphore::new(0),
            started: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            failing: AtomicBool::new(false),
        })
    }

    #[cached(cache = self.cache, key_prefix = "slow")]
    async fn get(&self, id: u64) -> Result<u64, String> {
        self.body(id).await
    }

    #[cached(cache = self.cache, key_prefix = "slow", single_flight = "off")]
    async fn uncoalesced(&self, id: u64) -> Result<u64, String> {
        self.body(id).await
    }

    async fn body(&self, id: u64) -> Result<u64, String> {
        let number = self.started.fetch_add(1, SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        self.finished.fetch_add(1, SeqCst);
        if self.failing.load(SeqCst) {
            return Err(format!("body {number}"));
        }
        Ok(id * 100 + number)
    }

    /// Nothing is under way, nobody waits, nothing leaks.
    fn assert_quiet(&self) {
        assert_eq!(self.cache.stats().computations, 0);
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls the future once from within a task.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_on_a_cold_key_run_the_body_once() {
    let slow = Slow::new();
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let slow = Arc::clone(&slow);
            tokio::spawn(async move { slow.get(1).await })
        })
        .collect();
    slow.gate.add_permits(1_000);
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(101));
    }
    assert_eq!(slow.started.load(SeqCst), 1);
    let stats = slow.cache.stats().functions.remove(0);
    assert_eq!(stats.hits + stats.misses, 1_000);
    assert_eq!(stats.coalesced, stats.misses - 1);
    slow.assert_quiet();
}

#[tokio::test]
async fn different_keys_do_not_wait_for_one_another() {
    let slow = Slow::new();
    let mut first = pin!(slow.get(1));
    assert!(poll_once(first.as_mut()).await.is_pending());
    slow.gate.add_permits(2);
    assert_eq!(slow.get(2).await, Ok(202));
    assert_eq!(first.await, Ok(101));
}

#[tokio::test]
async fn single_flight_off_runs_every_body() {
    let slow = Slow::new();
    let (mut a, mut b) = (pin!(slow.uncoalesced(1)), pin!(slow.uncoalesced(1)));
    assert!(poll_once(a.as_mut()).await.is_pending());
    assert!(poll_once(b.as_mut()).await.is_pending());
    slow.gate.add_permits(2);
    assert_eq!((a.await, b.await), (Ok(101), Ok(102)));
}

#[tokio::test]
async fn a_dropped_leader_hands_over_without_limit() {
    let slow = Slow::new();
    let mut callers: Vec<_> = (0..10).map(|_| Box::pin(slow.get(1))).collect();
    for caller in &mut callers {
        assert!(poll(caller.as_mut()).is_pending());
    }
    assert_eq!(slow.started.load(SeqCst), 1);
    for remaining in (1..10).rev() {
        drop(callers.remove(0));
        for caller in &mut callers {
            assert!(poll(caller.as_mut()).is_pending());
        }
        assert_eq!(slow.started.load(SeqCst), 11 - remaining);
    }
    slow.gate.add_permits(1);
    assert_eq!(callers.remove(0).await, Ok(110));
    slow.assert_quiet();
}

#[tokio::test]
async fn a_dropped_last_caller_leaves_nothing_behind() {
    let slow = Slow::new();
    {
        let mut leader = pin!(slow.get(1));
        let mut follower = pin!(slow.get(1));
        assert!(poll(leader.as_mut()).is_pending());
        assert!(poll(follower.as_mut()).is_pending());
        assert_eq!(slow.cache.stats().computations, 1);
    }
    slow.assert_quiet();
    drop(slow.get(1));
    slow.assert_quiet();
    slow.gate.add_permits(1);
    assert_eq!(slow.get(1).await, Ok(102));
}

#[tokio::test]
async fn a_leader_dropped_after_its_body_leaves_the_value() {
    let slow = Slow::new();
    slow.gate.add_permits(1);
    {
        let mut leader = Box::pin(slow.get(1));
        assert_eq!(poll(leader.as_mut()), Poll::Ready(Ok(101)));
    }
    assert_eq!(slow.get(1).await, Ok(101));
    slow.assert_quiet();
}

#[tokio::test]
async fn an_error_goes_to_its_caller_alone_and_releases_one_two_four() {
    let slow = Slow::new();
    slow.failing.store(true, SeqCst);
    let mut callers: Vec<_> = (0..12).map(|_| Box::pin(slow.get(1))).collect();
    let mut errors = Vec::new();
    for expected_bodies in [1, 2, 4, 8] {
        // Whoever may run is running; then all of them fail.
        callers.retain_mut(|caller| match poll(caller.as_mut()) {
            Poll::Ready(answer) => {
                errors.push(answer.unwrap_err());
                false
            }
            Poll::Pending => true,
        });
        for caller in &mut callers {
            assert!(poll(caller.as_mut()).is_pending());
        }
        let started = slow.started.load(SeqCst);
        assert_eq!(started, expected_bodies, "after {} errors", errors.len());
        let waiting = started - slow.finished.load(SeqCst);
        slow.gate.add_permits(usize::try_from(waiting).unwrap());
    }
    slow.failing.store(false, SeqCst);
    slow.gate.add_permits(100);
    let mut values = 0;
    for caller in callers {
        match caller.await {
            Ok(_) => values += 1,
            Err(error) => errors.push(error),
        }
    }
    errors.sort();
    errors.dedup();
    assert_eq!(errors.len() + values, 12, "no error was given twice");
    slow.assert_quiet();
}

#[tokio::test]
async fn a_panicking_leader_hands_over() {
    let cache = Cache::builder().build().unwrap();
    let first = Arc::new(AtomicBool::new(true));
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (cache, first) = (cache.clone(), Arc::clone(&first));
            tokio::spawn(async move {
                cache
                    .get_or_set("key", None, async || {
                        tokio::task::yield_now().await;
                        assert!(!first.swap(false, SeqCst), "on purpose");
                        Ok::<_, ()>(7)
                    })
                    .await
            })
        })
        .collect();
    let mut panics = 0;
    for task in tasks {
        match task.await {
            Ok(answer) => assert_eq!(answer, Ok(7)),
            Err(error) => panics += u64::from(error.is_panic()),
        }
    }
    assert_eq!(panics, 1);
    assert_eq!(cache.stats().computations, 0);
}

#[tokio::test]
async fn a_follower_of_a_parked_leader_runs_its_own_body_when_its_patience_ends() {
    let slow = Slow::new();
    let mut parked = pin!(slow.get(1));
    assert!(poll_once(parked.as_mut()).await.is_pending());
    let mut followers: Vec<_> = (0..3)
        .map(|_| {
            let slow = Arc::clone(&slow);
            tokio::spawn(async move { slow.get(1).await })
        })
        .collect();
    tokio::task::yield_now().await;
    slow.clock.advance(Duration::from_secs(9));
    tokio::task::yield_now().await;
    assert_eq!(slow.started.load(SeqCst), 1);
    slow.clock.advance(Duration::from_secs(1));
    slow.gate.add_permits(4);
    for follower in &mut followers {
        assert!(follower.await.unwrap().is_ok());
    }
    assert!(parked.await.is_ok());
    slow.assert_quiet();
}

#[tokio::test]
async fn a_leader_parked_in_a_select_does_not_hang_a_call_in_the_same_task() {
    let slow = Slow::new();
    let mut leader = pin!(slow.get(1));
    tokio::select! {
        biased;
        _ = &mut leader => panic!("the gate is shut"),
        () = async {} => {}
    }
    // The same task asks again while its own leader can't be polled.
    let again = {
        let slow = Arc::clone(&slow);
        async move {
            let mut again = pin!(slow.get(1));
            assert!(poll_once(again.as_mut()).await.is_pending());
            slow.clock.advance(Duration::from_secs(10));
            // One for the parked leader, who stands first in the queue, and one for the call.
            slow.gate.add_permits(2);
            again.await
        }
    };
    assert_eq!(again.await, Ok(102));
    assert!(leader.await.is_ok());
    slow.assert_quiet();
}

struct Recursive {
    cache: Cache,
    depth: AtomicU64,
}

impl Recursive {
    #[cached(cache = self.cache)]
    async fn same(&self, id: u64) -> u64 {
        if self.depth.fetch_add(1, SeqCst) < 3 {
            return Box::pin(self.same(id)).await + 1;
        }
        id
    }

    #[cached(cache = self.cache)]
    fn same_synchronously(&self, id: u64) -> u64 {
        if self.depth.fetch_add(1, SeqCst) < 3 {
            return self.same_synchronously(id) + 1;
        }
        id
    }
}

impl Recursive {
    /// On a clock that stands still, so that nobody's patience ever ends.
    fn new() -> Self {
        let cache = Cache::builder().clock(SteppedClock::new());
        Self {
            cache: cache.build().unwrap(),
            depth: AtomicU64::new(0),
        }
    }
}

#[test]
fn recursion_with_the_same_key_ends() {
    let recursive = Recursive::new();
    assert_eq!(poll(pin!(recursive.same(10))), Poll::Ready(13));
    assert_eq!(recursive.cache.stats().computations, 0);
}

#[test]
fn synchronous_recursion_with_the_same_key_ends() {
    let (answer, answered) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let recursive = Recursive::new();
        answer.send(recursive.same_synchronously(10)).unwrap();
    });
    assert_eq!(answered.recv_timeout(Duration::from_secs(60)), Ok(13));
}

#[test]
fn synchronous_callers_share_one_computation() {
    struct Slow {
        cache: Cache,
        bodies: AtomicU64,
    }

    impl Slow {
        #[cached(cache = self.cache)]
        fn get(&self, id: u64) -> u64 {
            // All the others have looked in vain once the cache has counted their misses.
            while self.cache.stats().functions[0].misses < 4 {
                std::thread::yield_now();
            }
            id + self.bodies.fetch_add(1, SeqCst)
        }
    }

    let slow = Slow {
        cache: Cache::builder().build().unwrap(),
        bodies: AtomicU64::new(0),
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(slow.get(1), 1);
            });
        }
    });
    assert_eq!(slow.bodies.load(SeqCst), 1);
}

#[tokio::test]
async fn a_reader_after_an_invalidation_does_not_join_an_older_computation() {
    let slow = Slow::new();
    let mut old = pin!(slow.get(1));
    assert!(poll_once(old.as_mut()).await.is_pending());
    slow.cache.invalidate("slow:*").await.unwrap();
    let mut new = pin!(slow.get(1));
    assert!(poll_once(new.as_mut()).await.is_pending());
    assert_eq!(slow.started.load(SeqCst), 2);
    slow.gate.add_permits(2);
    assert_eq!(old.await, Ok(101));
    // The late fill of the old computation is not what others get.
    assert_eq!(new.await, Ok(102));
    assert_eq!(slow.get(1).await, Ok(102));
    slow.assert_quiet();
}

#[tokio::test]
async fn an_unrelated_invalidation_does_not_split_a_computation() {
    let slow = Slow::new();
    let mut first = pin!(slow.get(1));
    assert!(poll_once(first.as_mut()).await.is_pending());
    slow.cache.invalidate("other:*").await.unwrap();
    let mut second = pin!(slow.get(1));
    assert!(poll_once(second.as_mut()).await.is_pending());
    assert_eq!(slow.started.load(SeqCst), 1);
    slow.gate.add_permits(1);
    assert_eq!(first.await, Ok(101));
    assert_eq!(second.await, Ok(101));
}

/// A waker that keeps a follower alive, as that of an executor without a queue of its own does.
struct Keeps(#[expect(dead_code, reason = "only dropped")] Mutex<Option<BoxedCall>>);

type BoxedCall = Pin<Box<dyn Future<Output = Result<u64, ()>> + Send>>;

impl Wake for Keeps {
    fn wake(self: Arc<Self>) {}
}

/// A call that never ends.
fn endless(cache: &Cache) -> BoxedCall {
    let cache = cache.clone();
    Box::pin(async move {
        cache
            .get_or_set("key", None, async || std::future::pending().await)
            .await
    })
}

#[test]
fn a_waker_that_drops_another_follower_hangs_nobody() {
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for replaced in [true, false] {
            let cache = Cache::builder().clock(SteppedClock::new()).build().unwrap();
            let (mut leader, mut kept) = (endless(&cache), endless(&cache));
            let mut follower = endless(&cache);
            assert!(poll(leader.as_mut()).is_pending());
            assert!(poll(kept.as_mut()).is_pending());
            let waker = Waker::from(Arc::new(Keeps(Mutex::new(Some(kept)))));
            let pending = follower.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(pending.is_pending());
            // Now only the flight holds the waker.
            drop(waker);
            if replaced {
                assert!(poll(follower.as_mut()).is_pending());
            }
            drop(follower);
            drop(leader);
            assert_eq!(cache.stats().computations, 0);
        }
        done.send(()).unwrap();
    });
    assert_eq!(finished.recv_timeout(Duration::from_secs(60)), Ok(()));
}

#[test]
fn the_end_of_ones_patience_does_not_wake_the_others() {
    struct Counts(AtomicU64);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    const FOLLOWERS: u64 = 100;
    let clock = SteppedClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().unwrap();
    let mut leader = endless(&cache);
    assert!(poll(leader.as_mut()).is_pending());
    let counts = Arc::new(Counts(AtomicU64::new(0)));
    let waker = Waker::from(Arc::clone(&counts));
    let mut cx = Context::from_waker(&waker);
    let mut followers: Vec<_> = (0..FOLLOWERS).map(|_| endless(&cache)).collect();
    for follower in &mut followers {
        assert!(follower.as_mut().poll(&mut cx).is_pending());
        clock.advance(Duration::from_millis(1));
    }
    clock.advance(Duration::from_secs(10) - Duration::from_millis(FOLLOWERS + 1));
    for woken in 1..=FOLLOWERS {
        clock.advance(Duration::from_millis(1));
        assert_eq!(counts.0.load(SeqCst), woken);
    }
}
