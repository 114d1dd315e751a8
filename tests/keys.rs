//! Canonical argument bytes and the hashes made of them.

#[path = "keys/identity.rs"]
mod identity;
#[path = "keys/value.rs"]
mod value;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::Ipv4Addr;

use cache_core::private::KeyWriter;
use proptest::prelude::*;
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use value::{Ordered, Reader, Value, any_value};

fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut key = KeyWriter::new();
    key.argument(value);
    assert!(key.error().is_none());
    key.bytes().to_vec()
}

fn tuple_bytes(arguments: &[Value]) -> Vec<u8> {
    let mut key = KeyWriter::new();
    for argument in arguments {
        key.argument(argument);
    }
    key.bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What can be read back is self-delimiting and injective, however many values follow.
    #[test]
    fn arguments_can_be_read_back(arguments in proptest::collection::vec(any_value(), 0..4)) {
        prop_assert_eq!(Reader(&tuple_bytes(&arguments)).values(), arguments);
    }

    #[test]
    fn different_arguments_give_different_bytes(
        a in proptest::collection::vec(any_value(), 1..3),
        b in proptest::collection::vec(any_value(), 1..3),
    ) {
        prop_assert_eq!(a == b, tuple_bytes(&a) == tuple_bytes(&b));
    }

    #[test]
    fn neither_the_order_of_maps_nor_a_known_length_matters(value in any_value()) {
        prop_assert_eq!(bytes(&Ordered(&value, true)), bytes(&Ordered(&value, false)));
    }

    #[test]
    fn hash_maps_with_equal_entries_are_one_key(
        entries in proptest::collection::hash_map(any::<String>(), any::<i32>(), 0..100),
    ) {
        // Another hasher, another order.
        let ordered: BTreeMap<_, _> = entries.iter().collect();
        let again: HashMap<_, _> = entries.iter().collect();
        prop_assert_eq!(bytes(&entries), bytes(&ordered));
        prop_assert_eq!(bytes(&entries), bytes(&again));
    }
}

#[test]
fn separators_and_absence_forge_nothing() {
    let pair = |a: &str, b: &str| {
        let mut key = KeyWriter::new();
        key.argument(a).argument(b);
        key.bytes().to_vec()
    };
    assert_ne!(pair("a:b", "c"), pair("a", "b:c"));
    assert_ne!(pair("ab", ""), pair("a", "b"));
    let absent = bytes(&None::<&str>);
    assert_ne!(absent, bytes(&Some("")));
    assert_ne!(absent, bytes("null"));
    assert_ne!(bytes(&Some("")), bytes(""));
    assert_ne!(bytes(&None::<Option<u8>>), bytes(&Some(None::<u8>)));
    assert_ne!(bytes(&1_u8), bytes("1"));
    assert_ne!(bytes(&1_u8), bytes(&1.0_f64));
    assert_ne!(bytes(&1_u8), bytes(&true));
    assert_ne!(bytes(&1.0_f32), bytes(&1.0_f64));
    assert_ne!(bytes(&0.0_f64), bytes(&-0.0_f64));
    assert_ne!(bytes(&'a'), bytes("a"));
    assert_ne!(
        bytes(&vec![vec![1, 2], vec![]]),
        bytes(&vec![vec![1], vec![2]])
    );
}

#[test]
fn the_width_of_an_integer_does_not_matter() {
    for v in [0_i8, 1, 127, -1, -2, -128] {
        let expected = bytes(&v);
        assert_eq!(bytes(&i16::from(v)), expected);
        assert_eq!(bytes(&i32::from(v)), expected);
        assert_eq!(bytes(&i64::from(v)), expected);
        assert_eq!(bytes(&i128::from(v)), expected);
        assert_eq!(bytes(&isize::from(v)), expected);
    }
    for v in [0_u8, 1, 127, 128, 255] {
        let expected = bytes(&v);
        assert_eq!(bytes(&u16::from(v)), expected);
        assert_eq!(bytes(&u32::from(v)), expected);
        assert_eq!(bytes(&u64::from(v)), expected);
        assert_eq!(bytes(&u128::from(v)), expected);
        assert_eq!(bytes(&usize::from(v)), expected);
        assert_eq!(bytes(&i64::from(v)), expected);
    }
    assert_eq!(bytes(&u64::MAX), bytes(&i128::from(u64::MAX)));
}

#[test]
fn every_nan_is_one_nan() {
    let other = f64::from_bits(0xfff8_0000_0000_0001);
    assert!(other.is_nan());
    assert_eq!(bytes(&other), bytes(&f64::NAN));
    assert_eq!(bytes(&f32::from_bits(0xffc0_0001)), bytes(&f32::NAN));
}

#[derive(Serialize)]
struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u8>,
}

#[derive(Serialize)]
struct Unit;
#[derive(Serialize)]
struct Newtype(u8);
#[derive(Serialize)]
struct Tuple(u8, bool);
#[derive(Serialize)]
enum Kind {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { x: u8 },
}

/// Serialized as bytes, which `Vec<u8>` is not.
struct Blob(&'static [u8]);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn a_skipped_field_is_not_the_next_one() {
    let from = Filter {
        from: Some(1),
        to: None,
    };
    let to = Filter {
        from: None,
        to: Some(1),
    };
    assert_ne!(bytes(&from), bytes(&to));
}

