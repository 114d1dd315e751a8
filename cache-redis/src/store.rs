//! The store: each operation of the contract, over the connection of whoever calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cache_core::Error;
use cache_core::fence::{Generation, Nonce};
use cache_core::layout::Key;
use cache_core::store::{
    BoxFuture, Counters, Cursor, Deadline, Fill, Mint, Page, Store, Swap, Written, is_blocking,
};
use tokio::runtime::Handle;

use crate::command::{self, Command};
use crate::driver::{self, Driver};
use crate::events::Events;
use crate::link::{Answer, Link, Request};
use crate::place::Origin;
use crate::refusal::Refusal;
use crate::reply::{self, Shown};
use crate::runtimes::Runtimes;
use crate::settings::{RedisStoreBuilder, Settings};

/// A Redis or Valkey server, 7.0 or later, as a store.
///
/// Nothing is connected until the first operation; [`Store::probe`] is the one that asks for
/// nothing else. Clones share their connections.
///
/// # Concurrency
///
/// Calls from a tokio runtime share one connection of this runtime, so a store may be a static that
/// outlives many. Calls from anywhere else, those of synchronous functions, and those from a runtime
/// without timers or I/O, go over a connection that a thread of the store's own drives; the thread
/// starts with the first of them and ends with the last clone. Connecting happens beside the callers. After a failed attempt operations answer
/// at once with its error for a pause of 50 ms, growing to 500 ms with each further one.
///
/// A runtime of one thread must be running: where it was merely entered, nothing wakes the caller.
///
/// # Cancellation
///
/// A future that is dropped after its first poll may have done its work, may do it later, or never.
///
/// # Example
///
/// ```
/// # mod cachewright { pub use cache_core::store; pub use cache_redis as redis; }
/// use cachewright::redis::RedisStore;
/// use cachewright::store::Store;
///
/// let store = RedisStore::new("redis://app:secret@db.example:6379/2")?;
/// assert_eq!(store.describe(), "redis://db.example:6379/2");
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    events: Arc<Events>,
    runtimes: Runtimes,
    driver: Driver,
    driven: Arc<Link>,
}

impl RedisStore {
    /// A store at `redis://user:password@host:port/database`; only the host is needed. Nothing is
    /// connected yet.
    ///
    /// # Errors
    ///
    /// Configuration: see [`RedisStoreBuilder::build`].
    pub fn new(url: &str) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// The settings of a store at this URL, to be changed before it is built.
    pub fn builder(url: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url)
    }

    pub(crate) fn of(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let events = Arc::<Events>::default();
        Self(Arc::new(Inner {
            driven: Link::new(&settings, &events),
            settings,
            events,
            runtimes: Runtimes::default(),
            driver: Driver::default(),
        }))
    }

    async fn ask(&self, commands: Vec<Command>, deadline: Deadline) -> Result<Answer, Error> {
        self.request(Request {
            commands,
            continues: None,
            deadline,
        })
        .await
    }

    /// Sends a request over the connection of the runtime that polls this, or of the store's own
    /// thread.
    async fn request(&self, request: Request) -> Result<Answer, Error> {
        let inner = &*self.0;
        let place = || inner.settings.place();
        if request.deadline.is_over() {
            return Err(Error::outage(format!(
                "no time was left for Redis at {}",
                place()
            )));
        }
        // Asked now, that is when the future is first polled, because it may have been made on
        // another thread.
        let runtime = Handle::try_current().ok().filter(|_| !is_blocking());
        let new = || Link::new(&inner.settings, &inner.events);
        if let Some(link) = runtime.and_then(|runtime| inner.runtimes.link(&runtime, new)) {
            return Ok(link.ask(request).await?);
        }
        let driver = inner.driver.handle().map_err(|error| {
            Error::outage(format!("no thread for Redis at {}", place())).with_source(error)
        })?;
        let driven = Arc::clone(&inner.driven);
        Ok(driver::within(&driver, driven.ask(request)).await?)
    }

    /// Removes what is not of this project from where a generation belongs. It matters to nobody
    /// whether it succeeds: the next one tries again.
    async fn remove_foreign(&self, keys: &[Key], deadline: Deadline) {
        if !keys.is_empty() {
            let _ = self.ask(vec![command::remove(keys)], deadline).await;
        }
    }
}

impl Store for RedisStore {
    fn describe(&self) -> String {
        self.0.settings.to_string()
    }

