//! A codec for the values of one type.

use std::sync::Arc;

use super::Codec;
use super::built_in::{BuiltIn, FIRST_OWN};
use crate::Error;
use crate::call::CacheValue;
#[cfg(debug_assertions)]
use crate::round_trip::{Form, Misfit};

/// What a [`Codec`] is for the values of one type: its methods have no type parameters, so that a
/// call may learn at run time which it has to use.
pub(crate) trait Coder<V>: Send + Sync {
    /// The number that stands in the header of what it writes.
    fn id(&self) -> u8;

    /// Appends the encoded value to `into`.
    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), Error>;

    /// Decodes what it has encoded.
    fn decode_own(&self, bytes: &[u8]) -> Result<V, Error>;

    /// What of a value it may be short of.
    #[cfg(debug_assertions)]
    fn form(&self) -> Form {
        Form::Unknown
    }

    /// Where in `bytes`, which it made of `value`, something can't be read back as it was written.
    #[cfg(debug_assertions)]
    fn misfit(&self, _value: &V, _bytes: &[u8]) -> Option<Misfit> {
        None
    }
}

/// Whether a body of the codec `found` can be read by who would write one of the codec `own`: other
/// codecs of the project are read by their number, so that one can be changed for another without a
/// miss; codecs of users know themselves alone.
pub(crate) fn reads(own: u8, found: u8) -> bool {
    own == found || BuiltIn::with_id(found).is_some()
}

/// Decodes a body by the number in its header.
pub(crate) fn decode<V: CacheValue>(
    coder: &dyn Coder<V>,
    codec: u8,
    bytes: &[u8],
) -> Result<V, Error> {
    match BuiltIn::with_id(codec) {
        Some(built_in) => built_in.read(bytes),
        None if codec == coder.id() => coder.decode_own(bytes),
        None => Err(Error::data("the body is of another codec")),
    }
}

/// The coder that a function's own codec is.
pub(crate) fn of_function<C: Codec, V: CacheValue>(codec: C) -> Arc<dyn Coder<V>> {
    match BuiltIn::of::<C>() {
        Some(built_in) => Arc::new(built_in),
        None => Arc::new(Own(codec)),
    }
}

/// A codec that is none of the project's.
struct Own<C>(C);

impl<C: Codec> Own<C> {
    fn checked(&self) -> Result<&C, Error> {
        check_number(self.0.id()).map(|()| &self.0)
    }
}

impl<C: Codec, V: CacheValue> Coder<V> for Own<C> {
    fn id(&self) -> u8 {
        self.0.id()
    }

    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), Error> {
        self.checked()?.encode(value, into)
    }

    fn decode_own(&self, bytes: &[u8]) -> Result<V, Error> {
        self.checked()?.decode(bytes)
    }
}

/// An entry of a codec that takes a number of the project's would be read as something else.
pub(super) fn check_number(id: u8) -> Result<(), Error> {
    if id >= FIRST_OWN {
        return Ok(());
    }
    Err(Error::data(format!(
        "the codec's number is {id}, which is kept for the project: choose one from 128 to 255"
    )))
}
