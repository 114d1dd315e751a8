//! What the cache can do with the values of a type, settled where the type is known.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::codec::{Codec, Json};
use crate::entry::Draft;
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
    pub(crate) coding: Option<Coding<V>>,
}

/// How values of a type get into stored entries and out of them.
#[derive(Debug)]
pub(crate) struct Coding<V> {
    /// The codec's number, which stands in the header.
    pub(crate) codec: u8,
    /// The shape of the type, which stands in the header as a fingerprint.
    pub(crate) schema: fn() -> &'static Schema,
    /// Encodes a value, or its absence.
    pub(crate) encode: fn(&Draft<'_>, Option<&V>) -> Result<Vec<u8>, Error>,
    pub(crate) decode: fn(&[u8]) -> Result<V, Error>,
    /// Whether a value comes back equal.
    #[cfg(debug_assertions)]
    pub(crate) round_trip: fn(&V, Option<Equality<V>>) -> RoundTrip,
}

impl<V> Handling<V> {
    /// Of values that never leave the process.
    pub(crate) fn local() -> Self {
        Self {
            weigh: |_| 0,
            same: None,
            coding: None,
        }
    }

    /// The shape of the type, unless its values never leave the process.
    #[inline]
    pub(crate) fn schema(&self) -> Option<fn() -> &'static Schema> {
        self.coding.map(|coding| coding.schema)
    }

    /// Of values that a store may hold.
    #[inline]
    pub(crate) fn shared() -> Self
    where
        V: Serialize + DeserializeOwned + 'static,
    {
        Self {
            weigh: serialized_len,
            same: Some(written_alike),
            coding: Some(Coding {
                codec: Json.id(),
                schema: Schema::of::<V>,
                encode: |draft, value| match value {
                    Some(value) => draft.value(&Json, value),
                    None => draft.absent(),
                },
                decode: |bytes| Json.decode(bytes),
                #[cfg(debug_assertions)]
                round_trip: |value, equal| round_trip::of(&Json, Json::misfit::<V>, value, equal),
            }),
        }
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

impl<V> Clone for Coding<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Coding<V> {}
