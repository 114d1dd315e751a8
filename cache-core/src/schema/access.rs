//! The parts of a value that is being read: elements, entries, fields, variants.

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::fault::Fault;
use super::probe::Probe;
use super::shape::{Fields, Kind};
use super::survey::Way;

/// A sequence that may be a tuple to who reads it is followed so far.
const LONGEST_RUN: usize = 16;

/// The elements of a sequence, a tuple, or a struct that is read like one.
pub(super) struct Elements<'s> {
    whole: Probe<'s>,
    way: Way,
    /// `None` for a sequence, whose parts are runs of elements of one type.
    len: Option<usize>,
    at: usize,
    run: usize,
}

impl<'s> Elements<'s> {
    pub(super) fn new(whole: Probe<'s>, way: Way, len: Option<usize>) -> Self {
        Self {
            whole,
            way,
            len,
            at: 0,
            run: 0,
        }
    }

    /// How many elements there are. To end as soon as possible spares the values behind.
    fn is_at_end(&self) -> bool {
        match (self.len, self.way) {
            (Some(len), _) => self.at >= len,
            (None, Way::Toward(_)) => self.at >= LONGEST_RUN,
            (None, _) => self.at >= usize::from(self.whole.survey.is_generous()),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.whole.survey.go_on()?;
        if self.is_at_end() {
            return Ok(None);
        }
        let part = match self.len {
            Some(_) => self.at,
            None => {
                let survey = self.whole.survey;
                let run = survey.run(self.whole.node, self.run, typeid::of::<S>());
                match run {
                    Some(run) => self.run = run,
                    None => return Ok(None),
                }
                self.run
            }
        };
        self.at += 1;
        self.whole.part(part, self.way)?.read(seed).map(Some)
    }
}

/// One entry of a map, or none.
pub(super) struct Pairs<'s> {
    whole: Probe<'s>,
    way: Way,
    is_over: bool,
}

impl<'s> Pairs<'s> {
    pub(super) fn new(whole: Probe<'s>, way: Way) -> Self {
        let is_over = !matches!(way, Way::Toward(_)) && !whole.survey.is_generous();
        Self {
            whole,
            way,
            is_over,
        }
    }
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.whole.survey.go_on()?;
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(None);
        }
        self.whole.part(0, self.way)?.read(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.whole.survey.go_on()?;
        self.whole.part(1, self.way)?.read(seed)
    }
}

/// Some of the fields of a struct, in some order.
pub(super) struct Named<'s> {
    whole: Probe<'s>,
    way: Way,
    names: Vec<&'static str>,
    is_numbered: bool,
    order: std::vec::IntoIter<usize>,
    at: usize,
}

impl<'s> Named<'s> {
    pub(super) fn new(
        whole: Probe<'s>,
        way: Way,
        names: Vec<&'static str>,
        order: Vec<usize>,
    ) -> Self {
        Self {
            whole,
            way,
            names,
            is_numbered: false,
            order: order.into_iter(),
            at: 0,
        }
    }

    pub(super) fn of_map(whole: Probe<'s>, way: Way, fields: Fields, order: Vec<usize>) -> Self {
        Self {
            is_numbered: fields.is_numbered,
            ..Self::new(whole, way, fields.names, order)
        }
    }
}

impl<'de> MapAccess<'de> for Named<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.whole.survey.go_on()?;
        let Some(at) = self.order.next() else {
            return Ok(None);
        };
        self.at = at;
        if self.is_numbered {
            let number: U64Deserializer<Fault> = (at as u64).into_deserializer();
            return seed.deserialize(number).map(Some);
        }
        let name = self.names.get(at).ok_or(Fault::Stuck)?;
        let meaning = seed.deserialize(BorrowedStrDeserializer::new(name))?;
        self.whole.survey.label(self.whole.node, at, &meaning);
        Ok(Some(meaning))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.whole.survey.go_on()?;
        self.whole.part(self.at, self.way)?.read(seed)
    }
}

/// A variant of an enum.
pub(super) struct Variant<'s> {
    content: Probe<'s>,
    name: &'static str,
}

impl<'s> Variant<'s> {
    pub(super) fn new(content: Probe<'s>, name: &'static str) -> Self {
        Self { content, name }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        self.content.survey.go_on()?;
        let name = BorrowedStrDeserializer::new(self.name);
        let variant = seed.deserialize(name)?;
        self.content
            .survey
            .label_variant(self.content.node, &variant);
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.content.content(Kind::UnitVariant).map(drop)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let (content, way) = self.content.content(Kind::NewtypeVariant)?;
        content.part(0, way)?.read(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let (content, way) = self.content.content(Kind::TupleVariant(len))?;
        visitor.visit_seq(Elements::new(content, way, Some(len)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (content, way) = self.content.content(Kind::StructVariant(fields))?;
        match content.survey.order(content, fields.len(), way) {
            Some(order) => visitor.visit_map(Named::new(content, way, fields.to_vec(), order)),
            None => visitor.visit_seq(Elements::new(content, way, Some(fields.len()))),
        }
    }
}
