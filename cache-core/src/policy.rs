//! What is kept, where and for how long: plain data.

use std::time::Duration;

/// The longest that an entry may live: 30 days.
pub const MAX_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The shortest time for which a store keeps anything: a millisecond.
pub(crate) const SHORTEST_TTL: Duration = Duration::from_millis(1);

/// How long an entry lives when nobody says otherwise: one hour.
pub const DEFAULT_TTL: Duration = Duration::from_secs(60 * 60);

/// Whether a value may live so long.
pub(crate) fn is_storable(ttl: Duration) -> bool {
    !ttl.is_zero() && ttl <= MAX_TTL
}

/// What the attribute of a function says.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// How long a value is kept; the cache's default when not given.
    pub(crate) ttl: Option<Duration>,
    /// How long an absence is kept; not at all when not given.
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) tier: Tier,
    /// Whether callers that miss together share one computation.
    pub(crate) coalesce: bool,
    /// By what share a ttl is shortened at most, in parts per million.
    pub(crate) jitter: u32,
    /// For how long an expired value is answered while it is computed anew in the background.
    pub(crate) stale_while_revalidate: Duration,
    /// For how long an expired value is answered when the body fails.
    pub(crate) stale_if_error: Duration,
    /// How long before it expires a value is computed anew.
    pub(crate) refresh_ahead: Option<Ahead>,
    /// How long a caller waits for the body where an expired value may answer.
    pub(crate) timeout: Option<Duration>,
    /// Of how many hits the body runs too, in parts per million.
    pub(crate) verify: u32,
}

impl Policy {
    pub(crate) const fn new() -> Self {
        Self {
            ttl: None,
            none_ttl: None,
            tier: Tier::All,
            coalesce: true,
            jitter: 0,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            refresh_ahead: None,
            timeout: None,
            verify: 0,
        }
    }
}

/// How long before the end of its ttl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ahead {
    Span(Duration),
    /// A share of the ttl, in parts per million.
    Share(u32),
}

/// Where the entries of a function may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Wherever the cache keeps entries.
    All,
    /// In the process alone.
    MemoryOnly,
    /// In the shared store alone. A cache without one keeps them in memory: its memory is the
    /// store.
    SharedOnly,
}
