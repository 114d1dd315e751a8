//! The in-process tier: typed values under their exact keys, invalidated by one clock.

pub(crate) mod engine;
pub(crate) mod entry;
pub(crate) mod expiry;
#[cfg(feature = "testing")]
mod fate;
pub(crate) mod invalidations;
mod slots;

use std::sync::Arc;

use crate::builder::Bound;
use crate::clock::{Clock, Tick};
use crate::function::Instance;
use crate::key::HashSeed;
use crate::mutants::{Mutant, active};
use engine::Engine;
use entry::{Entry, EntryKey};
use expiry::{Arrange, Expiry};
use invalidations::{Invalidations, Slot, Stamp};

#[cfg(feature = "testing")]
pub(crate) use fate::Fate;

/// Typed entries, their expiry and their invalidation.
#[derive(Debug)]
pub(crate) struct Memory {
    engine: Engine,
    expiry: Expiry,
    pub(crate) invalidations: Invalidations,
    seed: HashSeed,
    #[cfg(feature = "testing")]
    ended: fate::Ended,
}

impl Memory {
    pub(crate) fn new(bound: Bound, clock: &Clock) -> Self {
        Self {
            engine: Engine::new(bound),
            expiry: Expiry::new(),
            invalidations: Invalidations::in_time_of(clock),
            seed: HashSeed::random(),
            #[cfg(feature = "testing")]
            ended: fate::Ended::default(),
        }
    }

    /// Where the hash of a call's key begins.
    #[inline]
    pub(crate) fn seed(&self, instance: &'static Instance) -> HashSeed {
        self.seed.at(std::ptr::from_ref(instance).addr())
    }

    /// The entry of a call, if it is valid now.
    #[inline]
    pub(crate) fn get(
        &self,
        hash: u64,
        instance: &'static Instance,
        bytes: &[u8],
        now: Tick,
    ) -> Option<Arc<Entry>> {
        let entry = self.engine.get(hash)?;
        (entry.key.is(instance, bytes) && self.is_valid(&entry, now)).then_some(entry)
    }

    /// What is stored under the hash of a key, valid or not, and not counted as a use.
    pub(crate) fn peek(&self, key: &EntryKey) -> Option<Arc<Entry>> {
        self.engine.peek(key.hash)
    }

    /// Whether an entry is the one of this key, and valid now.
    pub(crate) fn answers(&self, entry: &Entry, key: &EntryKey, now: Tick) -> bool {
        entry.key.is(key.instance, &key.bytes) && self.is_valid(entry, now)
    }

    #[inline]
    fn is_valid(&self, entry: &Entry, now: Tick) -> bool {
        entry.deadline() > now && self.is_current(entry)
    }

    /// Stores what was computed, unless an invalidation has overtaken it.
    ///
    /// The check spares the newer entry that may be there. It is not what keeps stale values from
    /// being served: an invalidation that comes between it and the insertion is seen by every
    /// read, because reads compare the same slots.
    pub(crate) fn insert(&self, entry: Arc<Entry>, leaf: Slot) -> Arrange {
        self.insert_if_permitted(entry, leaf).unwrap_or_default()
    }

    /// Stores what a writer has made, whose announcement still stands, if nothing that was computed
    /// meanwhile can be older. None if it was not stored, and what is there has to be invalidated.
    pub(crate) fn write_through(&self, entry: Arc<Entry>, leaf: Slot) -> Option<Arrange> {
        let alone = self.invalidations.is_alone(leaf);
        alone
            .then(|| self.insert_if_permitted(entry, leaf))
            .flatten()
    }

    fn insert_if_permitted(&self, entry: Arc<Entry>, leaf: Slot) -> Option<Arrange> {
        let (hash, ends) = (entry.key.hash, entry.ends());
        let displaced = self.invalidations.complete(leaf, || {
            let permitted = self.invalidations.permit(&entry.slots, entry.stamp.born());
            if active(Mutant::StoresInTwoSteps) {
                // Shuttle changes threads at its own primitives only.
                self.invalidations.now();
            }
            permitted.then(|| self.engine.insert(hash, entry.clone()))
        });
        displaced.map(|_displaced| self.expiry.note(hash, ends))
    }

    /// Stores an entry in the place of whatever is stored or being computed.
    pub(crate) fn replace(&self, mut entry: Arc<Entry>, leaf: Slot) -> Arrange {
        let (hash, ends) = (entry.key.hash, entry.ends());
        let _displaced = self.invalidations.supersede(leaf, |born| {
            if let Some(entry) = Arc::get_mut(&mut entry) {
                entry.stamp = Stamp::new(born);
            }
            self.engine.insert(hash, entry)
        });
        self.expiry.note(hash, ends)
    }

    /// Lets an entry end at another moment.
    pub(crate) fn expire(&self, entry: &Entry, deadline: Tick) -> Arrange {
        // Before it is noted: notes that don't fit the deadline are what `thin_out` forgets.
        entry.end_at(deadline);
        self.expiry.note(entry.key.hash, deadline)
    }

    /// Forgets when to look for entries that are gone.
    pub(crate) fn thin_out(&self) {
        self.expiry
            .thin_out(|hash| Some(self.engine.peek(hash)?.ends()));
    }

