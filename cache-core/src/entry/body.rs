//! What an entry holds.

use std::fmt;

use super::Reject;
use crate::codec::compression;

/// What an entry holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// The function's answer was that there is no value.
    Absent,
    /// An encoded value.
    Value(&'a [u8]),
    /// An encoded value, compressed.
    Compressed(Packed<'a>),
}

/// A compressed body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packed<'a> {
    algorithm: u8,
    /// How long it says that it is without compression.
    declared: u32,
    bytes: &'a [u8],
}

impl<'a> Packed<'a> {
    /// How many bytes the declaration takes.
    pub(super) const DECLARED: usize = 4;

    /// `body` has the declaration.
    pub(super) fn new(algorithm: u8, body: &'a [u8]) -> Self {
        let (declared, bytes) = body.split_at(Self::DECLARED);
        let mut length = [0; Self::DECLARED];
        length.copy_from_slice(declared);
        Self {
            algorithm,
            declared: u32::from_le_bytes(length),
            bytes,
        }
    }

    /// The encoded value, if it is of `largest` bytes at most.
    ///
    /// Never panics, whatever the bytes are. Takes memory in proportion to what comes out, and for no
    /// more than is declared.
    ///
    /// # Errors
    ///
    /// [`Reject::TooLarge`] if more than `largest` bytes are declared, [`Reject::Bomb`] if more come out
    /// than are declared, [`Reject::UnknownCompression`] without the feature for it, and else
    /// [`Reject::Damaged`].
    pub fn unpack(&self, largest: usize) -> Result<Vec<u8>, Reject> {
        match usize::try_from(self.declared) {
            Ok(declared) if declared <= largest => {
                compression::decompress(self.algorithm, self.bytes, declared)
            }
            _ => Err(Reject::TooLarge),
        }
    }
}

// As everywhere here: what is printed ends up in logs.
impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Value(bytes) => write!(f, "Value({} bytes)", bytes.len()),
            Self::Compressed(packed) => write!(f, "Compressed({packed:?})"),
        }
    }
}

impl fmt::Debug for Packed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({} of {} bytes)", self.bytes.len(), self.declared)
    }
}
