//! Making an entry.

use serde::Serialize;

use super::{
    ABSENT, CHECK, COMPRESSED, Echo, FIXED, FORMAT, Fingerprint, MAGIC, NO_CODEC, OUTLIVES, Stamp,
    check,
};
use crate::Error;
use crate::codec::{Codec, Compression};
use crate::fence::{Fence, Generation};

/// An entry about to be encoded. It needs a [`Fence`], and thus every generation shown before the
/// body ran.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use cache_core::codec::{Codec, Json};
/// use cache_core::entry::{Body, Draft, Echo, Envelope, Expected, Fingerprint, Reject, Stamp};
/// use cache_core::fence::{Generation, Observed};
///
/// let observed = Observed::new([Generation::from_bytes(&[1; 16])]);
/// let draft = Draft {
///     echo: Echo::of_function(b"app:user:42:get_profile:3f9a"),
///     fingerprint: Fingerprint::NONE,
///     stamp: Stamp::new(SystemTime::now(), Duration::from_secs(60), Duration::from_millis(3)),
///     fence: &observed.clone().complete().unwrap(),
/// };
/// let bytes = draft.value(&Json, "Ada").unwrap();
///
/// let expected = Expected {
///     echo: draft.echo,
///     fingerprint: draft.fingerprint,
///     codec: Json.id(),
///     observed: &observed,
/// };
/// let entry = Envelope::parse(&bytes, 1 << 20).unwrap().prove(&expected).unwrap();
/// assert_eq!(entry.body(), Body::Value(br#""Ada""#));
///
/// // After an invalidation the generation is missing.
/// let observed = Observed::new([None]);
/// let expected = Expected { observed: &observed, ..expected };
/// let reject = Envelope::parse(&bytes, 1 << 20).unwrap().prove(&expected).unwrap_err();
/// assert_eq!(reject, Reject::Unproven);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Of the entry's key.
    pub echo: Echo,
    /// Of the value's type.
    pub fingerprint: Fingerprint,
    /// Creation, freshness and cost.
    pub stamp: Stamp,
    /// Read before the body ran.
    pub fence: &'a Fence,
}

impl Draft<'_> {
    /// The bytes of an entry that holds a value.
    ///
    /// # Errors
    ///
    /// A data error from the codec, and for a body of 4 GiB or more or a fence of more than 255
    /// generations.
    pub fn value<C: Codec, T: Serialize + ?Sized>(
        &self,
        codec: &C,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        self.open(codec.id(), |into| codec.encode(value, into))?
            .seal()
    }

    /// The same, compressed if that is worth it.
    ///
    /// # Errors
    ///
    /// As for [`value`](Self::value).
    pub fn compressed<C: Codec, T: Serialize + ?Sized>(
        &self,
        codec: &C,
        value: &T,
        compression: &Compression,
    ) -> Result<Vec<u8>, Error> {
        let mut open = self.open(codec.id(), |into| codec.encode(value, into))?;
        open.compress(compression);
        open.seal()
    }

    /// An entry whose body is what `encode` appends.
    pub(crate) fn open(
        &self,
        codec: u8,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Open, Error> {
        let mut bytes = self.header(0, codec)?;
        let start = bytes.len();
        encode(&mut bytes)?;
        Ok(Open { bytes, start })
    }

    /// The bytes of an entry that keeps the absence of a value.
    ///
    /// # Errors
    ///
    /// A data error for a fence of more than 255 generations.
    pub fn absent(&self) -> Result<Vec<u8>, Error> {
        let bytes = self.header(ABSENT, NO_CODEC)?;
        let start = bytes.len();
        Open { bytes, start }.seal()
    }

    fn header(&self, mut flags: u8, codec: u8) -> Result<Vec<u8>, Error> {
        if self.stamp.outlives {
            flags |= OUTLIVES;
        }
        let generations = self.fence.generations();
        let count = u8::try_from(generations.len())
            .map_err(|_| Error::data("an entry can't carry more than 255 generations"))?;
        let mut bytes = Vec::with_capacity(FIXED + generations.len() * Generation::LEN + 128);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[FORMAT, flags, codec, count, 0]);
        bytes.extend_from_slice(&self.echo.0);
        bytes.extend_from_slice(&self.fingerprint.0);
        bytes.extend_from_slice(&self.stamp.created.to_le_bytes());
        bytes.extend_from_slice(&self.stamp.fresh.to_le_bytes());
        bytes.extend_from_slice(&self.stamp.cost.to_le_bytes());
        bytes.resize(FIXED, 0);
        for generation in generations {
            bytes.extend_from_slice(&generation.to_bytes());
        }
        Ok(bytes)
    }
}

/// An entry that is complete but for what is known only behind the body.
pub(crate) struct Open {
    bytes: Vec<u8>,
    /// Of the body.
    start: usize,
}

impl Open {
    /// The length of the body.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Compresses the body, if it becomes smaller.
    pub(crate) fn compress(&mut self, compression: &Compression) {
        let Ok(declared) = u32::try_from(self.length()) else {
            return;
        };
        let Some((algorithm, compressed)) = compression.compress(&self.bytes[self.start..]) else {
            return;
        };
        let declared = declared.to_le_bytes();
        if compressed.len() + declared.len() >= self.length() {
            return;
        }
        self.bytes.truncate(self.start);
        self.bytes.extend_from_slice(&declared);
        self.bytes.extend_from_slice(&compressed);
        self.bytes[4] |= COMPRESSED;
        self.bytes[7] = algorithm;
    }

    /// Puts in the length of the body and the check.
    pub(crate) fn seal(mut self) -> Result<Vec<u8>, Error> {
        let body = u32::try_from(self.length())
            .map_err(|_| Error::data("a body of 4 GiB or more can't be stored"))?;
        self.bytes[60..64].copy_from_slice(&body.to_le_bytes());
        let check = check(&self.bytes);
        self.bytes[CHECK].copy_from_slice(&check);
        Ok(self.bytes)
    }
}
