//! The contract, kept.

use std::ops::Bound;
use std::time::Duration;

use super::{Contents, Operation, ScriptedStore};
use crate::Error;
use crate::fence::Generation;
use crate::layout::Key;
use crate::store::{BoxFuture, Counters, Cursor, Deadline, Fill, Mint, Page, Store, Swap, Written};

impl Store for ScriptedStore {
    fn describe(&self) -> String {
        "scripted".to_owned()
    }

    fn probe<'a>(
        &'a self,
        canary: &'a Key,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let canary = canary.clone();
        self.perform(Operation::Probe, deadline, move |contents| {
            contents.remove(&canary);
        })
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        let keys = keys.to_vec();
        self.perform(Operation::Read, deadline, move |contents| {
            let found = keys.iter().map(|key| contents.get(key));
            let reply = found.map(|bytes| bytes.map(<[u8]>::to_vec)).collect();
            contents.corrupted(reply)
        })
    }

    fn heads<'a>(
        &'a self,
        values: &'a [Key],
        length: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>, Error>> {
        let values = values.to_vec();
        self.perform(Operation::Heads, deadline, move |contents| {
            let found = values.iter().map(|key| contents.get(key).unwrap_or(&[]));
            found
                .map(|bytes| bytes[..bytes.len().min(length)].to_vec())
                .collect()
        })
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        self.perform(Operation::Mint, deadline, move |contents| {
            let mints = mints.into_iter();
            mints.map(|offer| contents.mint(offer, ttl)).collect()
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        let key = key.clone();
        self.perform(Operation::Write, deadline, move |contents| {
            if contents.full {
                return Written::Full;
            }
            contents.set(&key, value, ttl);
            Written::Stored
        })
    }

    fn write_many(
        &self,
        fills: Vec<Fill>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Written>, Error>> {
        self.perform(Operation::Write, deadline, move |contents| {
            let stored = fills.into_iter().map(|Fill { key, value, ttl }| {
                if contents.full {
                    return Written::Full;
                }
                contents.set(&key, value, ttl);
                Written::Stored
            });
            stored.collect()
        })
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.delete(Operation::Invalidate, generations, deadline)
    }

    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>> {
        self.perform(Operation::Swap, deadline, move |contents| {
            if contents.full {
                return Swap::Full;
            }
            let before = contents.set(&mint.key, mint.nonce.to_bytes().to_vec(), ttl);
            Swap::Done {
                previous: before.as_deref().and_then(Generation::from_bytes),
                now: mint.nonce.into_generation(),
            }
        })
    }

    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let generations = generations.to_vec();
        self.perform(Operation::Prolong, deadline, move |contents| {
            for key in &generations {
                if contents.time_to_live(key).is_some_and(|left| left < ttl) {
                    contents.expire(key, ttl);
                }
            }
        })
    }

    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.delete(Operation::Remove, values, deadline)
    }

    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        let beginning = beginning.clone();
        self.perform(Operation::Scan, deadline, move |contents| {
            contents.scan(&beginning, &cursor, limit)
        })
    }

    fn counters(&self) -> Option<&dyn Counters> {
        Some(self)
    }
}

impl Counters for ScriptedStore {
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>> {
        let counter = counter.clone();
        let sum = self.perform(Operation::Count, deadline, move |contents| {
            contents.add(&counter, by, window)
        });
        Box::pin(async move { sum.await? })
    }

    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        let counter = counter.clone();
        self.perform(Operation::Count, deadline, move |contents| {
            contents.expire(&counter, ttl)
        })
    }
}

impl ScriptedStore {
    fn delete(
        &self,
        operation: Operation,
        keys: &[Key],
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<(), Error>> {
        let keys = keys.to_vec();
        self.perform(operation, deadline, move |contents| {
            for key in &keys {
                contents.remove(key);
            }
        })
    }
}

impl Contents {
    fn mint(&mut self, offer: Mint, ttl: Duration) -> Option<Generation> {
        let Mint { key, nonce } = offer;
        // As of Redis, which refuses to set for want of memory even what it would not replace.
        if self.full {
            return None;
        }
        let Some(held) = self.get(&key) else {
            self.set(&key, nonce.to_bytes().to_vec(), ttl);
            return Some(nonce.into_generation());
        };
        let shown = Generation::from_bytes(held);
        if shown.is_none() {
            self.remove(&key);
        }
        shown
    }

    /// In the order of names, with the last one as the cursor: what stays is never passed over.
    fn scan(&self, beginning: &Key, cursor: &Cursor, limit: usize) -> Page {
        let last = cursor.as_bytes().strip_prefix(PLACE).map(Key::from_bytes);
        let from = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let names: Vec<_> = self.keys_from(from).take(limit.max(1)).collect();
        let next = names.last().map(|last| {
            let place = [PLACE, last.as_bytes()].concat();
            Cursor::from_bytes(place)
        });
        let ours = |name: &Key| name.as_bytes().starts_with(beginning.as_bytes());
        let keys = names.into_iter().filter(ours).collect();
        Page { keys, next }
    }

    fn add(&mut self, key: &Key, by: i64, window: Option<Duration>) -> Result<i64, Error> {
        let held = self.get(key).map(|bytes| {
            let text = std::str::from_utf8(bytes).ok();
            text.and_then(|text| text.parse().ok())
        });
        let number: i64 = match held {
            None => 0,
            Some(Some(number)) => number,
            Some(None) => return Err(Error::data("there is no number under this key")),
        };
        let sum = number
            .checked_add(by)
            .ok_or_else(|| Error::invalid_input("the counter would leave its range"))?;
        if self.full {
            return Err(Error::full("the test's store is full"));
        }
        let bytes = sum.to_string().into_bytes();
        if held.is_none() {
            self.set(key, bytes, None);
        } else {
            self.replace(key, bytes);
        }
        if let (None, Some(window)) = (self.time_to_live(key), window) {
            self.expire(key, window);
        }
        Ok(sum)
    }
}

/// What a cursor begins with, for a name may be empty and a cursor must not.
const PLACE: &[u8] = b">";
