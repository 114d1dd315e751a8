//! The canonical bytes of a value: typed, self-delimiting, the same on every platform.
//!
//! A value is a tag and what the tag calls for. Different values of the types of one function give
//! different bytes, also when several arguments follow each other; equal values give equal bytes.
//!
//! | value | bytes |
//! | --- | --- |
//! | end of a sequence, map, struct or variant | `00`; no value begins with it |
//! | unit, unit struct | `01` |
//! | `false`, `true` | `02`, `03` |
//! | `None`, `Some(x)` | `04`, `05` x |
//! | `char` | `06`, its UTF-8 bytes |
//! | `f32`, `f64` | `07` and 4, `08` and 8 bytes of the IEEE 754 number, little-endian; one NaN (`7fc00000`, `7ff8000000000000`); `-0.0` is not `0.0` |
//! | string | `09`, length, UTF-8 bytes |
//! | bytes | `0a`, length, bytes |
//! | sequence, tuple, array, tuple struct | `0b`, elements, `00` |
//! | map | `0c`, key and value of each entry in the order of the keys' bytes, `00` |
//! | struct | `0d`, name (as a string) and value of each serialized field, `00` |
//! | integer from 0 up | `10` + n, n little-endian bytes; n (0 to 16) is the smallest that holds the number |
//! | negative integer | `30` + n, n little-endian bytes of `-1 - x` likewise |
//! | unit variant | `50`, name |
//! | newtype variant | `51`, name, value |
//! | tuple variant | `52`, name, elements, `00` |
//! | struct variant | `53`, name, name (as a string) and value of each serialized field, `00` |
//! | newtype struct | as the value inside |
//!
//! A *length* counts bytes, in LEB128. The *name* of a variant is a length and UTF-8 bytes.
//!
//! - Integers go by value, whatever their type: widening an `i32` to an `i64` keeps every key.
//! - Names of types are left out: renaming one must not part the leaves of old and new processes
//!   in a rolling deploy. Values that serde is given alike are therefore one key, for example two
//!   variants of an `untagged` enum with the same content.
//! - Fields carry their names, so that `skip_serializing_if` can't make two structs alike.
//! - A set without an order (`HashSet`) reaches serde as a sequence in a random order, so equal
//!   sets give different bytes and the call misses. The way out is `key(…)` with a sorted form.

use std::fmt::{self, Write};

use serde::ser::{Error as _, Serialize, Serializer};

use super::bytes::Bytes;
use super::compound::{Compound, Entries};
use super::failure::Failure;

pub(super) const END: u8 = 0x00;
pub(super) const UNIT: u8 = 0x01;
pub(super) const FALSE: u8 = 0x02;
pub(super) const TRUE: u8 = 0x03;
pub(super) const NONE: u8 = 0x04;
pub(super) const SOME: u8 = 0x05;
pub(super) const CHAR: u8 = 0x06;
pub(super) const F32: u8 = 0x07;
pub(super) const F64: u8 = 0x08;
pub(super) const STR: u8 = 0x09;
pub(super) const BYTES: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x0b;
pub(super) const MAP: u8 = 0x0c;
pub(super) const STRUCT: u8 = 0x0d;
pub(super) const NATURAL: u8 = 0x10;
pub(super) const LONGEST_NATURAL: u8 = NATURAL + 16;
pub(super) const NEGATIVE: u8 = 0x30;
pub(super) const LONGEST_NEGATIVE: u8 = NEGATIVE + 16;
pub(super) const UNIT_VARIANT: u8 = 0x50;
pub(super) const NEWTYPE_VARIANT: u8 = 0x51;
pub(super) const TUPLE_VARIANT: u8 = 0x52;
pub(super) const STRUCT_VARIANT: u8 = 0x53;

/// The serializer: appends one value to the bytes.
pub(super) struct Canonical<'a>(&'a mut Bytes);

impl<'a> Canonical<'a> {
    #[inline]
    pub(super) fn new(out: &'a mut Bytes) -> Self {
        Self(out)
    }

    /// `tag` + n and the n significant bytes of `magnitude`.
    #[inline]
    fn integer(self, tag: u8, magnitude: u64) {
        let significant = 8 - magnitude.leading_zeros() / 8;
        self.0
            .push_number(tag + significant as u8, magnitude, significant as usize);
    }

    fn long_integer(self, tag: u8, magnitude: u128) {
        if let Ok(short) = u64::try_from(magnitude) {
            return self.integer(tag, short);
        }
        let significant = 16 - magnitude.leading_zeros() / 8;
        self.0.push(tag + significant as u8);
        self.0
            .extend_prefix(magnitude.to_le_bytes(), significant as usize);
    }

    #[inline]
    fn tagged<const N: usize>(self, tag: u8, bytes: [u8; N]) {
        self.0.push(tag);
        self.0.extend_prefix(bytes, N);
    }

