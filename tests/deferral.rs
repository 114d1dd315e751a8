//! Writers inside a transaction: what they outdate is invalidated after it, if at all.

#[path = "support/bank.rs"]
mod bank;

use std::cell::{OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bank::{Bank, Tx, is_kept, poll, rolled_back};
use cachewright::__private::{Invalidator, Returns, invalidation};
use cachewright::testing::SteppedClock;
use cachewright::{Cache, defer, defer_blocking, in_current_deferral};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// As long as any writer's outcome takes to settle.
const SETTLED: Duration = Duration::from_secs(60);

static WRITE: Invalidator = Invalidator::new("write", "", "", 0);

fn world() -> (Arc<Bank>, SteppedClock) {
    let clock = SteppedClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().unwrap();
    (Arc::new(Bank::new(cache)), clock)
}

fn bank() -> Arc<Bank> {
    world().0
}

fn invalidations(bank: &Bank) -> u64 {
    bank.cache.stats().invalidations
}

#[tokio::test]
async fn what_a_reader_keeps_before_the_commit_is_not_served_after_the_block() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    let done = defer(async {
        let tx = Tx::default();
        bank.write(1, &tx).await?;
        // Somebody else, whose writers are not in a transaction, has the entry computed anew.
        bank.cache.invalidate("account:1").await.unwrap();
        let reader = Arc::clone(&bank);
        let read = tokio::spawn(async move { reader.read(1, None).await });
        assert_eq!(read.await.unwrap(), Ok(0));
        bank.commit(&tx);
        Ok::<_, String>("untouched")
    })
    .await;
    assert_eq!(done, Ok("untouched"));
    assert_eq!(bank.read(1, None).await, Ok(1));
}

#[tokio::test]
async fn a_block_that_commits_invalidates_once_for_each_cache() {
    let (one, other) = (bank(), bank());
    for bank in [&one, &other] {
        bank.read(1, None).await.unwrap();
        bank.read(2, None).await.unwrap();
        bank.read(3, None).await.unwrap();
    }
    let done: Result<(), String> = defer(async {
        let tx = Tx::default();
        for _ in 0..3 {
            one.write(1, &tx).await?;
            other.write(1, &tx).await?;
            one.write_blocking(2, &tx)?;
        }
        assert_eq!((invalidations(&one), invalidations(&other)), (0, 0));
        Ok(())
    })
    .await;
    done.unwrap();
    assert_eq!((invalidations(&one), invalidations(&other)), (1, 1));
    assert!(!is_kept(&one, 1).await && !is_kept(&one, 2).await && is_kept(&one, 3).await);
    assert!(!is_kept(&other, 1).await && is_kept(&other, 2).await);
}

#[tokio::test]
async fn a_block_that_fails_invalidates_nothing() {
    let (bank, clock) = world();
    bank.read(1, None).await.unwrap();
    let done: Result<(), String> = defer(async {
        bank.write(1, &Tx::default()).await?;
        rolled_back()
    })
    .await;
    assert_eq!(done, rolled_back());
    assert!(is_kept(&bank, 1).await);
    clock.advance(SETTLED);
    assert_eq!(invalidations(&bank), 0);
}

