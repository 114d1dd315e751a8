//! What a body may do: leave early, hold functions, call itself.

use std::num::ParseIntError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::{cached, invalidate_cache};
use tokio::time::timeout;

use super::{Database, assert_send};

macro_rules! add {
    ($a:expr, $b:expr) => {
        $a + $b
    };
    (return $value:expr) => {
        return $value
    };
}

#[cached(cache = database.cache, skip(database))]
async fn leaves_everywhere(database: &Database, text: &str) -> Result<u64, ParseIntError> {
    #![allow(clippy::needless_return, clippy::never_loop)]
    const ONE: u64 = 1;
    static TWO: u64 = 2;
    struct Local(u64);
    impl Local {
        fn get(&self) -> u64 {
            self.0
        }
    }
    fn nested(number: u64) -> Result<u64, ParseIntError> {
        if number == 0 {
            return "none".parse();
        }
        Ok(number)
    }
    let asked = database.ask();
    let number = async {
        let parsed = text.parse::<u64>()?;
        return Ok::<_, ParseIntError>(parsed);
    }
    .await?;
    let checked = || nested(number);
    let number = checked()?;
    let found = 'outer: loop {
        for step in 0.. {
            if step == number {
                break 'outer step;
            }
            if step > 100 {
                add!(return Ok(asked));
            }
        }
    };
    let block = 'block: {
        if found > 50 {
            break 'block ONE;
        }
        let closure = async |more: u64| add!(more, Local(TWO).get());
        closure(found).await
    };
    return Ok(1_000 * asked + block);
}

#[tokio::test]
async fn a_body_may_leave_from_everywhere() {
    let database = Database::new();
    for asked in [1, 2] {
        assert!(leaves_everywhere(&database, "x").await.is_err());
        assert_eq!(database.asked(), asked, "errors are not kept");
    }
    assert!(leaves_everywhere(&database, "0").await.is_err());
    for _ in 0..2 {
        assert_eq!(leaves_everywhere(&database, "5").await, Ok(4_007));
        assert_eq!(leaves_everywhere(&database, "60").await, Ok(5_001));
        assert_eq!(leaves_everywhere(&database, "200").await, Ok(6));
    }
}

#[invalidate_cache("fibonacci", cache = database.cache)]
fn write_and_leave(database: &Database, steps: u64) -> Option<u64> {
    for step in 0..steps {
        let _ = database.ask();
        if step == 1 {
            return None;
        }
    }
    let asked = (steps > 0).then(|| database.asked())?;
    Some(asked)
}

#[cached(cache = database.cache, skip(database), key_prefix = "fibonacci")]
fn fibonacci(database: &Database, n: u64) -> u64 {
    database.ask();
    match n {
        0 | 1 => n,
        _ => fibonacci(database, n - 1) + fibonacci(database, n - 2),
    }
}

#[test]
fn a_sync_function_may_call_itself() {
    let database = Database::new();
    assert_eq!(fibonacci(&database, 80), 23_416_728_348_467_685);
    assert_eq!(database.asked(), 81, "each value is computed once");
    assert_eq!(write_and_leave(&database, 1), Some(82));
    assert_eq!(fibonacci(&database, 2), 1);
    assert_eq!(database.asked(), 85);
    assert_eq!(write_and_leave(&database, 5), None);
    assert_eq!(fibonacci(&database, 2), 1);
    assert_eq!(database.asked(), 90);
}

