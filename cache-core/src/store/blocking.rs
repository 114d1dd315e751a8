//! Stores over a backend whose calls block: what such a backend must do, and the threads that ask it.

mod backend;
mod queue;

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use super::{BoxFuture, Counters, Cursor, Deadline, Fill, Generation, Key, Mint, Page, Store};
use super::{Swap, Written};
use crate::Error;
use crate::sync::lock_std;

pub use backend::{BlockingCounters, BlockingStore};

use backend::Backend;
use queue::Queue;

/// A [`Store`] over a backend that blocks.
///
/// The backend has a thread of its own, which does one operation after the other in the order in
/// which they were first polled. A second thread minds the deadlines. Both begin with the first
/// operation, so that a process may fork before it; in a process that is forked off later every
/// operation would hang.
///
/// Of the [contract](crate::store) this keeps for every backend:
///
/// - An operation is answered at its deadline at the latest, with an outage, whatever the backend
///   does. One that the backend has begun goes on, and may still take effect.
/// - What has not begun when its deadline is over, or when its future is dropped, never begins. A
///   future that was not polled has done nothing.
/// - A reply belongs to its request.
/// - Callers need no async runtime, and none is held up: no poll blocks.
/// - A panic of the backend is an outage of that operation; the next one goes on, after
///   [`BlockingStore::recover`].
/// - A backend without room still reads and invalidates.
///
/// The queue has no bound but that of the callers: what nobody waits for leaves it at once, and
/// nobody waits longer than his deadline.
///
/// Dropping it does not block. The operation that is being done is finished, and then the backend
/// is dropped, in its thread; one that was never asked is dropped at once.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use std::collections::BTreeMap;
/// use std::time::{Duration, Instant};
///
/// use cachewright::{Cache, Error};
/// use cachewright::store::{Blocking, BlockingStore, Cursor, Deadline, Key, Mint, Page};
///
/// /// Bytes, and when they end.
/// #[derive(Default)]
/// struct Map(BTreeMap<Key, (Vec<u8>, Instant)>);
///
/// impl Map {
///     fn get(&self, key: &Key) -> Option<Vec<u8>> {
///         let (bytes, ends) = self.0.get(key)?;
///         (*ends > Instant::now()).then(|| bytes.clone())
///     }
///
///     fn put(&mut self, key: &Key, bytes: &[u8], ttl: Duration) {
///         self.0.insert(key.clone(), (bytes.to_vec(), Instant::now() + ttl));
///     }
/// }
///
/// impl BlockingStore for Map {
///     type Error = Error;
///
///     fn classify(error: Error) -> Error {
///         error
///     }
///
///     fn describe(&self) -> String {
///         "a map".into()
///     }
///
///     fn read(&mut self, keys: &[Key], _: Deadline) -> Result<Vec<Option<Vec<u8>>>, Error> {
///         Ok(keys.iter().map(|key| self.get(key)).collect())
///     }
///
///     fn mint(
///         &mut self,
///         mints: &[Mint],
///         ttl: Duration,
///         _: Deadline,
///     ) -> Result<Vec<Option<Vec<u8>>>, Error> {
///         let shown = mints.iter().map(|Mint { key, nonce }| {
///             if self.get(key).is_none() {
///                 self.put(key, &nonce.to_bytes(), ttl);
///             }
///             self.get(key)
///         });
///         Ok(shown.collect())
///     }
///
///     fn write(&mut self, key: &Key, value: &[u8], ttl: Duration, _: Deadline) -> Result<(), Error> {
///         self.put(key, value, ttl);
///         Ok(())
///     }
///
///     fn invalidate(&mut self, generations: &[Key], _: Deadline) -> Result<(), Error> {
///         self.0.retain(|key, _| !generations.contains(key));
///         Ok(())
///     }
///
///     fn swap(&mut self, mint: &Mint, ttl: Duration, _: Deadline) -> Result<Option<Vec<u8>>, Error> {
///         let before = self.get(&mint.key);
///         self.put(&mint.key, &mint.nonce.to_bytes(), ttl);
///         Ok(before)
///     }
///
///     fn prolong(&mut self, generations: &[Key], ttl: Duration, _: Deadline) -> Result<(), Error> {
///         let now = Instant::now();
///         for (key, (_, ends)) in &mut self.0 {
///             if generations.contains(key) && *ends > now {
///                 *ends = (*ends).max(now + ttl);
///             }
///         }
///         Ok(())
///     }
///
///     fn scan(
///         &mut self,
///         beginning: &Key,
///         cursor: Cursor,
///         limit: usize,
///         _: Deadline,
///     ) -> Result<Page, Error> {
///         let from = Key::from_bytes(cursor.place(beginning));
///         let keys = self.0.range(from..).map(|(key, _)| key.clone());
///         Ok(Page::sorted(keys.take(limit).collect(), beginning, limit))
///     }
/// }
///
/// let store = Blocking::new(Map::default());
/// let cache = Cache::builder().namespace("app").store(store).build()?;
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// cache.set("user:42", "Ada".to_owned(), None).await?;
/// assert_eq!(cache.get::<String>("user:42").await?.as_deref(), Some("Ada"));
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Error>(())
/// ```
pub struct Blocking<S: BlockingStore> {
    queue: Arc<Queue<Backend<S>>>,
    description: String,
    counts: bool,
}

