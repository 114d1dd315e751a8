//! Filling a cache before its answers are asked for, with the calls that will be made.
//!
//! What is warmed is a call like any other: its key, its conditions and its coalescing are its own, and
//! it counts as a hit or a miss. Here is only how many are under way, and what became of them.

mod blocking;
mod flow;
mod report;
mod warming;

use std::pin::pin;

use crate::cache::Cache;
use flow::{Feed, Flow};
use report::Tally;
pub use report::{WarmProgress, WarmReport};
pub use warming::Warming;

/// How many calls are under way at once, if nobody says otherwise.
const CONCURRENCY: usize = 8;

/// Warms a cache: makes `calls`, futures of annotated functions, a few at a time.
///
/// Nothing happens until it is [run](Warm::run), [run on threads](Warm::run_blocking) or
/// [spawned](Warm::spawn). The calls are made as they are taken from the iterator, which is asked for the next when there is
/// room for it, so it may be long, or without an end.
///
/// # What becomes of a call
///
/// | | |
/// | --- | --- |
/// | done | it has ended; if it is of a cached function, this has run its body, or waited for another caller's |
/// | skipped | each cached function that it asked for answered from the cache, and it asked for one |
/// | failed | a cached function in it returned an `Err`, or it panicked; the others go on |
///
/// Answers are dropped. Whoever wants to see an error looks at it in the call:
/// `async move { users.get(id).await.inspect_err(|error| log(error)) }`. Of what a call spawns, nothing is seen.
///
/// To the cache these are calls: they count as hits and misses, callers that come meanwhile share their
/// computations, and what is invalidated meanwhile is not kept. If the store is down, or a
/// rollout leaves the calls out, the bodies run for nothing, as they do for any call.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// # struct Users { cache: cachewright::Cache }
/// # impl Users {
/// #     async fn get(&self, id: u64) -> Result<u64, ()> {
/// #         use cachewright::private::{Function, Returns, lookup};
/// #         static FUNCTION: Function = Function::new("get", "", "", "", 0);
/// #         let outcome = Returns::<Result<u64, ()>>::new().outcome();
/// #         let call = lookup(&self.cache, &FUNCTION, outcome, |key| { key.argument(&id); }, |_| {});
/// #         call.or_compute(async || if id == 0 { Err(()) } else { Ok(id) }).await
/// #     }
/// # }
/// # let users = Users { cache: cachewright::Cache::builder().build().unwrap() };
/// // `get` is annotated with `#[cached]`.
/// users.get(3).await;
///
/// let ids = [0, 1, 2, 3];
/// let report = cachewright::warm(ids.iter().map(|id| users.get(*id)))
///     .concurrency(4)
///     .on_progress(|progress| println!("{} of {:?}", progress.ended(), progress.total))
///     .run()
///     .await;
/// assert_eq!((report.done, report.skipped, report.failed), (2, 1, 1));
/// # });
/// ```
pub fn warm<I: IntoIterator>(calls: I) -> Warm<I::IntoIter> {
    Warm {
        calls: calls.into_iter(),
        concurrency: CONCURRENCY,
        tally: Tally::default(),
    }
}

/// Like [`warm`], for calls that have to be waited for themselves, such as the rows of a query: `next` gives
/// the next call, or `None` when there are no more. Any stream fits, as `async || stream.next().await`.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// # struct Rows(u64);
/// # impl Rows { async fn next(&mut self) -> Option<u64> { self.0 = self.0.checked_sub(1)?; Some(self.0) } }
/// # async fn get(id: u64) -> u64 { id }
/// # let mut rows = Rows(3);
/// let report = cachewright::warm_stream(async || rows.next().await.map(|id| get(id)))
///     .concurrency(2)
///     .run()
///     .await;
/// assert_eq!(report.done, 3);
/// # });
/// ```
pub fn warm_stream<N, F>(next: N) -> WarmStream<N>
where
    N: AsyncFnMut() -> Option<F>,
    F: Future,
{
    WarmStream {
        next,
        concurrency: CONCURRENCY,
        tally: Tally::default(),
    }
}

/// Calls that are about to be made; see [`warm`].
#[must_use = "nothing is warmed until it is run"]
#[derive(Debug)]
pub struct Warm<I> {
    calls: I,
    concurrency: usize,
    tally: Tally,
}

/// Calls that are about to be made as they come; see [`warm_stream`].
#[must_use = "nothing is warmed until it is run"]
#[derive(Debug)]
pub struct WarmStream<N> {
    next: N,
    concurrency: usize,
    tally: Tally,
}

