//! A codec of the user's whose type the cache does not know.
//!
//! The cache knows its codec at run time alone, and the type of a value is known at the call alone;
//! [`Codec`]'s methods want both. So the codec is given a value that hides its type, and told to
//! decode a value that, when serde hands it a deserializer, makes what is wanted of it.

use std::any::Any;
use std::cell::Cell;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Codec;
use crate::Error;
use crate::call::CacheValue;

/// A [`Codec`] whose methods have no type parameters.
pub(crate) trait Erased: Send + Sync {
    fn number(&self) -> u8;

    fn encode_erased(
        &self,
        value: &dyn erased_serde::Serialize,
        into: &mut Vec<u8>,
    ) -> Result<(), Error>;

    /// Decodes what is wanted at the moment.
    fn decode_wanted(&self, bytes: &[u8]) -> Result<Wanted, Error>;
}

impl<C: Codec> Erased for C {
    fn number(&self) -> u8 {
        self.id()
    }

    fn encode_erased(
        &self,
        value: &dyn erased_serde::Serialize,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.encode(value, into)
    }

    fn decode_wanted(&self, bytes: &[u8]) -> Result<Wanted, Error> {
        self.decode(bytes)
    }
}

/// A value of the type that is wanted.
pub(crate) struct Wanted(Box<dyn Any>);

type Make =
    fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Box<dyn Any>, erased_serde::Error>;

thread_local! {
    /// How the value is made that is being decoded on this thread: a `Deserialize` is given nothing
    /// but a deserializer.
    static MAKE: Cell<Option<Make>> = const { Cell::new(None) };
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let make = MAKE
            .get()
            .ok_or_else(|| D::Error::custom("a codec decodes on the thread that asks it to"))?;
        let mut deserializer = <dyn erased_serde::Deserializer<'_>>::erase(deserializer);
        make(&mut deserializer).map(Self).map_err(D::Error::custom)
    }
}

/// Decodes a value of the type that is known here.
pub(super) fn decode<V: CacheValue>(codec: &dyn Erased, bytes: &[u8]) -> Result<V, Error> {
    /// What was wanted before, by a value in whose code this one is decoded.
    struct Restored(Option<Make>);

    impl Drop for Restored {
        fn drop(&mut self) {
            MAKE.set(self.0);
        }
    }

    let _restored = Restored(MAKE.replace(Some(make::<V>)));
    let Wanted(value) = codec.decode_wanted(bytes)?;
    match value.downcast() {
        Ok(value) => Ok(*value),
        Err(_) => Err(Error::data("the codec gave a value of another decoding")),
    }
}

fn make<V: CacheValue>(
    deserializer: &mut dyn erased_serde::Deserializer<'_>,
) -> Result<Box<dyn Any>, erased_serde::Error> {
    Ok(Box::new(erased_serde::deserialize::<V>(deserializer)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::codec::Json;

    struct Turned;

    impl Codec for Turned {
        fn id(&self) -> u8 {
            200
        }

        fn encode<T: Serialize + ?Sized>(
            &self,
            value: &T,
            into: &mut Vec<u8>,
        ) -> Result<(), Error> {
            let begin = into.len();
            Json.encode(value, into)?;
            into[begin..].reverse();
            Ok(())
        }

        fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
            let turned: Vec<u8> = bytes.iter().rev().copied().collect();
            Json.decode(&turned)
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Unit,
        Tuple(u8, i128),
        Struct { a: Option<u8>, b: char },
    }

    fn comes_back<V: CacheValue + PartialEq + std::fmt::Debug>(value: V) {
        let mut bytes = Vec::new();
        Turned.encode_erased(&value, &mut bytes).unwrap();
        assert_eq!(decode::<V>(&Turned, &bytes).unwrap(), value);
    }

    #[test]
    fn values_come_back_equal() {
        comes_back((u64::MAX, i64::MIN, u128::MAX, i128::MIN, 0.1_f32, 'x', ()));
        comes_back(BTreeMap::from([(3_u8, vec![Some("a".to_owned()), None])]));
        comes_back(vec![
            Shape::Unit,
            Shape::Tuple(1, -2),
            Shape::Struct { a: Some(1), b: '"' },
        ]);
        comes_back(serde_json::json!({"a": [1, null]}));
    }

    /// A value whose decoding decodes another.
    #[derive(Debug, Clone, PartialEq, Serialize)]
    struct Outer(String, u8);

    impl<'de> Deserialize<'de> for Outer {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            assert_eq!(decode::<u8>(&Turned, b"24").unwrap(), 42);
            assert!(decode::<u8>(&Turned, b"x").is_err());
            let (text, number) = Deserialize::deserialize(deserializer)?;
            Ok(Self(text, number))
        }
    }

    #[test]
    fn a_value_may_be_decoded_while_another_is() {
        comes_back(vec![Outer("a".to_owned(), 1), Outer("b".to_owned(), 2)]);
        assert!(MAKE.get().is_none());
    }

    #[test]
    fn a_panic_of_a_value_leaves_nothing_behind() {
        #[derive(Clone, Serialize)]
        struct Panics;
        impl<'de> Deserialize<'de> for Panics {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                panic!("on purpose")
            }
        }
        let decoding = || decode::<Panics>(&Turned, b"1").is_ok();
        assert!(std::panic::catch_unwind(decoding).is_err());
        assert!(MAKE.get().is_none());
    }
}
