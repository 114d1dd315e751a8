//! A growing byte string that stays on the stack while it is short.

use std::ops::{Deref, DerefMut};

/// Up to this many bytes never allocate: more than most calls need.
const INLINE: usize = 128;

/// A byte string that only grows.
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
}

impl Bytes {
    #[inline]
    pub(super) const fn new() -> Self {
        Self {
            inline: [0; INLINE],
            len: 0,
            heap: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.extend_prefix([byte], 1);
    }

    /// Appends the first `used` of `bytes`. A short copy of known length is a store or two.
    #[inline]
    pub(super) fn extend_prefix<const N: usize>(&mut self, bytes: [u8; N], used: usize) {
        if self.heap.is_empty() {
            let rest = self.inline.get_mut(self.len..);
            if let Some(place) = rest.and_then(<[u8]>::first_chunk_mut) {
                *place = bytes;
                self.len += used;
                return;
            }
        }
        self.extend(&bytes[..used]);
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            let rest = self.inline.get_mut(self.len..);
            if let Some(place) = rest.and_then(|rest| rest.get_mut(..bytes.len())) {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
                return;
            }
        }
        self.extend_heap(bytes);
    }

    #[cold]
    fn extend_heap(&mut self, bytes: &[u8]) {
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
        if self.heap.is_empty() {
            &mut self.inline[..self.len]
        } else {
            &mut self.heap
        }
    }
}
