//! A [`Deserializer`] that has nothing to give, and wants to know what it is asked for.

use std::any::{TypeId, type_name};

use serde::de::{DeserializeSeed, Deserializer, Expected, Visitor};

use super::access::{Elements, Named, Pairs, Variant};
use super::ask::Ask;
use super::fault::Fault;
use super::sample::Given;
use super::shape::{Kind, NodeId};
use super::survey::{Survey, Way};

/// Stands for a value that is being read.
#[derive(Clone, Copy)]
pub(super) struct Probe<'s> {
    pub(super) survey: &'s Survey,
    pub(super) node: NodeId,
    pub(super) place: Place,
}

/// Where a value lies as seen from the one that a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the way to it, so many steps from the root.
    Path(usize),
    /// Beside: some value will do.
    Beside,
}

impl<'s> Probe<'s> {
    fn meet<'de, V: Visitor<'de>>(&mut self, kind: Kind) -> Result<Way, Fault> {
        let name = type_name::<V::Value>();
        let (node, way) = self.survey.meet(*self, kind, typeid::of::<V>(), name)?;
        self.node = node;
        Ok(way)
    }

    /// The part at which a way leads on, or the only one.
    pub(super) fn part(&self, at: usize, way: Way) -> Result<Self, Fault> {
        let place = match (way, self.place) {
            (Way::Toward(next), Place::Path(depth)) if next == at => Place::Path(depth + 1),
            _ => Place::Beside,
        };
        let node = self.survey.child(self.node, at).ok_or(Fault::Stuck)?;
        let part = Self {
            node,
            place,
            ..*self
        };
        match self.survey.content(node, place) {
            Some(variant) => part.part(variant, self.survey.way(place)),
            None => Ok(part),
        }
    }

    /// Settles which variant the tag of an adjacently tagged enum has to be, before it is made.
    fn choose_content(&self, way: Way) {
        if self.survey.children(self.node) == 2 {
            let _ = self.part(1, way);
        }
    }

    /// Lets a seed read this value.
    pub(super) fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.survey.name(self.node, type_name::<S::Value>());
        let result = seed.deserialize(self);
        self.judged(result)
    }

    /// Takes down whether the value was accepted for which the pass is, and ends the pass.
    pub(super) fn judged<T>(self, result: Result<T, Fault>) -> Result<T, Fault> {
        if self.survey.judge(self.place, result.as_ref().err()) {
            return Err(Fault::Over);
        }
        result
    }

    fn scalar<'de, V: Visitor<'de>>(mut self, ask: Ask, visitor: V) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Scalar(ask))?;
        // Seconds and milliseconds are asked for alike, and no sample tells them apart.
        if ask.is_number() && !type_name::<V>().starts_with("serde") {
            let expected: &dyn Expected = &visitor;
            self.survey.tell_once(self.node, expected.to_string());
        }
        let sample = self.survey.sample(self.node, ask, way)?;
        ask.give(&sample, visitor)
    }

    fn elements(self, way: Way, len: Option<usize>) -> Elements<'s> {
        Elements::new(self, way, len)
    }

    fn fixed<'de, V: Visitor<'de>>(mut self, kind: Kind, visitor: V) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(kind)?;
        let len = self.survey.children(self.node);
        visitor.visit_seq(self.elements(way, Some(len)))
    }

    /// A struct, or the content of a struct variant.
    pub(super) fn fields<'de, V: Visitor<'de>>(
        mut self,
        kind: Kind,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(kind)?;
        self.choose_content(way);
        match self.survey.order(self, names.len(), way) {
            Some(order) => visitor.visit_map(Named::new(self, way, names.to_vec(), order)),
            None => visitor.visit_seq(self.elements(way, Some(names.len()))),
        }
    }

    fn map<'de, V: Visitor<'de>>(self, way: Way, visitor: V) -> Result<V::Value, Fault> {
        match self.survey.fields(self.node) {
            Some(fields) => {
                let parts = self.survey.children(self.node);
                let order = match way {
                    Way::Toward(at) if at < parts => vec![at],
                    Way::Toward(at) if fields.is_numbered => vec![usize::MAX - at; 2],
                    _ => (0..parts).collect(),
                };
                visitor.visit_map(Named::of_map(self, way, fields, order))
            }
            None => visitor.visit_map(Pairs::new(self, way)),
        }
    }
}

macro_rules! scalars {
    ($($method:ident $ask:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.scalar(Ask::$ask, visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Fault;

    scalars! {
        deserialize_bool Bool;
        deserialize_i8 I8;
        deserialize_i16 I16;
        deserialize_i32 I32;
        deserialize_i64 I64;
        deserialize_i128 I128;
        deserialize_u8 U8;
        deserialize_u16 U16;
        deserialize_u32 U32;
        deserialize_u64 U64;
        deserialize_u128 U128;
        deserialize_f32 F32;
        deserialize_f64 F64;
        deserialize_char Char;
        deserialize_str Str;
        deserialize_string String;
        deserialize_bytes Bytes;
        deserialize_byte_buf ByteBuf;
        deserialize_unit Unit;
        deserialize_identifier Identifier;
        deserialize_ignored_any Ignored;
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Any)?;
        let Way::Toward(at) = way else {
            let sample = self.survey.any_sample(self.node, way)?;
            let result = Given(&sample).deserialize_any(visitor);
            self.survey.visited(way, result.is_ok());
            return result;
        };
        let part = self.part(at, way)?;
        // The sequence or map of what takes anything asks for nothing by itself.
        let way = self.survey.way(part.place);
        match self.survey.is_map(part.node) {
            true => part.map(way, visitor),
            false => visitor.visit_seq(part.elements(way, None)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Option)?;
        if way == Way::Beside && !self.survey.is_generous() {
            return visitor.visit_none();
        }
        let part = self.part(0, way)?;
        part.judged(visitor.visit_some(part))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.meet::<V>(Kind::UnitStruct(name))?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Newtype(name))?;
        let part = self.part(0, way)?;
        part.judged(visitor.visit_newtype_struct(part))
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Seq)?;
        visitor.visit_seq(self.elements(way, None))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.fixed(Kind::Tuple(len), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fixed(Kind::TupleStruct(name, len), visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Map)?;
        self.map(way, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fields(Kind::Struct(name, fields), fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let way = self.meet::<V>(Kind::Enum(name, variants))?;
        let at = match way {
            Way::Toward(at) => at,
            _ => self.survey.variant(self.node).ok_or(Fault::Stuck)?,
        };
        let part = self.part(at, way)?;
        let name = variants.get(at).ok_or(Fault::Stuck)?;
        part.judged(visitor.visit_enum(Variant::new(part, name)))
    }
}

impl<'s> Probe<'s> {
    /// What a variant holds: like any other value, but for the visitor, which is the enum's.
    pub(super) fn content(mut self, kind: Kind) -> Result<(Self, Way), Fault> {
        let meeting = self
            .survey
            .meet(self, kind, TypeId::of::<()>(), "::__Variant");
        let (node, way) = meeting?;
        self.node = node;
        Ok((self, way))
    }
}