#[tokio::test]
async fn a_writer_that_fails_inside_invalidates_nothing() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    defer(async {
        bank.fail(1).await.unwrap_err();
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert!(is_kept(&bank, 1).await);
}

#[tokio::test]
async fn what_is_always_invalidated_is_also_when_the_block_fails() {
    for outcome in [Ok(()), rolled_back()] {
        for commits in [true, false] {
            let bank = bank();
            bank.read(1, None).await.unwrap();
            bank.read(2, None).await.unwrap();
            let _ = defer(async {
                bank.write(2, &Tx::default()).await?;
                assert_eq!(bank.doubt(1, outcome.clone()).await, outcome);
                assert_eq!(invalidations(&bank), 0);
                if commits { Ok(()) } else { rolled_back() }
            })
            .await;
            assert_eq!(invalidations(&bank), 1);
            assert!(!is_kept(&bank, 1).await);
            assert_eq!(is_kept(&bank, 2).await, !commits);
        }
    }
}

#[tokio::test]
async fn a_dropped_block_invalidates_at_once_and_again_after_settling() {
    let (bank, clock) = world();
    bank.read(1, None).await.unwrap();
    {
        let mut block = pin!(defer(async {
            bank.write(1, &Tx::default()).await?;
            std::future::pending::<Result<(), String>>().await
        }));
        for _ in 0..4 {
            assert!(!poll(block.as_mut()));
        }
        assert!(is_kept(&bank, 1).await);
    }
    assert!(!is_kept(&bank, 1).await);
    // The commit was on its way, and the reader came before it.
    assert!(is_kept(&bank, 1).await);
    clock.advance(SETTLED);
    assert!(!is_kept(&bank, 1).await);
    clock.advance(SETTLED);
    assert!(is_kept(&bank, 1).await);
    assert_eq!(bank.cache.stats().pending_invalidations, 0);
}

#[tokio::test]
async fn a_panicking_block_invalidates_at_once_and_again_after_settling() {
    let (bank, clock) = world();
    let panics: [fn(&Bank); 2] = [
        |bank| {
            let _: Result<(), String> = defer_blocking(|| {
                bank.write_blocking(1, &Tx::default())?;
                panic!("half-way")
            });
        },
        |bank| {
            let mut block = pin!(defer(async {
                bank.write_blocking(1, &Tx::default())?;
                yield_now().await;
                panic!("half-way");
                #[allow(unreachable_code)]
                Ok::<(), String>(())
            }));
            while !poll(block.as_mut()) {}
        },
    ];
    for panicking in panics {
        bank.read(1, None).await.unwrap();
        catch_unwind(AssertUnwindSafe(|| panicking(&bank))).unwrap_err();
        assert!(!is_kept(&bank, 1).await);
        clock.advance(SETTLED);
        assert!(!is_kept(&bank, 1).await);
        // Nothing is inside any more.
        bank.write(1, &Tx::default()).await.unwrap();
        assert!(!is_kept(&bank, 1).await);
    }
}

#[tokio::test]
async fn a_writer_dropped_inside_invalidates_at_once_after_the_commit_and_after_settling() {
    for commits in [true, false] {
        let (bank, clock) = world();
        bank.read(1, None).await.unwrap();
        let _ = defer(async {
            {
                let mut writer = pin!(bank.never_end(1));
                assert!(!poll(writer.as_mut()));
            }
            assert_eq!(invalidations(&bank), 1);
            let reader = Arc::clone(&bank);
            let read = tokio::spawn(async move { is_kept(&reader, 1).await });
            assert!(!read.await.unwrap());
            if commits { Ok(()) } else { rolled_back() }
        })
        .await;
        assert_eq!(is_kept(&bank, 1).await, !commits);
        clock.advance(SETTLED);
        assert!(!is_kept(&bank, 1).await);
    }
}

#[tokio::test]
async fn a_writer_that_panics_inside_is_invalidated_after_the_commit_too() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    defer(async {
        let tx = Tx::default();
        catch_unwind(AssertUnwindSafe(|| bank.panic(1, &tx))).unwrap_err();
        assert_eq!(invalidations(&bank), 1);
        let reader = Arc::clone(&bank);
        tokio::spawn(async move { reader.read(1, None).await })
            .await
            .unwrap()?;
        bank.commit(&tx);
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(bank.read(1, None).await, Ok(1));
}

#[tokio::test]
async fn a_block_that_was_never_polled_did_nothing() {
    let bank = bank();
    drop(defer(async {
        bank.write_blocking(1, &Tx::default())?;
        Ok::<_, String>(())
    }));
    assert_eq!(invalidations(&bank), 0);
}

#[tokio::test]
async fn an_inner_block_that_commits_hands_everything_to_the_outer_one() {
    for commits in [true, false] {
        let bank = bank();
        bank.read(1, None).await.unwrap();
        let _ = defer(async {
            let inner = defer(async { bank.write(1, &Tx::default()).await });
            inner.await.unwrap();
            assert_eq!(invalidations(&bank), 0);
            if commits { Ok(()) } else { rolled_back() }
        })
        .await;
        assert_eq!(is_kept(&bank, 1).await, !commits);
    }
}

#[tokio::test]
async fn an_inner_block_that_fails_hands_out_only_what_is_always_invalidated() {
    for commits in [true, false] {
        let bank = bank();
        bank.read(1, None).await.unwrap();
        bank.read(2, None).await.unwrap();
        let _ = defer(async {
            let savepoint: Result<(), String> = defer(async {
                bank.write(1, &Tx::default()).await?;
                bank.doubt(2, rolled_back()).await?;
                Ok(())
            })
            .await;
            assert_eq!(savepoint, rolled_back());
            assert_eq!(invalidations(&bank), 0);
            if commits { Ok(()) } else { rolled_back() }
        })
        .await;
        assert!(is_kept(&bank, 1).await);
        assert!(!is_kept(&bank, 2).await);
    }
}

#[tokio::test]
async fn an_inner_block_that_is_dropped_is_invalidated_at_once_and_after_the_outer_one() {
    let (bank, clock) = world();
    bank.read(1, None).await.unwrap();
    defer(async {
        {
            let mut inner = pin!(defer(async {
                bank.write_blocking(1, &Tx::default())?;
                std::future::pending::<Result<(), String>>().await
            }));
            assert!(!poll(inner.as_mut()));
            assert_eq!(invalidations(&bank), 0);
        }
        assert_eq!(invalidations(&bank), 1);
        let reader = Arc::clone(&bank);
        let read = tokio::spawn(async move { reader.read(1, None).await });
        read.await.unwrap()
    })
    .await
    .unwrap();
    assert_eq!(invalidations(&bank), 2);
    assert!(!is_kept(&bank, 1).await);
    clock.advance(SETTLED);
    assert!(!is_kept(&bank, 1).await);
}

#[tokio::test]
async fn blocks_that_are_joined_in_one_task_do_not_mix() {
    let bank = bank();
    for id in 1..=3 {
        bank.read(id, None).await.unwrap();
    }
    let transaction = |id: u64, commits: bool| {
        let bank = &bank;
        defer(async move {
            yield_now().await;
            bank.write(id, &Tx::default()).await?;
            if commits { Ok(()) } else { rolled_back() }
        })
    };
    let outside = async { bank.write(3, &Tx::default()).await };
    let _ = tokio::join!(transaction(1, true), transaction(2, false), outside);
    assert!(!is_kept(&bank, 1).await && is_kept(&bank, 2).await && !is_kept(&bank, 3).await);
    assert_eq!(invalidations(&bank), 2);
}

#[tokio::test]
async fn a_spawned_task_is_not_inside() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    let _: Result<(), String> = defer(async {
        let writer = Arc::clone(&bank);
        let task = async move { writer.write(1, &Tx::default()).await };
        tokio::spawn(task).await.unwrap()?;
        assert_eq!(invalidations(&bank), 1);
        rolled_back()
    })
    .await;
    assert!(!is_kept(&bank, 1).await);
}

#[tokio::test]
async fn a_spawned_task_is_inside_if_it_is_told_so() {
    for commits in [true, false] {
        let bank = bank();
        bank.read(1, None).await.unwrap();
        let _ = defer(async {
            let writer = Arc::clone(&bank);
            let task = async move {
                writer.write(1, &Tx::default()).await?;
                // What is inside sees what it wrote.
                let before = writer.bodies();
                writer.read(1, None).await?;
                assert_eq!(writer.bodies(), before + 1);
                Ok::<_, String>(())
            };
            let task = tokio::spawn(in_current_deferral(task));
            task.await.unwrap()?;
            assert_eq!(invalidations(&bank), 0);
            if commits { Ok(()) } else { rolled_back() }
        })
        .await;
        assert_eq!(is_kept(&bank, 1).await, !commits);
    }
    // Outside of a block it changes nothing.
    let bank = bank();
    bank.read(1, None).await.unwrap();
    in_current_deferral(bank.write(1, &Tx::default()))
        .await
        .unwrap();
    assert!(!is_kept(&bank, 1).await);
}

#[tokio::test]
async fn a_task_that_outlives_the_block_invalidates_by_itself() {
    for commits in [true, false] {
        let bank = bank();
        bank.read(1, None).await.unwrap();
        let mut task = None;
        let _: Result<(), String> = defer(async {
            let writer = Arc::clone(&bank);
            let writing = async move { writer.write(1, &Tx::default()).await };
            let mut writing = Box::pin(in_current_deferral(writing));
            assert!(!poll(writing.as_mut()));
            task = Some(writing);
            if commits { Ok(()) } else { rolled_back() }
        })
        .await;
        assert!(is_kept(&bank, 1).await);
        let mut task = task.unwrap();
        task.as_mut().await.unwrap();
        assert!(!is_kept(&bank, 1).await);
        assert!(is_kept(&bank, 1).await);
    }
}

#[tokio::test]
async fn a_task_that_outlives_an_inner_block_belongs_to_the_outer_one() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    let _: Result<(), String> = defer(async {
        let mut task = None;
        let _: Result<(), String> = defer(async {
            let writer = Arc::clone(&bank);
            let writing = async move { writer.write(1, &Tx::default()).await };
            task = Some(Box::pin(in_current_deferral(writing)));
            rolled_back()
        })
        .await;
        task.unwrap().await?;
        assert_eq!(invalidations(&bank), 0);
        Ok(())
    })
    .await;
    assert_eq!(invalidations(&bank), 1);
    assert!(!is_kept(&bank, 1).await);
}

