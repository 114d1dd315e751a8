//! Generations and fences: what a read must prove before a stored entry may answer it.
//!
//! Every node, leaf and tag has a *generation*, a random 128-bit nonce under its own small key.
//! Invalidating deletes it. An entry carries its *fence*: the generations that replies of the
//! store had shown before the entry's body ran. It may answer only while each of them is still
//! there and equal.
//!
//! Three rules keep that safe, and the types of this module hold them:
//!
//! - *Missing is never zero.* A [`Generation`] can't be zero, and [`Observed::verify`] refuses as
//!   long as one generation is missing. Were a missing one to equal a default, an invalidation
//!   followed by an eviction would bring the older entry back.
//! - *A fence holds only what replies have shown.* [`Fence`] has no constructor but
//!   [`Observed::complete`], which answers only when nothing is missing. Without a `Fence` an entry
//!   can't be encoded ([`Draft`](crate::entry::Draft) asks for one), so an incomplete observation
//!   can be neither filled nor shared.
//! - *A nonce is sent once.* [`Nonce`] can't be cloned, and the store takes it by value. A nonce
//!   that was sent again after an invalidation had deleted it would revive every entry filled under
//!   it.
//!
//! The order of the generations is that of [`EntryKeys`](crate::layout::EntryKeys): the leaf first,
//! because every entry has exactly one, then the nodes from the outermost to the innermost, then
//! the tags.

use std::fmt;
use std::num::NonZeroU128;

use crate::Error;
use crate::mutants::{Mutant, active};
use crate::store::Swap;

/// The random 128-bit value that a node, leaf or tag has until it is invalidated.
///
/// Random and not counted up: a counter that is evicted begins anew, and its old values match
/// again. `Option<Generation>` is as small as `Generation`, and none is zero.
///
/// # Example
///
/// ```
/// use cache_core::fence::Generation;
///
/// let shown = Generation::from_bytes(&[7; 16]).unwrap();
/// assert_eq!(shown.to_bytes(), [7; 16]);
/// assert_eq!(Generation::from_bytes(&[0; 16]), None);
/// assert_eq!(Generation::from_bytes(b"planted"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation(NonZeroU128);

impl Generation {
    /// The length of a generation in the store and in an entry's header, in bytes.
    pub const LEN: usize = 16;

    /// Reads what a store holds under a generation's key. `None` for anything but 16 bytes that
    /// are not all zero: such a value was not written by this project and counts as missing.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        #[cfg(mutants)]
        let bytes = &*Self::counted(bytes);
        let bytes: [u8; Self::LEN] = bytes.try_into().ok()?;
        NonZeroU128::new(u128::from_be_bytes(bytes)).map(Self)
    }

    /// The bytes under which the generation stands in the store and in an entry's header.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.get().to_be_bytes()
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Generation({:032x})", self.0)
    }
}

/// A generation that nobody has seen yet: what a mint or a swap offers to the store.
///
/// It can't be cloned, and a [`Store`](crate::store::Store) receives it by value: each nonce is
/// sent at most once. See the [module](crate::fence) for what a second sending would break.
///
/// Its bytes come from the operating system each time. A generator of our own, seeded once, would
/// repeat its nonces in a forked process or in a virtual machine resumed twice from one snapshot.
pub struct Nonce(Generation);

