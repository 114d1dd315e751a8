//! The reasons why stored bytes do not answer.

use std::fmt;

/// Why stored bytes do not answer: the reason of a miss. Whatever it is, the body runs, and the
/// next fill overwrites what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reject {
    /// Larger than the largest value that this program takes.
    TooLarge,
    /// Not written by this project.
    Foreign,
    /// Written by a newer version of this project.
    Future,
    /// It ends too early.
    Truncated,
    /// Some byte is not what was written.
    Damaged,
    /// The entry of another key: copied, planted, or the reply to another request.
    WrongEcho,
    /// A value of another shape.
    WrongFingerprint,
    /// A value in another encoding.
    WrongCodec,
    /// Compressed in a way that this program is not compiled with.
    UnknownCompression,
    /// Compressed, and more comes out than was declared.
    Bomb,
    /// A generation is missing: invalidated, evicted or expired.
    Unproven,
    /// Computed before an invalidation.
    Stale,
}

impl Reject {
    /// Each reason once, in the order of their declaration.
    #[cfg(any(feature = "metrics", test))]
    pub(crate) const ALL: [Self; 12] = [
        Self::TooLarge,
        Self::Foreign,
        Self::Future,
        Self::Truncated,
        Self::Damaged,
        Self::WrongEcho,
        Self::WrongFingerprint,
        Self::WrongCodec,
        Self::UnknownCompression,
        Self::Bomb,
        Self::Unproven,
        Self::Stale,
    ];

    /// The reason as the label of a metric: one lower-case word or several joined by `_`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Foreign => "foreign",
            Self::Future => "future",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::WrongEcho => "wrong_echo",
            Self::WrongFingerprint => "wrong_fingerprint",
            Self::WrongCodec => "wrong_codec",
            Self::UnknownCompression => "unknown_compression",
            Self::Bomb => "bomb",
            Self::Unproven => "unproven",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Reject {}
