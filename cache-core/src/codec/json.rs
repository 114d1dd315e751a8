use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Codec;
use crate::Error;
#[cfg(debug_assertions)]
use crate::round_trip::Misfit;

/// JSON: the default, readable with `redis-cli` behind the header.
///
/// Every finite float comes back equal to the last bit. What JSON can't express is either an error
/// when it is encoded (a map whose keys are no scalars) or does not come back equal (NaN and the
/// infinities become `null`; an inner `Some(None)` becomes `None`; a byte string becomes a list of
/// numbers, which comes back equal but is long).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

#[diagnostic::do_not_recommend]
impl Codec for Json {
    fn id(&self) -> u8 {
        1
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, into: &mut Vec<u8>) -> Result<(), Error> {
        serde_json::to_writer(into, value).map_err(|error| {
            // The text of any other error may come from a hand-written `Serialize` and quote the
            // value.
            let known = [
                "key must be a string",
                "float key must be finite (got NaN or +/-inf)",
            ];
            let text = error.to_string();
            let reason = known.into_iter().find(|known| *known == text);
            Error::data(format!(
                "the value can't be expressed in JSON: {}",
                reason.unwrap_or("its `Serialize` implementation failed")
            ))
        })
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| {
            // The text of serde_json quotes the value: `invalid type: string "…", expected i64`.
            let reason = match error.classify() {
                Category::Data => "it is not of the expected type",
                Category::Eof => "it ends too early",
                Category::Syntax | Category::Io => "it is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            Error::data(format!(
                "the body can't be decoded: {reason} (line {line}, column {column})"
            ))
        })
    }
}

#[cfg(debug_assertions)]
impl Json {
    /// Where `bytes`, which this codec has made of a `T`, can't be decoded as one.
    pub(crate) fn misfit<T: DeserializeOwned>(bytes: &[u8]) -> Option<Misfit> {
        let error = serde_json::from_slice::<T>(bytes).err()?;
        let text = error.to_string();
        let missing = text.strip_prefix("missing field `");
        let missing = missing.and_then(|text| text.split('`').next());
        // All of it is one line.
        Some(Misfit::Undecodable {
            parts: parts_at(bytes.get(..error.column())?),
            missing: missing.map(str::to_owned),
        })
    }
}

/// Which part of which part of a value its encoding has come to: of arrays the elements are counted,
/// of objects the entries.
#[cfg(debug_assertions)]
fn parts_at(bytes: &[u8]) -> Vec<usize> {
    let mut parts = Vec::new();
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => parts.push(0),
            b']' | b'}' => {
                parts.pop();
            }
            b',' => {
                if let Some(part) = parts.last_mut() {
                    *part += 1;
                }
            }
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        Json.encode(value, &mut bytes).unwrap();
        bytes
    }

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(Json.decode::<T>(&encoded(&value)).unwrap(), value);
    }

    #[test]
    fn values_come_back_equal() {
        comes_back(Arc::new(vec![Some("a".to_owned()), None]));
        comes_back(Some(7));
        comes_back(None::<i32>);
        comes_back(());
        comes_back((u64::MAX, i64::MIN, u128::MAX, i128::MIN));
        comes_back(BTreeMap::from([(3_u8, 'x'), (4, '"')]));
        comes_back("\u{0}\n\u{1f600}\\".to_owned());
    }

    proptest! {
        #[test]
        fn finite_floats_come_back_equal_to_the_last_bit(bits: u64) {
            let float = f64::from_bits(bits);
            prop_assume!(float.is_finite());
            let back: f64 = Json.decode(&encoded(&float)).unwrap();
            prop_assert_eq!(back.to_bits(), bits);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Json.decode::<Vec<Option<String>>>(&bytes);
            let _ = Json.decode::<BTreeMap<u8, f64>>(&bytes);
        }
    }

    #[test]
    fn encoding_appends() {
        let mut bytes = b"header".to_vec();
        Json.encode(&1, &mut bytes).unwrap();
        assert_eq!(bytes, b"header1");
    }

    #[test]
    fn bytes_left_over_are_an_error() {
        assert!(Json.decode::<i32>(b"1 2").unwrap_err().is_data());
        assert!(Json.decode::<i32>(b"").unwrap_err().is_data());
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let bytes = vec![b'['; 1_000_000];
        assert!(
            Json.decode::<serde_json::Value>(&bytes)
                .unwrap_err()
                .is_data()
        );
    }

    #[test]
    fn errors_quote_no_value() {
        let error = Json.decode::<i64>(br#""secret""#).unwrap_err();
        assert!(error.is_data());
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );

        struct Tells;
        impl Serialize for Tells {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("secret"))
            }
        }
        let error = Json.encode(&Tells, &mut Vec::new()).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
    }

    #[test]
    fn map_with_keys_that_are_no_scalars_says_so() {
        let error = Json
            .encode(&BTreeMap::from([((1, 2), 3)]), &mut Vec::new())
            .unwrap_err();
        assert!(
            error.to_string().contains("key must be a string"),
            "{error}"
        );
    }
}
