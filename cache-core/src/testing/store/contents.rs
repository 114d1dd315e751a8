//! What a test's store holds.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::time::Duration;

use super::corruption::Replies;
use crate::clock::{Clock, Tick, duration};
use crate::layout::Key;

/// What a [`ScriptedStore`](super::ScriptedStore) holds: bytes by key, for a time.
pub struct Contents {
    held: BTreeMap<Key, Item>,
    pub(super) full: bool,
    pub(super) replies: Replies,
    clock: Clock,
}

struct Item {
    bytes: Vec<u8>,
    /// `None` stays.
    ends: Option<Tick>,
}

impl Contents {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            held: BTreeMap::new(),
            full: false,
            replies: Replies::default(),
            clock,
        }
    }

    /// The bytes under a key, if they have not expired.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&[u8]> {
        self.item(key).map(|item| item.bytes.as_slice())
    }

    /// Puts bytes under a key, for `ttl`, or with `None` until they are removed. Gives what was
    /// there.
    pub fn set(
        &mut self,
        key: &Key,
        bytes: Vec<u8>,
        ttl: impl Into<Option<Duration>>,
    ) -> Option<Vec<u8>> {
        let before = self.remove(key);
        let ends = ttl.into().map(|ttl| self.clock.after(ttl));
        self.held.insert(key.clone(), Item { bytes, ends });
        before
    }

    /// Removes a key. Gives what was there.
    pub fn remove(&mut self, key: &Key) -> Option<Vec<u8>> {
        let now = self.clock.now();
        let item = self.held.remove(key)?;
        item.lives(now).then_some(item.bytes)
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.keys_from(Bound::Unbounded)
    }

    /// The keys from one on, or behind it, sorted.
    pub(super) fn keys_from(&self, from: Bound<&Key>) -> impl Iterator<Item = Key> + '_ {
        let now = self.clock.now();
        let held = self.held.range::<Key, _>((from, Bound::Unbounded));
        held.filter(move |(_, item)| item.lives(now))
            .map(|(key, _)| key.clone())
    }

    pub(super) fn time_to_live(&self, key: &Key) -> Option<Duration> {
        let ends = self.item(key)?.ends?;
        Some(duration(ends - self.clock.now()))
    }

    /// Replaces the bytes and lets the time to live be. The key must be there.
    pub(super) fn replace(&mut self, key: &Key, bytes: Vec<u8>) {
        if let Some(item) = self.held.get_mut(key) {
            item.bytes = bytes;
        }
    }

    /// Gives a key `ttl` from now. Answers whether there is one.
    pub(super) fn expire(&mut self, key: &Key, ttl: Duration) -> bool {
        let ends = self.clock.after(ttl);
        if self.item(key).is_none() {
            return false;
        }
        self.held.get_mut(key).is_some_and(|item| {
            item.ends = Some(ends);
            true
        })
    }

    fn item(&self, key: &Key) -> Option<&Item> {
        let now = self.clock.now();
        self.held.get(key).filter(|item| item.lives(now))
    }
}

impl Item {
    fn lives(&self, now: Tick) -> bool {
        self.ends.is_none_or(|ends| ends > now)
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("keys", &self.keys().count())
            .finish_non_exhaustive()
    }
}