/// These bytes are stored: a change here orphans every entry of every user.
#[test]
fn the_bytes_of_every_kind_never_change() {
    let cases: &[(&dyn Fn() -> Vec<u8>, &str)] = &[
        (&|| bytes(&()), "01"),
        (&|| bytes(&Unit), "01"),
        (&|| bytes(&false), "02"),
        (&|| bytes(&true), "03"),
        (&|| bytes(&None::<u8>), "04"),
        (&|| bytes(&Some(7_u8)), "051107"),
        (&|| bytes(&'a'), "0661"),
        (&|| bytes(&'€'), "06e282ac"),
        (&|| bytes(&1.5_f32), "070000c03f"),
        (&|| bytes(&f32::NAN), "070000c07f"),
        (&|| bytes(&-0.0_f64), "080000000000000080"),
        (&|| bytes(&f64::NAN), "08000000000000f87f"),
        (&|| bytes(""), "0900"),
        (&|| bytes("JFK"), "09034a464b"),
        (&|| bytes(&Blob(&[0, 255])), "0a0200ff"),
        (&|| bytes(&vec![1_u8, 0]), "0b11011000"),
        (&|| bytes(&[1_u8, 0]), "0b11011000"),
        (&|| bytes(&(1_u8, "")), "0b1101090000"),
        (&|| bytes(&Ipv4Addr::LOCALHOST), "0b117f1010110100"),
        (&|| bytes(&Tuple(1, true)), "0b11010300"),
        (&|| bytes(&Newtype(9)), "1109"),
        (
            &|| bytes(&BTreeMap::from([("aa", 1), ("b", 2)])),
            "0c0901621102090261611101 00",
        ),
        (
            &|| {
                bytes(&Filter {
                    from: None,
                    to: Some(1),
                })
            },
            "0d0902746f05110100",
        ),
        (&|| bytes(&0_i32), "10"),
        (&|| bytes(&255_i32), "11ff"),
        (&|| bytes(&256_u64), "120001"),
        (&|| bytes(&u64::MAX), "18ffffffffffffffff"),
        (&|| bytes(&u128::MAX), "20ffffffffffffffffffffffffffffffff"),
        (&|| bytes(&-1_i64), "30"),
        (&|| bytes(&-2_i8), "3101"),
        (&|| bytes(&i64::MIN), "38ffffffffffffff7f"),
        (&|| bytes(&i128::MIN), "40ffffffffffffffffffffffffffffff7f"),
        (&|| bytes(&Kind::Unit), "5004556e6974"),
        (&|| bytes(&Kind::Newtype(1)), "51074e6577747970651101"),
        (&|| bytes(&Kind::Tuple(1, 0)), "52055475706c6511011000"),
        (
            &|| bytes(&Kind::Struct { x: 1 }),
            "53065374727563740901781101 00",
        ),
    ];
    for (write, expected) in cases {
        assert_eq!(hex(&write()), expected.replace(' ', ""));
    }
    let long = hex(&bytes(&"x".repeat(300)));
    assert!(long.starts_with("09ac027878"), "{long}");
}

#[test]
fn a_scope_parts_entries_and_keeps_the_leaf() {
    let scoped = |scope: &str| {
        let mut key = KeyWriter::new();
        key.argument(&1).scope(scope).scope(&2);
        key
    };
    let (a, b) = (scoped("a"), scoped("b"));
    assert_ne!(a.bytes(), b.bytes());
    assert_eq!(a.argument_bytes(), bytes(&1));
    assert_eq!(a.argument_bytes(), b.argument_bytes());
    assert!(KeyWriter::new().bytes().is_empty());
}

/// The writer moves to the heap at 128 bytes; nothing may show of it, wherever the border falls.
#[test]
fn arguments_around_the_inline_size_are_whole() {
    for filling in 100..140 {
        let text = "x".repeat(filling);
        let mut key = KeyWriter::new();
        key.argument(&text)
            .argument(&u64::MAX)
            .argument(&1_u8)
            .argument("end");
        let arguments = [
            Value::Str(text),
            Value::Natural(u64::MAX.into()),
            Value::Natural(1),
            Value::Str("end".to_owned()),
        ];
        assert_eq!(Reader(key.bytes()).values(), arguments);
    }
}

#[test]
fn a_megabyte_is_an_argument_too() {
    let mut text = "é".repeat(500_000);
    let first = bytes(&text);
    assert!(first.len() > 1_000_000);
    text.pop();
    text.push('e');
    assert_ne!(first, bytes(&text));
}

/// Serialized by way of `Display`, as dates are.
struct Shown(String);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write!(f, "{c}"))
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[test]
fn what_is_collected_as_a_string_is_that_string() {
    for length in [0, 1, 127, 128, 129, 20_000] {
        let text = "xyz".chars().cycle().take(length).collect::<String>();
        assert_eq!(bytes(&Shown(text.clone())), bytes(&text));
    }
}

/// A map that may repeat a key.
struct Multimap(&'static [(&'static str, u8)]);

impl Serialize for Multimap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[test]
fn the_values_of_a_repeated_key_keep_their_order() {
    let ab = bytes(&Multimap(&[("k", 1), ("k", 2), ("a", 0)]));
    assert_eq!(ab, bytes(&Multimap(&[("a", 0), ("k", 1), ("k", 2)])));
    assert_ne!(ab, bytes(&Multimap(&[("a", 0), ("k", 2), ("k", 1)])));
}

struct Refuses(&'static str);

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(self.0))
    }
}

#[test]
fn the_first_failing_argument_is_remembered_and_its_words_are_not_shown() {
    let mut key = KeyWriter::new();
    key.argument(&1).argument(&vec![Refuses("secret")]);
    key.argument(&Refuses("second")).scope(&2);
    let error = key.into_error().expect("an error");
    assert!(error.is_invalid_input());
    assert!(error.to_string().contains("skip("), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let source = std::error::Error::source(&error).expect("a source");
    assert_eq!(source.to_string(), "secret");
}