impl Nonce {
    /// Takes 128 bits from the operating system's random source.
    ///
    /// # Errors
    ///
    /// A configuration error when the operating system has no random source to offer. The caller
    /// then goes on without a fence.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; Generation::LEN];
        loop {
            getrandom::fill(&mut bytes).map_err(|error| {
                // The text, because the error type implements `std::error::Error` only with a
                // feature of its crate.
                Error::configuration(format!(
                    "no random bytes from the operating system: {error}"
                ))
            })?;
            // All zero once in 2^128: drawn again, not handed out.
            if let Some(generation) = Generation::from_bytes(&bytes) {
                return Ok(Self(generation));
            }
        }
    }

    #[cfg(mutants)]
    pub(crate) fn of(generation: Generation) -> Self {
        Self(generation)
    }

    /// The bytes to send.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Generation::LEN] {
        self.0.to_bytes()
    }

    /// The generation that exists since the store's reply said that this nonce was taken. For
    /// implementations of a store, after that reply and not before.
    #[must_use]
    pub fn into_generation(self) -> Generation {
        self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

/// The generations of one entry as replies have shown them so far, with holes where a reply showed
/// none.
///
/// It goes one way: a read shows what is there, a mint shows more, and
/// [`complete`](Self::complete) turns it into a [`Fence`].
///
/// # Example
///
/// ```
/// use cache_core::fence::{Generation, Observed};
///
/// let leaf = Generation::from_bytes(&[1; 16]);
/// let node = Generation::from_bytes(&[2; 16]);
///
/// let observed = Observed::new([leaf, None]);
/// assert_eq!(observed.missing().collect::<Vec<_>>(), [1]);
/// let observed = observed.complete().unwrap_err(); // not yet: there is a hole
/// let fence = observed.with_minted(&[node]).complete().unwrap();
/// assert_eq!(fence.generations().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed(Vec<Option<Generation>>);

/// Why an observation does not prove what an entry carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuted {
    /// A generation is missing: invalidated, evicted, expired, or never minted.
    Missing,
    /// Every generation is there, but the entry was computed under others.
    Stale,
}

impl Observed {
    /// What one reply has shown, in the order of the entry's generations. Nothing but the content
    /// of a reply belongs in here: no default, no remembered value.
    #[must_use]
    pub fn new(shown: impl IntoIterator<Item = Option<Generation>>) -> Self {
        #[cfg(mutants)]
        let shown = shown.into_iter().map(crate::mutants::or_default);
        Self(shown.into_iter().collect())
    }

    /// The positions of the generations that no reply has shown: what to mint.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        let shown = self.0.iter().enumerate();
        shown.filter_map(|(position, generation)| generation.is_none().then_some(position))
    }

    /// Fills the holes with the store's reply to a mint of all [`missing`](Self::missing) ones, in
    /// that order. A reply of another length belongs to another request, and nothing is taken from
    /// it. What was shown before stays: the later reply could be newer than an invalidation in
    /// between, and mixing the two would be no harm, but would prove no more either.
    #[must_use]
    pub fn with_minted(mut self, shown: &[Option<Generation>]) -> Self {
        if self.missing().count() == shown.len() {
            let holes = self.0.iter_mut().filter(|hole| hole.is_none());
            for (hole, generation) in holes.zip(shown) {
                *hole = *generation;
            }
        }
        self
    }

    /// The fence, if every generation has been shown.
    ///
    /// # Errors
    ///
    /// Gives the observation back while a generation is missing, and when there are none at all:
    /// an entry without a generation could never be invalidated. The caller runs its body, stores
    /// nothing and shares the computation with nobody.
    pub fn complete(self) -> Result<Fence, Self> {
        let shown: Option<Vec<Generation>> = self.0.iter().copied().collect();
        match shown {
            Some(shown) if !shown.is_empty() => Ok(Fence(shown.into())),
            _ => Err(self),
        }
    }

    /// Whether an entry that carries these generations may answer: each is shown and equal.
    ///
    /// # Errors
    ///
    /// [`Refuted::Missing`] while one is missing, whatever the entry carries; [`Refuted::Stale`]
    /// when one differs or their number does.
    pub fn verify(&self, carried: impl IntoIterator<Item = Generation>) -> Result<(), Refuted> {
        if active(Mutant::ScanAndDelete) {
            return Ok(());
        }
        #[cfg(mutants)]
        if active(Mutant::IncompleteFenceFilled) {
            return crate::mutants::verify_around_holes(&self.0, carried);
        }
        if self.0.is_empty() || self.0.contains(&None) {
            return Err(Refuted::Missing);
        }
        if self.0.iter().copied().eq(carried.into_iter().map(Some)) {
            Ok(())
        } else {
            Err(Refuted::Stale)
        }
    }
}

/// The generations of one entry, every one of them shown by a reply: what an entry carries, and
/// with its key what a shared computation is known by.
///
/// Read it *before* the body runs. A fence read afterwards would vouch for data that the body had
/// read before an invalidation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fence(Box<[Generation]>);

impl Fence {
    /// The generations: the leaf, the nodes from the outermost to the innermost, the tags. Never
    /// empty.
    #[must_use]
    pub fn generations(&self) -> &[Generation] {
        &self.0
    }

