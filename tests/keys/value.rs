//! Any value that serde knows, and a reader of canonical bytes that knows nothing of their writer.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTupleVariant, Serializer,
};

/// Floats are held as their bits, so that equality is what the keys' is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Unit,
    Bool(bool),
    Natural(u128),
    /// `-1 - x`, which every negative number has.
    Negative(u128),
    Char(char),
    F32(u32),
    F64(u64),
    Str(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Value>),
    Seq(Vec<Value>),
    Map(BTreeMap<Value, Value>),
    Struct(Fields),
    UnitVariant(&'static str),
    NewtypeVariant(&'static str, Box<Value>),
    TupleVariant(&'static str, Vec<Value>),
    StructVariant(&'static str, Fields),
}

pub(crate) type Fields = BTreeMap<&'static str, Value>;

/// Names that share beginnings, so that a missing length would show.
pub(crate) const NAMES: [&str; 5] = ["", "a", "aa", "b", "ünïcode"];

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Ordered(self, false).serialize(serializer)
    }
}

/// The value with the entries of all its maps in descending order if `.1` says so.
pub(crate) struct Ordered<'a>(pub(crate) &'a Value, pub(crate) bool);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let Ordered(value, down) = *self;
        let of = |value| Ordered(value, down);
        match value {
            Value::Unit => s.serialize_unit(),
            Value::Bool(v) => s.serialize_bool(*v),
            Value::Natural(v) => s.serialize_u128(*v),
            Value::Negative(v) => s.serialize_i128(-1 - *v as i128),
            Value::Char(v) => s.serialize_char(*v),
            Value::F32(bits) => s.serialize_f32(f32::from_bits(*bits)),
            Value::F64(bits) => s.serialize_f64(f64::from_bits(*bits)),
            Value::Str(v) => s.serialize_str(v),
            Value::Bytes(v) => s.serialize_bytes(v),
            Value::None => s.serialize_none(),
            Value::Some(v) => s.serialize_some(&of(v)),
            Value::Seq(elements) => {
                // Both ways a length can be told must give the same bytes.
                let mut seq = s.serialize_seq((!down).then_some(elements.len()))?;
                for element in elements {
                    seq.serialize_element(&of(element))?;
                }
                seq.end()
            }
            Value::Map(entries) => {
                let mut map = s.serialize_map(down.then_some(entries.len()))?;
                let mut entries: Vec<_> = entries.iter().collect();
                if down {
                    entries.reverse();
                }
                for (key, value) in entries {
                    map.serialize_entry(&of(key), &of(value))?;
                }
                map.end()
            }
            Value::Struct(fields) => {
                let mut out = s.serialize_struct("Struct", fields.len())?;
                for (name, value) in fields {
                    out.serialize_field(name, &of(value))?;
                }
                out.end()
            }
            Value::UnitVariant(name) => s.serialize_unit_variant("Enum", 0, name),
            Value::NewtypeVariant(name, v) => s.serialize_newtype_variant("Enum", 0, name, &of(v)),
            Value::TupleVariant(name, elements) => {
                let mut out = s.serialize_tuple_variant("Enum", 0, name, elements.len())?;
                for element in elements {
                    out.serialize_field(&of(element))?;
                }
                out.end()
            }
            Value::StructVariant(name, fields) => {
                let mut out = s.serialize_struct_variant("Enum", 0, name, fields.len())?;
                for (name, value) in fields {
                    out.serialize_field(name, &of(value))?;
                }
                out.end()
            }
        }
    }
}

/// Strings that mean something to somebody, and any other.
pub(crate) fn hostile_text() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "", "42", "42:*", "a:b", "{x}", "[", "\\", "\n", "null", "%", "%none", "ß", "日本", "\0",
    ];
    prop_oneof![
        proptest::sample::select(KNOWN).prop_map(str::to_owned),
        any::<String>(),
        vec(any::<char>(), 100..200).prop_map(String::from_iter),
    ]
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let name = || proptest::sample::select(NAMES.as_slice());
    let text = hostile_text();
    scalar(text.boxed()).prop_recursive(4, 64, 6, move |inner| {
        let fields = || btree_map(name(), inner.clone(), 0..4);
        prop_oneof![
            inner.clone().prop_map(|v| Value::Some(Box::new(v))),
            vec(inner.clone(), 0..5).prop_map(Value::Seq),
            btree_map(inner.clone(), inner.clone(), 0..6).prop_map(Value::Map),
            fields().prop_map(Value::Struct),
            (name(), inner.clone()).prop_map(|(n, v)| Value::NewtypeVariant(n, Box::new(v))),
            (name(), vec(inner.clone(), 0..4)).prop_map(|(n, v)| Value::TupleVariant(n, v)),
            (name(), fields()).prop_map(|(n, v)| Value::StructVariant(n, v)),
        ]
    })
}

