//! Large bodies made smaller.

use crate::Error;
use crate::entry::Reject;

/// What is smaller is not compressed, unless the cache says otherwise: there, the time is more than
/// the bytes are worth.
#[cfg(any(feature = "zstd", feature = "lz4"))]
const ABOVE: usize = 1024;

/// So much is made room for without knowing whether there is as much; from there on room grows with
/// what has really come out.
#[cfg(any(feature = "zstd", feature = "lz4"))]
const ROOM: usize = 64 << 10;

/// How a cache compresses the values that it stores: see
/// [`CacheBuilder::compression`](crate::CacheBuilder::compression).
///
/// Values are compressed in the store alone, by the thread of the call that has computed them. One
/// that does not become smaller is stored as it is.
///
/// What is left of lists of records in JSON, and what compressing and decompressing take, on a small
/// virtual machine (`cargo bench -p cachewright-benches --bench encoding`); compare the ratios:
///
/// | | 1.2 kB | | | 15 kB | | | 220 kB | | |
/// | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
/// | LZ4 | 41 % | 0.6 µs | 0.2 µs | 27 % | 8 µs | 2 µs | 23 % | 95 µs | 29 µs |
/// | zstd, level 3 | 29 % | 12 µs | 1.4 µs | 16 % | 26 µs | 6 µs | 15 % | 270 µs | 70 µs |
/// | zstd, level 19 | 28 % | 130 µs | | 13 % | 4 ms | | 11 % | 70 ms | |
///
/// A body of less than 300 bytes is as large as its header; what compression saves there is a third
/// of the half. From about 1 kB on two thirds are saved, hence the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    algorithm: Algorithm,
    above: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    #[cfg(feature = "zstd")]
    Zstd(i32),
    #[cfg(feature = "lz4")]
    Lz4,
}

/// In the header.
const ZSTD: u8 = 1;
const LZ4: u8 = 2;

/// The highest number that the format knows.
pub(crate) const LAST: u8 = LZ4;

impl Compression {
    /// By [zstd](https://facebook.github.io/zstd/) at a level from 1 (the fastest) to 22; 3 is a good
    /// choice. Needs the feature `zstd`, which builds the C library: for a system without a C
    /// compiler there is LZ4.
    #[cfg(feature = "zstd")]
    #[must_use]
    pub const fn zstd(level: i32) -> Self {
        Self {
            algorithm: Algorithm::Zstd(level),
            above: ABOVE,
        }
    }

    /// By [LZ4](https://lz4.org), which is faster and compresses less. Needs the feature `lz4`, which is
    /// Rust without `unsafe`.
    #[cfg(feature = "lz4")]
    #[must_use]
    pub const fn lz4() -> Self {
        Self {
            algorithm: Algorithm::Lz4,
            above: ABOVE,
        }
    }

    /// Compresses values whose encoding is of so many bytes or more; 1024 by default.
    #[must_use]
    pub const fn above(mut self, bytes: usize) -> Self {
        self.above = bytes;
        self
    }

    /// Refuses what can't work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.algorithm {
            #[cfg(feature = "zstd")]
            Algorithm::Zstd(level) if !(1..=22).contains(&level) => Err(Error::configuration(
                format!("compression: the level of zstd is {level}, it must be from 1 to 22"),
            )),
            #[cfg(any(feature = "zstd", feature = "lz4"))]
            _ => Ok(()),
        }
    }

    /// The number of the algorithm, and what it makes of a body, if that is worth it.
    pub(crate) fn compress(&self, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        if body.len() < self.above {
            return None;
        }
        match self.algorithm {
            #[cfg(feature = "zstd")]
            Algorithm::Zstd(level) => {
                // If it does not fit it has not become smaller.
                let mut into = Vec::with_capacity(body.len());
                zstd::zstd_safe::compress(&mut into, body, level).ok()?;
                Some((ZSTD, into))
            }
            #[cfg(feature = "lz4")]
            Algorithm::Lz4 => Some((LZ4, lz4_flex::block::compress(body))),
        }
    }
}

/// Whether this program can decompress what was compressed so.
pub(crate) fn is_known(algorithm: u8) -> bool {
    let zstd = algorithm == ZSTD && cfg!(feature = "zstd");
    zstd || (algorithm == LZ4 && cfg!(feature = "lz4"))
}

