//! What a world is made of, decided before it begins and written beside its history.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::keys::Key;

/// What one process does. It gets this as JSON, in its first line of input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerPlan {
    /// Unique in its world: a process that takes a killed one's place has another.
    pub number: u16,
    pub seed: u64,
    /// The Redis server, or the proxy before it; none for memory alone.
    pub url: Option<String>,
    /// The database's socket.
    pub database: PathBuf,
    /// Where its history goes.
    pub journal: PathBuf,
    pub workload: Workload,
    pub cache: CachePlan,
}

/// What all processes of a world have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// How many ids there are of each family.
    pub ids: u16,
    /// How many tasks of a process are at it at once.
    pub tasks: u16,
    /// The longest that a body dawdles before it asks the database, and again before it returns.
    pub load_delay: Duration,
    /// The longest that the database takes for a commit; it commits also when nobody waits any more.
    pub commit_delay: Duration,
    /// The longest that a task rests between two things.
    pub rest: Duration,
    /// How many of a hundred futures are dropped before they have ended.
    pub dropped: u8,
    /// How often each kind of thing is done.
    pub mix: Mix,
}

/// Weights; zero is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// Cached functions that are called.
    pub calls: u16,
    /// Functions that keep their values in memory alone.
    pub local_calls: u16,
    /// `get`, `get_many`, `exists`, `get_or_set` of plain keys.
    pub direct_reads: u16,
    /// `set`, `set_many`, `expire`, `remove` of plain keys.
    pub direct_writes: u16,
    /// Annotated writers, of each kind.
    pub writers: u16,
    /// Annotated writers of exactly one entry.
    pub exact_writers: u16,
    /// Annotated writers that write one entry through.
    pub updates: u16,
    /// `invalidate` by patterns of each kind.
    pub invalidations: u16,
    /// `clear`.
    pub clears: u16,
    /// Transactions: several writers within `defer`, some rolled back, nested, with spawned tasks.
    pub transactions: u16,
    /// Tags, of annotated writers and by `invalidate_tag`.
    #[serde(default)]
    pub tags: u16,
}

impl Default for Mix {
    /// A bit of everything, mostly reads.
    fn default() -> Self {
        Self {
            calls: 600,
            local_calls: 100,
            direct_reads: 150,
            direct_writes: 30,
            writers: 40,
            exact_writers: 20,
            updates: 20,
            invalidations: 20,
            clears: 1,
            transactions: 10,
            tags: 25,
        }
    }
}

/// The settings of each process' cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachePlan {
    pub ttl: Duration,
    pub settle: Duration,
    pub patience: Duration,
    pub store_timeout: Duration,
}

impl Default for CachePlan {
    fn default() -> Self {
        Self {
            // Longer than any world: what is stale stays visible.
            ttl: Duration::from_secs(3_600),
            settle: Duration::from_millis(1_500),
            patience: Duration::from_secs(2),
            store_timeout: Duration::from_millis(250),
        }
    }
}

/// A single thing for a process to do, beside whatever else: `do 3 read 16777216` has the key of this number read, `do 4 write 16777216`
/// has the user written that the key is of, and `do 5 abandon 16777216` has that dropped after a moment. Answered with `done 3`, `done 4` and
/// `done 5` when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    pub number: u32,
    pub verb: Verb,
    pub key: Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Read,
    Write,
    Abandon,
}

impl Deed {
    pub fn line(self) -> String {
        let verb = match self.verb {
            Verb::Read => "read",
            Verb::Write => "write",
            Verb::Abandon => "abandon",
        };
        format!("do {} {verb} {}", self.number, self.key.pack())
    }

    pub fn answer(self) -> String {
        format!("done {}", self.number)
    }

    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("do ")?.split(' ');
        let (number, verb, key) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            number: number.parse().ok()?,
            verb: match verb {
                "read" => Verb::Read,
                "write" => Verb::Write,
                "abandon" => Verb::Abandon,
                _ => return None,
            },
            key: Key::unpack(key.parse().ok()?)?,
        })
    }
}

/// What a worker is told, one line each, and what it answers.
///
/// | line | what it does | answer |
/// | --- | --- | --- |
/// | the plan | connects and begins | `ready` |
/// | `pause` | ends what it is doing and begins nothing new | `paused` |
/// | `drain` | waits until no invalidation is pending | `drained` |
/// | `sweep` | reads every key once | `swept` |
/// | `resume` | goes on | `resumed` |
/// | a [`Deed`] | begins with it | its own, when it has ended |
/// | `finish` | pauses, drains, flushes its history and ends | `finished` |
///
/// What it can't do it does not answer; the driver has the patience and says who hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Pause,
    Drain,
    Sweep,
    Resume,
    Finish,
}

impl Order {
    pub fn line(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Sweep => "sweep",
            Self::Resume => "resume",
            Self::Finish => "finish",
        }
    }

    pub fn answer(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Drain => "drained",
            Self::Sweep => "swept",
            Self::Resume => "resumed",
            Self::Finish => "finished",
        }
    }

    pub fn parse(line: &str) -> Option<Self> {
        [
            Self::Pause,
            Self::Drain,
            Self::Sweep,
            Self::Resume,
            Self::Finish,
        ]
        .into_iter()
        .find(|order| order.line() == line)
    }
}
