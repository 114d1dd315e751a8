//! What goes to and from a store, counted: operations, misses by reason, errors by class.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::entry::Reject;
use crate::error::Error;

/// What is asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Heads,
    Mint,
    Write,
    Prolong,
    Swap,
    Invalidate,
    Remove,
    Scan,
    Count,
    Probe,
}

#[cfg(feature = "metrics")]
impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Heads => "heads",
            Self::Mint => "mint",
            Self::Write => "write",
            Self::Prolong => "prolong",
            Self::Swap => "swap",
            Self::Invalidate => "invalidate",
            Self::Remove => "remove",
            Self::Scan => "scan",
            Self::Count => "count",
            Self::Probe => "probe",
        }
    }
}

/// Why a call was not answered by the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissReason {
    /// There is no entry, or it expired.
    Absent,
    /// What is there may not answer.
    Rejected(Reject),
    /// The entry is what it should be, and its body can't be decoded.
    Undecodable,
    /// An invalidation that the store has not acknowledged covers it.
    Pending,
    /// The store did not answer.
    Unavailable,
    /// The store keeps it for longer than it is fresh, and it is of no use any more.
    Expired,
}

impl MissReason {
    pub(crate) const COUNT: usize = 17;

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Undecodable => 1,
            Self::Pending => 2,
            Self::Unavailable => 3,
            Self::Expired => 4,
            Self::Rejected(reject) => 5 + reject as usize,
        }
    }

    #[cfg(any(feature = "metrics", test))]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let own = [
            Self::Absent,
            Self::Undecodable,
            Self::Pending,
            Self::Unavailable,
            Self::Expired,
        ];
        own.into_iter().chain(Reject::ALL.map(Self::Rejected))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Undecodable => "undecodable",
            Self::Expired => "expired",
            Self::Pending => "pending_invalidation",
            Self::Unavailable => "unavailable",
            Self::Rejected(reject) => reject.as_str(),
        }
    }
}

/// What went wrong, as far as a label of a metric tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    Outage,
    Configuration,
    Data,
    /// The store has no room.
    Full,
    TooLarge,
}

impl ErrorClass {
    pub(crate) const ALL: [Self; 5] = [
        Self::Outage,
        Self::Configuration,
        Self::Data,
        Self::Full,
        Self::TooLarge,
    ];

    /// `None` for what the caller asked wrongly.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        if error.is_invalid_input() {
            None
        } else if error.is_configuration() {
            Some(Self::Configuration)
        } else if error.is_data() {
            Some(Self::Data)
        } else if error.is_full() {
            Some(Self::Full)
        } else {
            Some(Self::Outage)
        }
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Configuration => "configuration",
            Self::Data => "data",
            Self::Full => "full",
            Self::TooLarge => "too_large",
        }
    }
}

/// Errors by class.
#[derive(Debug, Default)]
pub(crate) struct ErrorCounts([AtomicU64; ErrorClass::ALL.len()]);

impl ErrorCounts {
    pub(crate) fn count(&self, class: ErrorClass) {
        self.0[class as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn of(&self, class: ErrorClass) -> u64 {
        self.0[class as usize].load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_place_of_its_own() {
        let mut places: Vec<_> = MissReason::all().map(MissReason::index).collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..MissReason::COUNT));
    }
}
