//! The stored entry: a header that proves what it is, and the encoded value behind it.
//!
//! # Format 1
//!
//! Numbers are little-endian.
//!
//! | offset | bytes | what |
//! | ---: | ---: | --- |
//! | 0 | 3 | magic `89 43 57`; the first byte occurs in no UTF-8 text, JSON included |
//! | 3 | 1 | format, 1 |
//! | 4 | 1 | flags: bit 0 the value is absent, bit 1 the body is compressed, bit 2 it is kept for longer than it is fresh, others zero |
//! | 5 | 1 | [codec](crate::codec::Codec::id) of the body; 0 for an absent value |
//! | 6 | 1 | number of generations *n*, at least 1 |
//! | 7 | 1 | how the body is compressed: 0 not at all, 1 zstd, 2 LZ4 (one block, without a size before it) |
//! | 8 | 16 | [echo](Echo) of the key |
//! | 24 | 16 | [fingerprint](Fingerprint) of the value's type; zero when there is none |
//! | 40 | 8 | creation, in milliseconds since 1970 |
//! | 48 | 8 | how long it is fresh, in milliseconds |
//! | 56 | 4 | how long the body took, in microseconds |
//! | 60 | 4 | length of the body, as it stands there |
//! | 64 | 8 | check: XXH3-64 of all that is behind it, seeded with the XXH3-64 of all that is before it |
//! | 72 | 16 *n* | the [fence](crate::fence::Fence) |
//! | 72 + 16 *n* | | the body; if it is compressed, its length before that, in 4 bytes, and the compressed bytes |
//!
//! What begins with the magic and a higher format, or has a flag that this program does not know,
//! was written by a newer one: a miss like any other, overwritten by the next fill. Compressed entries
//! came later than the format: a program from before takes them for such.
//!
//! # What is detected
//!
//! Every flipped bit, wherever it is, and every truncation and extension is a [`Reject`]: the check
//! covers the body too. It guards against damage, not against forgery: whoever may write to the
//! store can compute it. Measured, it costs 12 ns for an entry of 200 bytes, 56 ns for 1 kB and 33 µs
//! for 1 MB. (The beginning of a BLAKE3 hash cost 0.3 µs, 1.4 µs and 0.1 ms: a tenth of what a hit
//! takes in the process.)
//!
//! What a compressed body says to be long is not believed: room is made for what comes out, up to
//! the largest value that the program takes, and a body that gives more than it says is a
//! [`Bomb`](Reject::Bomb).
//!
//! # Times
//!
//! The end of an entry is the store's matter: its time to live, counted by the server's clock,
//! which no process' clock can move. The times in the header serve what is softer: refreshing ahead
//! and stale windows, where the store's time to live includes the window and the header says when
//! the entry stops being fresh; and a near copy, which must not outlive the original. They are
//! wall-clock times, the only ones that two machines share, hence kept so that a wrong clock is
//! harmless: the header holds a moment and a span and not a final moment, an [`age`](Stamp::age) is
//! never negative, and an entry is fresh for no longer than its span by any one clock that does not
//! step backwards. An entry that the store keeps for longer than it is fresh says so, so that a
//! program without stale windows does not take it for fresh. No promise about invalidation depends on them. A function without stale windows
//! or refreshing ahead must not look at them at all.

mod body;
mod draft;
mod head;
mod header;
mod reject;

use std::fmt;
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::codec::{self, compression};
use crate::fence::{Generation, Observed, Refuted};
use crate::mutants::{Mutant, active};

pub use body::{Body, Packed};
pub use draft::Draft;
pub use head::Head;
pub use header::{Echo, Fingerprint, Stamp};
pub use reject::Reject;

const MAGIC: [u8; 3] = [0x89, b'C', b'W'];
const FORMAT: u8 = 1;
const ABSENT: u8 = 1;
const COMPRESSED: u8 = 1 << 1;
const OUTLIVES: u8 = 1 << 2;
const NO_CODEC: u8 = 0;

/// The bytes before the fence.
const FIXED: usize = 72;
const CHECK: std::ops::Range<usize> = 64..72;

/// Whether the header of an entry says nothing that this format does not know.
fn is_of_this_format(bytes: &[u8]) -> bool {
    bytes[4] & !(ABSENT | COMPRESSED | OUTLIVES) == 0 && bytes[7] <= compression::LAST
}

fn check(bytes: &[u8]) -> [u8; 8] {
    let header = xxh3_64(&bytes[..CHECK.start]);
    xxh3_64_with_seed(&bytes[CHECK.end..], header).to_le_bytes()
}

/// Bytes that are an undamaged entry, of which nothing is proven yet: the body can't be had from
/// it.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    bytes: &'a [u8],
    count: usize,
}

/// What an entry must be to answer.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Of the key that was read.
    pub echo: Echo,
    /// Of the value's type.
    pub fingerprint: Fingerprint,
    /// The codec that the program has. A body of another of the [project's](crate::codec) is
    /// expected as well.
    pub codec: u8,
    /// The generations that the read has shown.
    pub observed: &'a Observed,
}

