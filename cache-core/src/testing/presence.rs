//! Whether a call would be answered by the cache, and what is there if not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call::LocalValue;
use crate::clock::duration;
use crate::codec::Coder;
use crate::deferral;
use crate::entry::{Reject, Stamp};
use crate::error::Error;
use crate::memory::Fate;
use crate::policy::Tier;
use crate::rehearsal::Rehearsed;
use crate::shared::{Look, Shared};
use crate::store::BoxFuture;
use crate::subject::Subject;
use crate::traffic::MissReason;

/// How stored values of a type are looked at, whatever the type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coded(for<'a> fn(&'a Rehearsed, &'a Shared, Look<'a>) -> Examined<'a>);

type Examined<'a> = BoxFuture<'a, Result<Result<Seen, MissReason>, Error>>;

/// An entry that may answer.
struct Seen {
    is_absence: bool,
    stamp: Stamp,
}

impl Coded {
    pub(crate) fn of<V: LocalValue>() -> Self {
        Self(|call, shared, look| {
            Box::pin(async move {
                let packaging = &call.cache.inner().packaging;
                let encodable = call.handling::<V>().and_then(|handling| handling.encodable);
                let codec = call.codec.as_ref();
                let codec = codec.and_then(|codec| codec.downcast_ref::<Arc<dyn Coder<V>>>());
                let Some(encodable) = encodable else {
                    return Ok(Err(MissReason::Absent));
                };
                let coding = encodable.coding(packaging, codec.map(|codec| &**codec));
                let opened = shared.examine(look, &coding).await?;
                Ok(opened.map(|opened| Seen {
                    is_absence: opened.kept.is_none(),
                    stamp: opened.stamp,
                }))
            })
        })
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
        let now = self.cache.inner().clock.wall();
        match (coded.0)(self, shared, look).await {
            // It may be kept for what comes behind its ttl.
            Ok(Ok(Seen { stamp, .. })) if stamp.outlives() && stamp.fresh_for(now).is_zero() => {
                Presence::Missing(Missing::Expired)
            }
            Ok(Ok(seen)) if seen.is_absence && !self.has_absence => {
                Presence::Missing(Missing::Absence)
            }
            Ok(Ok(_)) => Presence::Cached(None),
            Ok(Err(MissReason::Pending)) => Presence::Missing(Missing::Barred),
            Ok(Err(MissReason::Undecodable)) => {
                Presence::Missing(Missing::Rejected(Reject::Damaged))
            }
            Ok(Err(MissReason::Rejected(reason))) => Presence::Missing(Missing::Rejected(reason)),
            Ok(Err(_)) => Presence::Missing(Missing::Nothing),
            Err(error) => Presence::Unreachable(error),
        }
    }
}