    /// The fence for a value that was written through, after its leaf was swapped.
    ///
    /// `self` was read before the body ran. `None` when the leaf that the swap found is not the
    /// one that this fence holds: somebody else wrote or invalidated in between, so nothing may be
    /// stored, and the leaf must be invalidated. The nodes stay as they were before the body, so
    /// that an invalidation of a node in between leaves the value dead.
    #[must_use]
    pub fn after_swap(mut self, swap: &Swap) -> Option<Self> {
        match *swap {
            Swap::Done { previous, now }
                if previous == Some(self.0[0]) || active(Mutant::SwapBlindly) =>
            {
                self.0[0] = now;
                Some(self)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(byte: u8) -> Generation {
        Generation::from_bytes(&[byte; 16]).unwrap()
    }

    fn fence(bytes: &[u8]) -> Fence {
        Observed::new(bytes.iter().map(|byte| Some(generation(*byte))))
            .complete()
            .unwrap()
    }

    #[test]
    fn missing_generation_proves_nothing_whatever_the_entry_carries() {
        let observed = Observed::new([Some(generation(1)), None]);
        for carried in [
            vec![generation(1)],
            vec![generation(1), generation(2)],
            vec![],
        ] {
            assert_eq!(observed.verify(carried), Err(Refuted::Missing));
        }
    }

    #[test]
    fn equal_generations_in_equal_order_are_proof_and_nothing_else_is() {
        let (one, two) = (generation(1), generation(2));
        let observed = Observed::new([Some(one), Some(two)]);
        assert_eq!(observed.verify([one, two]), Ok(()));
        for carried in [
            vec![two, one],
            vec![one],
            vec![one, two, two],
            vec![],
            vec![one, one],
        ] {
            assert_eq!(observed.verify(carried), Err(Refuted::Stale));
        }
    }

    #[test]
    fn no_generations_at_all_make_neither_a_fence_nor_a_proof() {
        assert!(Observed::new([]).complete().is_err());
        assert_eq!(Observed::new([]).verify([]), Err(Refuted::Missing));
    }

    #[test]
    fn refused_mint_leaves_the_hole() {
        let observed = Observed::new([None, Some(generation(2)), None]);
        let observed = observed.with_minted(&[Some(generation(1)), None]);
        assert_eq!(observed.missing().collect::<Vec<_>>(), [2]);
        assert!(observed.complete().is_err());
    }

    #[test]
    fn mint_reply_of_another_length_is_not_ours() {
        let observed = Observed::new([None, Some(generation(2))]);
        let unchanged = observed
            .clone()
            .with_minted(&[Some(generation(1)), Some(generation(3))]);
        assert_eq!(unchanged, observed);
    }

    #[test]
    fn mint_replaces_nothing_that_was_shown() {
        let fence = Observed::new([None, Some(generation(2))])
            .with_minted(&[Some(generation(1))])
            .complete()
            .unwrap();
        assert_eq!(fence.generations(), [generation(1), generation(2)]);
    }

    #[test]
    fn swap_is_accepted_only_from_the_leaf_that_was_read() {
        let swapped = |previous| Swap::Done {
            previous,
            now: generation(9),
        };
        let rotated = fence(&[1, 2])
            .after_swap(&swapped(Some(generation(1))))
            .unwrap();
        assert_eq!(rotated.generations(), [generation(9), generation(2)]);
        assert_eq!(
            fence(&[1, 2]).after_swap(&swapped(Some(generation(2)))),
            None
        );
        assert_eq!(fence(&[1, 2]).after_swap(&swapped(None)), None);
        assert_eq!(fence(&[1, 2]).after_swap(&Swap::Full), None);
    }

    #[test]
    fn nonces_differ() {
        let drawn: std::collections::HashSet<_> = (0..1000)
            .map(|_| Nonce::random().unwrap().into_generation())
            .collect();
        assert_eq!(drawn.len(), 1000);
    }

    #[test]
    fn nonce_shows_itself_to_no_log() {
        let nonce = Nonce::random().unwrap();
        assert_eq!(format!("{nonce:?}"), "Nonce(..)");
    }
}
