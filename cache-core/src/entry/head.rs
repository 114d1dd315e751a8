//! The beginning of a stored entry.

use std::fmt;

use super::{Echo, FIXED, FORMAT, MAGIC, Reject, is_of_this_format};
use crate::fence::Generation;

/// The beginning of what may be an entry: what it says to be the entry of, and its fence. For those
/// who look at many entries and want the body of none.
///
/// Nothing of it is checked but its form, for the check covers the body; an entry that may answer
/// comes from [`Envelope::parse`](super::Envelope::parse) alone.
///
/// # Example
///
/// ```
/// use cache_core::entry::{Head, Reject};
///
/// assert_eq!(Head::length(4), 72 + 4 * 16);
/// assert_eq!(Head::parse(b"{\"json\": 1}").unwrap_err(), Reject::Foreign);
/// ```
#[derive(Clone, Copy)]
pub struct Head<'a> {
    bytes: &'a [u8],
}

impl<'a> Head<'a> {
    /// How many bytes of an entry its head takes up to the end of so many generations.
    #[must_use]
    pub const fn length(generations: usize) -> usize {
        FIXED + generations * Generation::LEN
    }

    /// Takes apart what an entry, or anything else, begins with; it may be cut off behind any byte.
    ///
    /// Never panics, whatever the bytes are, and allocates nothing.
    ///
    /// # Errors
    ///
    /// [`Reject::Foreign`], [`Reject::Future`] or [`Reject::Truncated`], the last for less than the
    /// header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Reject> {
        let version = Self::version(bytes)?;
        if version > FORMAT {
            return Err(Reject::Future);
        }
        if bytes.len() < FIXED {
            return Err(Reject::Truncated);
        }
        if !is_of_this_format(bytes) {
            return Err(Reject::Future);
        }
        Ok(Self { bytes })
    }

    /// The format of what begins as an entry does.
    pub(super) fn version(bytes: &[u8]) -> Result<u8, Reject> {
        let magic = bytes.len().min(MAGIC.len());
        if magic == 0 || bytes[..magic] != MAGIC[..magic] {
            return Err(Reject::Foreign);
        }
        match bytes.get(MAGIC.len()) {
            None => Err(Reject::Truncated),
            Some(0) => Err(Reject::Foreign),
            Some(&version) => Ok(version),
        }
    }

    /// What it says to be the entry of.
    #[must_use]
    pub fn echo(&self) -> Echo {
        let mut echo = [0; 16];
        echo.copy_from_slice(&self.bytes[8..24]);
        Echo(echo)
    }

    /// The generation in one place of its fence, counted from zero: `None` where the fence has no
    /// such place, or the head is cut off before its end.
    #[must_use]
    pub fn generation(&self, place: usize) -> Option<Generation> {
        if place >= usize::from(self.bytes[6]) {
            return None;
        }
        let bytes = self.bytes.get(Self::length(place)..Self::length(place + 1));
        bytes.and_then(Generation::from_bytes)
    }
}

// As everywhere here: what is printed ends up in logs.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({} bytes)", self.bytes.len())
    }
}
