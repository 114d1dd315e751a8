//! What a backend that blocks must do, and what is done for it around each call.

use std::slice;
use std::time::Duration;

use super::queue::quietly;
use super::{for_each, late};
use crate::Error;
use crate::store::{Cursor, Deadline, Fill, Generation, Key, Mint, Page, Swap, Written};

/// What a backend whose calls block must do to be a [`Store`](crate::store::Store): the same
/// operations as plain functions. [`Blocking`](super::Blocking) makes the store, has an example,
/// and tells what it takes care of.
///
/// One thread calls these, one after the other. What is left of the [contract](crate::store):
/// each key is linearizable for *all* processes that use the backend, `Ok` is proof, no nonce is
/// sent twice, and what was deleted stays away.
///
/// A caller is answered at its deadline in any case, but the backend does nothing else meanwhile:
/// `deadline` is passed so that it needn't wait longer for locks and networks.
pub trait BlockingStore: Send + 'static {
    /// What goes wrong in the backend's own terms.
    type Error;

    /// What an error means to a cache, and to whoever reads its logs.
    /// [Outage](Error::outage): it may pass by itself. [Configuration](Error::configuration): it
    /// won't. [Full](Error::full): the backend has no room, and can still delete; if it can't
    /// delete either, it is an outage. [Data](Error::data): a reply that can't be read. No message
    /// names a key, a value or a password.
    fn classify(error: Self::Error) -> Error;

    /// What a log or a health report may call it: its kind, its place; never a password. Asked once.
    fn describe(&self) -> String;

    /// The bytes under each key or `None`, as many as were asked for and in their order. What has
    /// expired is not there. Something that is not a string of bytes is `None`.
    ///
    /// # Errors
    ///
    /// If any key could not be read: there is no half answer.
    fn read(
        &mut self,
        keys: &[Key],
        deadline: Deadline,
    ) -> Result<Vec<Option<Vec<u8>>>, Self::Error>;

    /// What each of several values begins with: `length` bytes, or as many as there are, none where
    /// there is nothing. Unless a backend does better, this reads the values whole.
    ///
    /// # Errors
    ///
    /// If any of them could not be read.
    fn heads(
        &mut self,
        values: &[Key],
        length: usize,
        deadline: Deadline,
    ) -> Result<Vec<Vec<u8>>, Self::Error> {
        let cut = |bytes: Option<Vec<u8>>| {
            let mut bytes = bytes.unwrap_or_default();
            bytes.truncate(length);
            bytes
        };
        let found = self.read(values, deadline)?;
        Ok(found.into_iter().map(cut).collect())
    }

    /// For each key: sets the [bytes of the nonce](crate::store::Nonce::to_bytes) if nothing lives
    /// there, for `ttl`, and shows what is there since, be it the nonce or anything else; the two
    /// in one atomic step. `None` where nothing can be shown.
    ///
    /// What is there and no generation is deleted afterwards, by
    /// [`invalidate`](Self::invalidate).
    ///
    /// # Errors
    ///
    /// Some may be set nevertheless. It is never tried again with the same nonce, neither here nor
    /// by the backend's driver.
    fn mint(
        &mut self,
        mints: &[Mint],
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<Vec<Option<Vec<u8>>>, Self::Error>;

    /// Stores bytes for `ttl`, a millisecond at least, whatever was there.
    ///
    /// # Errors
    ///
    /// If they may not have been stored.
    fn write(
        &mut self,
        key: &Key,
        value: &[u8],
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<(), Self::Error>;

    /// Stores several, each as [`write`](Self::write) would. Unless a backend does better, in one
    /// transaction for example, one after the other.
    ///
    /// # Errors
    ///
    /// If any of them may not have been stored; others may have been.
    fn write_many(&mut self, fills: &[Fill], deadline: Deadline) -> Result<(), Self::Error> {
        fills
            .iter()
            .try_for_each(|Fill { key, value, ttl }| self.write(key, value, *ttl, deadline))
    }

    /// Deletes keys, also what has expired and a clock that is set back would show again. `Ok` only
    /// when each is gone, or was absent, for everybody and for good. It must be possible when the
    /// backend is full.
    ///
    /// # Errors
    ///
    /// If any of them may still be there.
    fn invalidate(&mut self, generations: &[Key], deadline: Deadline) -> Result<(), Self::Error>;

    /// Sets a key to the bytes of the nonce, for `ttl`, and shows what was there before: one atomic
    /// step.
    ///
    /// # Errors
    ///
    /// It may be set nevertheless. As with [`mint`](Self::mint), it is never tried again.
    fn swap(
        &mut self,
        mint: &Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Lets what lives under the keys live for at least `ttl` from now: shortens, creates, alters
    /// and revives nothing.
    ///
    /// # Errors
    ///
    /// If any of them may end earlier.
    fn prolong(
        &mut self,
        generations: &[Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<(), Self::Error>;

    /// Deletes values to save room. Unless a backend has a cheaper way that promises less, as it
    /// invalidates.
    ///
    /// # Errors
    ///
    /// If any of them may still be there.
    fn remove(&mut self, values: &[Key], deadline: Deadline) -> Result<(), Self::Error> {
        self.invalidate(values, deadline)
    }

    /// Names keys that begin with `beginning`, about `limit` of them, which is at least 1. Over all
    /// pages every key that was present throughout is named at least once, expired or not. A
    /// backend that can name keys in the order of their bytes has what it needs in
    /// [`Cursor::place`] and [`Page::sorted`].
    ///
    /// # Errors
    ///
    /// Also when the cursor can't be proven to continue the same scan: an outage then.
    fn scan(
        &mut self,
        beginning: &Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> Result<Page, Self::Error>;

    /// Makes the backend usable after one of its functions has panicked, before the next operation;
    /// until it succeeds, operations answer with its error. Does nothing unless a backend says
    /// otherwise, which is right where unwinding undoes what was begun. Where a panic can leave a
    /// connection in the middle of a reply, open another one.
    ///
    /// # Errors
    ///
    /// If the backend can't be used now.
    fn recover(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The backend's counters, if it offers them, always or never.
    fn counters(&mut self) -> Option<&mut dyn BlockingCounters> {
        None
    }
}

/// Counting in a backend that blocks: what [`Counters`](crate::store::Counters) asks, as plain
/// functions.
pub trait BlockingCounters {
    /// Adds `by` in one atomic step and answers with the sum, see
    /// [`Counters::add`](crate::store::Counters::add).
    ///
    /// # Errors
    ///
    /// The same.
    fn add(
        &mut self,
        counter: &Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> Result<i64, Error>;

    /// Gives a counter `ttl` from now. Answers whether there is one.
    ///
    /// # Errors
    ///
    /// Outage or configuration.
    fn expire(&mut self, counter: &Key, ttl: Duration, deadline: Deadline) -> Result<bool, Error>;
}

/// A backend in its thread.
pub(super) struct Backend<S> {
    store: S,
    /// Since a panic.
    broken: bool,
}

impl<S: BlockingStore> Backend<S> {
    pub(super) fn new(store: S) -> Self {
        let broken = false;
        Self { store, broken }
    }

    /// Does `work`, which has to do with no room of the backend's.
    pub(super) fn ask<T>(
        &mut self,
        deadline: Deadline,
        work: impl FnOnce(&mut S) -> Result<T, S::Error>,
    ) -> Result<T, Error> {
        let answer = self.call(deadline, |store| work(store).map_err(S::classify));
        // A full store reads and deletes. This one doesn't, so it is down.
        answer.map_err(|error| match error.is_full() {
            true => Error::outage("the store has no room, and does nothing").with_source(error),
            false => error,
        })
    }

    pub(super) fn probe(&mut self, canary: &Key, deadline: Deadline) -> Result<(), Error> {
        // Should it not be deleted, it goes within seconds.
        let _ = self.write(canary, b"canary", Duration::from_secs(1), deadline)?;
        self.ask(deadline, |store| {
            store.invalidate(slice::from_ref(canary), deadline)
        })
    }

    pub(super) fn write(
        &mut self,
        key: &Key,
        value: &[u8],
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<Written, Error> {
        let written = self.make_room(deadline, |store| store.write(key, value, ttl, deadline))?;
        Ok(written.map_or(Written::Full, |()| Written::Stored))
    }

    /// Where there is no room for all, some may be stored all the same, which harms nobody.
    pub(super) fn write_many(
        &mut self,
        fills: &[Fill],
        deadline: Deadline,
    ) -> Result<Vec<Written>, Error> {
        let written = self.make_room(deadline, |store| store.write_many(fills, deadline))?;
        let written = written.map_or(Written::Full, |()| Written::Stored);
        Ok(vec![written; fills.len()])
    }

    pub(super) fn mint(
        &mut self,
        mints: &[Mint],
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<Vec<Option<Generation>>, Error> {
        let shown = self.make_room(deadline, |store| store.mint(mints, ttl, deadline))?;
        let Some(shown) = shown else {
            return Ok(vec![None; mints.len()]);
        };
        let shown = for_each(mints.len(), shown)?;
        let mut foreign = Vec::new();
        let generation = |(mint, bytes): (&Mint, Option<Vec<u8>>)| {
            let bytes = bytes?;
            let generation = Generation::from_bytes(&bytes);
            if generation.is_none() {
                foreign.push(mint.key.clone());
            }
            generation
        };
        let shown = mints.iter().zip(shown).map(generation).collect();
        if !foreign.is_empty() {
            self.ask(deadline, |store| store.invalidate(&foreign, deadline))?;
        }
        Ok(shown)
    }

    pub(super) fn swap(
        &mut self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> Result<Swap, Error> {
        let before = self.make_room(deadline, |store| store.swap(&mint, ttl, deadline))?;
        Ok(before.map_or(Swap::Full, |before| Swap::Done {
            previous: before.and_then(|bytes| Generation::from_bytes(&bytes)),
            now: mint.nonce.into_generation(),
        }))
    }

    pub(super) fn count<T>(
        &mut self,
        deadline: Deadline,
        work: impl FnOnce(&mut dyn BlockingCounters) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.call(deadline, |store| match store.counters() {
            Some(counters) => work(counters),
            None => Err(Error::outage("the store counts no more")),
        })
    }

    /// Does `work`, which needs room. `None` if there is none.
    fn make_room<T>(
        &mut self,
        deadline: Deadline,
        work: impl FnOnce(&mut S) -> Result<T, S::Error>,
    ) -> Result<Option<T>, Error> {
        match self.call(deadline, |store| work(store).map_err(S::classify)) {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.is_full() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn call<T>(
        &mut self,
        deadline: Deadline,
        work: impl FnOnce(&mut S) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let answer = quietly(|| {
            if self.broken {
                self.store.recover().map_err(S::classify)?;
                self.broken = false;
            }
            // It waited behind others, whose caller may not have noticed yet.
            if deadline.is_over() {
                return Err(late());
            }
            work(&mut self.store)
        });
        answer.unwrap_or_else(|| {
            self.broken = true;
            Err(Error::outage("the store panicked"))
        })
    }
}