impl<'a> Envelope<'a> {
    /// Takes apart what stood under a key. `largest` is the largest entry, header included, that is
    /// looked at.
    ///
    /// Never panics, whatever the bytes are, and allocates nothing.
    ///
    /// # Errors
    ///
    /// The reason why it is no entry that this program can read.
    pub fn parse(bytes: &'a [u8], largest: usize) -> Result<Self, Reject> {
        if bytes.len() > largest {
            return Err(Reject::TooLarge);
        }
        if Head::version(bytes)? != FORMAT {
            return Err(Reject::Future);
        }
        if bytes.len() < FIXED {
            return Err(Reject::Truncated);
        }
        let count = usize::from(bytes[6]);
        let envelope = Self { bytes, count };
        let body = usize::try_from(envelope.u32_at(60)).unwrap_or(usize::MAX);
        match bytes.len().cmp(&envelope.body_start().saturating_add(body)) {
            std::cmp::Ordering::Less => return Err(Reject::Truncated),
            std::cmp::Ordering::Greater => return Err(Reject::Damaged),
            std::cmp::Ordering::Equal => {}
        }
        if bytes[CHECK] != check(bytes) {
            return Err(Reject::Damaged);
        }
        envelope.check_fields(body)?;
        Ok(envelope)
    }

    /// What a writer of this format keeps to; behind the check, so a difference is not chance.
    fn check_fields(&self, body: usize) -> Result<(), Reject> {
        if !is_of_this_format(self.bytes) {
            return Err(Reject::Future);
        }
        let empty = self.bytes[5] == NO_CODEC && body == 0 && !self.is_compressed();
        if self.count == 0
            || (self.is_absent() && !empty)
            || (!self.is_absent() && self.bytes[5] == NO_CODEC)
            || self.is_compressed() != (self.bytes[7] != 0)
            || (self.is_compressed() && body < Packed::DECLARED)
            || self.generations().count() != self.count
        {
            return Err(Reject::Damaged);
        }
        Ok(())
    }

    /// Gives the entry out if it is the one that is expected and every generation that it carries
    /// is still there.
    ///
    /// # Errors
    ///
    /// The first reason why it may not answer.
    pub fn prove(self, expected: &Expected<'_>) -> Result<Entry<'a>, Reject> {
        if self.array_at(8) != expected.echo.0 && !active(Mutant::EchoIgnored) {
            return Err(Reject::WrongEcho);
        }
        if self.array_at(24) != expected.fingerprint.0 {
            return Err(Reject::WrongFingerprint);
        }
        if !self.is_absent() && !codec::reads(expected.codec, self.bytes[5]) {
            return Err(Reject::WrongCodec);
        }
        if self.is_compressed() && !compression::is_known(self.bytes[7]) {
            return Err(Reject::UnknownCompression);
        }
        self.verify(expected.observed)?;
        Ok(Entry(self))
    }

    /// Whether the entry's generations are still there, whatever entry it is.
    ///
    /// # Errors
    ///
    /// [`Reject::Unproven`] or [`Reject::Stale`].
    pub fn verify(&self, observed: &Observed) -> Result<(), Reject> {
        observed
            .verify(self.generations())
            .map_err(|refuted| match refuted {
                Refuted::Missing => Reject::Unproven,
                Refuted::Stale => Reject::Stale,
            })
    }

    /// The fingerprint that it says to be of.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.array_at(24))
    }

    fn generations(&self) -> impl Iterator<Item = Generation> + '_ {
        let fence = &self.bytes[FIXED..self.body_start()];
        fence
            .chunks_exact(Generation::LEN)
            .filter_map(Generation::from_bytes)
    }

    fn is_absent(&self) -> bool {
        self.bytes[4] & ABSENT != 0
    }

    fn is_compressed(&self) -> bool {
        self.bytes[4] & COMPRESSED != 0
    }

    fn body_start(&self) -> usize {
        FIXED + self.count * Generation::LEN
    }

    fn array_at<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[offset..offset + N]);
        array
    }

    fn u32_at(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.array_at(offset))
    }
}

// No `Debug` of this module shows a value: what is printed here ends up in logs.
impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope({} bytes)", self.bytes.len())
    }
}

/// An entry that may answer.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a>(Envelope<'a>);

impl<'a> Entry<'a> {
    /// What the entry holds.
    #[must_use]
    pub fn body(&self) -> Body<'a> {
        let body = &self.0.bytes[self.0.body_start()..];
        if self.0.is_absent() {
            Body::Absent
        } else if self.0.is_compressed() {
            Body::Compressed(Packed::new(self.0.bytes[7], body))
        } else {
            Body::Value(body)
        }
    }

    /// What tells it from any other entry of the same key: the check covers the fence.
    pub(crate) fn id(&self) -> u64 {
        u64::from_le_bytes(self.0.array_at(CHECK.start))
    }

    /// The [number](crate::codec::Codec::id) of the codec that has encoded the value; 0 if there is none.
    #[must_use]
    pub fn codec(&self) -> u8 {
        self.0.bytes[5]
    }

    /// Creation, freshness and cost.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp {
            created: u64::from_le_bytes(self.0.array_at(40)),
            fresh: u64::from_le_bytes(self.0.array_at(48)),
            cost: self.0.u32_at(56),
            outlives: self.0.bytes[4] & OUTLIVES != 0,
        }
    }

    /// The same entry with other times, under the same fence: it answers just as long as this one
    /// may.
    pub(crate) fn restamped(&self, created: SystemTime, fresh: Duration) -> Vec<u8> {
        let stamp = Stamp::new(created, fresh, self.stamp().cost());
        let mut bytes = self.0.bytes.to_vec();
        bytes[40..48].copy_from_slice(&stamp.created.to_le_bytes());
        bytes[48..56].copy_from_slice(&stamp.fresh.to_le_bytes());
        let check = check(&bytes);
        bytes[CHECK].copy_from_slice(&check);
        bytes
    }
}