/// A task of the block that this is called in, which opens another and has its successor made there.
fn successor() -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(in_current_deferral(async {
        let opened = defer(async {
            SUCCESSOR.set(Some(successor()));
            Ok::<_, String>(())
        });
        opened.await.unwrap();
    }))
}

thread_local! {
    static SUCCESSOR: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
}

#[test]
fn blocks_of_tasks_that_outlive_their_block_make_no_chain() {
    // Dropping one so long would overflow the stack.
    for _ in 0..100_000 {
        run(SUCCESSOR.take().unwrap_or_else(successor));
    }
    drop(SUCCESSOR.take());
}

#[tokio::test]
async fn what_runs_beside_a_block_on_its_thread_is_not_inside() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    let (began, ended) = (Notify::new(), Notify::new());
    let block = defer(async {
        began.notify_one();
        ended.notified().await;
        rolled_back::<()>()
    });
    let other = async {
        began.notified().await;
        bank.write_blocking(1, &Tx::default()).unwrap();
        bank.write(1, &Tx::default()).await.unwrap();
        assert_eq!(invalidations(&bank), 2);
        ended.notify_one();
    };
    let (done, ()) = tokio::join!(block, other);
    assert_eq!(done, rolled_back());
    assert!(!is_kept(&bank, 1).await);
}

