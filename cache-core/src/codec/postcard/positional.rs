//! A serializer for an encoding in which a field is known by its position: it refuses to leave one
//! out.
//!
//! Without the name, what is behind a field that `skip_serializing_if` left out would be read in its
//! place, and sometimes be taken for it.

use std::cell::{Cell, RefCell};

use super::variants::Variants;
use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// What is seen on the way through a value.
#[derive(Default)]
pub(super) struct Seen {
    /// The field that was to be left out.
    pub(super) skipped: Cell<Option<&'static str>>,
    /// The fields of each struct, in the order in which the structs began, if they are recorded.
    pub(super) structs: Option<RefCell<Vec<Vec<&'static str>>>>,
    pub(super) variants: Variants,
}

impl Seen {
    /// Records the fields of each struct, too.
    pub(super) fn recording() -> Self {
        Self {
            structs: Some(RefCell::default()),
            ..Self::default()
        }
    }

    fn begin(&self) -> usize {
        let Some(structs) = &self.structs else {
            return 0;
        };
        let mut structs = structs.borrow_mut();
        structs.push(Vec::new());
        structs.len() - 1
    }

    fn field(&self, of: usize, name: &'static str) {
        if let Some(structs) = &self.structs {
            structs.borrow_mut()[of].push(name);
        }
    }
}

/// Something of serde's that passes `Seen` on to what is inside.
pub(super) struct Positional<'a, T> {
    inner: T,
    seen: &'a Seen,
    /// The struct that is being written, by its number.
    of: usize,
}

impl<'a, T> Positional<'a, T> {
    pub(super) fn new(inner: T, seen: &'a Seen) -> Self {
        Self { inner, seen, of: 0 }
    }

    fn with<U>(&self, inner: U) -> Positional<'a, U> {
        Positional::new(inner, self.seen)
    }
}

impl<T: Serialize + ?Sized> Serialize for Positional<'_, &T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(self.with(serializer))
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, v: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(v)
        }
    )*};
}

macro_rules! compounds {
    ($($method:ident($($name:ident: $type:ty),*) -> $compound:ident;)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<Self::$compound, S::Error> {
            let rest = self.with(());
            Ok(rest.with(self.inner.$method($($name),*)?))
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Positional<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Positional<'a, S::SerializeSeq>;
    type SerializeTuple = Positional<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Positional<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Positional<'a, S::SerializeTupleVariant>;
    type SerializeMap = Positional<'a, S::SerializeMap>;
    type SerializeStruct = Positional<'a, S::SerializeStruct>;
    type SerializeStructVariant = Positional<'a, S::SerializeStructVariant>;

    scalars! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_char: char;
        serialize_str: &str;
        serialize_bytes: &[u8];
        serialize_unit_struct: &'static str;
    }

    compounds! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_map(len: Option<usize>) -> SerializeMap;
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.seen.variants.note_struct(name, len);
        let (seen, of) = (self.seen, self.seen.begin());
        let inner = self.inner.serialize_struct(name, len)?;
        Ok(Positional { inner, seen, of })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.seen.variants.note(name, index, variant);
        let (seen, of) = (self.seen, self.seen.begin());
        let inner = self
            .inner
            .serialize_struct_variant(name, index, variant, len)?;
        Ok(Positional { inner, seen, of })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.seen.variants.note(name, index, variant);
        let rest = self.with(());
        let inner = self
            .inner
            .serialize_tuple_variant(name, index, variant, len)?;
        Ok(rest.with(inner))
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.with(value);
        self.inner.serialize_some(&value)
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.seen.variants.note(name, index, variant);
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.with(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.seen.variants.note(name, index, variant);
        let value = self.with(value);
        self.inner
            .serialize_newtype_variant(name, index, variant, &value)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! parts {
    ($($kind:ident: $($method:ident),*;)*) => {$(
        impl<S: $kind> $kind for Positional<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            $(fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                let value = self.with(value);
                self.inner.$method(&value)
            })*

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
    SerializeMap: serialize_key, serialize_value;
}

macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl<S: $kind> $kind for Positional<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.seen.field(self.of, name);
                let value = self.with(value);
                self.inner.serialize_field(name, &value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.seen.skipped.set(Some(name));
                Err(S::Error::custom("a field is left out"))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);
