mod positional;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::bounded::{Bounded, Limits};
use crate::Error;
#[cfg(debug_assertions)]
use crate::round_trip::Misfit;
use positional::{Positional, Seen};

/// [Postcard](https://postcard.jamesmunns.com/wire-format): small and fast, and without any name, so
/// the bytes say nothing without the type. Needs the feature `postcard`.
///
/// Every float comes back to the last bit, NaNs and infinities included; so do an inner `Some(None)`
/// and maps with any keys. What needs names can't be read back, and is a miss each time:
/// `#[serde(flatten)]`, `#[serde(untagged)]`, `#[serde(tag = "…")]`, `serde_json::Value`. A value of
/// which `skip_serializing_if` leaves a field out is an error when it is encoded, for what is behind
/// the field would be read in its place. A field that is `skip_serializing` alone, and so asked for
/// and never written, no encoding can see: a debug build tells of it, by name.
///
/// Types that make a difference between formats for people and others, such as those of `uuid`, are
/// written as for the others. The shape by which a store tells types apart is the one for people:
/// if the other changes alone, which no derived one does, count up the function's `version`.
///
/// Values nested more than 192 deep, options and newtypes included, are not decoded.
///
/// # Example
///
/// ```
/// use cache_core::codec::{Codec, Postcard};
///
/// let mut bytes = Vec::new();
/// Postcard.encode(&("EWR", 300_u32), &mut bytes).unwrap();
/// assert_eq!(bytes, [3, b'E', b'W', b'R', 0xac, 0x02]);
/// let back: (String, u32) = Postcard.decode(&bytes).unwrap();
/// assert_eq!(back, ("EWR".to_owned(), 300));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

#[diagnostic::do_not_recommend]
impl Codec for Postcard {
    fn id(&self) -> u8 {
        2
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, into: &mut Vec<u8>) -> Result<(), Error> {
        encode(value, into, &Seen::default())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        decode(bytes, &Limits::of(bytes))
    }
}

fn encode<T: Serialize + ?Sized>(value: &T, into: &mut Vec<u8>, seen: &Seen) -> Result<(), Error> {
    let mut serializer = postcard::Serializer {
        output: Appended(into),
    };
    let written = value.serialize(Positional::new(&mut serializer, seen));
    written.map(drop).map_err(|error| {
        let reason = match (seen.skipped.get(), error) {
            (Some(field), _) => {
                return Error::data(format!(
                    "the value can't be expressed in Postcard: its field `{field}` is skipped \
                     (`skip_serializing_if`), and what is behind it would be read in its place"
                ));
            }
            (None, postcard::Error::SerializeSeqLengthUnknown) => {
                "a part of it does not know its length beforehand (`flatten`)"
            }
            (None, _) => "its `Serialize` implementation failed",
        };
        Error::data(format!(
            "the value can't be expressed in Postcard: {reason}"
        ))
    })
}

/// What is written goes behind what is there.
struct Appended<'a>(&'a mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, Error> {
    let mut deserializer = postcard::Deserializer::from_bytes(bytes);
    let value = T::deserialize(Bounded::new(&mut deserializer, limits));
    let left = |value| Ok((value, deserializer.finalize()?));
    let reason = match value.and_then(left) {
        Ok((value, [])) => return Ok(value),
        Ok(_) => "bytes are left over",
        Err(postcard::Error::WontImplement) => {
            "its type asks what there is, and Postcard keeps no names (`flatten`, `untagged`, \
             `tag`, `serde_json::Value`)"
        }
        Err(postcard::Error::DeserializeUnexpectedEnd) => "it ends too early",
        Err(_) => "it is not of the expected type",
    };
    Err(Error::data(format!("the body can't be decoded: {reason}")))
}

