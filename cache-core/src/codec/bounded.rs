//! A deserializer that lets nothing be nested, or counted, without end.
//!
//! The bytes of a binary encoding are small where what they say is large: 16 million options inside
//! each other are 16 million bytes, and any number of units are none. So the depth is bounded, and
//! the number of parts by that of the bytes.

use std::cell::Cell;
#[cfg(feature = "postcard")]
use std::cell::RefCell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// More than JSON reads back, few enough for every stack.
const DEEPEST: u16 = 192;

/// Parts that need no byte, such as units.
const FREE: usize = 1 << 16;

/// What is left for one value.
pub(super) struct Limits {
    parts: Cell<usize>,
    /// What was asked for, if that is recorded.
    #[cfg(feature = "postcard")]
    pub(super) asked: Option<RefCell<Vec<Asked>>>,
}

/// What was asked for of one struct.
#[cfg(feature = "postcard")]
pub(super) struct Asked {
    /// Its fields, and their aliases.
    pub(super) fields: &'static [&'static str],
    /// How many of them.
    pub(super) count: usize,
}

impl Limits {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            parts: Cell::new(bytes.len().saturating_add(FREE)),
            #[cfg(feature = "postcard")]
            asked: None,
        }
    }

    /// Records what is asked for, too.
    #[cfg(feature = "postcard")]
    pub(super) fn recording(bytes: &[u8]) -> Self {
        Self {
            asked: Some(RefCell::default()),
            ..Self::of(bytes)
        }
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        let left = self.parts.get().checked_sub(1);
        self.parts
            .set(left.ok_or_else(|| E::custom("it has more parts than bytes"))?);
        Ok(())
    }

    #[cfg(feature = "postcard")]
    fn begin(&self, fields: &'static [&'static str]) -> Option<usize> {
        let mut asked = self.asked.as_ref()?.borrow_mut();
        asked.push(Asked { fields, count: 0 });
        Some(asked.len() - 1)
    }

    #[cfg(not(feature = "postcard"))]
    fn begin(&self, _: &'static [&'static str]) -> Option<usize> {
        None
    }

    fn ask(&self, of: Option<usize>) {
        #[cfg(feature = "postcard")]
        if let (Some(of), Some(asked)) = (of, &self.asked) {
            asked.borrow_mut()[of].count += 1;
        }
        #[cfg(not(feature = "postcard"))]
        let _ = of;
    }
}

/// Something of serde's, with the limits and how deep it is.
pub(super) struct Bounded<'a, T> {
    inner: T,
    limits: &'a Limits,
    depth: u16,
    /// The struct that is asked for, by its number.
    of: Option<usize>,
}

impl<'a, T> Bounded<'a, T> {
    pub(super) fn new(inner: T, limits: &'a Limits) -> Self {
        Self {
            inner,
            limits,
            depth: 0,
            of: None,
        }
    }

    fn with<U>(&self, inner: U) -> Bounded<'a, U> {
        Bounded {
            inner,
            limits: self.limits,
            depth: self.depth,
            of: None,
        }
    }

    fn of(self, of: Option<usize>) -> Self {
        Self { of, ..self }
    }

    /// One further inside.
    fn within<U, E: Error>(&self, inner: U) -> Result<Bounded<'a, U>, E> {
        if self.depth == DEEPEST {
            return Err(E::custom("it is nested too deep"));
        }
        Ok(Bounded {
            inner,
            limits: self.limits,
            depth: self.depth + 1,
            of: self.of,
        })
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.with(visitor);
            self.inner.$method($($name,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor).of(self.limits.begin(fields));
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! take {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method<E: Error>(self, v: $type) -> Result<V::Value, E> {
            self.inner.$method(v)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    take! {
        visit_bool: bool;
        visit_i8: i8;
        visit_i16: i16;
        visit_i32: i32;
        visit_i64: i64;
        visit_i128: i128;
        visit_u8: u8;
        visit_u16: u16;
        visit_u32: u32;
        visit_u64: u64;
        visit_u128: u128;
        visit_f32: f32;
        visit_f64: f64;
        visit_char: char;
        visit_str: &str;
        visit_borrowed_str: &'de str;
        visit_string: String;
        visit_bytes: &[u8];
        visit_borrowed_bytes: &'de [u8];
        visit_byte_buf: Vec<u8>;
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.within(inner)?;
        self.inner.visit_some(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.within(inner)?;
        self.inner.visit_newtype_struct(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        let elements = self.within(elements)?;
        self.inner.visit_seq(elements)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        let entries = self.within(entries)?;
        self.inner.visit_map(entries)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let variant = self.within(variant)?;
        self.inner.visit_enum(variant)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let inner = self.with(inner);
        self.inner.deserialize(inner)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.limits.ask(self.of);
        self.limits.count()?;
        let seed = self.with(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        let hint = self.inner.size_hint();
        hint.map(|hint| hint.min(self.limits.parts.get()))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.limits.count()?;
        let seed = self.with(seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        let hint = self.inner.size_hint();
        hint.map(|hint| hint.min(self.limits.parts.get()))
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'a, A> {
    type Error = A::Error;
    type Variant = Bounded<'a, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (seed, rest) = (self.with(seed), self.with(()));
        let (variant, content) = self.inner.variant_seed(seed)?;
        Ok((variant, rest.with(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.with(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.with(visitor).of(self.limits.begin(fields));
        self.inner.struct_variant(fields, visitor)
    }
}
