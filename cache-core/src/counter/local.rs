//! Counters of this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Tick;
use crate::error::Error;

/// Between so many locks the counters are divided.
const SHARDS: usize = 32;

/// A shard is not looked through for what has expired before it has more counters than this.
const SLACK: usize = 64;

/// The end of a counter that has none.
const NEVER: Tick = Tick::MAX;

/// The counters of a cache without a store.
#[derive(Debug)]
pub(crate) struct LocalCounters {
    shards: Box<[Mutex<Shard>]>,
    hasher: foldhash::quality::RandomState,
}

#[derive(Debug)]
struct Shard {
    counters: HashMap<Box<str>, Count, foldhash::quality::RandomState>,
    /// When it grows above this, what has expired is removed. Twice of what was then left, so that
    /// an insertion looks at two others on average.
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    value: i64,
    ends: Tick,
}

impl LocalCounters {
    pub(crate) fn new() -> Self {
        let hasher = foldhash::quality::RandomState::default();
        let shard = || Shard {
            counters: HashMap::with_hasher(foldhash::quality::RandomState::default()),
            most: SLACK,
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            hasher,
        }
    }

    /// Adds `by`; a counter without an end gets `ends`, if there is one.
    pub(crate) fn add(
        &self,
        path: &str,
        by: i64,
        ends: Option<Tick>,
        now: Tick,
    ) -> Result<i64, Error> {
        let mut shard = self.shard(path);
        let Some(count) = shard.valid(path, now) else {
            let ends = ends.unwrap_or(NEVER);
            shard.insert(path, Count { value: by, ends }, now);
            return Ok(by);
        };
        count.value = count.value.checked_add(by).ok_or_else(|| {
            Error::invalid_input("the count would leave the range of 64-bit numbers")
        })?;
        if count.ends == NEVER {
            count.ends = ends.unwrap_or(NEVER);
        }
        Ok(count.value)
    }

    pub(crate) fn get(&self, path: &str, now: Tick) -> Option<i64> {
        self.shard(path).valid(path, now).map(|count| count.value)
    }

    pub(crate) fn set(&self, path: &str, value: i64, ends: Option<Tick>, now: Tick) {
        let ends = ends.unwrap_or(NEVER);
        self.shard(path).insert(path, Count { value, ends }, now);
    }

    pub(crate) fn expire(&self, path: &str, ends: Tick, now: Tick) -> bool {
        let mut shard = self.shard(path);
        let count = shard.valid(path, now);
        count.map(|count| count.ends = ends).is_some()
    }

    pub(crate) fn remove(&self, path: &str) {
        self.shard(path).counters.remove(path);
    }

    fn shard(&self, path: &str) -> MutexGuard<'_, Shard> {
        use std::hash::BuildHasher;
        let hash = self.hasher.hash_one(path);
        let shard = &self.shards[hash as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(all(test, not(any(shuttle, weak_memory))))]
    fn held(&self) -> usize {
        let held = |shard: &Mutex<Shard>| shard.lock().unwrap().counters.len();
        self.shards.iter().map(held).sum()
    }
}

impl Shard {
    fn valid(&mut self, path: &str, now: Tick) -> Option<&mut Count> {
        self.counters.get_mut(path).filter(|count| count.ends > now)
    }

    fn insert(&mut self, path: &str, count: Count, now: Tick) {
        match self.counters.get_mut(path) {
            Some(old) => *old = count,
            None => drop(self.counters.insert(path.into(), count)),
        }
        if self.counters.len() > self.most {
            self.counters.retain(|_, count| count.ends > now);
            self.counters.shrink_to(2 * self.counters.len());
            self.most = 2 * self.counters.len() + SLACK;
        }
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

    #[test]
    fn expired_counters_are_freed_though_nobody_asks_for_them() {
        let counters = LocalCounters::new();
        for now in 0..100_000_u64 {
            let path = format!("address:{now}");
            counters.add(&path, 1, Some(now + 100), now).unwrap();
        }
        // The hundred that live, twice that, and the slack.
        assert!(counters.held() < 300 + 2 * SHARDS * SLACK);
    }

    #[test]
    fn counters_that_live_are_never_freed() {
        let counters = LocalCounters::new();
        let path = |i: u64| format!("quota:{i}");
        for i in 0..10_000 {
            counters.add(&path(i), 1, None, i).unwrap();
        }
        assert!((0..10_000).all(|i| counters.get(&path(i), 10_000) == Some(1)));
    }
}
