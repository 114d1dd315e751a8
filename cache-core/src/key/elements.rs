//! The elements of a sequence, taken out of its canonical bytes: what a call is given for all of them
//! becomes the part that each has in the key of its entry.

use super::canonical::{self as tag, END};

/// The canonical bytes of each element of a sequence. `None` if it is something else.
pub(crate) fn elements(sequence: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = Bytes(sequence);
    if rest.byte()? != tag::SEQUENCE {
        return None;
    }
    let mut elements = Vec::new();
    while *rest.0.first()? != END {
        let before = rest.0;
        rest.skip_value()?;
        elements.push(&before[..before.len() - rest.0.len()]);
    }
    (rest.0.len() == 1).then_some(elements)
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    /// A length in LEB128, and as many bytes.
    fn skip_measured(&mut self) -> Option<()> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return self.skip(length);
            }
        }
    }

    /// Values within values are counted and not recursed into: what is nested deeper than a stack is
    /// high was written by as deep a recursion, but perhaps on another stack.
    fn skip_value(&mut self) -> Option<()> {
        // How many values are to come, and in how many compounds an end is waited for.
        let mut open: Vec<Expected> = vec![Expected::Value];
        while let Some(expected) = open.pop() {
            match (expected, *self.0.first()?) {
                (Expected::Parts, END) => self.skip(1)?,
                (Expected::Parts, _) => {
                    open.extend([Expected::Parts, Expected::Value]);
                }
                (Expected::Value, _) => open.extend(self.begin_value()?),
            }
        }
        Some(())
    }

    /// Skips what is of a fixed form, and says what is to follow.
    fn begin_value(&mut self) -> Option<Option<Expected>> {
        Some(match self.byte()? {
            tag::UNIT | tag::FALSE | tag::TRUE | tag::NONE => None,
            tag::SOME => Some(Expected::Value),
            tag::CHAR => {
                let first = *self.0.first()?;
                let length = match first {
                    0..=0x7f => 1,
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    _ => 4,
                };
                self.skip(length)?;
                None
            }
            tag::F32 => self.skip(4).map(|()| None)?,
            tag::F64 => self.skip(8).map(|()| None)?,
            tag::STR | tag::BYTES => self.skip_measured().map(|()| None)?,
            tag::SEQUENCE | tag::MAP | tag::STRUCT => Some(Expected::Parts),
            natural @ tag::NATURAL..=tag::LONGEST_NATURAL => {
                self.skip(usize::from(natural - tag::NATURAL))?;
                None
            }
            negative @ tag::NEGATIVE..=tag::LONGEST_NEGATIVE => {
                self.skip(usize::from(negative - tag::NEGATIVE))?;
                None
            }
            tag::UNIT_VARIANT => self.skip_measured().map(|()| None)?,
            tag::NEWTYPE_VARIANT => self.skip_measured().map(|()| Some(Expected::Value))?,
            tag::TUPLE_VARIANT | tag::STRUCT_VARIANT => {
                self.skip_measured().map(|()| Some(Expected::Parts))?
            }
            _ => return None,
        })
    }
}

/// What is to come.
enum Expected {
    Value,
    /// Values up to an end.
    Parts,
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use serde::Serialize;

    use super::super::KeyWriter;
    use super::elements;

    #[derive(Serialize)]
    enum Kind {
        Unit,
        Newtype(Option<u8>),
        Tuple(i64, String),
        Struct { name: &'static str, list: Vec<f64> },
    }

    #[derive(Serialize)]
    struct Unit;

    fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
        let mut key = KeyWriter::new();
        key.argument(value);
        key.argument_bytes().to_vec()
    }

    #[track_caller]
    fn assert_apart<T: Serialize>(list: &[T]) {
        let whole = bytes(list);
        let own: Vec<_> = list.iter().map(bytes).collect();
        assert_eq!(elements(&whole).unwrap(), own);
        // Whatever is cut off is seen.
        for end in 0..whole.len() {
            assert_eq!(elements(&whole[..end]), None);
        }
    }

    #[test]
    fn the_elements_of_every_kind_are_taken_apart() {
        assert_apart(&[0_u64, 1, 255, 256, u64::MAX]);
        assert_apart(&[-1_i128, i128::MIN, i128::MAX, 0]);
        assert_apart(&[u128::MAX]);
        assert_apart(&[
            "",
            "a",
            "\0",
            &"x".repeat(127),
            &"y".repeat(128),
            &"z".repeat(70_000),
        ]);
        assert_apart(&['a', 'ß', '€', '🦀']);
        assert_apart(&[0.5_f32, f32::NAN]);
        assert_apart(&[(), ()]);
        assert_apart(&[Unit]);
        assert_apart(&[true, false]);
        assert_apart(&[None, Some(Some(3_u8)), Some(None)]);
        assert_apart(&[vec![], vec![vec![1_u8], vec![]], vec![]]);
        assert_apart(&[(1_u8, "a", [0_u16; 3])]);
        assert_apart(&[BTreeMap::from([("a", 1), ("b", 2)]), BTreeMap::new()]);
        assert_apart(&[
            Kind::Unit,
            Kind::Newtype(Some(0)),
            Kind::Tuple(-5, "0".into()),
            Kind::Struct {
                name: "\x0b",
                list: vec![0.0, f64::MAX],
            },
        ]);
        let none: [u8; 0] = [];
        assert_apart(&none);
        let set = HashSet::from([1_u8, 2, 3]);
        assert_eq!(elements(&bytes(&set)).unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_sequence_has_no_elements() {
        assert_eq!(elements(&bytes(&7_u8)), None);
        assert_eq!(elements(&bytes("list")), None);
        assert_eq!(elements(&bytes(&BTreeMap::from([(1, 2)]))), None);
        assert_eq!(elements(&[]), None);
        let mut more = bytes(&[1_u8, 2]);
        more.push(0);
        assert_eq!(elements(&more), None);
    }
}
