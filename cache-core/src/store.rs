//! The `Store` trait: bytes and generations, no policy.
//!
//! A store keeps bytes for a time. What may be served, shared or filled is decided in this crate
//! from the [generations](crate::fence) that the store's replies show, so a store is small and
//! dumb, and a third party's is an afternoon's work. The typed in-process tier does not go through
//! it.
//!
//! # The contract
//!
//! The promise "no stale value after an invalidation" rests on these points. An implementation that
//! keeps them may lose, delay or evict anything.
//!
//! 1. *One key is linearizable.* Each operation takes effect on each of its keys at one moment
//!    between the first poll of its future and its reply; a read shows what the latest effect
//!    before that moment left. Replicas, snapshots and local copies are therefore never read.
//!    Across the keys of one operation nothing need be atomic, in a read neither.
//! 2. *`Ok` is proof.* It says that the effect took place and that the reply belongs to this very
//!    request. Whoever multiplexes a connection must be able to tell a reply that was shifted by
//!    one: for [`invalidate`](Store::invalidate) by asking for an echo of a fresh nonce behind the
//!    deletion. At the first sign of a shifted reply the connection is given up.
//! 3. *`Err` says nothing.* The effect may have taken place, may take place later, or never. The
//!    same holds for a future that was dropped after its first poll. A future not polled yet has
//!    done nothing.
//! 4. *A nonce is sent once.* [`mint`](Store::mint) and [`swap`](Store::swap) are never repeated by
//!    the store itself, neither by a client library's retry: repeated after an invalidation they
//!    would revive the generation that it deleted. Everything else may be repeated at will.
//! 5. *Values and generations may vanish* at any moment, by eviction, expiry or a flush; none may
//!    come back by itself, and none may be altered.
//! 6. *The deadline is kept.* Each operation answers at its [`Deadline`] at the latest, with an
//!    outage if it must. Connecting happens beside it, not inside the caller's wait.
//! 7. *A store that is full* still reads and invalidates, and says so by [`Written::Full`],
//!    [`Swap::Full`] or a hole in the reply of `mint`. One that refuses writes for any other reason
//!    is down, for reads too: it could not take an invalidation.
//!
//! Errors are of three classes: *outage* (not reached, not in time, refusing, a reply that was not
//! ours: the same call may succeed later), *configuration* (credentials, permissions, a server that
//! lacks a command: trying again can't help) and *data* (a reply that can't be read). None names a
//! key, a value or a password.
//!
//! How to write one, step by step, and how to test it is in
//! [docs/store.md](https://github.com/cachewright/cachewright/blob/main/docs/store.md), with a store over SQLite as the example;
//! what every store must do can be asked of yours by `testing::conformance`. A backend whose calls
//! block needs little of this: [`Blocking`] makes a store of it.
//!
//! Atomic [`Counters`] are an added trait that a store may offer; the push messages of a near cache
//! will be another. Neither changes what is here.

mod blocking;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::Error;

pub use crate::fence::{Generation, Nonce};
pub use crate::layout::Key;
pub use blocking::{Blocking, BlockingCounters, BlockingStore};