#[test]
fn a_block_on_a_thread_that_is_ending_invalidates() {
    struct OnExit(Arc<Bank>);
    impl Drop for OnExit {
        fn drop(&mut self) {
            let done = defer_blocking(|| self.0.write_blocking(1, &Tx::default()));
            assert_eq!(done, Ok(()));
        }
    }
    thread_local! {
        static ON_EXIT: OnceCell<OnExit> = const { OnceCell::new() };
    }
    let bank = bank();
    bank.read_blocking(1, None).unwrap();
    let of_thread = Arc::clone(&bank);
    let thread = std::thread::spawn(move || {
        let on_exit = OnExit(of_thread);
        assert!(ON_EXIT.with(|own| own.set(on_exit)).is_ok());
        // Made after it, so gone before it.
        defer_blocking(|| Ok::<_, String>(())).unwrap();
    });
    thread.join().unwrap();
    let before = bank.bodies();
    bank.read_blocking(1, None).unwrap();
    assert_eq!(bank.bodies(), before + 1);
}

#[tokio::test]
async fn direct_operations_are_done_at_once() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    bank.cache.set("price:1", 1_u64, None).await.unwrap();
    let _: Result<(), String> = defer(async {
        bank.cache.invalidate("account:1").await.unwrap();
        assert!(bank.cache.keys().iter().all(|key| key == "price:1"));
        bank.cache.set("price:2", 2_u64, None).await.unwrap();
        let price = bank.cache.get("price:2").await;
        assert_eq!(price.unwrap(), Some(2_u64));
        bank.cache.remove("price:1").await.unwrap();
        assert_eq!(bank.cache.keys(), ["price:2"]);
        bank.cache.clear().await.unwrap();
        assert!(bank.cache.keys().is_empty());
        rolled_back()
    })
    .await;
}

