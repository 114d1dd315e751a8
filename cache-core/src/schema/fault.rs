//! What a `Deserialize` says when it is not content. It is the richest source there is: names of
//! fields and variants, and what was expected, reach an error type in structured form.

use std::cell::RefCell;
use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// An error of a probed `Deserialize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The pass has seen what it was for, and ends.
    Over,
    /// What was asked for can't be given.
    Stuck,
    /// Any other message. Its text is dropped: it may hold anything.
    Custom,
    Type(&'static str, String),
    Value(&'static str, String),
    Length(usize, String),
    Variants(&'static [&'static str]),
    Fields(&'static [&'static str]),
    Missing(&'static str),
    Duplicate(&'static str),
}

thread_local! {
    /// What was said on this thread, also where somebody dropped it: an untagged enum drops what
    /// its variants say.
    static HEARD: RefCell<Vec<Fault>> = const { RefCell::new(Vec::new()) };
}

/// A pass that goes on forever says something forever.
const MOST_HEARD: usize = 256;

/// Everything that was said on this thread since the last call.
pub(super) fn heard() -> Vec<Fault> {
    HEARD.with(RefCell::take)
}

impl Fault {
    fn said(self) -> Self {
        HEARD.with(|heard| {
            let mut heard = heard.borrow_mut();
            if heard.len() < MOST_HEARD {
                heard.push(self.clone());
            }
        });
        self
    }

    /// Whether a visitor has no method for what it was given.
    pub(super) fn is_type(&self, given: &str) -> bool {
        matches!(self, Self::Type(unexpected, _) if *unexpected == given)
    }
}

fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "bool",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "float",
        Unexpected::Char(_) => "char",
        Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit => "unit",
        Unexpected::Option => "option",
        Unexpected::NewtypeStruct => "newtype",
        Unexpected::Seq => "sequence",
        Unexpected::Map => "map",
        Unexpected::Enum => "enum",
        Unexpected::UnitVariant => "unit variant",
        Unexpected::NewtypeVariant => "newtype variant",
        Unexpected::TupleVariant => "tuple variant",
        Unexpected::StructVariant => "struct variant",
        Unexpected::Other(_) => "other",
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over => f.write_str("over"),
            Self::Stuck => f.write_str("stuck"),
            Self::Custom => f.write_str("custom"),
            Self::Type(given, expected) => write!(f, "type {given}, expected {expected}"),
            Self::Value(given, expected) => write!(f, "value {given}, expected {expected}"),
            Self::Length(length, expected) => write!(f, "length {length}, expected {expected}"),
            Self::Variants(names) => write!(f, "variants {}", names.join("\0")),
            Self::Fields(names) => write!(f, "fields {}", names.join("\0")),
            Self::Missing(name) => write!(f, "missing {name}"),
            Self::Duplicate(name) => write!(f, "duplicate {name}"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(_: T) -> Self {
        Self::Custom.said()
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Type(kind(unexpected), expected.to_string()).said()
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Value(kind(unexpected), expected.to_string()).said()
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::Length(length, expected.to_string()).said()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Variants(expected).said()
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Fields(expected).said()
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field).said()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field).said()
    }
}
