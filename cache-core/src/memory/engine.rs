//! The container below the memory tier: bounded, sharded, with an eviction policy.
//!
//! It is keyed by the hash alone; whether an entry really belongs to the caller is decided by its
//! exact bytes. Two calls with one 64-bit hash would merely displace each other.

use std::sync::Arc;

use smallvec::SmallVec;

use super::entry::Entry;

#[cfg(feature = "memory")]
pub(crate) use bounded::Engine;
#[cfg(not(feature = "memory"))]
pub(crate) use empty::Engine;

/// Entries that made room for another. Their drop is a user's code, which must not run under a lock.
pub(crate) type Displaced = SmallVec<[Arc<Entry>; 2]>;

#[cfg(feature = "memory")]
mod bounded {
    use std::hash::{BuildHasher, Hasher};
    use std::sync::Arc;

    use quick_cache::{Lifecycle, OptionsBuilder, Weighter, sync::Cache};

    use super::Displaced;
    use crate::builder::Bound;
    use crate::memory::entry::Entry;

    /// What an entry is taken to weigh when only the number of items has to be estimated.
    const TYPICAL_WEIGHT: u64 = 256;

    /// A `quick_cache`, measured the fastest engine with a hit ratio as good as moka's.
    #[derive(Debug)]
    pub(crate) struct Engine(Cache<u64, Arc<Entry>, EntryWeight, HashedAlready, DropLater>);

    impl Engine {
        pub(crate) fn new(bound: Bound) -> Self {
            let (items, weight) = match bound {
                Bound::Entries(entries) => (entries, entries),
                Bound::Weight(weight) => (weight / TYPICAL_WEIGHT, weight),
            };
            let options = OptionsBuilder::new()
                .estimated_items_capacity(usize::try_from(items.max(1)).unwrap_or(usize::MAX))
                .weight_capacity(weight)
                .build()
                .expect("both capacities are set");
            Self(Cache::with_options(
                options,
                EntryWeight,
                HashedAlready,
                DropLater,
            ))
        }

        #[inline]
        pub(crate) fn get(&self, hash: u64) -> Option<Arc<Entry>> {
            self.0.get(&hash)
        }

        /// Like `get`, but does not count as a use: one call of a function is one use.
        pub(crate) fn peek(&self, hash: u64) -> Option<Arc<Entry>> {
            self.0.peek(&hash)
        }

        /// Stores an entry and gives what it displaced.
        pub(crate) fn insert(&self, hash: u64, entry: Arc<Entry>) -> Displaced {
            let mut displaced = Displaced::new();
            self.0.insert_with_lifecycle(hash, entry, &mut displaced);
            displaced
        }

        /// Removes the entry under a hash if it meets the condition, and gives it.
        pub(crate) fn remove_if(
            &self,
            hash: u64,
            condition: impl FnOnce(&Entry) -> bool,
        ) -> Option<Arc<Entry>> {
            let removed = self.0.remove_if(&hash, |entry| condition(entry));
            removed.map(|(_, entry)| entry)
        }

        pub(crate) fn entries(&self) -> impl Iterator<Item = Arc<Entry>> + '_ {
            self.0.iter().map(|(_, entry)| entry)
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        pub(crate) fn weight(&self) -> u64 {
            self.0.weight()
        }
    }

    #[derive(Debug, Clone)]
    struct EntryWeight;

    impl Weighter<u64, Arc<Entry>> for EntryWeight {
        fn weight(&self, _: &u64, entry: &Arc<Entry>) -> u64 {
            entry.weight
        }
    }

    /// Hands on the hash that the key already is.
    #[derive(Debug, Clone, Default)]
    struct HashedAlready;

    impl BuildHasher for HashedAlready {
        type Hasher = Passed;

        #[inline]
        fn build_hasher(&self) -> Passed {
            Passed(0)
        }
    }

    struct Passed(u64);

    impl Hasher for Passed {
        #[inline]
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, _: &[u8]) {
            unreachable!("the key is one u64");
        }

        #[inline]
        fn write_u64(&mut self, hash: u64) {
            self.0 = hash;
        }
    }

    /// Keeps what an insertion displaces until the shard's lock is released: the drop of a value
    /// is a user's code. (The engine's default does so for the first two only.)
    #[derive(Debug, Clone)]
    struct DropLater;

    impl Lifecycle<u64, Arc<Entry>> for DropLater {
        type RequestState = Displaced;

        fn on_evict(&self, displaced: &mut Self::RequestState, _: u64, entry: Arc<Entry>) {
            displaced.push(entry);
        }
    }
}

#[cfg(not(feature = "memory"))]
mod empty {
    use std::sync::Arc;

    use super::Displaced;
    use crate::builder::Bound;
    use crate::memory::entry::Entry;

    /// Holds nothing: the program was built without the feature `memory`.
    #[derive(Debug)]
    pub(crate) struct Engine;

    impl Engine {
        pub(crate) fn new(_: Bound) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn get(&self, _: u64) -> Option<Arc<Entry>> {
            None
        }

        pub(crate) fn peek(&self, _: u64) -> Option<Arc<Entry>> {
            None
        }

        pub(crate) fn insert(&self, _: u64, entry: Arc<Entry>) -> Displaced {
            Displaced::from_iter([entry])
        }

        pub(crate) fn remove_if(
            &self,
            _: u64,
            _: impl FnOnce(&Entry) -> bool,
        ) -> Option<Arc<Entry>> {
            None
        }

        pub(crate) fn entries(&self) -> impl Iterator<Item = Arc<Entry>> + '_ {
            std::iter::empty()
        }

        pub(crate) fn len(&self) -> usize {
            0
        }

        pub(crate) fn weight(&self) -> u64 {
            0
        }
    }
}
