//! What serde is given of a value.

use super::path::{Path, Step};

/// One value in a tree. The order of two of them means nothing; it is there to sort by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Unit,
    None,
    Some(Box<Node>),
    /// A number, a `bool` or a `char`: its type and its bits.
    Scalar(&'static str, u128),
    /// The bits of an `f64`, which every `f32` is too; one NaN.
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// What has an order by its type.
    Tuple(Vec<Node>),
    /// What may have none: a `HashSet` comes this way, too.
    Sequence(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Struct(Fields),
    Variant(&'static str, Box<Node>),
}

/// The fields of a struct.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fields {
    pub(super) written: Vec<(&'static str, Node)>,
    /// Those that `skip_serializing_if` left out.
    pub(super) left_out: Vec<&'static str>,
}

impl Node {
    pub(super) fn float(number: f64) -> Self {
        // Its bits differ between platforms and operations.
        let number = if number.is_nan() { f64::NAN } else { number };
        Self::Float(number.to_bits())
    }

    pub(super) fn is_unbounded(&self) -> bool {
        matches!(self, Self::Float(bits) if !f64::from_bits(*bits).is_finite())
    }

    /// Behind all `Some`.
    pub(super) fn inner(&self) -> &Self {
        match self {
            Self::Some(inner) => inner.inner(),
            _ => self,
        }
    }

    /// With every sequence and every map sorted: alike for values that differ in such order alone.
    pub(super) fn sorted(&self) -> Self {
        match self {
            Self::Some(inner) => Self::Some(Box::new(inner.sorted())),
            Self::Tuple(parts) => Self::Tuple(parts.iter().map(Self::sorted).collect()),
            Self::Sequence(parts) => {
                let mut parts: Vec<_> = parts.iter().map(Self::sorted).collect();
                parts.sort_unstable();
                Self::Sequence(parts)
            }
            Self::Map(entries) => {
                let entries = entries.iter();
                let mut entries: Vec<_> = entries.map(|(k, v)| (k.sorted(), v.sorted())).collect();
                entries.sort_unstable();
                Self::Map(entries)
            }
            Self::Struct(fields) => {
                let written = fields.written.iter();
                Self::Struct(Fields {
                    written: written.map(|(name, part)| (*name, part.sorted())).collect(),
                    left_out: fields.left_out.clone(),
                })
            }
            Self::Variant(name, inner) => Self::Variant(name, Box::new(inner.sorted())),
            _ => self.clone(),
        }
    }

    /// How many things in a value there are that the other has not.
    pub(super) fn distance(&self, other: &Self) -> usize {
        let apart = |a: &[Self], b: &[Self]| {
            let parts = a.iter().zip(b);
            parts.map(|(a, b)| a.distance(b)).sum::<usize>() + a.len().abs_diff(b.len())
        };
        match (self, other) {
            (Self::Some(a), Self::Some(b)) => a.distance(b),
            (Self::Variant(a, x), Self::Variant(b, y)) if a == b => x.distance(y),
            (Self::Tuple(a), Self::Tuple(b)) | (Self::Sequence(a), Self::Sequence(b)) => {
                apart(a, b)
            }
            (Self::Map(a), Self::Map(b)) => {
                let parts = a.iter().zip(b);
                let parts = parts.map(|(a, b)| a.0.distance(&b.0) + a.1.distance(&b.1));
                parts.sum::<usize>() + a.len().abs_diff(b.len())
            }
            (Self::Struct(a), Self::Struct(b)) => {
                let parts = a.written.iter().zip(&b.written);
                let parts = parts.map(|(a, b)| match a.0 == b.0 {
                    true => a.1.distance(&b.1),
                    false => 1,
                });
                parts.sum::<usize>() + a.written.len().abs_diff(b.written.len())
            }
            _ => usize::from(self != other),
        }
    }

    /// The part that is reached by taking, in each value that has parts, the one of this number.
    pub(super) fn part(&self, numbers: &[usize], path: &mut Path) -> &Self {
        let node = self.inner();
        let Some((&number, rest)) = numbers.split_first() else {
            return node;
        };
        let (step, part) = match node {
            Self::Tuple(parts) => (Step::Position(number), parts.get(number)),
            Self::Sequence(parts) => (Step::Index(number), parts.get(number)),
            Self::Map(entries) => (Step::Any, entries.get(number).map(|(_, value)| value)),
            Self::Struct(fields) => match fields.written.get(number) {
                Some((name, part)) => (Step::Name(name), Some(part)),
                None => return node,
            },
            Self::Variant(name, inner) => (Step::Name(name), Some(&**inner)),
            _ => return node,
        };
        let Some(part) = part else { return node };
        path.push(step);
        part.part(rest, path)
    }

    /// The first part that is such, and the way to it.
    pub(super) fn find(&self, is_such: &dyn Fn(&Self) -> bool, path: &mut Path) -> bool {
        if is_such(self) {
            return true;
        }
        let mut within = |step, part: &Self| {
            path.push(step);
            let found = part.find(is_such, path);
            if !found {
                path.pop();
            }
            found
        };
        match self {
            Self::Some(inner) => inner.find(is_such, path),
            Self::Variant(name, inner) => within(Step::Name(name), inner),
            Self::Tuple(parts) => {
                let mut parts = parts.iter().enumerate();
                parts.any(|(at, part)| within(Step::Position(at), part))
            }
            Self::Sequence(parts) => {
                let mut parts = parts.iter().enumerate();
                parts.any(|(at, part)| within(Step::Index(at), part))
            }
            Self::Map(entries) => entries.iter().any(|(_, value)| within(Step::Any, value)),
            Self::Struct(fields) => {
                let mut fields = fields.written.iter();
                fields.any(|(name, part)| within(Step::Name(name), part))
            }
            _ => false,
        }
    }
}