#[cached(cache = database.cache, skip(database))]
async fn factorial(database: Arc<Database>, n: u64) -> u64 {
    database.ask();
    tokio::task::yield_now().await;
    match n {
        0 => 1,
        _ => n * Box::pin(factorial(database, n - 1)).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_async_function_may_call_itself_and_be_spawned() {
    let database = Arc::new(Database::new());
    let spawned: Vec<_> = (0..8)
        .map(|_| tokio::spawn(assert_send(factorial(Arc::clone(&database), 15))))
        .collect();
    for task in spawned {
        assert_eq!(finish(task).await.unwrap(), 1_307_674_368_000);
    }
    assert_eq!(database.asked(), 16);
}

/// Awaits what would hang if the code under test were wrong.
async fn finish<T>(future: impl Future<Output = T>) -> T {
    let safety_net = Duration::from_secs(60);
    timeout(safety_net, future).await.expect("it hangs")
}

#[cached(cache = database.cache, skip(database, deep))]
async fn with_its_own_key(database: &Database, id: u64, deep: u64) -> u64 {
    database.ask();
    tokio::task::yield_now().await;
    match deep {
        0 => id,
        _ => Box::pin(with_its_own_key(database, id, deep - 1)).await + 1,
    }
}

#[cached(cache = database.cache, skip(database, deep))]
fn blocking_with_its_own_key(database: &Database, id: u64, deep: u64) -> u64 {
    database.ask();
    match deep {
        0 => id,
        _ => blocking_with_its_own_key(database, id, deep - 1) + 1,
    }
}

#[tokio::test]
async fn a_function_may_call_itself_with_the_key_that_it_computes() {
    let database = Database::new();
    assert_eq!(finish(with_its_own_key(&database, 1, 3)).await, 4);
    assert_eq!(database.asked(), 4);
    assert_eq!(
        with_its_own_key(&database, 1, 3).await,
        4,
        "the outermost is kept"
    );
    assert_eq!(blocking_with_its_own_key(&database, 1, 3), 4);
    assert_eq!(database.asked(), 8);
    assert_eq!(blocking_with_its_own_key(&database, 1, 3), 4);
    assert_eq!(database.asked(), 8);
}

#[cached(cache = database.cache, skip(database))]
async fn is_even(database: &Database, n: u64) -> bool {
    database.ask();
    n == 0 || Box::pin(is_odd(database, n - 1)).await
}

#[cached(cache = database.cache, skip(database))]
async fn is_odd(database: &Database, n: u64) -> bool {
    database.ask();
    n != 0 && Box::pin(is_even(database, n - 1)).await
}

#[tokio::test]
async fn two_functions_may_call_each_other() {
    let database = Database::new();
    assert!(finish(is_even(&database, 30)).await);
    assert!(is_odd(&database, 29).await);
    assert_eq!(database.asked(), 31);
}

/// Where two computations that need each other meet before they go on.
#[derive(Default)]
struct Crossing {
    waiting: AtomicU64,
    both: tokio::sync::Notify,
    went_left: AtomicBool,
    went_right: AtomicBool,
}

impl Crossing {
    /// Whether the caller is the first of its side; it goes on when the other side's first is here too.
    async fn meet(&self, side: &AtomicBool) -> bool {
        if side.swap(true, SeqCst) {
            return false;
        }
        let both = self.both.notified();
        if self.waiting.fetch_add(1, SeqCst) == 1 {
            self.both.notify_waiters();
        } else {
            both.await;
        }
        true
    }
}

#[cached(cache = database.cache, skip(database, crossing))]
async fn left(database: &Database, crossing: &Crossing, id: u64) -> u64 {
    if crossing.meet(&crossing.went_left).await {
        return Box::pin(right(database, crossing, id)).await + 1;
    }
    tokio::task::yield_now().await;
    id
}

#[cached(cache = database.cache, skip(database, crossing))]
async fn right(database: &Database, crossing: &Crossing, id: u64) -> u64 {
    if crossing.meet(&crossing.went_right).await {
        return Box::pin(left(database, crossing, id)).await + 1;
    }
    tokio::task::yield_now().await;
    id
}

#[tokio::test]
async fn computations_that_need_each_other_do_not_wait_for_each_other() {
    let (database, crossing) = (Database::new(), Crossing::default());
    let both = async {
        tokio::join!(
            left(&database, &crossing, 7),
            right(&database, &crossing, 7),
        )
    };
    let both = finish(both).await;
    // Who comes last may find what the other has kept.
    assert!(matches!(both, (8 | 9, 8 | 9)), "{both:?}");
}
