//! What stands in the header beside the fence.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What an entry says to be the entry of, compared before it may answer.
///
/// A hash over the whole visible key, the identity of function, type and arguments at its end
/// included. A reply shifted by one and a value that was copied or planted under another key, in
/// another namespace even, thus never answer. Plain entries and functions' differ even under keys
/// that are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Echo(pub(super) [u8; 16]);

impl Echo {
    /// The echo of a function's entry, by the visible key of its value.
    #[must_use]
    pub fn of_function(key: &[u8]) -> Self {
        Self::of(b'f', key)
    }

    /// The echo of a plain entry, by the visible key of its value.
    #[must_use]
    pub fn of_plain(key: &[u8]) -> Self {
        Self::of(b'p', key)
    }

    fn of(kind: u8, key: &[u8]) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&[kind]).update(key);
        let mut echo = [0; 16];
        echo.copy_from_slice(&hash.finalize().as_bytes()[..16]);
        Self(echo)
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Echo({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The shape of a value's type; an entry of another shape is not decoded.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub(super) [u8; 16]);

impl Fingerprint {
    /// No fingerprint was taken. It equals itself alone: neither does an entry without one answer a
    /// function that has one, nor the other way round.
    pub const NONE: Self = Self([0; 16]);

    /// The first 128 bits of a hash over the shape.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The times in an entry's header. See the [module](super) for what may depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub(super) created: u64,
    pub(super) fresh: u64,
    pub(super) cost: u32,
    pub(super) outlives: bool,
}

impl Stamp {
    /// An entry made at `created` by the wall clock, fresh for `fresh` from then on, whose body
    /// took `cost`. Kept in milliseconds, milliseconds and microseconds; what is beyond the range
    /// (a cost above 71 minutes) becomes its end.
    #[must_use]
    pub fn new(created: SystemTime, fresh: Duration, cost: Duration) -> Self {
        let since_epoch = created.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            created: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            fresh: u64::try_from(fresh.as_millis()).unwrap_or(u64::MAX),
            cost: u32::try_from(cost.as_micros()).unwrap_or(u32::MAX),
            outlives: false,
        }
    }

    /// The same, of an entry that the store keeps for longer than it is fresh: a reader who has no
    /// use for a value that has expired must look at its age.
    #[must_use]
    pub fn outliving(mut self) -> Self {
        self.outlives = true;
        self
    }

    /// Whether the store may keep the entry for longer than it is fresh.
    #[must_use]
    pub fn outlives(&self) -> bool {
        self.outlives
    }

    /// For how long it is fresh from when it was made.
    pub(crate) fn fresh(&self) -> Duration {
        Duration::from_millis(self.fresh)
    }

    /// The time since the entry was made; zero when the two clocks disagree about the order.
    #[must_use]
    pub fn age(&self, now: SystemTime) -> Duration {
        let now = Self::new(now, Duration::ZERO, Duration::ZERO).created;
        Duration::from_millis(now.saturating_sub(self.created))
    }

    /// The time for which the entry stays fresh; zero when it is not fresh any more.
    #[must_use]
    pub fn fresh_for(&self, now: SystemTime) -> Duration {
        Duration::from_millis(self.fresh).saturating_sub(self.age(now))
    }

    /// How long the body took.
    #[must_use]
    pub fn cost(&self) -> Duration {
        Duration::from_micros(self.cost.into())
    }
}
