//! Another installed cache, for one test.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::pin;

use crate::ambient::Ambient;
use crate::cache::Cache;
use crate::sync::thread_local;

thread_local! {
    /// What is installed on this thread, with a number of its own, the innermost last.
    static STACK: RefCell<Vec<(u64, &'static Cache)>> = const { RefCell::new(Vec::new()) };
    static ENTERED: Cell<u64> = const { Cell::new(0) };
}

/// Makes a cache the installed one of this thread, until the guard is dropped: for tests of functions
/// that name no cache with `cache = …`, so that they can run in parallel.
///
/// It is the installed cache of all that runs on the thread meanwhile, which in a `#[tokio::test]` with
/// its current-thread runtime, the default, are the tasks that it spawns as well. For a runtime of
/// several threads there is [`with_cache`]. Guards nest: the innermost counts, and the one around it
/// again when that is dropped.
///
/// [`installed`](crate::installed) gives a `&'static Cache`, so each call keeps one handle for the rest
/// of the process' life, and with it what the cache holds: for a test process that is nothing, for a
/// program it would be a leak.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::testing::install_for_test;
/// use cachewright::{Cache, installed};
///
/// # fn main() -> Result<(), cachewright::Error> {
/// let cache = install_for_test(Cache::builder().namespace("mine").build()?);
/// assert_eq!(installed().namespace(), Some("mine"));
/// assert!(cache.keys().is_empty()); // the guard is a handle of it
///
/// drop(cache);
/// assert_eq!(installed().namespace(), None);
/// # Ok(()) }
/// ```
pub fn install_for_test(cache: Cache) -> InstalledForTest {
    let cache = kept(cache);
    InstalledForTest {
        cache,
        _entered: Entered::new(cache),
    }
}

/// Ends when it is dropped, on the thread that it is for; see [`install_for_test`].
#[derive(Debug)]
#[must_use = "the cache is installed until this is dropped"]
pub struct InstalledForTest {
    cache: &'static Cache,
    _entered: Entered,
}

impl Deref for InstalledForTest {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        self.cache
    }
}

/// Runs a future for which `cache` is the installed one, on whatever thread it is polled.
///
/// A task that it spawns is not inside, unless it is wrapped with [`in_current_cache`]; what runs on
/// another thread, as with `spawn_blocking`, unless it is called by [`with_cache_blocking`]. A body that
/// a cached function leaves to the background is inside as its call is. Keeps one handle for the rest of
/// the process' life, as [`install_for_test`] does.
///
/// # Cancellation
///
/// Dropped at any time, it leaves nothing installed: the cache is set for each poll alone.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::testing::{in_current_cache, with_cache};
/// use cachewright::{Cache, installed};
///
/// let cache = Cache::builder().namespace("mine").build()?;
/// with_cache(cache, async {
///     let task = tokio::spawn(in_current_cache(async { installed().namespace() }));
///     assert_eq!(task.await.unwrap(), Some("mine"));
/// })
/// .await;
/// # Ok::<(), cache_core::Error>(()) }).unwrap();
/// ```
pub fn with_cache<F: Future>(cache: Cache, future: F) -> impl Future<Output = F::Output> {
    within(Some(kept(cache)), future)
}

/// Runs a future for which the cache that is installed where this is called is the installed one, on
/// whatever task polls it: wrap what is spawned inside of [`with_cache`]. Called where no test has
/// installed one, this changes nothing.
pub fn in_current_cache<F: Future>(future: F) -> impl Future<Output = F::Output> {
    within(current(), future)
}

/// Calls a function for which `cache` is the installed one, on this thread: for a thread that a test
/// starts, and for synchronous code.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::testing::{install_for_test, with_cache_blocking};
/// use cachewright::{Cache, installed};
///
/// # fn main() -> Result<(), cachewright::Error> {
/// let _cache = install_for_test(Cache::builder().namespace("mine").build()?);
/// let cache = installed().clone();
/// let thread = std::thread::spawn(|| with_cache_blocking(cache, || installed().namespace()));
/// assert_eq!(thread.join().unwrap(), Some("mine"));
/// # Ok(()) }
/// ```
pub fn with_cache_blocking<T>(cache: Cache, run: impl FnOnce() -> T) -> T {
    let _entered = Entered::new(kept(cache));
    run()
}

/// The cache that a test has installed for the code which asks.
#[inline]
pub(crate) fn for_test() -> Option<&'static Cache> {
    if Ambient::TestCache.was_ever() {
        return current();
    }
    None
}

fn current() -> Option<&'static Cache> {
    let innermost = STACK.try_with(|stack| Some(stack.borrow().last()?.1));
    innermost.ok().flatten()
}

async fn within<F: Future>(cache: Option<&'static Cache>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _entered = cache.map(Entered::new);
        future.as_mut().poll(cx)
    })
    .await
}

/// A handle that lives as long as the process, for `installed` gives such a one.
fn kept(cache: Cache) -> &'static Cache {
    Box::leak(Box::new(cache))
}

/// A cache that is installed on this thread.
#[derive(Debug)]
struct Entered {
    number: u64,
    /// It belongs to its thread.
    stays: PhantomData<*const ()>,
}

impl Entered {
    fn new(cache: &'static Cache) -> Self {
        Ambient::TestCache.opens();
        let number = ENTERED.with(|entered| {
            entered.set(entered.get() + 1);
            entered.get()
        });
        STACK.with(|stack| stack.borrow_mut().push((number, cache)));
        Self {
            number,
            stays: PhantomData,
        }
    }
}

impl Drop for Entered {
    /// In whatever order guards are dropped.
    fn drop(&mut self) {
        let own = |(number, _): &(u64, _)| *number == self.number;
        _ = STACK.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            let place = stack.iter().rposition(own)?;
            Some(stack.remove(place))
        });
    }
}
