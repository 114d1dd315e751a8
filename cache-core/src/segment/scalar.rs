//! The text of a scalar, by way of serde.

use std::fmt::{self, Display, Write};

use serde::ser::{self, Impossible, Serialize, Serializer};

/// Writes the text of one scalar value, not escaped.
pub(super) struct Scalar<'a>(pub(super) &'a mut String);

/// What a scalar turned out to be.
pub(super) enum Rendered {
    Text,
    None,
}

/// Why a value has no text.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Not a scalar; the kind that it is, with its article.
    NotScalar(&'static str),
    /// Its `Serialize` failed with these words, which may quote the value.
    Failed(String),
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotScalar(kind) => kind,
            Self::Failed(message) => message,
        })
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        Self::Failed(message.to_string())
    }
}

impl Scalar<'_> {
    fn text(self, text: &str) -> Result<Rendered, Refusal> {
        self.0.push_str(text);
        Ok(Rendered::Text)
    }

    fn display(self, value: impl Display) -> Result<Rendered, Refusal> {
        write!(self.0, "{value}").map_err(ser::Error::custom)?;
        Ok(Rendered::Text)
    }
}

macro_rules! displayed {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, v: $type) -> Result<Rendered, Refusal> {
            self.display(v)
        }
    )*};
}

impl Serializer for Scalar<'_> {
    type Ok = Rendered;
    type Error = Refusal;
    type SerializeSeq = Impossible<Rendered, Refusal>;
    type SerializeTuple = Impossible<Rendered, Refusal>;
    type SerializeTupleStruct = Impossible<Rendered, Refusal>;
    type SerializeTupleVariant = Impossible<Rendered, Refusal>;
    type SerializeMap = Impossible<Rendered, Refusal>;
    type SerializeStruct = Impossible<Rendered, Refusal>;
    type SerializeStructVariant = Impossible<Rendered, Refusal>;

    displayed! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
    }

    fn serialize_str(self, v: &str) -> Result<Rendered, Refusal> {
        self.text(v)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Rendered, Refusal> {
        self.display(value)
    }

    fn serialize_none(self) -> Result<Rendered, Refusal> {
        Ok(Rendered::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Rendered, Refusal> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Rendered, Refusal> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Rendered, Refusal> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Rendered, Refusal> {
        Err(Refusal::NotScalar("a byte string"))
    }

    fn serialize_unit(self) -> Result<Rendered, Refusal> {
        Err(Refusal::NotScalar("the unit value"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Rendered, Refusal> {
        Err(Refusal::NotScalar("a unit struct"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Rendered, Refusal> {
        Err(Refusal::NotScalar("a variant with a value"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Refusal> {
        Err(Refusal::NotScalar("a sequence"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refusal> {
        Err(Refusal::NotScalar("a tuple"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Refusal> {
        Err(Refusal::NotScalar("a tuple struct"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Refusal> {
        Err(Refusal::NotScalar("a variant with values"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refusal> {
        Err(Refusal::NotScalar("a map"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Refusal> {
        Err(Refusal::NotScalar("a struct"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Refusal> {
        Err(Refusal::NotScalar("a variant with fields"))
    }
}