    /// Removes an entry, whatever it is, and sees to it that none under computation takes its place.
    pub(crate) fn remove(&self, key: &EntryKey, leaf: Slot) {
        let _removed = self.invalidations.supersede(leaf, |_| {
            let own = |entry: &Entry| entry.key.is(key.instance, &key.bytes);
            self.engine.remove_if(key.hash, own)
        });
        #[cfg(feature = "testing")]
        self.ended.note(_removed.as_deref(), Fate::Removed);
    }

    /// Removes the entry of this key, if it does not answer without a question any more.
    pub(crate) fn remove_former(&self, key: &EntryKey, now: Tick) {
        let is_former =
            |entry: &Entry| entry.key.is(key.instance, &key.bytes) && entry.deadline() <= now;
        self.engine.remove_if(key.hash, is_former);
    }

    /// The hashes of what may have expired, and the moment of the next sweep if that has to be
    /// arranged.
    pub(crate) fn due(&self, now: Tick) -> (Vec<u64>, Option<Tick>) {
        self.expiry.due(now)
    }

    /// Removes what has expired under these hashes.
    pub(crate) fn sweep(&self, due: Vec<u64>, now: Tick) {
        for hash in due {
            let _expired = self.engine.remove_if(hash, |entry| entry.ends() <= now);
            #[cfg(feature = "testing")]
            self.ended.note(_expired.as_deref(), Fate::Expired);
        }
    }

    /// Removes what has been invalidated, visiting every entry one batch at a time.
    pub(crate) fn remove_invalidated(&self) {
        for entry in self.engine.entries() {
            let _invalidated = self.engine.remove_if(entry.key.hash, |entry| {
                !self.invalidations.permit(&entry.slots, entry.stamp.born())
            });
            #[cfg(feature = "testing")]
            self.ended.note(_invalidated.as_deref(), Fate::Invalidated);
        }
    }

    /// The entries that would be served now, in no particular order.
    pub(crate) fn valid_entries(&self, now: Tick) -> impl Iterator<Item = Arc<Entry>> + '_ {
        self.engine
            .entries()
            .filter(move |entry| entry.expires() > now && self.is_current(entry))
    }

    /// The entry of this key, if it is of any use besides that of a fresh one.
    pub(crate) fn aged(&self, key: &EntryKey, now: Tick) -> Option<Arc<Entry>> {
        let entry = self.engine.peek(key.hash)?;
        let is_own = entry.key.is(key.instance, &key.bytes);
        (is_own && entry.ends() > now && self.is_current(&entry)).then_some(entry)
    }

    /// Whether no invalidation has outdated an entry.
    #[inline]
    pub(crate) fn is_current(&self, entry: &Entry) -> bool {
        self.invalidations.permit_entry(&entry.slots, &entry.stamp)
    }

    /// How many entries are held, those not yet reclaimed included.
    pub(crate) fn len(&self) -> usize {
        self.engine.len()
    }

    /// What the held entries weigh together.
    pub(crate) fn weight(&self) -> u64 {
        self.engine.weight()
    }
}

#[cfg(all(test, feature = "memory", not(shuttle)))]
mod tests {
    use super::*;
    use crate::function::Function;
    use crate::memory::entry::Slots;
    use crate::stats::Statistics;

    static FUNCTION: Function = Function::new("colliding", "", "", "", 0);

    fn key(instance: &'static Instance, bytes: &[u8]) -> EntryKey {
        EntryKey {
            hash: 7,
            instance,
            bytes: bytes.into(),
        }
    }

    fn insert(memory: &Memory, key: EntryKey, born: u64) {
        let entry = Arc::new(Entry {
            deadline: u64::MAX.into(),
            stamp: Stamp::new(born),
            key,
            slots: Slots::from_slice(&[3]),
            weight: 1,
            later: None,
            path: "".into(),
            series: Statistics::default().series(&FUNCTION),
            value: Some(1_u8),
        });
        let _ = memory.insert(entry, 3);
    }

    #[test]
    fn a_colliding_hash_is_never_answered_with_somebody_elses_value() {
        let memory = Memory::new(Bound::Entries(10), &Clock::Coarse);
        let (one, other) = (
            FUNCTION.instance::<u8, ()>(None),
            FUNCTION.instance::<u16, ()>(None),
        );
        insert(&memory, key(one, b"a"), 0);
        assert!(memory.get(7, one, b"a", 0).is_some());
        assert!(memory.get(7, one, b"b", 0).is_none());
        assert!(memory.get(7, other, b"a", 0).is_none());
        let held = memory.peek(&key(one, b"b")).unwrap();
        assert!(memory.answers(&held, &key(one, b"a"), 0));
        assert!(!memory.answers(&held, &key(one, b"b"), 0));
        memory.remove(&key(one, b"b"), 3);
        memory.remove(&key(other, b"a"), 3);
        assert!(memory.get(7, one, b"a", 0).is_some());
        memory.remove(&key(one, b"a"), 3);
        assert!(memory.get(7, one, b"a", 0).is_none());
    }

    #[test]
    fn a_late_fill_does_not_displace_what_is_newer() {
        let memory = Memory::new(Bound::Entries(10), &Clock::Coarse);
        let one = FUNCTION.instance::<u8, ()>(None);
        let late = memory.invalidations.now();
        memory.invalidations.invalidate(&[3]);
        insert(&memory, key(one, b"a"), memory.invalidations.now());
        insert(&memory, key(one, b"a"), late);
        assert!(memory.get(7, one, b"a", 0).is_some());
    }
}