    /// `tag`, the length of `bytes`, `bytes`.
    #[inline]
    fn measured(self, tag: u8, bytes: &[u8]) {
        if bytes.len() < 0x80 {
            self.0.push_pair([tag, bytes.len() as u8]);
        } else {
            self.0.push(tag);
            let (length, used) = leb128(bytes.len());
            self.0.extend_prefix(length, used);
        }
        self.0.extend(bytes);
    }

    /// The beginning of something that [`END`] closes.
    #[inline]
    fn open(self, tag: u8) -> Result<Compound<'a>, Failure> {
        self.0.push(tag);
        Ok(Compound::new(self.0))
    }

    /// The same for a variant, whose name follows its tag.
    fn open_variant(self, tag: u8, name: &str) -> Result<Compound<'a>, Failure> {
        Canonical(&mut *self.0).measured(tag, name.as_bytes());
        Ok(Compound::new(self.0))
    }
}

/// Seven bits to a byte, low ones first, the highest bit set in all but the last; and how many
/// bytes that is.
fn leb128(mut number: usize) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut last = 0;
    while number >= 0x80 {
        bytes[last] = number as u8 | 0x80;
        number >>= 7;
        last += 1;
    }
    bytes[last] = number as u8;
    (bytes, last + 1)
}

impl<'a> Serializer for Canonical<'a> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(self, v: bool) -> Result<(), Failure> {
        self.0.push(if v { TRUE } else { FALSE });
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, v: i8) -> Result<(), Failure> {
        self.serialize_i64(v.into())
    }

    #[inline]
    fn serialize_i16(self, v: i16) -> Result<(), Failure> {
        self.serialize_i64(v.into())
    }

    #[inline]
    fn serialize_i32(self, v: i32) -> Result<(), Failure> {
        self.serialize_i64(v.into())
    }

    #[inline]
    fn serialize_i64(self, v: i64) -> Result<(), Failure> {
        // `!v` is `-1 - v`: no negative number is left without its own magnitude.
        let (tag, magnitude) = if v < 0 { (NEGATIVE, !v) } else { (NATURAL, v) };
        self.integer(tag, magnitude as u64);
        Ok(())
    }

    fn serialize_i128(self, v: i128) -> Result<(), Failure> {
        let (tag, magnitude) = if v < 0 { (NEGATIVE, !v) } else { (NATURAL, v) };
        self.long_integer(tag, magnitude as u128);
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, v: u8) -> Result<(), Failure> {
        self.serialize_u64(v.into())
    }

    #[inline]
    fn serialize_u16(self, v: u16) -> Result<(), Failure> {
        self.serialize_u64(v.into())
    }

    #[inline]
    fn serialize_u32(self, v: u32) -> Result<(), Failure> {
        self.serialize_u64(v.into())
    }

    #[inline]
    fn serialize_u64(self, v: u64) -> Result<(), Failure> {
        self.integer(NATURAL, v);
        Ok(())
    }

    fn serialize_u128(self, v: u128) -> Result<(), Failure> {
        self.long_integer(NATURAL, v);
        Ok(())
    }

    fn serialize_f32(self, v: f32) -> Result<(), Failure> {
        // The bits of a NaN differ between platforms and operations, so they are written out.
        let bits = if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() };
        self.tagged(F32, bits.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Failure> {
        let nan = 0x7ff8_0000_0000_0000;
        let bits = if v.is_nan() { nan } else { v.to_bits() };
        self.tagged(F64, bits.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Failure> {
        self.0.push(CHAR);
        self.0.extend(v.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), Failure> {
        self.measured(STR, v.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, v: &[u8]) -> Result<(), Failure> {
        self.measured(BYTES, v);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Failure> {
        self.0.push(NONE);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        self.0.push(SOME);
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Failure> {
        self.0.push(UNIT);
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failure> {
        self.measured(UNIT_VARIANT, variant.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        Canonical(&mut *self.0).measured(NEWTYPE_VARIANT, variant.as_bytes());
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, Failure> {
        self.open(SEQUENCE)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, Failure> {
        self.open(SEQUENCE)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, Failure> {
        self.open(SEQUENCE)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Failure> {
        self.open_variant(TUPLE_VARIANT, variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Failure> {
        self.0.push(MAP);
        Ok(Entries::new(self.0))
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, Failure> {
        self.open(STRUCT)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Failure> {
        self.open_variant(STRUCT_VARIANT, variant)
    }

    /// Without the `String` of serde's default: dates and the like come this way.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Failure> {
        self.0.push(STR);
        let start = self.0.len();
        write!(Text(self.0), "{value}").map_err(Failure::custom)?;
        // The length is known only now: append it and rotate it into its place.
        let (length, used) = leb128(self.0.len() - start);
        self.0.extend_prefix(length, used);
        self.0[start..].rotate_right(used);
        Ok(())
    }
}

/// Appends text as it is.
struct Text<'a>(&'a mut Bytes);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.as_bytes());
        Ok(())
    }
}
