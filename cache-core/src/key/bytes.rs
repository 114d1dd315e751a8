//! A growing byte string that stays on the stack while it is short.

use std::hash::Hasher;
use std::ops::{Deref, DerefMut};

use foldhash::quality::FoldHasher;

use super::seed::HashSeed;

/// Up to this many bytes never allocate: more than most calls need.
const INLINE: usize = 128;

/// A byte string that grows, and its hash.
///
/// The hash is taken of each piece as it is appended, while the piece is still in registers:
/// reading back what was just written in small pieces stalls the processor for 5 ns. Equal calls
/// append equal pieces. Only what is rewritten afterwards (the entries of a map are put in order)
/// is hashed anew from the bytes.
///
/// Not a `SmallVec`: its copies of unknown length made `(u64, &str)` cost 13 ns. An array that is
/// filled with zeros first (1 ns) can be written in pieces of known length without `unsafe`, and the
/// same costs 4 ns.
pub(super) struct Bytes {
    inline: [u8; INLINE],
    /// How many bytes of `inline` are used, while `heap` is empty.
    len: usize,
    /// All bytes, once they are too many.
    heap: Vec<u8>,
    hasher: FoldHasher<'static>,
    seed: HashSeed,
    rewritten: bool,
}

impl Bytes {
    #[inline]
    pub(super) fn new(seed: HashSeed) -> Self {
        Self {
            inline: [0; INLINE],
            len: 0,
            heap: Vec::new(),
            hasher: seed.hasher(),
            seed,
            rewritten: false,
        }
    }

    /// The hash of the bytes so far.
    #[inline]
    pub(super) fn hash(&self) -> u64 {
        if self.rewritten {
            self.seed.hash(self)
        } else {
            self.hasher.finish()
        }
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.hasher.write_u8(byte);
        self.store_prefix([byte], 1);
    }

    /// Appends two bytes.
    #[inline]
    pub(super) fn push_pair(&mut self, pair: [u8; 2]) {
        self.hasher.write_u16(u16::from_le_bytes(pair));
        self.store_prefix(pair, 2);
    }

    /// Appends `tag` and the first `used` bytes of `number`; the others are zero.
    #[inline]
    pub(super) fn push_number(&mut self, tag: u8, number: u64, used: usize) {
        self.hasher.write_u8(tag);
        self.hasher.write_u64(number);
        let mut bytes = [0; 9];
        bytes[0] = tag;
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        self.store_prefix(bytes, 1 + used);
    }

    /// Appends the first `used` of `bytes`.
    #[inline]
    pub(super) fn extend_prefix<const N: usize>(&mut self, bytes: [u8; N], used: usize) {
        self.hasher.write(&bytes[..used]);
        self.store_prefix(bytes, used);
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        self.store(bytes);
    }

    /// A short copy of known length is a store or two.
    #[inline]
    fn store_prefix<const N: usize>(&mut self, bytes: [u8; N], used: usize) {
        if self.heap.is_empty() {
            let rest = self.inline.get_mut(self.len..);
            if let Some(place) = rest.and_then(<[u8]>::first_chunk_mut) {
                *place = bytes;
                self.len += used;
                return;
            }
        }
        self.store(&bytes[..used]);
    }

    #[inline]
    fn store(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            let rest = self.inline.get_mut(self.len..);
            if let Some(place) = rest.and_then(|rest| rest.get_mut(..bytes.len())) {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
                return;
            }
        }
        self.store_on_heap(bytes);
    }

    #[cold]
    fn store_on_heap(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            self.heap.reserve(self.len + bytes.len());
            self.heap.extend_from_slice(&self.inline[..self.len]);
        }
        self.heap.extend_from_slice(bytes);
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if self.heap.is_empty() {
            &self.inline[..self.len]
        } else {
            &self.heap
        }
    }
}

impl DerefMut for Bytes {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.rewritten = true;
        if self.heap.is_empty() {
            &mut self.inline[..self.len]
        } else {
            &mut self.heap
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::collections::HashMap;

    use super::super::{HashSeed, KeyWriter};

    fn hash<T: serde::Serialize>(value: &T) -> (Vec<u8>, u64) {
        let mut writer = KeyWriter::with_seed(HashSeed::fixed().at(7));
        writer.argument(&1_u8).argument(value).argument(&"end");
        (writer.bytes().to_vec(), writer.hash())
    }

    #[test]
    fn maps_in_any_order_have_one_hash() {
        let forwards: HashMap<_, _> = (0..100).map(|i| (i, i.to_string())).collect();
        let backwards: HashMap<_, _> = (0..100).rev().map(|i| (i, i.to_string())).collect();
        assert_eq!(hash(&forwards), hash(&backwards));
    }

    #[test]
    fn different_values_seeds_and_orders_have_different_hashes() {
        let hashes = [
            hash(&1_u64).1,
            hash(&256_u64).1,
            hash(&-1_i64).1,
            hash(&"1").1,
            hash(&["a", "b"]).1,
            hash(&["b", "a"]).1,
            hash(&["ab", ""]).1,
            hash(&"x".repeat(1_000)).1,
            hash(&"x".repeat(1_001)).1,
            hash(&(1_u8, 2_u8)).1,
            hash(&(2_u8, 1_u8)).1,
        ];
        let distinct: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), hashes.len());
        let seeds = [
            HashSeed::fixed(),
            HashSeed::fixed().at(1),
            HashSeed::random(),
        ];
        let distinct: std::collections::HashSet<_> =
            seeds.iter().map(|seed| seed.hash(b"same")).collect();
        assert_eq!(distinct.len(), seeds.len());
    }

    #[test]
    fn functions_side_by_side_do_not_share_hashes() {
        for _ in 0..20 {
            let seed = HashSeed::random();
            let mut hashes = std::collections::HashSet::new();
            for address in (0..2_048).step_by(8) {
                for argument in 0..64_u64 {
                    let mut writer = KeyWriter::with_seed(seed.at(0x5000 + address));
                    writer.argument(&argument);
                    assert!(hashes.insert(writer.hash()), "{address} {argument}");
                }
            }
        }
    }
}