#[tokio::test]
async fn a_block_reads_what_it_wrote() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    bank.read_blocking(1, None).unwrap();
    bank.read(2, None).await.unwrap();
    let _: Result<(), String> = defer(async {
        let tx = Tx::default();
        assert_eq!(bank.read(1, Some(&tx)).await, Ok(0));
        bank.write(1, &tx).await?;
        for number in 1..3 {
            assert_eq!(bank.read(1, Some(&tx)).await, Ok(number));
            assert_eq!(bank.read_blocking(1, Some(&tx)), Ok(number));
            // Inside an inner block as well, and it is not mixed up with what that wrote.
            let inner = defer(async { bank.read(1, Some(&tx)).await }).await;
            assert_eq!(inner, Ok(number));
            bank.write(1, &tx).await?;
        }
        // What is not covered is a hit, until a writer that may have written fails.
        let before = bank.bodies();
        bank.read(2, Some(&tx)).await?;
        assert_eq!(bank.bodies(), before);
        bank.doubt(2, rolled_back()).await.unwrap_err();
        bank.read(2, Some(&tx)).await?;
        assert_eq!(bank.bodies(), before + 1);
        rolled_back()
    })
    .await;
    // Others never saw any of it, and nor does anybody afterwards.
    assert_eq!(bank.read(1, None).await, Ok(0));
    assert_eq!(bank.read_blocking(1, None), Ok(0));
    assert!(is_kept(&bank, 1).await);
}

