//! The hash under which the memory tier looks a key up.

use std::hash::{BuildHasher, Hasher};

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, RandomState};

/// Where the hashes of one cache begin: at random, against keys crafted to collide.
#[derive(Clone, Copy)]
pub(crate) struct HashSeed {
    own: u64,
    shared: &'static SharedSeed,
}

impl HashSeed {
    /// A seed that nobody can foresee.
    pub(crate) fn random() -> Self {
        Self {
            own: RandomState::default().hash_one(()),
            shared: SharedSeed::global_random(),
        }
    }

    /// The same seed every time, for bytes that are not looked up.
    pub(crate) const fn fixed() -> Self {
        Self {
            own: 0,
            shared: SharedSeed::global_fixed(),
        }
    }

    /// The seed for what belongs to the function (or the like) at `address`.
    ///
    /// The hasher begins by an exclusive or of seed and bytes, so seeds must not be near each other
    /// as addresses are: the 7 of one function would displace the 8 of another for good.
    #[inline]
    pub(crate) fn at(self, address: usize) -> Self {
        /// 2⁶⁴ divided by the golden ratio, odd: spreads what is near.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let own = self.own.wrapping_add((address as u64).wrapping_mul(SPREAD));
        Self { own, ..self }
    }

    #[inline]
    pub(super) fn hasher(self) -> FoldHasher<'static> {
        FoldHasher::with_seed(self.own, self.shared)
    }

    /// The hash of bytes that are already there.
    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

impl std::fmt::Debug for HashSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashSeed")
    }
}
