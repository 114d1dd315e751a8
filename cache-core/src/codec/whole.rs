//! The codec of a whole cache, which is chosen at run time.

use std::fmt;

use super::Codec;
#[cfg(not(feature = "own-codec"))]
use super::Json;
#[cfg(all(feature = "messagepack", not(feature = "own-codec")))]
use super::MessagePack;
#[cfg(all(feature = "postcard", not(feature = "own-codec")))]
use super::Postcard;
use super::built_in::BuiltIn;
use super::coder::Coder;
use crate::Error;
use crate::call::CacheValue;
#[cfg(debug_assertions)]
use crate::round_trip::{Form, Misfit};

/// A codec that a whole cache may have: see [`CacheBuilder::codec`](crate::CacheBuilder::codec).
///
/// Implemented for those of this module, and, with the feature `own-codec`, for each [`Codec`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the codec of a whole cache",
    label = "not a codec that a cache may have",
    note = "`Json`, and `Postcard` and `MessagePack` with the features of these names, may; a codec of your own needs the feature `own-codec`, or is said on single functions: `#[cached(codec = …)]`"
)]
pub trait CacheCodec: Codec + Sized {
    #[doc(hidden)]
    fn chosen(self) -> Chosen;
}

#[cfg(feature = "own-codec")]
#[diagnostic::do_not_recommend]
impl<C: Codec> CacheCodec for C {
    fn chosen(self) -> Chosen {
        Chosen(match BuiltIn::of::<C>() {
            Some(built_in) => Choice::BuiltIn(built_in),
            None => Choice::Own(std::sync::Arc::new(self)),
        })
    }
}

#[cfg(not(feature = "own-codec"))]
macro_rules! built_in {
    ($($name:ident)*) => {$(
        impl CacheCodec for $name {
            fn chosen(self) -> Chosen {
                Chosen(Choice::BuiltIn(BuiltIn::$name))
            }
        }
    )*};
}

#[cfg(not(feature = "own-codec"))]
built_in!(Json);
#[cfg(all(feature = "postcard", not(feature = "own-codec")))]
built_in!(Postcard);
#[cfg(all(feature = "messagepack", not(feature = "own-codec")))]
built_in!(MessagePack);

/// What was chosen. Nothing can be done with it but to give it to a cache.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Chosen(pub(crate) Choice);

#[derive(Clone)]
pub(crate) enum Choice {
    BuiltIn(BuiltIn),
    #[cfg(feature = "own-codec")]
    Own(std::sync::Arc<dyn super::erased::Erased>),
}

impl Choice {
    /// Refuses a codec that takes a number of the project's.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::BuiltIn(_) => Ok(()),
            #[cfg(feature = "own-codec")]
            Self::Own(codec) => super::coder::check_number(codec.number())
                .map_err(|error| Error::configuration(format!("codec: {error}"))),
        }
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self::BuiltIn(BuiltIn::Json)
    }
}

impl<V: CacheValue> Coder<V> for Choice {
    fn id(&self) -> u8 {
        match self {
            Self::BuiltIn(codec) => Coder::<V>::id(codec),
            #[cfg(feature = "own-codec")]
            Self::Own(codec) => codec.number(),
        }
    }

    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::BuiltIn(codec) => codec.encode(value, into),
            #[cfg(feature = "own-codec")]
            Self::Own(codec) => codec.encode_erased(value, into),
        }
    }

    fn decode_own(&self, bytes: &[u8]) -> Result<V, Error> {
        match self {
            Self::BuiltIn(codec) => codec.decode_own(bytes),
            #[cfg(feature = "own-codec")]
            Self::Own(codec) => super::erased::decode(&**codec, bytes),
        }
    }

    #[cfg(debug_assertions)]
    fn form(&self) -> Form {
        match self {
            Self::BuiltIn(codec) => Coder::<V>::form(codec),
            #[cfg(feature = "own-codec")]
            Self::Own(_) => Form::Unknown,
        }
    }

    #[cfg(debug_assertions)]
    fn misfit(&self, value: &V, bytes: &[u8]) -> Option<Misfit> {
        match self {
            Self::BuiltIn(codec) => codec.misfit(value, bytes),
            #[cfg(feature = "own-codec")]
            Self::Own(_) => None,
        }
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(codec) => codec.fmt(f),
            #[cfg(feature = "own-codec")]
            Self::Own(codec) => write!(f, "Own({})", codec.number()),
        }
    }
}
