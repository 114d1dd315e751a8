//! What the cache can do with the values of a type, settled where the type is known.

use serde::Serialize;

use crate::Error;
use crate::call::CacheValue;
use crate::codec::{self, Choice, Coder, Compression};
use crate::entry::{Draft, Fingerprint};
use crate::key::KeyWriter;
#[cfg(debug_assertions)]
use crate::outcome::Equality;
#[cfg(debug_assertions)]
use crate::round_trip::{self, RoundTrip};
use crate::schema::Schema;

/// How values of a type are weighed and, unless they never leave the process, encoded.
#[derive(Debug)]
pub(crate) struct Handling<V> {
    /// How heavy the parts of a value are that lie outside of it.
    pub(crate) weigh: fn(&V) -> u64,
    /// Whether two values are written alike, where they can be written.
    pub(crate) same: Option<fn(&V, &V) -> bool>,
    pub(crate) encodable: Option<Encodable<V>>,
}

/// That values of a type can be stored, whatever the codec is.
#[derive(Debug)]
pub(crate) struct Encodable<V> {
    /// The shape of the type, which stands in the header as a fingerprint.
    schema: fn() -> &'static Schema,
    of_cache: fn(&Choice) -> &dyn Coder<V>,
    decode: Decode<V>,
    #[cfg(debug_assertions)]
    round_trip: fn(&dyn Coder<V>, &V, Option<Equality<V>>) -> RoundTrip,
}

/// Decodes a body by the number of its codec.
type Decode<V> = fn(&dyn Coder<V>, u8, &[u8]) -> Result<V, Error>;

/// How a cache makes the bodies of stored entries.
#[derive(Debug, Clone)]
pub(crate) struct Packaging {
    pub(crate) codec: Choice,
    pub(crate) compression: Option<Compression>,
    /// In bytes, encoded and without compression.
    pub(crate) largest_value: usize,
}

/// The largest value, unless the builder says otherwise, and the largest that it may say.
const LARGEST_VALUE: usize = 16 << 20;
const LARGEST_POSSIBLE: usize = 256 << 20;

impl Default for Packaging {
    fn default() -> Self {
        Self {
            codec: Choice::default(),
            compression: None,
            largest_value: LARGEST_VALUE,
        }
    }
}

impl Packaging {
    /// Refuses settings that can't work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.codec.check()?;
        if let Some(compression) = &self.compression {
            compression.check()?;
        }
        if !(1..=LARGEST_POSSIBLE).contains(&self.largest_value) {
            return Err(Error::configuration(format!(
                "largest_value is {}: it must be from 1 to {LARGEST_POSSIBLE} bytes",
                self.largest_value
            )));
        }
        Ok(())
    }
}

/// How the values of a call get into stored entries and out of them.
pub(crate) struct Coding<'a, V> {
    encodable: Encodable<V>,
    coder: &'a dyn Coder<V>,
    packaging: &'a Packaging,
}

/// Why a value is not stored.
#[derive(Debug)]
pub(crate) enum Unstored {
    /// Of so many bytes.
    TooLarge(usize),
    Unencodable(Error),
}

impl<V> Handling<V> {
    /// Of values that never leave the process.
    pub(crate) fn local() -> Self {
        Self {
            weigh: |_| 0,
            same: None,
            encodable: None,
        }
    }

    /// The shape of the type, unless its values never leave the process.
    #[inline]
    pub(crate) fn schema(&self) -> Option<fn() -> &'static Schema> {
        self.encodable.map(|encodable| encodable.schema)
    }

    /// Of values that a store may hold.
    #[inline]
    pub(crate) fn shared() -> Self
    where
        V: CacheValue,
    {
        Self {
            weigh: serialized_len,
            same: Some(written_alike),
            encodable: Some(Encodable::new()),
        }
    }
}

impl<V> Encodable<V> {
    #[inline]
    pub(crate) fn new() -> Self
    where
        V: CacheValue,
    {
        Self {
            schema: Schema::of::<V>,
            of_cache: |codec| codec,
            decode: codec::decode,
            #[cfg(debug_assertions)]
            round_trip: round_trip::of,
        }
    }

    /// By the codec of the function, or else of the cache.
    pub(crate) fn coding<'a>(
        self,
        packaging: &'a Packaging,
        of_function: Option<&'a dyn Coder<V>>,
    ) -> Coding<'a, V> {
        Coding {
            encodable: self,
            coder: of_function.unwrap_or_else(|| (self.of_cache)(&packaging.codec)),
            packaging,
        }
    }
}

impl<V> Coding<'_, V> {
    /// The codec's number, which stands in the header.
    pub(crate) fn codec(&self) -> u8 {
        self.coder.id()
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        (self.encodable.schema)().fingerprint()
    }

    /// The largest value that is stored or read, in bytes.
    pub(crate) fn largest_value(&self) -> usize {
        self.packaging.largest_value
    }

    /// The bytes of an entry that keeps a value, or its absence.
    pub(crate) fn encode(&self, draft: &Draft<'_>, value: Option<&V>) -> Result<Vec<u8>, Unstored> {
        let Some(value) = value else {
            return draft.absent().map_err(Unstored::Unencodable);
        };
        let encode = |into: &mut Vec<u8>| self.coder.encode(value, into);
        let open = draft.open(self.codec(), encode);
        let mut open = open.map_err(Unstored::Unencodable)?;
        if open.length() > self.largest_value() {
            return Err(Unstored::TooLarge(open.length()));
        }
        if let Some(compression) = &self.packaging.compression {
            open.compress(compression);
        }
        open.seal().map_err(Unstored::Unencodable)
    }

    /// The value of a body, encoded by the codec with this number.
    pub(crate) fn decode(&self, codec: u8, body: &[u8]) -> Result<V, Error> {
        (self.encodable.decode)(self.coder, codec, body)
    }

    /// Whether a value comes back equal.
    #[cfg(debug_assertions)]
    pub(crate) fn round_trip(&self, value: &V, equal: Option<Equality<V>>) -> RoundTrip {
        (self.encodable.round_trip)(self.coder, value, equal)
    }
}

/// The size of what a value serializes to: an estimate of what it owns on the heap.
fn serialized_len<V: Serialize>(value: &V) -> u64 {
    let mut writer = KeyWriter::new();
    writer.argument(value);
    writer.bytes().len() as u64
}

/// Whether two values have the same canonical bytes; also if they have none, for then nothing is known.
fn written_alike<V: Serialize>(one: &V, other: &V) -> bool {
    let written = |value: &V| {
        let mut writer = KeyWriter::new();
        writer.argument(value);
        writer
    };
    let (one, other) = (written(one), written(other));
    let both = one.error().is_none() && other.error().is_none();
    !both || one.bytes() == other.bytes()
}

impl<V> Clone for Handling<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Handling<V> {}

impl<V> Clone for Encodable<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Encodable<V> {}