/// The `declared` bytes that `bytes` were. Takes memory for what really comes out, and no more than
/// `declared`.
#[cfg_attr(
    not(any(feature = "zstd", feature = "lz4")),
    allow(unused_variables, reason = "nothing can be decompressed")
)]
pub(crate) fn decompress(algorithm: u8, bytes: &[u8], declared: usize) -> Result<Vec<u8>, Reject> {
    match algorithm {
        #[cfg(feature = "zstd")]
        ZSTD => grow(bytes.len(), declared, |into| {
            // `ZSTD_error_dstSize_tooSmall`; errors are negative.
            const TOO_SMALL: usize = 0_usize.wrapping_sub(70);
            unzstd(bytes, into).map_err(|code| match code {
                TOO_SMALL => Trouble::Room,
                _ => Trouble::Damage,
            })
        }),
        #[cfg(feature = "lz4")]
        LZ4 => grow(bytes.len(), declared, |into| {
            use lz4_flex::block::{DecompressError, decompress_into};
            decompress_into(bytes, into).map_err(|error| match error {
                DecompressError::OutputTooSmall { .. } => Trouble::Room,
                _ => Trouble::Damage,
            })
        }),
        _ => Err(Reject::UnknownCompression),
    }
}

/// With a context of the thread's, of 160 kB: to make one for each body takes 9 µs.
#[cfg(feature = "zstd")]
fn unzstd(bytes: &[u8], into: &mut [u8]) -> Result<usize, usize> {
    use std::cell::RefCell;
    use zstd::zstd_safe::{DCtx, decompress};

    thread_local! {
        static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
    }
    let with_context = CONTEXT.try_with(|context| {
        let mut context = context.borrow_mut();
        let context = match &mut *context {
            Some(context) => context,
            none => none.insert(DCtx::try_create()?),
        };
        Some(context.decompress(into, bytes))
    });
    match with_context {
        Ok(Some(length)) => length,
        // The thread is ending, or there is no memory.
        Ok(None) | Err(_) => decompress(into, bytes),
    }
}

#[cfg(any(feature = "zstd", feature = "lz4"))]
enum Trouble {
    /// More comes out than there is room for.
    Room,
    Damage,
}

/// Tries with more and more room. `decompress` says how much of it was filled.
#[cfg(any(feature = "zstd", feature = "lz4"))]
fn grow(
    compressed: usize,
    declared: usize,
    decompress: impl Fn(&mut [u8]) -> Result<usize, Trouble>,
) -> Result<Vec<u8>, Reject> {
    // Most bodies become smaller by less than this, and fit at once.
    let mut room = compressed.saturating_mul(8).max(ROOM).min(declared);
    loop {
        let mut into = vec![0; room];
        match decompress(&mut into) {
            Ok(length) if length == declared => return Ok(into),
            Ok(_) | Err(Trouble::Damage) => return Err(Reject::Damaged),
            Err(Trouble::Room) if room == declared => return Err(Reject::Bomb),
            Err(Trouble::Room) => room = room.saturating_mul(4).min(declared),
        }
    }
}

#[cfg(all(test, any(feature = "zstd", feature = "lz4")))]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// The room that is made for a body that says to be `declared` bytes and is `real`.
    fn rooms(declared: usize, real: Result<usize, ()>) -> Vec<usize> {
        let rooms = RefCell::new(Vec::new());
        let outcome = grow(100, declared, |into| {
            rooms.borrow_mut().push(into.len());
            match real {
                Ok(real) if real > into.len() => Err(Trouble::Room),
                Ok(real) => Ok(real),
                Err(()) => Err(Trouble::Damage),
            }
        });
        let expected = match real {
            Ok(real) if real == declared => None,
            Ok(real) if real > declared => Some(Reject::Bomb),
            _ => Some(Reject::Damaged),
        };
        assert_eq!(outcome.err(), expected);
        rooms.into_inner()
    }

    #[test]
    fn room_grows_with_what_comes_out_and_not_with_what_is_declared() {
        const DECLARED: usize = 16 << 20;
        assert_eq!(rooms(DECLARED, Err(())), [ROOM]);
        assert_eq!(rooms(DECLARED, Ok(10)), [ROOM]);
        assert_eq!(rooms(DECLARED, Ok(ROOM + 1)), [ROOM, 4 * ROOM]);
        assert_eq!(rooms(1000, Ok(usize::MAX)), [1000]);
        let all = rooms(DECLARED, Ok(usize::MAX));
        assert_eq!(all.last(), Some(&DECLARED), "and never more");
        assert_eq!(rooms(1000, Ok(1000)), [1000]);
    }
}