    fn probe<'a>(
        &'a self,
        canary: &'a Key,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let nonce = Nonce::random()?;
            let commands = command::probe(canary, &nonce);
            let mut answer = self.ask(commands, deadline).await?;
            let replies = std::mem::take(&mut answer.replies);
            let origin = answer.connection.origin();
            reply::probed(replies, canary, nonce, origin).map_err(|fault| answer.fault(fault))
        })
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            // Room for the proof, too.
            let mut commands = Vec::with_capacity(2);
            commands.push(command::read(keys));
            let mut answer = self.ask(commands, deadline).await?;
            let reply = answer.replies.remove(0);
            reply::read(reply, keys.len()).map_err(|fault| answer.fault(fault))
        })
    }

    fn heads<'a>(
        &'a self,
        values: &'a [Key],
        length: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>, Error>> {
        Box::pin(async move {
            if values.is_empty() {
                return Ok(Vec::new());
            }
            let commands = values.iter().map(|key| command::head(key, length));
            let mut answer = self.ask(commands.collect(), deadline).await?;
            let replies = std::mem::take(&mut answer.replies).into_iter();
            let heads: Result<_, _> = replies.map(|reply| reply::head(reply, length)).collect();
            heads.map_err(|fault| answer.fault(fault))
        })
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        Box::pin(async move {
            if mints.is_empty() {
                return Ok(Vec::new());
            }
            let commands = mints
                .iter()
                .map(|mint| command::mint(&mint.key, &mint.nonce, ttl));
            let answer = self.ask(commands.collect(), deadline).await?;
            let mut shown = Vec::with_capacity(mints.len());
            let mut foreign = Vec::new();
            for (mint, reply) in mints.into_iter().zip(&answer.replies) {
                let minted = reply::minted(reply, mint.nonce);
                shown.push(match minted.map_err(|fault| answer.fault(fault))? {
                    Shown::Generation(generation) => Some(generation),
                    Shown::Full => None,
                    Shown::Foreign => {
                        foreign.push(mint.key);
                        None
                    }
                });
            }
            self.remove_foreign(&foreign, deadline).await;
            Ok(shown)
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            let commands = vec![command::write(key, &value, ttl)];
            let answer = self.ask(commands, deadline).await?;
            reply::written(&answer.replies[0]).map_err(|fault| answer.fault(fault))
        })
    }

    fn write_many(
        &self,
        fills: Vec<Fill>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Written>, Error>> {
        Box::pin(async move {
            if fills.is_empty() {
                return Ok(Vec::new());
            }
            let commands = fills
                .iter()
                .map(|Fill { key, value, ttl }| command::write(key, value, *ttl));
            let answer = self.ask(commands.collect(), deadline).await?;
            let written: Result<_, _> = answer.replies.iter().map(reply::written).collect();
            written.map_err(|fault| answer.fault(fault))
        })
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if generations.is_empty() {
                return Ok(());
            }
            let answer = self.ask(vec![command::remove(generations)], deadline);
            let answer = answer.await?;
            reply::removed(&answer.replies[0], generations.len())
                .map_err(|fault| answer.fault(fault))
        })
    }

    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>> {
        Box::pin(async move {
            let commands = vec![command::swap(&mint.key, &mint.nonce, ttl)];
            let answer = self.ask(commands, deadline).await?;
            match reply::swapped(&answer.replies[0], mint.nonce) {
                Ok(swap) => Ok(swap),
                // `GET` shows strings alone, so the swap was refused. Its nonce was sent and can't
                // be sent again.
                Err(fault) if fault.refusal() == Some(Refusal::WrongType) => {
                    self.remove_foreign(&[mint.key], deadline).await;
                    Err(Error::outage(format!(
                        "something foreign stood in the place of a generation at {}",
                        answer.connection.place()
                    )))
                }
                Err(fault) => Err(answer.fault(fault)),
            }
        })
    }

    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if generations.is_empty() {
                return Ok(());
            }
            let commands = generations.iter().map(|key| command::prolong(key, ttl));
            let answer = self.ask(commands.collect(), deadline).await?;
            answer
                .replies
                .iter()
                .try_for_each(reply::prolonged)
                .map_err(|fault| answer.fault(fault))
        })
    }

    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if values.is_empty() {
                return Ok(());
            }
            let answer = self.ask(vec![command::remove(values)], deadline).await?;
            reply::removed(&answer.replies[0], values.len()).map_err(|fault| answer.fault(fault))
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
            let (continues, place) = Origin::of(&cursor)?;
            let mut answer = self
                .request(Request {
                    commands: vec![command::scan(beginning, place, limit)],
                    continues,
                    deadline,
                })
                .await?;
            let reply = answer.replies.remove(0);
            reply::scanned(reply, beginning, answer.connection.origin())
                .map_err(|fault| answer.fault(fault))
        })
    }

    fn counters(&self) -> Option<&dyn Counters> {
        Some(self)
    }
}

impl Counters for RedisStore {
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>> {
        Box::pin(async move {
            let commands = command::add(counter, by, window);
            let answer = self.ask(commands, deadline).await?;
            reply::added(&answer.replies).map_err(|fault| answer.fault(fault))
        })
    }

    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let answer = self
                .ask(vec![command::expire(counter, ttl)], deadline)
                .await?;
            reply::expired(&answer.replies[0]).map_err(|fault| answer.fault(fault))
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.0.settings)
    }
}
