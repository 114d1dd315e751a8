//! Values that a `Deserialize` is tried with.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::fault::Fault;

/// A value, as a self-describing format would hold it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sample {
    Unit,
    Bool(bool),
    U64(u64),
    I64(i64),
    F64(f64),
    Char(char),
    Str(&'static str),
    Bytes(&'static [u8]),
    Seq(Vec<Sample>),
    Map(Vec<(Sample, Sample)>),
}

impl fmt::Display for Sample {
    /// As it stands in descriptions: never changes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Bool(value) => write!(f, "bool {value}"),
            Self::U64(value) => write!(f, "unsigned {value}"),
            Self::I64(value) => write!(f, "signed {value}"),
            Self::F64(value) => write!(f, "float {value}"),
            Self::Char(value) => write!(f, "char {value}"),
            Self::Str(value) => write!(f, "text {value}"),
            Self::Bytes(value) => write!(f, "bytes {}", value.len()),
            Self::Seq(parts) => write!(f, "sequence {}", parts.len()),
            Self::Map(pairs) => write!(f, "map {}", pairs.len()),
        }
    }
}

/// Texts that types which are read from a text may take, the most general first. The first that a
/// type takes is part of its shape, so that a date is told from a time: new ones go to the end.
pub(super) const TEXTS: &[&str] = &[
    "",
    "1",
    "a",
    "A",
    "true",
    "2000-01-02",
    "12:34:56",
    "2000-01-02T12:34:56",
    "2000-01-02T12:34:56Z",
    "12:34:56.0",
    "2000-01-02 12:34:56.0",
    "2000-01-02 12:34:56.0 +00:00:00",
    "+00:00",
    "+00:00:00",
    "67e55044-10b1-426f-9247-bb680e5fe0c8",
    "https://example.com/",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "127.0.0.0/8",
    "::/64",
    "1.0.0",
    "0.000000000",
    "user@example.com",
    "example.com",
    "UTC",
    "Europe/Paris",
    "en",
    "en-US",
    "USD",
    "DE",
    "P1D",
    "PT1S",
    "1s",
    "1 s",
    "#ffffff",
    "00:00:00:00:00:00",
    "Monday",
    "Mon",
    "January",
    "2000-01",
    "application/json",
    "/a",
    "a/b",
    "AAAA",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "+14155552671",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "{}",
    "null",
];

/// Read with the [`Deserializer`] of a format that describes itself, such as JSON's.
pub(super) struct Given<'s>(pub(super) &'s Sample);

impl<'de> IntoDeserializer<'de, Fault> for Given<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Given<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Sample::Unit => visitor.visit_unit(),
            Sample::Bool(value) => visitor.visit_bool(*value),
            Sample::U64(value) => visitor.visit_u64(*value),
            Sample::I64(value) => visitor.visit_i64(*value),
            Sample::F64(value) => visitor.visit_f64(*value),
            Sample::Char(value) => visitor.visit_char(*value),
            Sample::Str(value) => visitor.visit_str(value),
            Sample::Bytes(value) => visitor.visit_bytes(value),
            Sample::Seq(parts) => visitor.visit_seq(SeqDeserializer::new(parts.iter().map(Given))),
            Sample::Map(pairs) => visitor.visit_map(MapDeserializer::new(
                pairs.iter().map(|(key, value)| (Given(key), Given(value))),
            )),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Sample::Unit => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Sample::Str(name) => visitor.visit_enum((*name).into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
