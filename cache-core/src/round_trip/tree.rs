//! The serializer that lays a value out.

use std::cell::Cell;
use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::node::{Fields, Node};

/// Counted in bytes: those of texts, and a few for each part.
const LARGEST: usize = 1 << 20;
const PART: usize = 8;
/// More than any codec reads back, few enough for every stack.
const DEEPEST: usize = 256;

/// Why there is no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    TooLarge,
    TooDeep,
    /// What a `Serialize` implementation says, whose words may quote the value.
    Failed,
}

/// What serde is given of `value` by a format that people can read.
pub(super) fn tree<V: Serialize>(value: &V) -> Result<Node, Refusal> {
    let limits = Limits {
        room: Cell::new(LARGEST),
        refused: Cell::new(Refusal::Failed),
    };
    let laid = value.serialize(Layer {
        limits: &limits,
        depth: 0,
    });
    laid.map_err(|Refused| limits.refused.get())
}

struct Limits {
    room: Cell<usize>,
    /// Kept here because an implementation may put an error of its own in the place of ours.
    refused: Cell<Refusal>,
}

#[derive(Debug)]
struct Refused;

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value can't be laid out")
    }
}

impl std::error::Error for Refused {}

type Laid = Result<Node, Refused>;

#[derive(Clone, Copy)]
struct Layer<'a> {
    limits: &'a Limits,
    depth: usize,
}

impl<'a> Layer<'a> {
    fn charge(self, bytes: usize) -> Result<(), Refused> {
        let room = self
            .limits
            .room
            .get()
            .checked_sub(bytes.saturating_add(PART));
        self.limits
            .room
            .set(room.ok_or_else(|| self.refuse(Refusal::TooLarge))?);
        Ok(())
    }

    fn refuse(self, why: Refusal) -> Refused {
        self.limits.refused.set(why);
        Refused
    }

    fn within<T: Serialize + ?Sized>(self, value: &T) -> Laid {
        if self.depth == DEEPEST {
            return Err(self.refuse(Refusal::TooDeep));
        }
        self.charge(0)?;
        value.serialize(Layer {
            depth: self.depth + 1,
            ..self
        })
    }

    fn scalar(self, kind: &'static str, bits: u128) -> Laid {
        Ok(Node::Scalar(kind, bits))
    }

    fn parts(self, variant: Option<&'static str>, ordered: bool) -> Result<Parts<'a>, Refused> {
        Ok(Parts {
            layer: self,
            variant,
            ordered,
            parts: Vec::new(),
        })
    }

    fn record(self, variant: Option<&'static str>) -> Result<Record<'a>, Refused> {
        Ok(Record {
            layer: self,
            variant,
            fields: Fields {
                written: Vec::new(),
                left_out: Vec::new(),
            },
        })
    }
}

fn in_variant(variant: Option<&'static str>, node: Node) -> Laid {
    Ok(match variant {
        Some(name) => Node::Variant(name, Box::new(node)),
        None => node,
    })
}

macro_rules! scalars {
    ($($method:ident: $type:ident as $($through:ident)*;)*) => {$(
        fn $method(self, v: $type) -> Laid {
            self.scalar(stringify!($type), v $(as $through)*)
        }
    )*};
}

impl<'a> Serializer for Layer<'a> {
    type Ok = Node;
    type Error = Refused;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Record<'a>;
    type SerializeStructVariant = Record<'a>;

    scalars! {
        serialize_bool: bool as u128;
        serialize_i8: i8 as u128;
        serialize_i16: i16 as u128;
        serialize_i32: i32 as u128;
        serialize_i64: i64 as u128;
        serialize_i128: i128 as u128;
        serialize_u8: u8 as u128;
        serialize_u16: u16 as u128;
        serialize_u32: u32 as u128;
        serialize_u64: u64 as u128;
        serialize_u128: u128 as;
        serialize_char: char as u32 u128;
    }

    fn serialize_f32(self, v: f32) -> Laid {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Laid {
        Ok(Node::float(v))
    }

    fn serialize_str(self, v: &str) -> Laid {
        self.charge(v.len())?;
        Ok(Node::Text(v.to_owned()))
    }

    fn serialize_bytes(self, v: &[u8]) -> Laid {
        self.charge(v.len())?;
        Ok(Node::Bytes(v.to_owned()))
    }

    fn serialize_none(self) -> Laid {
        Ok(Node::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Laid {
        Ok(Node::Some(Box::new(self.within(value)?)))
    }

    fn serialize_unit(self) -> Laid {
        Ok(Node::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Laid {
        Ok(Node::Unit)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Laid {
        in_variant(Some(variant), Node::Unit)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Laid {
        self.within(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Laid {
        in_variant(Some(variant), self.within(value)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Refused> {
        self.parts(None, false)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Refused> {
        self.parts(None, true)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Refused> {
        self.parts(None, true)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Refused> {
        self.parts(Some(variant), true)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Refused> {
        Ok(Entries {
            layer: self,
            key: None,
            entries: Vec::new(),
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Record<'a>, Refused> {
        self.record(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Record<'a>, Refused> {
        self.record(Some(variant))
    }
}

struct Parts<'a> {
    layer: Layer<'a>,
    variant: Option<&'static str>,
    ordered: bool,
    parts: Vec<Node>,
}

macro_rules! parts {
    ($($kind:ident: $method:ident;)*) => {$(
        impl $kind for Parts<'_> {
            type Ok = Node;
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.parts.push(self.layer.within(value)?);
                Ok(())
            }

            fn end(self) -> Laid {
                in_variant(self.variant, match self.ordered {
                    true => Node::Tuple(self.parts),
                    false => Node::Sequence(self.parts),
                })
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

struct Record<'a> {
    layer: Layer<'a>,
    variant: Option<&'static str>,
    fields: Fields,
}

macro_rules! records {
    ($($kind:ident)*) => {$(
        impl $kind for Record<'_> {
            type Ok = Node;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.fields.written.push((name, self.layer.within(value)?));
                Ok(())
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Refused> {
                self.fields.left_out.push(name);
                Ok(())
            }

            fn end(self) -> Laid {
                in_variant(self.variant, Node::Struct(self.fields))
            }
        }
    )*};
}

records!(SerializeStruct SerializeStructVariant);

struct Entries<'a> {
    layer: Layer<'a>,
    key: Option<Node>,
    entries: Vec<(Node, Node)>,
}

impl SerializeMap for Entries<'_> {
    type Ok = Node;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.key = Some(self.layer.within(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let key = self.key.take().ok_or(Refused)?;
        self.entries.push((key, self.layer.within(value)?));
        Ok(())
    }

    fn end(self) -> Laid {
        Ok(Node::Map(self.entries))
    }
}