/// The future of a store operation.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What every store must do. The [module](crate::store) has the contract that spans the operations, and
/// [docs/store.md](https://github.com/cachewright/cachewright/blob/main/docs/store.md) goes through a store that keeps it.
///
/// All methods may be called at once from any number of tasks and threads.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// What a log or a health report may call this store: its kind, its place, its database; never
    /// a password.
    fn describe(&self) -> String;

    /// Asks whether the store does all that a cache needs of it, an invalidation above all, by
    /// doing it to `canary`: a key of the cache's namespace that nothing else uses. A store that is
    /// full passes. Nothing is left under the key; should something be, it goes within seconds.
    ///
    /// This is what connecting eagerly, a health check and the probe of an open breaker ask.
    ///
    /// # Errors
    ///
    /// Outage or configuration.
    fn probe<'a>(&'a self, canary: &'a Key, deadline: Deadline)
    -> BoxFuture<'a, Result<(), Error>>;

    /// Reads several keys: the bytes of each or `None`, as many as were asked for and in their
    /// order. For one entry that is its value and its generations; one round trip is what makes a
    /// hit cheap.
    ///
    /// # Errors
    ///
    /// Outage or configuration if any key could not be read: there is no half answer. Something
    /// that is not a string of bytes is `None`, not an error.
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>>;

    /// Reads what each of several values begins with: `length` bytes, or as many as there are, none
    /// where there is nothing; as many as were asked for and in their order. What removes unreachable
    /// values looks at the fences of many, and should not have their bodies carried.
    ///
    /// Unless a store does better, this reads the values whole.
    ///
    /// # Errors
    ///
    /// Outage or configuration if any of them could not be read. Something that is not a string of
    /// bytes is like nothing, not an error. A user who lacks a permission for this alone has
    /// unreachable values stay until they expire, and lacks nothing else.
    fn heads<'a>(
        &'a self,
        values: &'a [Key],
        length: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>, Error>> {
        Box::pin(async move {
            let found = self.read(values, deadline).await?.into_iter();
            let cut = |mut bytes: Vec<u8>| {
                bytes.truncate(length);
                bytes
            };
            Ok(found.map(|bytes| bytes.map_or(Vec::new(), cut)).collect())
        })
    }

    /// For each key: sets the nonce if the key is absent, for `ttl`, and answers with the
    /// generation that is there since, be it the nonce or another. Setting and showing are one
    /// atomic step.
    ///
    /// `None` where nothing was shown: the store is full, or something foreign stands there. The
    /// store deletes what is foreign, so that the next mint succeeds; to delete a generation is
    /// always safe. Each nonce is sent at most once, also after an error.
    ///
    /// # Errors
    ///
    /// Outage or configuration. Some generations may exist nevertheless, with nobody harmed.
    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>>;

    /// Stores an entry's bytes for `ttl`, whatever was there. May be lost, late or repeated: the
    /// fence inside decides whether it ever answers. `ttl` is at least a millisecond and is not
    /// prolonged by reads.
    ///
    /// # Errors
    ///
    /// Outage or configuration.
    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>>;

    /// Stores the bytes of several entries, each as [`write`](Self::write) would, and says of each
    /// what became of it: as many answers as entries and in their order. Nothing need be atomic
    /// across them. For the many entries of one call; one round trip is what makes filling them cheap.
    ///
    /// Unless a store does better, this writes one after the other.
    ///
    /// # Errors
    ///
    /// Outage or configuration if any of them may not have been stored; others may have been.
    fn write_many(
        &self,
        fills: Vec<Fill>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Written>, Error>> {
        Box::pin(async move {
            let mut written = Vec::with_capacity(fills.len());
            for Fill { key, value, ttl } in fills {
                written.push(self.write(&key, value, ttl, deadline).await?);
            }
            Ok(written)
        })
    }

    /// Deletes generations. `Ok` only when the store has proven that each is gone or was absent;
    /// this is the acknowledgement that an invalidation waits for. It must be possible when the
    /// store is full.
    ///
    /// Idempotent: may be repeated, reordered and merged at will, and arrive late.
    ///
    /// # Errors
    ///
    /// Outage or configuration: any of them may still be there. The caller keeps all as pending.
    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Sets a generation to the nonce, for `ttl`, and answers with what stood there before: one
    /// atomic step, for write-through. The nonce is sent at most once, also after an error.
    ///
    /// # Errors
    ///
    /// Outage or configuration. Whether the swap took place is then unknown, and the caller
    /// invalidates the generation.
    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>>;

    /// Lets generations live for at least `ttl` from now. Creates none and alters none. May be
    /// lost: a generation that expires costs a computation.
    ///
    /// # Errors
    ///
    /// Outage or configuration.
    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Deletes values to save room. No promise rests on it: what must not answer any more has been
    /// invalidated.
    ///
    /// # Errors
    ///
    /// Outage or configuration.
    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Names keys that begin with `beginning`, about `limit` keys' worth of work at a time. Begin
    /// with [`Cursor::start`] and go on with the cursor of each page until there is none.
    ///
    /// Over all pages every key that was present throughout is named at least once; one that came
    /// or went in between may be. Names may repeat, and a page may be empty. Clearing the cache
    /// rests on it.
    ///
    /// # Errors
    ///
    /// Outage or configuration. Also an outage when a cursor can't be proven to continue the same
    /// scan, because the store was restarted or another one has taken its place: begin anew.
    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>>;

    /// The store's counters, if it offers them.
    fn counters(&self) -> Option<&dyn Counters> {
        None
    }
}

/// Counting in a store: whole numbers outside of all generations, kept as decimal text, so that
/// [`Store::read`], [`Store::write`] and [`Store::remove`] read, set and remove them.
///
/// An operation that was not answered may have been done: it is never repeated by the store or a
/// client library, for nobody could tell twice from once.
pub trait Counters: Send + Sync {
    /// Adds `by` in one atomic step and answers with the sum. What is absent counts as zero. With
    /// a `window`, a counter that has no time to live gets this one, so that it starts anew when
    /// the window has passed.
    ///
    /// # Errors
    ///
    /// Outage or configuration; whether it was added is then unknown. Invalid input when the sum
    /// would leave the range of `i64`, and data when something else than a number is there: nothing
    /// was added then. [Full](Error::full) when the store has no room.
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>>;

    /// Gives a counter `ttl` from now. Answers whether there is one.
    ///
    /// # Errors
    ///
    /// Outage or configuration.
    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>>;
}

/// Whether the thread that asks waits for a store's future by blocking, for a synchronous function.
///
/// A store whose connections belong to an async runtime must not use that of the current thread
/// then: if it is the runtime's only thread, nothing else on it goes on meanwhile.
#[must_use]
pub fn is_blocking() -> bool {
    crate::body::is_blocking()
}

/// A generation to be created: where, and the nonce to offer. The one that is there since is
/// [`Nonce::into_generation`] if the nonce was taken, and otherwise what stood there.
#[derive(Debug)]
pub struct Mint {
    /// The key of the generation.
    pub key: Key,
    /// Sent at most once.
    pub nonce: Nonce,
}

