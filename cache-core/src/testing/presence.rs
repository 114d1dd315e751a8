//! Whether a call would be answered by the cache, and what is there if not.

use std::fmt;
use std::time::Duration;

use crate::clock::duration;
use crate::deferral;
use crate::entry::{Body, Fingerprint, Reject};
use crate::error::Error;
use crate::handling::Coding;
use crate::memory::Fate;
use crate::policy::Tier;
use crate::rehearsal::Rehearsed;
use crate::schema::Schema;
use crate::shared::Shared;
use crate::subject::Subject;
use crate::traffic::MissReason;

/// Whether the bytes of a value can be read.
type Opens = Box<dyn Fn(&[u8]) -> Result<(), Error> + Send + Sync>;

/// How stored values of a type are known, whatever the type.
pub(crate) struct Coded {
    codec: u8,
    schema: fn() -> &'static Schema,
    opens: Opens,
}

impl Coded {
    pub(crate) fn of<V: 'static>(coding: Coding<V>) -> Self {
        Self {
            codec: coding.codec,
            schema: coding.schema,
            opens: Box::new(move |bytes| (coding.decode)(bytes).map(drop)),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        (self.schema)().fingerprint()
    }
}

impl fmt::Debug for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coded")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

/// What a call would find.
#[derive(Debug)]
pub(super) enum Presence {
    /// Its answer, which in memory has so long to live.
    Cached(Option<Duration>),
    Missing(Missing),
    /// The store can't say.
    Unreachable(Error),
}

/// Why a call would run its body.
#[derive(Debug)]
pub(super) enum Missing {
    /// A rollout leaves it out.
    Off,
    /// No key can be made of its arguments.
    NoKey(String),
    Nothing,
    Expired,
    Invalidated,
    Removed,
    /// The block that the assertion runs in has outdated it.
    Outdated,
    /// An invalidation that the store has not acknowledged covers it.
    Barred,
    /// What stands in the store may not answer.
    Rejected(Reject),
    /// An absence, which the function has no place for.
    Absence,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("a rollout leaves it out, so nobody looks"),
            Self::NoKey(error) => write!(f, "no key can be made of the arguments: {error}"),
            Self::Nothing => f.write_str("nothing is there: never kept, or evicted since"),
            Self::Expired => f.write_str("what was there has expired"),
            Self::Invalidated => f.write_str("what was there has been invalidated"),
            Self::Removed => f.write_str("what was there has been removed"),
            Self::Outdated => f.write_str(
                "the `defer` block that this runs in has outdated it, so that calls in the block run",
            ),
            Self::Barred => f.write_str(
                "an invalidation that the store has not acknowledged covers it, so nobody looks",
            ),
            Self::Rejected(Reject::Stale | Reject::Unproven) => {
                f.write_str("what is in the store has been invalidated")
            }
            Self::Rejected(reason) => {
                write!(f, "what is in the store may not answer: {reason}")
            }
            Self::Absence => f.write_str("an absence is there, which it can't answer with"),
        }
    }
}

impl Rehearsed {
    /// What the call would find now. Counts as neither hit nor miss.
    pub(super) async fn presence(&self) -> Presence {
        if self.is_bypassed {
            return Presence::Missing(Missing::Off);
        }
        let subject = match &self.subject {
            Ok(subject) => subject,
            Err(error) => return Presence::Missing(Missing::NoKey(error.to_string())),
        };
        let inner = self.cache.inner();
        if deferral::covers(inner, &subject.slots) {
            return Presence::Missing(Missing::Outdated);
        }
        let shared = match self.function.policy().tier {
            Tier::All | Tier::SharedOnly => inner.shared().zip(self.coded.as_ref()),
            Tier::MemoryOnly => None,
        };
        match shared {
            Some((shared, coded)) => self.presence_in_store(subject, shared, coded).await,
            None => self.presence_in_memory(subject),
        }
    }

    fn presence_in_memory(&self, subject: &Subject) -> Presence {
        let inner = self.cache.inner();
        let now = inner.clock.now();
        match inner.memory.fate(&subject.key, now) {
            Fate::Valid(deadline) => {
                let left = duration(deadline.saturating_sub(now));
                Presence::Cached(Some(left))
            }
            Fate::Nothing => Presence::Missing(Missing::Nothing),
            Fate::Expired => Presence::Missing(Missing::Expired),
            Fate::Invalidated => Presence::Missing(Missing::Invalidated),
            Fate::Removed => Presence::Missing(Missing::Removed),
        }
    }

    async fn presence_in_store(
        &self,
        subject: &Subject,
        shared: &Shared,
        coded: &Coded,
    ) -> Presence {
        let keys = match subject.keys(&shared.layout) {
            Ok(keys) => keys,
            Err(error) => return Presence::Missing(Missing::NoKey(error.to_string())),
        };
        let look = subject.looked_for(&keys, Duration::ZERO);
        let known = (coded.codec, Some(coded.fingerprint()));
        let opened = |body: Body<'_>| match body {
            Body::Absent if self.has_absence => Ok(()),
            Body::Absent => Err(Missing::Absence),
            Body::Value(bytes) => {
                (coded.opens)(bytes).map_err(|_| Missing::Rejected(Reject::Damaged))
            }
        };
        let mut budget = shared.budget();
        let now = self.cache.inner().clock.wall();
        let found = shared.examine(look, known, &mut budget, |entry| {
            let stamp = entry.stamp();
            // It may be kept for what comes behind its ttl.
            if stamp.outlives() && stamp.fresh_for(now).is_zero() {
                return Err(Missing::Expired);
            }
            opened(entry.body())
        });
        match found.await {
            Ok(Ok(Ok(()))) => Presence::Cached(None),
            Ok(Ok(Err(missing))) => Presence::Missing(missing),
            Ok(Err(MissReason::Pending)) => Presence::Missing(Missing::Barred),
            Ok(Err(MissReason::Rejected(reason))) => Presence::Missing(Missing::Rejected(reason)),
            Ok(Err(_)) => Presence::Missing(Missing::Nothing),
            Err(error) => Presence::Unreachable(error),
        }
    }
}
