//! One entry, a database that is a version number, and actors that take turns by chance, one store
//! operation at a time.

use std::time::{Duration, UNIX_EPOCH};

use cache_core::codec::{Codec, Json};
use cache_core::entry::{Body, Draft, Envelope, Expected, Fingerprint, Stamp};
use cache_core::fence::{Fence, Observed};
use cache_core::layout::{EntryKeys, FunctionEntry, Layout, Leaf};
use cache_core::store::Deadline;
use cache_core::testing::{Fault, ScriptedStore};

use crate::reader::Reader;
use crate::writer::Writer;

/// A protocol that is wrong in one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A missing generation equals a fixed one.
    MissingIsZero,
    /// The fence is what the generations are after the body.
    LateFence,
    /// Generations are counted up, from one.
    Counter,
    /// Invalidations delete the entry and leave its generations.
    DeleteValue,
    /// A mint that was not answered is sent again as it was.
    ResentNonce,
    /// A mint that was not answered is taken for done.
    AssumedMint,
    /// An invalidation that was not answered is taken for done.
    UnprovenAck,
    /// A writer stores its result under the fence read before.
    BlindPut,
    /// A writer stores its result whatever leaf its swap found.
    UncomparedPut,
    /// Clearing ends with the first page, which is empty when a value stands there.
    HastyClear,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) stale: bool,
    pub(crate) reads: u64,
    pub(crate) hits: u64,
    pub(crate) invalidations: u64,
    pub(crate) puts: u64,
}

/// What all actors share.
pub(crate) struct World {
    pub(crate) store: ScriptedStore,
    pub(crate) layout: Layout,
    pub(crate) keys: EntryKeys,
    pub(crate) mutant: Option<Mutant>,
    /// The version in the database.
    pub(crate) committed: u64,
    /// The oldest version that acknowledged invalidations still allow.
    pub(crate) floor: u64,
    pub(crate) report: Report,
    chance: u64,
}

pub(crate) const TTL: Duration = Duration::from_secs(60);

pub(crate) fn deadline() -> Deadline {
    Deadline::after(TTL)
}

impl World {
    pub(crate) fn new(mutant: Option<Mutant>, seed: u64) -> Self {
        let layout = Layout::new("app").unwrap();
        let named = FunctionEntry {
            prefix: "booking",
            function: "stats",
            version: None,
            args_hash: [7; 16],
            leaf: Leaf::of_call("stats", b""),
            tags: &[],
        };
        Self {
            store: ScriptedStore::new(),
            keys: layout.function_entry(&named).unwrap(),
            layout,
            mutant,
            committed: 0,
            floor: 0,
            report: Report::default(),
            chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// Runs a schedule to its end.
    pub(crate) fn run(mut self) -> Report {
        let mut readers = [Reader::default(), Reader::default(), Reader::default()];
        let mut writers = [Writer::default(), Writer::default()];
        for _ in 0..120 {
            let fault = match self.below(24) {
                0 => Some(Fault::ReplyLost),
                1 => Some(Fault::Outage),
                2 => Some(Fault::Late),
                _ => None,
            };
            // For the next operation, if this turn has one.
            self.store.clear_script();
            if let Some(fault) = fault {
                self.store.next(1, None, fault);
            }
            match self.below(24) {
                0 => self.evict(),
                1 if self.store.late() > 0 => {
                    let index = self.below(self.store.late());
                    self.store.deliver(index);
                }
                2 => {
                    let full = self.below(3) == 0;
                    self.store.set_full(full);
                }
                turn @ 3..=17 => readers[turn % 3].step(&mut self),
                turn => writers[turn % 2].step(&mut self),
            }
            if self.report.stale {
                break;
            }
        }
        self.report
    }

    fn evict(&mut self) {
        let held = self.store.keys();
        if !held.is_empty() {
            let evicted = &held[self.below(held.len())];
            self.store.evict(|key| key == evicted);
        }
    }

    /// A number below `bound`, by xorshift: the same for a seed everywhere.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 33) as usize % bound
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// The bytes of an entry that holds `version`.
    pub(crate) fn entry(&self, version: u64, fence: &Fence) -> Vec<u8> {
        let draft = Draft {
            echo: self.keys.echo(),
            fingerprint: Fingerprint::NONE,
            stamp: Stamp::new(UNIX_EPOCH, TTL, Duration::ZERO),
            fence,
        };
        draft.value(&Json, &version).unwrap()
    }

    /// The version in an entry, if it may answer.
    pub(crate) fn proven(&self, bytes: &[u8], observed: &Observed) -> Option<u64> {
        let expected = Expected {
            echo: self.keys.echo(),
            fingerprint: Fingerprint::NONE,
            codec: Json.id(),
            observed,
        };
        let entry = Envelope::parse(bytes, 4096).ok()?.prove(&expected).ok()?;
        match entry.body() {
            Body::Value(body) => Some(Json.decode(body).unwrap()),
            Body::Absent | Body::Compressed(_) => None,
        }
    }

    /// Ends a read that began when `floor` was the oldest version allowed.
    pub(crate) fn answered(&mut self, version: u64, floor: u64) {
        self.report.reads += 1;
        self.report.stale |= version < floor;
    }

    /// Ends an invalidation of everything older than `version`.
    pub(crate) fn acknowledged(&mut self, version: u64) {
        self.report.invalidations += 1;
        self.floor = self.floor.max(version);
    }
}
