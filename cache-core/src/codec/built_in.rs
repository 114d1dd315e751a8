//! The codecs of the project that are compiled in.

use std::any::TypeId;

#[cfg(feature = "messagepack")]
use super::MessagePack;
#[cfg(feature = "postcard")]
use super::Postcard;
use super::coder::Coder;
#[cfg(feature = "postcard")]
use super::postcard;
use super::{Codec, Json};
use crate::Error;
use crate::call::CacheValue;
#[cfg(debug_assertions)]
use crate::round_trip::{Form, Misfit};

/// The first number of codecs that are not the project's.
pub(super) const FIRST_OWN: u8 = 128;

/// One of them. Any process that has it can read what another has written with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    Json,
    #[cfg(feature = "postcard")]
    Postcard,
    #[cfg(feature = "messagepack")]
    MessagePack,
}

impl BuiltIn {
    const ALL: &[Self] = &[
        Self::Json,
        #[cfg(feature = "postcard")]
        Self::Postcard,
        #[cfg(feature = "messagepack")]
        Self::MessagePack,
    ];

    /// The one with this number.
    pub(crate) fn with_id(id: u8) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|codec| codec.number() == id)
    }

    /// The one that a type of codec is. Not by the number, which anybody can give.
    pub(super) fn of<C: Codec>() -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|codec| codec.type_id() == TypeId::of::<C>())
    }

    fn number(self) -> u8 {
        match self {
            Self::Json => Json.id(),
            #[cfg(feature = "postcard")]
            Self::Postcard => Postcard.id(),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => MessagePack.id(),
        }
    }

    fn type_id(self) -> TypeId {
        match self {
            Self::Json => TypeId::of::<Json>(),
            #[cfg(feature = "postcard")]
            Self::Postcard => TypeId::of::<Postcard>(),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => TypeId::of::<MessagePack>(),
        }
    }

    pub(super) fn read<V: CacheValue>(self, bytes: &[u8]) -> Result<V, Error> {
        match self {
            Self::Json => Json.decode(bytes),
            #[cfg(feature = "postcard")]
            Self::Postcard => Postcard.decode(bytes),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => MessagePack.decode(bytes),
        }
    }
}

impl<V: CacheValue> Coder<V> for BuiltIn {
    fn id(&self) -> u8 {
        self.number()
    }

    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Json => Json.encode(value, into),
            #[cfg(feature = "postcard")]
            Self::Postcard => postcard::encode_as(value, into),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => MessagePack.encode(value, into),
        }
    }

    fn decode_own(&self, bytes: &[u8]) -> Result<V, Error> {
        self.read(bytes)
    }

    #[cfg(debug_assertions)]
    fn form(&self) -> Form {
        match self {
            Self::Json => Form::Text,
            #[cfg(feature = "postcard")]
            Self::Postcard => Form::Positions,
            #[cfg(feature = "messagepack")]
            Self::MessagePack => Form::Unknown,
        }
    }

    #[cfg(debug_assertions)]
    #[cfg_attr(
        not(feature = "postcard"),
        allow(unused_variables, reason = "JSON needs the bytes alone")
    )]
    fn misfit(&self, value: &V, bytes: &[u8]) -> Option<Misfit> {
        match self {
            Self::Json => Json::misfit::<V>(bytes),
            #[cfg(feature = "postcard")]
            Self::Postcard => Postcard::misfit(value),
            #[cfg(feature = "messagepack")]
            Self::MessagePack => None,
        }
    }
}
