//! What is known of a world when it is over.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use crate::clock::{MILLISECOND, Moment};
use crate::keys::{Family, Register};
use crate::record::{LENGTH, Record};

/// All that is known of one world.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub workers: Vec<Worker>,
    /// In any order.
    pub commits: Vec<Commit>,
    pub facts: Facts,
}

/// What one process noted.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Unique in its world.
    pub number: u16,
    pub notes: Notes,
}

#[derive(Clone, Debug)]
pub enum Notes {
    #[cfg(test)]
    Held(Vec<Record>),
    /// A file that a [`Journal`](crate::record::Journal) wrote; read anew each time.
    File(PathBuf),
}

/// That a register took a version. Each is at 1 from the beginning, and its versions grow by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    pub register: Register,
    pub version: u64,
    /// Who was answered before saw an earlier version, and who asked later this one or a later one.
    pub at: Moment,
}

/// What is known of the world as a whole. Durations are in nanoseconds, as moments are.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What stories count from.
    pub began: Moment,
    /// There is a Redis; otherwise each process has its own memory alone.
    pub store: bool,
    /// Nothing was stopped, killed, disturbed or dropped, no body failed on purpose and nothing was given less time to live than the
    /// world had.
    pub calm: bool,
    pub settle: Moment,
    pub patience: Moment,
    pub store_timeout: Moment,
    /// The longest that a body dawdles before it asks the database, and again before it returns.
    pub load_delay: Moment,
    pub commit_delay: Moment,
    pub absences: Vec<Absence>,
    pub hangs: Vec<Hang>,
    /// What was done to the world, for the stories.
    pub log: Vec<(Moment, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Worker(u16),
    Redis,
}

/// Somebody was stopped, and went on at `end`; one that was killed never did.
#[derive(Clone, Copy, Debug)]
pub struct Absence {
    pub who: Who,
    pub start: Moment,
    pub end: Moment,
}

/// A process that did not answer while the driver had patience.
#[derive(Clone, Debug)]
pub struct Hang {
    pub worker: u16,
    pub moment: Moment,
    pub what: String,
}

impl Notes {
    /// Calls `visit` with each record, in the order in which they were noted, up to the last whole one.
    pub fn each(&self, mut visit: impl FnMut(&Record)) -> io::Result<()> {
        match self {
            #[cfg(test)]
            Self::Held(records) => records.iter().for_each(visit),
            Self::File(path) => {
                let mut file = BufReader::with_capacity(LENGTH << 12, File::open(path)?);
                let mut bytes = [0; LENGTH];
                loop {
                    match file.read_exact(&mut bytes) {
                        Ok(()) => Record::decode(&bytes).iter().for_each(&mut visit),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }
}

impl Facts {
    /// Whether a value of this family is shared between processes.
    pub fn shares(&self, family: Family) -> bool {
        self.store && family != Family::Local
    }

    /// How long a call may take where nothing is slow that was not told to be: it waits for another's body until its patience ends and
    /// then runs its own; it may be a writer, too. The store is asked a few times, each within its time-out.
    pub fn longest_call(&self) -> Moment {
        self.patience + 2 * (2 * self.load_delay + self.commit_delay) + 8 * self.store_timeout
    }

    /// For how long `worker` was stopped between `start` and `end`.
    pub fn stopped(&self, worker: u16, start: Moment, end: Moment) -> Moment {
        self.absences
            .iter()
            .filter(|absence| absence.who == Who::Worker(worker))
            .map(|absence| {
                absence
                    .end
                    .min(end)
                    .saturating_sub(absence.start.max(start))
            })
            .sum()
    }

    /// When a writer that was dropped after `start` is invalidated once more, at the earliest. The cache reckons with a clock that ticks
    /// every few milliseconds, and its reading may be that old.
    pub fn settles(&self, start: Moment) -> Moment {
        start + self.settle.saturating_sub(10 * MILLISECOND)
    }
}
