use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::bounded::{Bounded, Limits};
use crate::Error;

/// [MessagePack](https://msgpack.org), with the names of fields: as forgiving as JSON, and smaller.
/// Needs the feature `messagepack`.
///
/// NaNs, infinities and maps with any keys come back, byte strings are compact, and
/// `skip_serializing_if`, `flatten` and `untagged` work as in JSON. What it can't express does not
/// come back equal: an inner `Some(None)` becomes `None`, and a `Some(())` too.
///
/// Types that make a difference between formats for people and others, such as those of `uuid`, are
/// written as for the others; serde takes what it buffers for `flatten`, `untagged` and
/// `tag = "…"` for the ones for people, so that such a type inside of them is a miss each time.
///
/// Values nested more than 192 deep, options and newtypes included, are not decoded.
///
/// # Example
///
/// ```
/// use cache_core::codec::{Codec, MessagePack};
///
/// let mut bytes = Vec::new();
/// MessagePack.encode(&("EWR", 300), &mut bytes).unwrap();
/// assert_eq!(bytes, [0x92, 0xa3, b'E', b'W', b'R', 0xcd, 0x01, 0x2c]);
/// let back: (String, i32) = MessagePack.decode(&bytes).unwrap();
/// assert_eq!(back, ("EWR".to_owned(), 300));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessagePack;

#[diagnostic::do_not_recommend]
impl Codec for MessagePack {
    fn id(&self) -> u8 {
        3
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, into: &mut Vec<u8>) -> Result<(), Error> {
        let mut serializer = rmp_serde::Serializer::new(into).with_struct_map();
        value.serialize(&mut serializer).map_err(|error| {
            use rmp_serde::encode::Error as Reason;
            let reason = match error {
                Reason::DepthLimitExceeded => "it is nested too deep",
                _ => "its `Serialize` implementation failed",
            };
            Error::data(format!(
                "the value can't be expressed in MessagePack: {reason}"
            ))
        })
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let mut deserializer = rmp_serde::Deserializer::new(bytes);
        let value = T::deserialize(Bounded::new(&mut deserializer, &Limits::of(bytes)));
        use rmp_serde::decode::Error as Reason;
        let reason = match value {
            Ok(value) if deserializer.get_ref().is_empty() => return Ok(value),
            Ok(_) => "bytes are left over",
            Err(Reason::InvalidMarkerRead(_) | Reason::InvalidDataRead(_)) => "it ends too early",
            Err(_) => "it is not of the expected type",
        };
        Err(Error::data(format!("the body can't be decoded: {reason}")))
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
        MessagePack.encode(value, &mut bytes).unwrap();
        bytes
    }

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(MessagePack.decode::<T>(&encoded(&value)).unwrap(), value);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Unit,
        Newtype(Box<Shape>),
        Tuple(u8, i64),
        Struct { a: Option<u8>, b: char },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Named {
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
        either: Either,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }

    #[test]
    fn values_come_back_equal() {
        comes_back((u64::MAX, i64::MIN, u128::MAX, i128::MIN));
        comes_back(BTreeMap::from([((3_u8, 'x'), "a".to_owned())]));
        comes_back((f64::INFINITY, (), "\u{0}\u{1f600}".to_owned()));
        comes_back(vec![
            Shape::Unit,
            Shape::Newtype(Box::new(Shape::Tuple(1, -2))),
            Shape::Struct { a: None, b: '"' },
        ]);
        comes_back("192.0.2.1".parse::<std::net::IpAddr>().unwrap());
        comes_back(serde_json::json!({"a": [1, null, {"b": 1.5}]}));
        let nan = f64::from_bits(0x7ff8_dead_beef_0001);
        let back: f64 = MessagePack.decode(&encoded(&nan)).unwrap();
        assert_eq!(back.to_bits(), nan.to_bits());
    }

    #[test]
    fn what_needs_names_comes_back_equal() {
        for note in [None, Some("a".to_owned())] {
            comes_back(Named {
                note,
                rest: BTreeMap::from([("b".to_owned(), 1)]),
                either: Either::Text("c".to_owned()),
            });
        }
        comes_back(vec![Either::Number(-1)]);
    }

    #[test]
    fn encoding_appends_and_bytes_left_over_are_an_error() {
        let mut bytes = b"header".to_vec();
        MessagePack.encode(&1_u8, &mut bytes).unwrap();
        assert_eq!(bytes, b"header\x01");
        assert!(MessagePack.decode::<u8>(&[1, 2]).unwrap_err().is_data());
        assert!(MessagePack.decode::<u8>(&[]).unwrap_err().is_data());
        assert!(MessagePack.decode::<Option<u8>>(&[0xc0, 0xc0]).is_err());
        assert_eq!(MessagePack.decode::<Option<u8>>(&[0xc0]).unwrap(), None);
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "what matters is that it is nested")]
        enum Deep {
            A(Box<Deep>),
        }
        let nested = [0x81, 0xa1, b'A'].repeat(1 << 20);
        assert!(MessagePack.decode::<Deep>(&nested).unwrap_err().is_data());
        let nested = vec![0x91; 1 << 20];
        let deep = MessagePack.decode::<serde_json::Value>(&nested);
        assert!(deep.unwrap_err().is_data());
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "what matters is that it is nested")]
        struct Chain(Option<Box<Chain>>);
        assert!(MessagePack.decode::<Chain>(&[1]).unwrap_err().is_data());
    }

    #[test]
    fn lengths_that_are_not_there_take_no_memory() {
        for bytes in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
            &[0xdb, 0xff, 0xff, 0xff, 0xff],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(MessagePack.decode::<Vec<u64>>(bytes).is_err());
            assert!(MessagePack.decode::<String>(bytes).is_err());
            assert!(MessagePack.decode::<BTreeMap<u8, u8>>(bytes).is_err());
        }
    }

    #[test]
    fn errors_quote_no_value() {
        let error = MessagePack.decode::<i64>(&encoded(&"secret")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
        struct Tells;
        impl Serialize for Tells {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("secret"))
            }
        }
        let error = MessagePack.encode(&Tells, &mut Vec::new()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = MessagePack.decode::<Vec<Option<String>>>(&bytes);
            let _ = MessagePack.decode::<BTreeMap<u8, f64>>(&bytes);
            let _ = MessagePack.decode::<Vec<Shape>>(&bytes);
            let _ = MessagePack.decode::<Named>(&bytes);
            let _ = MessagePack.decode::<serde_json::Value>(&bytes);
        }
    }
}
