mod positional;
mod variants;

use std::panic::{AssertUnwindSafe, catch_unwind};

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::bounded::{Bounded, Limits};
use crate::Error;
#[cfg(debug_assertions)]
use crate::round_trip::Misfit;
use positional::{Positional, Seen};
use variants::Variant;

/// [Postcard](https://postcard.jamesmunns.com/wire-format): small and fast, and without any name, so
/// the bytes say nothing without the type. Needs the feature `postcard`.
///
/// Every float comes back to the last bit, NaNs and infinities included; so do an inner `Some(None)`
/// and maps with any keys. What needs names can't be read back, and is a miss each time:
/// `#[serde(flatten)]`, `#[serde(untagged)]`, `#[serde(tag = "…")]`, `serde_json::Value`. A value of
/// which `skip_serializing_if` leaves a field out is an error when it is encoded, for what is behind
/// the field would be read in its place.
///
/// A field that is `skip_serializing` alone is asked for and never written; and by serde's derive, an enum with
/// a variant that is `#[serde(skip)]` is written with other numbers than it is read with. A cache finds
/// out, by reading the first value of each shape back, and does not store what would come back as something
/// else. Bytes that are made by this codec's own [`encode`](Codec::encode), as by a codec around it, are not
/// read back: use `skip` for such a field, and let the skipped variant be the last.
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

/// Encodes a value that will be read as a `V`, unless one of its variants would be read as another.
pub(super) fn encode_as<V>(value: &V, into: &mut Vec<u8>) -> Result<(), Error>
where
    V: Serialize + DeserializeOwned + 'static,
{
    let (start, seen) = (into.len(), Seen::default());
    encode(value, into, &seen)?;
    if seen.variants.are_sound::<V>() {
        return Ok(());
    }
    let read_again = || {
        if let Some((_, field)) = unwritten(value) {
            return Ok(Some(Lost::Field(field)));
        }
        let again = Seen::default();
        let back: V = decode(&into[start..], &Limits::of(&into[start..]))?;
        // What can't be written comes to its end before a variant that is written otherwise.
        let _ = encode(&back, &mut Vec::new(), &again);
        let lost = seen.variants.compare::<V>(&again.variants);
        Ok::<_, Error>(lost.map(Lost::Variant))
    };
    // What can't be read is a miss each time, and no other value.
    let reason = match catch_unwind(AssertUnwindSafe(read_again)) {
        Ok(Ok(Some(Lost::Variant(lost)))) => format!(
            "its variant `{}::{}` would be read as another, for one before it is skipped (`#[serde(skip)]`)",
            lost.of, lost.name
        ),
        Ok(Ok(Some(Lost::Field(field)))) => format!(
            "its field `{field}` is never written (`skip_serializing`), and what is behind it would be read in its place"
        ),
        _ => return Ok(()),
    };
    Err(Error::data(format!(
        "the value can't be expressed in Postcard: {reason}"
    )))
}

/// What would not come back.
enum Lost {
    Variant(Variant),
    Field(&'static str),
}

/// The first struct of `value` that is asked for more fields than were written of it, and one of those:
/// all that is behind it is read from the wrong place.
fn unwritten<T: Serialize + DeserializeOwned>(value: &T) -> Option<(usize, &'static str)> {
    let (mut bytes, seen) = (Vec::new(), Seen::recording());
    encode(value, &mut bytes, &seen).ok()?;
    let limits = Limits::recording(&bytes);
    let _ = decode::<T>(&bytes, &limits);
    let (written, asked) = (seen.structs?.into_inner(), limits.asked?.into_inner());
    let mut pairs = written.iter().zip(asked.iter()).enumerate();
    let (number, (written, asked)) =
        pairs.find(|(_, (written, asked))| asked.count != written.len())?;
    let is_known = |name: &&'static str| asked.fields.contains(name);
    if asked.count < written.len() || !written.iter().all(is_known) {
        return None;
    }
    let missing = asked.fields.iter().find(|name| !written.contains(name))?;
    Some((number, missing))
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
    /// Where a value would be read from the wrong place.
    pub(crate) fn misfit<T: Serialize + DeserializeOwned>(value: &T) -> Option<Misfit> {
        let (number, field) = unwritten(value)?;
        Some(Misfit::Unwritten { number, field })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

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

    /// With a variant that is written with a number and read without.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum State {
        Open,
        #[serde(skip)]
        Local,
        Held(u8),
        Sold(u8),
        Gone {
            seat: u8,
        },
    }

    #[test]
    fn a_variant_that_would_be_read_as_another_is_refused_by_name() {
        let refused = |value: State| {
            let refused = encode_as(&vec![value], &mut Vec::new());
            refused.unwrap_err().to_string()
        };
        let written = |value: Vec<State>| {
            let mut bytes = Vec::new();
            encode_as(&value, &mut bytes).unwrap();
            assert_eq!(Postcard.decode::<Vec<State>>(&bytes).unwrap(), value);
        };
        written(vec![State::Open, State::Open]);
        for _ in 0..2 {
            assert!(refused(State::Held(7)).contains("`State::Held`"));
            written(vec![State::Open]);
        }
        assert!(encode_as(&State::Local, &mut Vec::new()).is_err());
        assert!(refused(State::Sold(7)).contains("`State::Sold`"));
        // Nobody can read this one.
        let mut bytes = Vec::new();
        encode_as(&State::Gone { seat: 7 }, &mut bytes).unwrap();
        assert!(Postcard.decode::<State>(&bytes).is_err());
    }

    #[test]
    fn a_field_that_is_asked_for_and_never_written_is_refused_by_name() {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct User {
            #[serde(skip_serializing, default)]
            secret: u8,
            role: u8,
            groups: Vec<u8>,
        }
        let user = User {
            secret: 0,
            role: 3,
            groups: vec![1, 9],
        };
        for _ in 0..2 {
            let refused = encode_as(&Some(user.clone()), &mut Vec::new()).unwrap_err();
            assert!(refused.to_string().contains("`secret`"), "{refused}");
            // Nor is one known to be sound because another value of its type has none.
            assert!(encode_as(&None::<User>, &mut Vec::new()).is_ok());
        }
    }

    #[test]
    fn names_of_variants_may_differ_where_they_are_read() {
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        enum Renamed {
            #[serde(alias = "a", alias = "b")]
            First,
            #[serde(rename(serialize = "second", deserialize = "zweites"))]
            Second(u8),
            #[serde(skip)]
            #[expect(dead_code, reason = "what matters is that it is the last")]
            Last,
        }
        let all = HashSet::from([Renamed::First, Renamed::Second(1), Renamed::Second(2)]);
        for _ in 0..2 {
            let mut bytes = b"header".to_vec();
            encode_as(&all, &mut bytes).unwrap();
            let back: HashSet<Renamed> = Postcard.decode(&bytes[6..]).unwrap();
            assert_eq!(back, all);
        }
    }

    #[test]
    fn a_panic_while_a_variant_is_read_back_is_none_of_the_writers() {
        #[derive(Serialize)]
        enum Panics {
            Always,
        }
        impl<'de> Deserialize<'de> for Panics {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                panic!("on purpose")
            }
        }
        let mut bytes = Vec::new();
        assert!(encode_as(&Panics::Always, &mut bytes).is_ok());
        assert_eq!(bytes, [0]);
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