fn scalar(text: BoxedStrategy<String>) -> impl Strategy<Value = Value> {
    // Near the borders of a width, and anywhere.
    let number = || {
        prop_oneof![
            0..3_u128,
            (0..128_u32).prop_map(|bits| (1_u128 << bits) - 1),
            (0..127_u32).prop_map(|bits| 1_u128 << bits),
            any::<u128>(),
        ]
    };
    let nan32 = |v: f32| if v.is_nan() { f32::NAN } else { v }.to_bits();
    let nan64 = |v: f64| if v.is_nan() { f64::NAN } else { v }.to_bits();
    prop_oneof![
        Just(Value::Unit),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Natural),
        number().prop_map(|v| Value::Negative(v >> 1)),
        any::<char>().prop_map(Value::Char),
        any::<f32>().prop_map(move |v| Value::F32(nan32(v))),
        any::<f64>().prop_map(move |v| Value::F64(nan64(v))),
        text.prop_map(Value::Str),
        vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
        Just(Value::None),
        proptest::sample::select(NAMES.as_slice()).prop_map(Value::UnitVariant),
    ]
}

/// Reads values from canonical bytes, as the format's table describes them.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn values(mut self) -> Vec<Value> {
        std::iter::from_fn(|| (!self.0.is_empty()).then(|| self.value())).collect()
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self, count: u8) -> u128 {
        let little_endian = self.take(count.into());
        assert_ne!(little_endian.last(), Some(&0), "not minimal");
        little_endian
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u128::from(byte))
    }

    fn measured(&mut self) -> &[u8] {
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.take(1)[0];
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return self.take(length);
            }
        }
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.measured().to_vec()).expect("text is UTF-8")
    }

    fn name(&mut self) -> &'static str {
        let text = self.text();
        NAMES.iter().find(|name| **name == text).expect("a name")
    }

    fn ended(&mut self) -> bool {
        let ended = self.0[0] == 0;
        if ended {
            self.take(1);
        }
        ended
    }

    fn elements(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| (!self.ended()).then(|| self.value())).collect()
    }

    fn fields(&mut self) -> Fields {
        std::iter::from_fn(|| {
            (!self.ended()).then(|| {
                assert_eq!(self.take(1), [0x09], "a field's name is a string");
                (self.name(), self.value())
            })
        })
        .collect()
    }

    fn entries(&mut self) -> BTreeMap<Value, Value> {
        std::iter::from_fn(|| (!self.ended()).then(|| (self.value(), self.value()))).collect()
    }

    fn value(&mut self) -> Value {
        match self.take(1)[0] {
            0x01 => Value::Unit,
            tag @ 0x02..=0x03 => Value::Bool(tag == 0x03),
            0x04 => Value::None,
            0x05 => Value::Some(Box::new(self.value())),
            0x06 => {
                let ones = self.0[0].leading_ones() as usize;
                let utf8 = self.take(ones.max(1)).to_vec();
                Value::Char(String::from_utf8(utf8).unwrap().chars().next().unwrap())
            }
            0x07 => Value::F32(u32::from_le_bytes(self.take(4).try_into().unwrap())),
            0x08 => Value::F64(u64::from_le_bytes(self.take(8).try_into().unwrap())),
            0x09 => Value::Str(self.text()),
            0x0a => Value::Bytes(self.measured().to_vec()),
            0x0b => Value::Seq(self.elements()),
            0x0c => Value::Map(self.entries()),
            0x0d => Value::Struct(self.fields()),
            tag @ 0x10..=0x20 => Value::Natural(self.number(tag - 0x10)),
            tag @ 0x30..=0x40 => Value::Negative(self.number(tag - 0x30)),
            0x50 => Value::UnitVariant(self.name()),
            0x51 => Value::NewtypeVariant(self.name(), Box::new(self.value())),
            0x52 => Value::TupleVariant(self.name(), self.elements()),
            0x53 => Value::StructVariant(self.name(), self.fields()),
            tag => panic!("no value begins with {tag:#04x}"),
        }
    }
}
