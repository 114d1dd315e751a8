//! The scalars that a `Deserialize` can ask for.

use serde::de::Visitor;

use super::fault::Fault;
use super::sample::{Sample, TEXTS};

/// What was asked for; part of the shape, whatever the type made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ask {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    String,
    Bytes,
    ByteBuf,
    Unit,
    Identifier,
    Ignored,
}

impl Ask {
    /// Its name in descriptions, which never changes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::Str => "str",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::ByteBuf => "byte buf",
            Self::Unit => "unit",
            Self::Identifier => "identifier",
            Self::Ignored => "ignored",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(
            self,
            Self::I8
                | Self::I16
                | Self::I32
                | Self::I64
                | Self::I128
                | Self::U8
                | Self::U16
                | Self::U32
                | Self::U64
                | Self::U128
                | Self::F32
                | Self::F64
        )
    }

    /// What to try, in this order.
    pub(super) fn samples(self) -> Vec<Sample> {
        match self {
            Self::Bool => vec![Sample::Bool(false), Sample::Bool(true)],
            Self::I8 | Self::I16 | Self::I32 | Self::I64 | Self::I128 => {
                let mut numbers = unsigned();
                numbers.push(Sample::I64(-1));
                numbers
            }
            Self::U8 | Self::U16 | Self::U32 | Self::U64 | Self::U128 => unsigned(),
            Self::F32 | Self::F64 => vec![Sample::F64(0.0), Sample::F64(1.0), Sample::F64(0.5)],
            Self::Char => ['a', 'A', '0', ' '].map(Sample::Char).to_vec(),
            Self::Str | Self::String | Self::Identifier => {
                TEXTS.iter().copied().map(Sample::Str).collect()
            }
            Self::Bytes | Self::ByteBuf => {
                let bytes: [&[u8]; 5] = [b"", &[0; 4], &[0; 16], &[0; 32], &[0; 64]];
                bytes.map(Sample::Bytes).to_vec()
            }
            Self::Unit | Self::Ignored => vec![Sample::Unit],
        }
    }

    /// Answers with a sample, in the type that was asked for. (JSON answers otherwise, with 64 bits
    /// for every number; but a type that cares asks for what it wants.)
    pub(super) fn give<'de, V: Visitor<'de>>(
        self,
        sample: &Sample,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match sample {
            Sample::Unit => visitor.visit_unit(),
            Sample::Bool(value) => visitor.visit_bool(*value),
            Sample::Char(value) => visitor.visit_char(*value),
            Sample::Str(value) => visitor.visit_str(value),
            Sample::Bytes(value) => visitor.visit_bytes(value),
            Sample::F64(value) if self == Self::F32 => visitor.visit_f32(*value as f32),
            Sample::F64(value) => visitor.visit_f64(*value),
            Sample::U64(value) => self.give_integer(i64::try_from(*value).ok(), visitor),
            Sample::I64(value) => self.give_integer(Some(*value), visitor),
            Sample::Seq(_) | Sample::Map(_) => Err(Fault::Stuck),
        }
    }

    fn give_integer<'de, V: Visitor<'de>>(
        self,
        value: Option<i64>,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        fn fit<T: TryFrom<i64>>(value: Option<i64>) -> Result<T, Fault> {
            value
                .and_then(|value| value.try_into().ok())
                .ok_or(Fault::Stuck)
        }
        match self {
            Self::I8 => visitor.visit_i8(fit(value)?),
            Self::I16 => visitor.visit_i16(fit(value)?),
            Self::I32 => visitor.visit_i32(fit(value)?),
            Self::I64 => visitor.visit_i64(fit(value)?),
            Self::I128 => visitor.visit_i128(fit(value)?),
            Self::U8 => visitor.visit_u8(fit(value)?),
            Self::U16 => visitor.visit_u16(fit(value)?),
            Self::U32 => visitor.visit_u32(fit(value)?),
            Self::U128 => visitor.visit_u128(fit(value)?),
            _ => visitor.visit_u64(fit(value)?),
        }
    }
}

fn unsigned() -> Vec<Sample> {
    [0, 1, 10, 100, 2000].map(Sample::U64).to_vec()
}
