//! Generations, fences and leaves that break a rule.

use std::borrow::Cow;

use super::{Mutant, active};
use crate::fence::{Fence, Generation, Nonce, Observed, Refuted};
use crate::function::Function;

/// The first number of a counter, with as many digits as a generation has bytes, so that a server
/// can count it up.
const FIRST: &str = "1000000000000000";

/// Stands in a fence for what no reply has shown.
const HOLE: [u8; Generation::LEN] = [b'*'; Generation::LEN];

/// What a missing generation counts as in [`Mutant::MissingIsZero`].
const ZERO: [u8; Generation::LEN] = [b'0'; Generation::LEN];

fn generation(bytes: &[u8]) -> Generation {
    Generation::from_bytes(bytes).expect("not all zero")
}

impl Generation {
    /// A counter as a server shows it, in the form of a generation: `INCRBY` of what is missing
    /// makes fewer digits than [`FIRST`] has.
    pub(crate) fn counted(bytes: &[u8]) -> Cow<'_, [u8]> {
        let is_number = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
        if !active(Mutant::CounterInsteadOfNonce) || !is_number || bytes.len() >= Self::LEN {
            return Cow::Borrowed(bytes);
        }
        let mut padded = ZERO;
        padded[Self::LEN - bytes.len()..].copy_from_slice(bytes);
        Cow::Owned(padded.to_vec())
    }

    /// The generation that a counter stands for.
    pub(crate) fn of_count(count: i64) -> Option<Self> {
        (count > 0).then(|| generation(&Self::counted(count.to_string().as_bytes())))
    }
}

impl Nonce {
    /// What a mint offers.
    pub(crate) fn offered(self) -> Self {
        if active(Mutant::CounterInsteadOfNonce) {
            return Self::of(generation(FIRST.as_bytes()));
        }
        self
    }

    /// The same one.
    pub(crate) fn again(&self) -> Self {
        Self::of(generation(&self.to_bytes()))
    }
}

impl Observed {
    /// A fence for what `generations` generations there are, none of which was shown.
    pub(crate) fn unseen(generations: usize) -> Fence {
        Self::new((0..generations).map(|_| None)).with_holes()
    }

    /// A fence that compares nothing where nothing was shown.
    pub(crate) fn with_holes(self) -> Fence {
        let holes = vec![Some(generation(&HOLE)); self.missing().count()];
        let fence = self.with_minted(&holes).complete();
        fence.expect("an entry has a generation, and every hole was filled")
    }
}

impl Fence {
    pub(crate) fn has_holes(&self) -> bool {
        self.generations().contains(&generation(&HOLE))
    }
}

impl Function {
    /// The name of a leaf that depends on the version. Never freed: a process that runs with this
    /// mutant does not run for long.
    pub(crate) fn name_of_a_versioned_leaf(&self) -> Option<&'static str> {
        let version = self.version_number()?;
        let name = || &*format!("{}.v{version}", self.name()).leak();
        active(Mutant::LeafDependsOnVersion).then(name)
    }
}

/// What was shown, or what counts instead of it.
pub(crate) fn or_default(shown: Option<Generation>) -> Option<Generation> {
    shown.or_else(|| active(Mutant::MissingIsZero).then(|| generation(&ZERO)))
}

/// Whether an entry that carries these generations may answer when its holes do not count.
pub(crate) fn verify_around_holes(
    shown: &[Option<Generation>],
    carried: impl IntoIterator<Item = Generation>,
) -> Result<(), Refuted> {
    let carried: Vec<_> = carried.into_iter().collect();
    let fits = |(shown, carried): (&Option<Generation>, &Generation)| {
        carried.to_bytes() == HOLE || *shown == Some(*carried)
    };
    if shown.len() == carried.len() && shown.iter().zip(&carried).all(fits) {
        Ok(())
    } else {
        Err(Refuted::Stale)
    }
}
