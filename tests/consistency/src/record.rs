//! What a process notes of each thing that it did: the history that the oracle judges.
//!
//! A record is of a fixed size, so that a file whose writer was killed is readable up to the last whole record. What is lost with a
//! killed process only takes evidence away; it accuses nobody.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::clock::Moment;
use crate::keys::{Key, Scope};

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub event: Event,
    /// Of the task that did it; unique in its process.
    pub task: u16,
    /// Before it was begun.
    pub start: Moment,
    /// After it had ended.
    pub end: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key was read.
    Read { key: Key, shown: Shown },
    /// Something was invalidated. `start` is a moment between its commit and its beginning, or before either when it had none.
    ///
    /// This process is bound by it from `end` on, whatever its `promise`.
    Invalidated { scope: Scope, promise: Promise },
    /// A value of a cart was set. Its `version` was given out by the database just before.
    Set {
        key: Key,
        version: u64,
        promise: Promise,
    },
    /// A body ran, to its end or not.
    Body { key: Key, finished: bool },
    /// At `start` no invalidation of this process was unacknowledged: each that had returned by then is acknowledged at `end`.
    Drained,
    /// At `start`, moreover, none was waiting to be done a second time.
    Settled,
}

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A value.
    Value {
        /// The key that the value says it is of, as it was stored.
        of: u32,
        /// The version of its register that the body read, or that was set.
        version: u64,
        /// When its computation began; for a cart, when it was set.
        born: Moment,
    },
    /// A title's kept (or just computed) `None`.
    Absent,
    /// A plain key was not there.
    Missing,
    /// The body or the cache answered with an error.
    Failed,
    /// The future was dropped.
    Dropped,
}

/// What an invalidation's end promises to other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Promise {
    /// It is acknowledged.
    Acknowledged = 1,
    /// It will be: by the next [`Drained`](Event::Drained).
    Pending = 2,
    /// The writer was dropped in its body, from `start` to `end`: pending, and done once more, `settle` later.
    Unsettled = 3,
}

/// Bytes of a record.
pub const LENGTH: usize = 48;

impl Record {
    pub fn encode(&self) -> [u8; LENGTH] {
        let none = (0, 0, 0);
        let (kind, detail, (subject, one, two)) = match self.event {
            Event::Read { key, shown } => {
                let key = u64::from(key.pack());
                match shown {
                    Shown::Value { of, version, born } => {
                        (1, 1, (key | u64::from(of) << 32, version, born))
                    }
                    Shown::Absent => (1, 2, (key, 0, 0)),
                    Shown::Missing => (1, 3, (key, 0, 0)),
                    Shown::Failed => (1, 4, (key, 0, 0)),
                    Shown::Dropped => (1, 5, (key, 0, 0)),
                }
            }
            Event::Invalidated { scope, promise } => (2, promise as u8, (scope.pack(), 0, 0)),
            Event::Set {
                key,
                version,
                promise,
            } => (3, promise as u8, (key.pack().into(), version, 0)),
            Event::Body { key, finished } => (4, finished.into(), (key.pack().into(), 0, 0)),
            Event::Drained => (5, 0, none),
            Event::Settled => (6, 0, none),
        };
        let mut bytes = [0; LENGTH];
        bytes[0] = kind;
        bytes[1] = detail;
        bytes[2..4].copy_from_slice(&self.task.to_le_bytes());
        for (place, number) in [self.start, self.end, subject, one, two]
            .into_iter()
            .enumerate()
        {
            bytes[8 + 8 * place..16 + 8 * place].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None` for what no version of this program wrote.
    pub fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let number = |place: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[8 + 8 * place..16 + 8 * place]);
            u64::from_le_bytes(number)
        };
        let (subject, one, two) = (number(2), number(3), number(4));
        let key = || Key::unpack(subject as u32);
        let promise = match bytes[1] {
            1 => Some(Promise::Acknowledged),
            2 => Some(Promise::Pending),
            3 => Some(Promise::Unsettled),
            _ => None,
        };
        let event = match (bytes[0], bytes[1]) {
            (1, 1) => Event::Read {
                key: key()?,
                shown: Shown::Value {
                    of: (subject >> 32) as u32,
                    version: one,
                    born: two,
                },
            },
            (1, other) => Event::Read {
                key: key()?,
                shown: match other {
                    2 => Shown::Absent,
                    3 => Shown::Missing,
                    4 => Shown::Failed,
                    5 => Shown::Dropped,
                    _ => return None,
                },
            },
            (2, _) => Event::Invalidated {
                scope: Scope::unpack(subject)?,
                promise: promise?,
            },
            (3, _) => Event::Set {
                key: key()?,
                version: one,
                promise: promise?,
            },
            (4, finished) => Event::Body {
                key: key()?,
                finished: finished == 1,
            },
            (5, _) => Event::Drained,
            (6, _) => Event::Settled,
            _ => return None,
        };
        Some(Self {
            event,
            task: u16::from_le_bytes([bytes[2], bytes[3]]),
            start: number(0),
            end: number(1),
        })
    }
}

/// Where a process writes its history.
#[derive(Debug)]
pub struct Journal(Mutex<Buffered>);

#[derive(Debug)]
struct Buffered {
    file: File,
    bytes: Vec<u8>,
}

impl Journal {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(Buffered {
            file: File::create(path)?,
            bytes: Vec::new(),
        })))
    }

    pub fn note(&self, record: &Record) {
        let mut buffered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffered.bytes.extend_from_slice(&record.encode());
        if buffered.bytes.len() >= 64 << 10 {
            buffered.flush();
        }
    }

    /// To be called from time to time, so that little is lost when the process is killed.
    pub fn flush(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush();
    }
}

impl Buffered {
    fn flush(&mut self) {
        self.file
            .write_all(&self.bytes)
            .expect("a history can be written");
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Family;

    #[test]
    fn records_come_back_equal() {
        let key = Key {
            family: Family::Order,
            id: 513,
            page: 7,
        };
        let shown = Shown::Value {
            of: key.pack(),
            version: u64::MAX,
            born: 3,
        };
        let promise = Promise::Unsettled;
        for event in [
            Event::Read { key, shown },
            Event::Read {
                key,
                shown: Shown::Missing,
            },
            Event::Invalidated {
                scope: Scope::Entry(key),
                promise,
            },
            Event::Set {
                key,
                version: 9,
                promise,
            },
            Event::Body {
                key,
                finished: true,
            },
            Event::Drained,
            Event::Settled,
        ] {
            let record = Record {
                event,
                task: 500,
                start: 1,
                end: u64::MAX,
            };
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }
}
