//! What has become of entries, for the messages of assertions.

use std::collections::HashMap;
use std::sync::Mutex;

use super::Memory;
use super::entry::{Entry, EntryKey};
use crate::clock::Tick;
use crate::sync::lock_std;

/// What is, or was, under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// An entry that would be served, until then.
    Valid(Tick),
    Nothing,
    Expired,
    Invalidated,
    Removed,
}

/// How many entries are remembered that are gone.
const REMEMBERED: usize = 10_000;

/// What became of entries that are gone, by the hashes of their keys.
#[derive(Debug, Default)]
pub(super) struct Ended(Mutex<HashMap<u64, Fate>>);

impl Ended {
    pub(super) fn note(&self, entry: Option<&Entry>, fate: Fate) {
        let Some(entry) = entry else { return };
        let mut ended = lock_std(&self.0);
        if ended.len() >= REMEMBERED {
            ended.clear();
        }
        ended.insert(entry.key.hash, fate);
    }

    fn of(&self, key: &EntryKey) -> Fate {
        let ended = lock_std(&self.0);
        ended.get(&key.hash).copied().unwrap_or(Fate::Nothing)
    }
}

impl Memory {
    /// What is under a key, or has become of it, if that is known. Not counted as a use.
    pub(crate) fn fate(&self, key: &EntryKey, now: Tick) -> Fate {
        let Some(entry) = self.peek(key) else {
            return self.ended.of(key);
        };
        if !entry.key.is(key.instance, &key.bytes) {
            return Fate::Nothing;
        }
        if !self.invalidations.permit(&entry.slots, entry.stamp.born()) {
            return Fate::Invalidated;
        }
        match entry.expires() {
            deadline if deadline > now => Fate::Valid(deadline),
            _ => Fate::Expired,
        }
    }
}