/// An entry to be stored: where, its bytes and for how long, as [`Store::write`] takes them.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The key of the value.
    pub key: Key,
    /// The bytes of the entry.
    pub value: Vec<u8>,
    /// At least a millisecond.
    pub ttl: Duration,
}

/// What became of a write that the store answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It was stored.
    Stored,
    /// It was refused because the store has no room. The store is not down.
    Full,
}

/// What became of a swap that the store answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Swap {
    /// The generation was set.
    Done {
        /// What stood there before; `None` if nothing did, or something foreign.
        previous: Option<Generation>,
        /// The nonce, which is the generation since.
        now: Generation,
    },
    /// It was refused because the store has no room: the generation is as it was. The store is not
    /// down.
    Full,
}

/// One step of a scan.
#[derive(Clone, Debug)]
pub struct Page {
    /// Keys that begin as was asked.
    pub keys: Vec<Key>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

impl Page {
    /// What a store answers whose keys have an order, that of their bytes. `keys` are the first
    /// `limit` ones, which is at least 1, from the cursor's [place](Cursor::place) on, or as many
    /// as there are; `beginning` and `limit` are what was asked. What lies behind those that begin
    /// so is left out.
    ///
    /// # Example
    ///
    /// ```
    /// use cache_core::store::{Cursor, Key, Page};
    ///
    /// let stored = ["a:1", "a:2", "a:3", "b:1"].map(|key| Key::from(key.to_owned()));
    /// let page = |cursor: &Cursor| {
    ///     let beginning = Key::from_bytes(*b"a:");
    ///     let from = cursor.place(&beginning);
    ///     let keys = stored.iter().filter(|key| key.as_bytes() >= from);
    ///     Page::sorted(keys.take(2).cloned().collect(), &beginning, 2)
    /// };
    /// let first = page(&Cursor::start());
    /// assert_eq!(first.keys, stored[..2]);
    /// let second = page(&first.next.unwrap());
    /// assert_eq!(second.keys, stored[2..3]);
    /// assert!(second.next.is_none());
    /// ```
    #[must_use]
    pub fn sorted(mut keys: Vec<Key>, beginning: &Key, limit: usize) -> Self {
        keys.retain(|key| key.as_bytes().starts_with(beginning.as_bytes()));
        let is_full = keys.len() >= limit;
        // The next key in the order of bytes: the last one and a zero behind it.
        let next = keys.last().filter(|_| is_full);
        let next = next.map(|last| Cursor::from_bytes([last.as_bytes(), b"\0"].concat()));
        Self { keys, next }
    }
}

/// A place in a scan, with a meaning for the store that gave it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Box<[u8]>);

impl Cursor {
    /// Where every scan begins.
    #[must_use]
    pub fn start() -> Self {
        Self(Box::default())
    }

    /// Whether it is where every scan begins.
    #[must_use]
    pub fn is_start(&self) -> bool {
        self.0.is_empty()
    }

    /// A place of the store's own; not empty, which would be the beginning.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// What the store had put in.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For a store whose keys have the order of their bytes, and that answers with
    /// [`Page::sorted`]: the first key that the page may name.
    #[must_use]
    pub fn place<'a>(&'a self, beginning: &'a Key) -> &'a [u8] {
        match self.is_start() {
            true => beginning.as_bytes(),
            false => self.as_bytes(),
        }
    }
}

/// The moment until which an operation may take.
///
/// One deadline spans all the store operations of a call, so that a slow read leaves less for the
/// write behind it. It is passed to the store because the store has the timer; this crate needs no
/// async runtime.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use cache_core::store::Deadline;
///
/// let deadline = Deadline::after(Duration::from_millis(250));
/// assert!(deadline.remaining() <= Duration::from_millis(250));
/// assert!(Deadline::after(Duration::ZERO).is_over());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `timeout` from now; a century at most, so that no duration overflows.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Self(Instant::now() + timeout.min(CENTURY))
    }

    /// The given moment.
    #[must_use]
    pub fn at(moment: Instant) -> Self {
        Self(moment)
    }

    /// The moment itself.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// The time left, zero when it is over.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether no time is left.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.remaining().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_is_object_safe() {
        fn takes(_: Option<&dyn Store>) {}
        takes(None);
    }

    #[test]
    fn longest_timeout_does_not_overflow() {
        assert!(!Deadline::after(Duration::MAX).is_over());
    }

    #[test]
    fn deadline_in_the_past_leaves_nothing() {
        let past = Deadline::at(Instant::now());
        assert_eq!(past.remaining(), Duration::ZERO);
        assert!(past.is_over());
    }

    #[test]
    fn only_the_empty_cursor_is_the_start() {
        assert!(Cursor::start().is_start());
        assert!(!Cursor::from_bytes(*b"17").is_start());
        assert_eq!(Cursor::from_bytes(*b"17").as_bytes(), b"17");
    }
}