#[tokio::test]
async fn keys_that_the_block_has_outdated_are_not_there() {
    let bank = bank();
    let cache = &bank.cache;
    cache.set("account:1:limit", 10_u64, None).await.unwrap();
    cache.set("account:2:limit", 20_u64, None).await.unwrap();
    let keys = ["account:1:limit", "account:2:limit"];
    let _: Result<(), String> = defer(async {
        bank.write(1, &Tx::default()).await?;
        assert_eq!(cache.get::<u64>(keys[0]).await.unwrap(), None);
        assert_eq!(cache.get::<u64>(keys[1]).await.unwrap(), Some(20));
        let both = cache.get_many::<u64>(&keys).await.unwrap();
        assert_eq!(both, [None, Some(20)]);
        assert!(!cache.exists(keys[0]).await.unwrap());
        for (key, expected) in [(keys[0], 11), (keys[1], 20), ("account:1:new", 11)] {
            let value = cache.get_or_set(key, None, async || Ok::<_, String>(11_u64));
            assert_eq!(value.await, Ok(expected));
        }
        rolled_back()
    })
    .await;
    assert_eq!(cache.get::<u64>(keys[0]).await.unwrap(), Some(10));
    assert_eq!(cache.get::<u64>("account:1:new").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_computed_inside_is_not_stored() {
    let bank = bank();
    defer(async {
        bank.read(1, Some(&Tx::default())).await?;
        bank.read_blocking(1, None)?;
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert!(bank.cache.keys().is_empty());
    assert!(!is_kept(&bank, 1).await && is_kept(&bank, 1).await);
}

#[tokio::test]
async fn computations_inside_and_outside_are_not_shared() {
    for inside_first in [true, false] {
        let bank = bank();
        let mut inside = pin!(defer(bank.slow(1)));
        let mut outside = pin!(bank.slow(1));
        if inside_first {
            assert!(!poll(inside.as_mut()));
            assert!(!poll(outside.as_mut()));
        } else {
            assert!(!poll(outside.as_mut()));
            assert!(!poll(inside.as_mut()));
        }
        assert_eq!(bank.bodies(), 2);
        bank.gate.add_permits(2);
        assert_eq!(inside.await, Ok(0));
        assert_eq!(outside.await, Ok(0));
    }
}

#[tokio::test]
async fn single_entries_are_deferred_like_patterns() {
    let bank = bank();
    bank.read(1, None).await.unwrap();
    bank.read(2, None).await.unwrap();
    defer(async {
        let shape = Returns::<()>::new().outcome();
        let invalidation = invalidation(&bank.cache, &WRITE).entry("read", |key| {
            key.argument(&1_u64);
        });
        invalidation.after(shape, async || ()).await;
        assert_eq!(invalidations(&bank), 0);
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert!(!is_kept(&bank, 1).await && is_kept(&bank, 2).await);
}

#[tokio::test]
async fn synchronous_blocks_commit_and_fail_like_others() {
    for commits in [true, false] {
        let bank = bank();
        bank.read(1, None).await.unwrap();
        let done = defer_blocking(|| {
            bank.write_blocking(1, &Tx::default())?;
            assert_eq!(invalidations(&bank), 0);
            if commits { Ok(7) } else { rolled_back() }
        });
        assert_eq!(done, if commits { Ok(7) } else { rolled_back() });
        assert_eq!(is_kept(&bank, 1).await, !commits);
    }
}

#[test]
fn the_future_is_send_whatever_the_error_is() {
    fn send<T: Send>(future: T) -> T {
        future
    }
    let bank = bank();
    let block = send(defer(async {
        bank.write(1, &Tx::default()).await.map_err(Rc::new)
    }));
    drop(send(in_current_deferral(block)));
}

/// Polls a future to its end; none of these ever waits for anybody.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Two writers and a savepoint in one transaction, whose commit takes a while.
async fn transfer(bank: &Bank) -> Result<(), String> {
    defer(async {
        let tx = Tx::default();
        bank.write(1, &tx).await?;
        let savepoint = defer(async {
            bank.write(2, &tx).await?;
            yield_now().await;
            rolled_back::<()>()
        });
        let _ = savepoint.await;
        defer(bank.write(3, &tx)).await?;
        yield_now().await;
        bank.commit(&tx);
        yield_now().await;
        Ok(())
    })
    .await
}

#[test]
fn dropping_a_block_anywhere_leaves_nothing_stale() {
    let mut ends = 0;
    for polls in 0..16 {
        let (bank, clock) = world();
        let read = |id| run(bank.read(id, None)).unwrap();
        let ended = {
            let mut block = pin!(transfer(&bank));
            // Readers at every step keep what is committed then.
            (0..polls).any(|_| {
                let ended = poll(block.as_mut());
                let _ = [1, 3].map(read);
                ended
            })
        };
        assert_eq!([1, 3].map(read), [bank.number(); 2], "{polls}");
        if bank.number() == 0 && polls > 0 {
            // The commit of what the first writer wrote was on its way.
            bank.commit(&Tx::of(1));
        }
        clock.advance(SETTLED);
        assert_eq!(read(1), bank.number(), "{polls}");
        assert_eq!(bank.cache.stats().computations, 0);
        assert_eq!(bank.cache.stats().pending_invalidations, 0);
        ends += u64::from(ended);
    }
    assert!((1..8).contains(&ends), "{ends}");
}