#[cfg(debug_assertions)]
impl Postcard {
    /// The first struct of `value` that is asked for more fields than were written of it: all that
    /// is behind it is read from the wrong place.
    pub(crate) fn misfit<T: Serialize + DeserializeOwned>(value: &T) -> Option<Misfit> {
        let (mut bytes, seen) = (Vec::new(), Seen::default());
        encode(value, &mut bytes, &seen).ok()?;
        let limits = Limits::of(&bytes);
        let _ = decode::<T>(&bytes, &limits);
        let (written, asked) = (seen.structs.borrow(), limits.asked.borrow());
        let mut pairs = written.iter().zip(asked.iter()).enumerate();
        let (number, (written, asked)) =
            pairs.find(|(_, (written, asked))| asked.count != written.len())?;
        let is_known = |name: &&'static str| asked.fields.contains(name);
        if asked.count < written.len() || !written.iter().all(is_known) {
            return None;
        }
        let missing = asked.fields.iter().find(|name| !written.contains(name))?;
        Some(Misfit::Unwritten {
            number,
            field: missing,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        Postcard.encode(value, &mut bytes).unwrap();
        bytes
    }

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(Postcard.decode::<T>(&encoded(&value)).unwrap(), value);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Unit,
        Newtype(Box<Shape>),
        Tuple(u8, i128),
        Struct { a: Option<Option<u8>>, b: char },
    }

    #[test]
    fn values_come_back_equal() {
        comes_back((u64::MAX, i64::MIN, u128::MAX, i128::MIN));
        comes_back(BTreeMap::from([((3_u8, 'x'), "a".to_owned())]));
        comes_back([Some(Some(1_u8)), Some(None), None]);
        comes_back((f64::INFINITY, (), "\u{0}\u{1f600}".to_owned()));
        comes_back(vec![
            Shape::Unit,
            Shape::Newtype(Box::new(Shape::Tuple(1, -2))),
            Shape::Struct {
                a: Some(None),
                b: '"',
            },
        ]);
        comes_back("192.0.2.1".parse::<std::net::IpAddr>().unwrap());
        comes_back(vec![(); 1000]);
        let nan = f64::from_bits(0x7ff8_dead_beef_0001);
        let back: f64 = Postcard.decode(&encoded(&nan)).unwrap();
        assert_eq!(back.to_bits(), nan.to_bits());
    }

    #[test]
    fn encoding_appends_and_bytes_left_over_are_an_error() {
        let mut bytes = b"header".to_vec();
        Postcard.encode(&1_u8, &mut bytes).unwrap();
        assert_eq!(bytes, b"header\x01");
        assert!(Postcard.decode::<u8>(&[1, 2]).unwrap_err().is_data());
        assert!(Postcard.decode::<u8>(&[]).unwrap_err().is_data());
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Chain(Option<Box<Chain>>);

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let bytes = vec![1; 16 << 20];
        assert!(Postcard.decode::<Chain>(&bytes).unwrap_err().is_data());
        let mut bytes = vec![1; 90];
        bytes.push(0);
        assert!(Postcard.decode::<Chain>(&bytes).is_ok());
    }

    #[test]
    fn any_number_of_parts_without_bytes_is_an_error_and_no_endless_loop() {
        let mut bytes = Vec::new();
        Postcard.encode(&u64::MAX, &mut bytes).unwrap();
        assert!(Postcard.decode::<Vec<()>>(&bytes).unwrap_err().is_data());
        assert!(Postcard.decode::<Vec<u64>>(&bytes).unwrap_err().is_data());
        assert!(Postcard.decode::<String>(&bytes).unwrap_err().is_data());
    }

    #[test]
    fn a_field_that_is_left_out_is_refused_by_name() {
        #[derive(Serialize)]
        struct Item {
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<String>,
            count: u8,
        }
        let item = |note: Option<&str>| Item {
            note: note.map(str::to_owned),
            count: 1,
        };
        assert_eq!(encoded(&item(Some("a"))), [1, 1, b'a', 1]);
        let refused = Postcard.encode(&[item(None)], &mut Vec::new()).unwrap_err();
        assert!(refused.is_data() && refused.to_string().contains("`note`"));
    }

    #[test]
    fn what_asks_for_names_is_an_error() {
        let bytes = encoded(&serde_json::json!(1));
        let error = Postcard.decode::<serde_json::Value>(&bytes).unwrap_err();
        assert!(error.to_string().contains("keeps no names"), "{error}");
        #[derive(Serialize)]
        struct Outer {
            #[serde(flatten)]
            inner: BTreeMap<String, u8>,
        }
        let inner = BTreeMap::new();
        let error = Postcard.encode(&Outer { inner }, &mut Vec::new());
        assert!(error.unwrap_err().to_string().contains("`flatten`"));
    }

    #[test]
    fn errors_quote_no_value() {
        struct Tells;
        impl Serialize for Tells {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("secret"))
            }
        }
        let error = Postcard.encode(&Tells, &mut Vec::new()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Postcard.decode::<Vec<Option<String>>>(&bytes);
            let _ = Postcard.decode::<BTreeMap<u8, f64>>(&bytes);
            let _ = Postcard.decode::<Vec<Shape>>(&bytes);
            let _ = Postcard.decode::<Chain>(&bytes);
        }
    }
}
