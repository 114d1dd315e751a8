//! What can't be seen of a type.

use std::fmt;

/// A part of a type whose changes the fingerprint may miss. Displayed as a part of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub(super) type_name: String,
    pub(super) place: String,
    pub(super) reason: Reason,
}

/// Why a part of a type can't be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its fields are not told: `#[serde(flatten)]`, or written by hand.
    Flatten,
    /// What it takes is looked at behind our back: `#[serde(untagged)]`, or written by hand.
    Untagged,
    /// The values of its tag are not told: `#[serde(other)]`, or written by hand.
    OpenTag,
    /// No sample is a value of it, so what comes behind it is not seen.
    Rejects,
    /// It was announced, and is never read.
    Unread,
    /// It asks for something else each time.
    Inconsistent,
    /// Nested too deeply.
    TooDeep,
    /// Too many parts.
    TooLarge,
    /// Its `Deserialize` panicked.
    Panicked,
    /// Its `Deserialize` does not come to an end.
    Endless,
}

impl Reason {
    /// The reason in a few words, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flatten => {
                "`#[serde(flatten)]`, or a `Deserialize` that does not tell its fields"
            }
            Self::Untagged => "`#[serde(untagged)]`, or a `Deserialize` that takes anything",
            Self::OpenTag => {
                "`#[serde(other)]`, or a `Deserialize` that does not tell its variants"
            }
            Self::Rejects => "its `Deserialize` rejects every sample",
            Self::Unread => "its `Deserialize` does not read it",
            Self::Inconsistent => "its `Deserialize` asks for something else each time",
            Self::TooDeep => "it is nested too deeply",
            Self::TooLarge => "it has too many parts",
            Self::Panicked => "its `Deserialize` panicked",
            Self::Endless => "its `Deserialize` does not end",
        }
    }
}

impl Gap {
    /// The type, without its modules.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Where it was met in the value, by names of fields and variants, such as `orders.items`;
    /// empty for the value itself.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Why it can't be seen.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.type_name)?;
        if !self.place.is_empty() {
            write!(f, " at `{}`", self.place)?;
        }
        let reason = self.reason.as_str();
        write!(f, " hides its shape ({reason})")
    }
}

/// The name of a type without the modules in it: `a::B<c::D>` is `B<D>`.
pub(super) fn short(type_name: &str) -> String {
    let mut short = String::new();
    let mut begin = 0;
    for (at, part) in type_name.char_indices() {
        if part.is_alphanumeric() || part == '_' {
            continue;
        }
        if part == ':' {
            begin = at + 1;
            continue;
        }
        short.push_str(&type_name[begin..at]);
        short.push(part);
        begin = at + part.len_utf8();
    }
    short.push_str(&type_name[begin..]);
    short
}