impl<S: BlockingStore> Blocking<S> {
    /// A store over `backend`. Asks it for its description and whether it counts; begins nothing.
    #[must_use]
    pub fn new(mut backend: S) -> Self {
        Self {
            description: backend.describe(),
            counts: backend.counters().is_some(),
            queue: Arc::new(Queue::new(Backend::new(backend))),
        }
    }

    /// Has the backend do `work`, and answers when it is done, or at the deadline.
    async fn ask<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce(&mut S) -> Result<T, S::Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(deadline, move |backend| backend.ask(deadline, work))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce(&mut Backend<S>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let answer = Arc::new(Mutex::new(None));
        let given = Arc::clone(&answer);
        let job = move |backend: &mut Backend<S>| {
            let answer = work(backend);
            *lock_std(&given) = Some(answer);
        };
        let place = self.queue.enter(deadline, Box::new(job))?;
        poll_fn(|cx| {
            // Before the look at the answer: whoever gives it wakes whom he finds afterwards.
            place.wake(cx.waker());
            match lock_std(&answer).take() {
                Some(answer) => Poll::Ready(answer),
                None if deadline.is_over() => Poll::Ready(Err(late())),
                None => Poll::Pending,
            }
        })
        .await
    }
}

fn late() -> Error {
    Error::outage("the store did not answer in time")
}

impl<S: BlockingStore> Drop for Blocking<S> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl<S: BlockingStore> fmt::Debug for Blocking<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blocking").field(&self.description).finish()
    }
}

/// What is borrowed is copied with the first poll, for the thread may outlive the caller.
impl<S: BlockingStore> Store for Blocking<S> {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn probe<'a>(
        &'a self,
        canary: &'a Key,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let canary = canary.clone();
            self.run(deadline, move |backend| backend.probe(&canary, deadline))
                .await
        })
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        Box::pin(async move {
            let asked = keys.to_vec();
            let read = self.ask(deadline, move |store| store.read(&asked, deadline));
            for_each(keys.len(), read.await?)
        })
    }

    fn heads<'a>(
        &'a self,
        values: &'a [Key],
        length: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>, Error>> {
        Box::pin(async move {
            let asked = values.to_vec();
            let read = self.ask(deadline, move |store| store.heads(&asked, length, deadline));
            for_each(values.len(), read.await?)
        })
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        Box::pin(self.run(deadline, move |backend| backend.mint(&mints, ttl, deadline)))
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            let key = key.clone();
            self.run(deadline, move |backend| {
                backend.write(&key, &value, ttl, deadline)
            })
            .await
        })
    }

    fn write_many(
        &self,
        fills: Vec<Fill>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Written>, Error>> {
        Box::pin(self.run(deadline, move |backend| {
            backend.write_many(&fills, deadline)
        }))
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let keys = generations.to_vec();
            self.ask(deadline, move |store| store.invalidate(&keys, deadline))
                .await
        })
    }

    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>> {
        Box::pin(self.run(deadline, move |backend| backend.swap(mint, ttl, deadline)))
    }

    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let keys = generations.to_vec();
            self.ask(deadline, move |store| store.prolong(&keys, ttl, deadline))
                .await
        })
    }

    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let keys = values.to_vec();
            self.ask(deadline, move |store| store.remove(&keys, deadline))
                .await
        })
    }

    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        Box::pin(async move {
            let (beginning, limit) = (beginning.clone(), limit.max(1));
            self.ask(deadline, move |store| {
                store.scan(&beginning, cursor, limit, deadline)
            })
            .await
        })
    }

    fn counters(&self) -> Option<&dyn Counters> {
        self.counts.then_some(self)
    }
}

impl<S: BlockingStore> Counters for Blocking<S> {
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>> {
        Box::pin(async move {
            let counter = counter.clone();
            self.run(deadline, move |backend| {
                backend.count(deadline, |counters| {
                    counters.add(&counter, by, window, deadline)
                })
            })
            .await
        })
    }

    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let counter = counter.clone();
            self.run(deadline, move |backend| {
                backend.count(deadline, |counters| {
                    counters.expire(&counter, ttl, deadline)
                })
            })
            .await
        })
    }
}

/// A reply that has something for each key. Taken for another one's, it would tell nothing.
fn for_each<T>(keys: usize, reply: Vec<T>) -> Result<Vec<T>, Error> {
    if reply.len() == keys {
        return Ok(reply);
    }
    let found = reply.len();
    Err(Error::data(format!(
        "the store was asked for {keys} keys and answered for {found}"
    )))
}
