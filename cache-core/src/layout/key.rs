//! The atoms of a layout: names and buckets.

use std::fmt;

use crate::key::leaf_bucket;

/// The name of a value or a generation in a store: bytes, because a scan may meet names that are no
/// text.
///
/// `Debug` shows the length alone, because names carry rendered arguments, and these belong in no
/// log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<[u8]>);

impl Key {
    /// A key as a store has named it, in a scan for example.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Parts put together, in one allocation: a hit in a store makes half a dozen keys.
    pub(super) fn of(parts: &[&str]) -> Self {
        Self(parts.concat().into_bytes().into())
    }

    /// The bytes to send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self(name.into_bytes().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes)", self.0.len())
    }
}

/// One of 65,536 buckets that functions' entries fall into by bare name and arguments: the finest
/// thing that an invalidation can name.
///
/// It depends neither on version, type nor fingerprint, so that the old and the new processes of a
/// rolling deploy invalidate each other's entries. Two entries in one bucket only invalidate each
/// other needlessly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf(pub(super) u16);

impl Leaf {
    /// The leaf of a function's entry: by the function's bare name and the canonical bytes of its
    /// arguments.
    #[must_use]
    pub fn of_call(function: &str, arguments: &[u8]) -> Self {
        Self(leaf_bucket(function, arguments))
    }

    /// The bucket's number.
    #[must_use]
    pub fn bucket(self) -> u16 {
        self.0
    }
}
