//! Two handles of one place, for the checks that one handle can't fail.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::Error;
use crate::fence::Generation;
use crate::layout::Key;
use crate::store::{BoxFuture, Counters, Cursor, Deadline, Fill, Mint, Page, Store, Swap, Written};

/// A store that does one operation with one handle and the next with the other.
pub(super) struct Pair<S> {
    handles: [S; 2],
    turn: AtomicUsize,
}

impl<S: Store> Pair<S> {
    pub(super) fn new(handles: [S; 2]) -> Self {
        let turn = AtomicUsize::new(0);
        Self { handles, turn }
    }

    fn next(&self) -> &S {
        &self.handles[self.turn.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl<S: Store> fmt::Debug for Pair<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.handles).finish()
    }
}

impl<S: Store> Store for Pair<S> {
    fn describe(&self) -> String {
        self.next().describe()
    }

    fn probe<'a>(
        &'a self,
        canary: &'a Key,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.next().probe(canary, deadline)
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        self.next().read(keys, deadline)
    }

    fn heads<'a>(
        &'a self,
        values: &'a [Key],
        length: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>, Error>> {
        self.next().heads(values, length, deadline)
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        self.next().mint(mints, ttl, deadline)
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        self.next().write(key, value, ttl, deadline)
    }

    fn write_many(
        &self,
        fills: Vec<Fill>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Written>, Error>> {
        self.next().write_many(fills, deadline)
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.next().invalidate(generations, deadline)
    }

    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>> {
        self.next().swap(mint, ttl, deadline)
    }

    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.next().prolong(generations, ttl, deadline)
    }

    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.next().remove(values, deadline)
    }

    /// A cursor means something to the handle that gave it alone, whose number goes ahead of it.
    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        let (number, cursor) = match cursor.as_bytes() {
            [number, place @ ..] => (*number, Cursor::from_bytes(place)),
            [] => (self.turn.fetch_add(1, Ordering::Relaxed) as u8 % 2, cursor),
        };
        Box::pin(async move {
            let handle = &self.handles[usize::from(number)];
            let mut page = handle.scan(beginning, cursor, limit, deadline).await?;
            let tag = |next: Cursor| Cursor::from_bytes([&[number], next.as_bytes()].concat());
            // The checks see to it that no page goes on at the beginning.
            page.next = page.next.map(|next| match next.is_start() {
                true => next,
                false => tag(next),
            });
            Ok(page)
        })
    }

    fn counters(&self) -> Option<&dyn Counters> {
        let count = |store: &S| store.counters().is_some();
        self.handles.iter().all(count).then_some(self)
    }
}

impl<S: Store> Pair<S> {
    fn next_counters(&self) -> Result<&dyn Counters, Error> {
        let counters = self.next().counters();
        counters.ok_or_else(|| Error::outage("the store counts no more"))
    }
}

impl<S: Store> Counters for Pair<S> {
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>> {
        match self.next_counters() {
            Ok(counters) => counters.add(counter, by, window, deadline),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        match self.next_counters() {
            Ok(counters) => counters.expire(counter, ttl, deadline),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }
}