macro_rules! settings {
    () => {
        /// How many calls are under way at once: 8 unless said otherwise, and one at least.
        pub fn concurrency(mut self, calls: usize) -> Self {
            self.concurrency = calls.max(1);
            self
        }

        /// Has `progress` called after each call that ends, one at a time, with all that has become of the
        /// calls so far. It is called between the calls, so it should not take long.
        ///
        /// # Panics
        ///
        /// If it panics, the run does.
        pub fn on_progress(mut self, progress: impl FnMut(WarmProgress) + Send + 'static) -> Self {
            self.tally.tell(progress);
            self
        }
    };
}

impl<I: Iterator> Warm<I> {
    settings!();

    /// Makes the calls, as a part of this future: they may borrow, and no two of them run at the same
    /// moment.
    ///
    /// # Panics
    ///
    /// A call that panics counts as failed, and the others go on. If the iterator panics, so does this.
    ///
    /// # Cancellation
    ///
    /// A run that is dropped drops the calls that are under way; what has been computed is kept. It gives
    /// way to other tasks now and then, also where every call is a hit.
    pub async fn run(self) -> WarmReport
    where
        I::Item: Future,
    {
        run(self.calls, self.concurrency, self.tally).await
    }

    /// Makes the calls in the background, as a task of the tokio runtime that this is called in, or else on a
    /// thread: a service that starts is ready at once. The run is cancelled when `cache` [shuts
    /// down](Cache::shutdown), which does not wait for it; the calls may use other caches as well.
    ///
    /// # Example
    ///
    /// ```
    /// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # rt.block_on(async {
    /// # use cache_core as cachewright;
    /// # use cachewright::Cache;
    /// # async fn get(id: u64) -> u64 { id }
    /// # let cache = Cache::builder().build().unwrap();
    /// let warming = cachewright::warm((0..100).map(|id| get(id))).spawn(&cache);
    /// // Serve requests meanwhile.
    /// let report = warming.await;
    /// assert!(!report.is_cancelled);
    /// # });
    /// ```
    pub fn spawn(mut self, cache: &Cache) -> Warming
    where
        I: Send + 'static,
        I::Item: Future + Send,
    {
        let (watched, watching) = warming::pair();
        self.tally.watch(watched);
        let job = async move {
            let report = run(self.calls, self.concurrency, self.tally).await;
            tracing::info!(
                target: crate::error::LOG,
                done = report.done, failed = report.failed, skipped = report.skipped, "warmed"
            );
        };
        watching.stopped_by(cache.inner().background.run_errand(job))
    }

    /// Makes the calls of synchronous functions, each a closure, on as many threads as calls may be under way,
    /// and waits for them. The closures may borrow.
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run). If no thread can be started.
    ///
    /// # Example
    ///
    /// ```
    /// # use cache_core as cachewright;
    /// # fn total(day: u32) -> u32 { day }
    /// let report = cachewright::warm((1..=31).map(|day| move || total(day))).run_blocking();
    /// assert_eq!(report.done, 31);
    /// ```
    pub fn run_blocking<R>(self) -> WarmReport
    where
        I::Item: FnOnce() -> R + Send,
    {
        blocking::run(self.calls, self.concurrency, self.tally)
    }
}

impl<N, F> WarmStream<N>
where
    N: AsyncFnMut() -> Option<F>,
    F: Future,
{
    settings!();

    /// Makes the calls, as [`Warm::run`] does. Compilers don't see yet of an async closure that its future is
    /// `Send`, so a run that is to go on by itself is spawned on a `LocalSet`, or driven by a thread:
    /// `spawn_blocking(move || handle.block_on(warm_stream(…).run()))`.
    ///
    /// # Panics
    ///
    /// A call that panics counts as failed, and the others go on. If `next` panics, so does this.
    ///
    /// # Cancellation
    ///
    /// As for [`Warm::run`].
    pub async fn run(mut self) -> WarmReport {
        let feed = Feed::new(self.concurrency);
        let feeding = async {
            feed.has_room().await;
            while let Some(call) = (self.next)().await {
                feed.put(call);
                feed.has_room().await;
            }
        };
        Flow::new(&feed, self.tally).run(pin!(feeding)).await
    }
}

async fn run<I>(calls: I, concurrency: usize, mut tally: Tally) -> WarmReport
where
    I: Iterator<Item: Future>,
{
    tally.expect(calls.size_hint());
    let feed = Feed::new(concurrency);
    let feeding = async {
        feed.has_room().await;
        for call in calls {
            feed.put(call);
            feed.has_room().await;
        }
    };
    Flow::new(&feed, tally).run(pin!(feeding)).await
}
