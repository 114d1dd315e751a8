//! What can't be seen is told, with the name of the type; and what can be seen is no gap.

#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap, HashSet};

use cachewright::__private::{Reason, Schema};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};

#[derive(Deserialize)]
struct Part {
    x: u8,
    y: Option<u8>,
}

#[derive(Deserialize)]
struct Flat {
    own: u8,
    #[serde(flatten)]
    part: Part,
}

#[derive(Deserialize)]
struct FlatMap {
    own: u8,
    #[serde(flatten)]
    rest: HashMap<String, u8>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Part(Part),
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Open {
    Known {
        x: u8,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum TaggedFlat {
    Flat(Flat),
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum TaggedUntagged {
    A { field: Untagged },
}

#[derive(Deserialize)]
#[serde(tag = "t", content = "c")]
enum AdjacentUntagged {
    A { number: u8, field: Untagged },
}

struct Iban;

impl<'de> Deserialize<'de> for Iban {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "GB33BUKB20201555555555" => Ok(Self),
            _ => Err(serde::de::Error::custom("no IBAN")),
        }
    }
}

/// The gaps of a type: whose, where, why.
fn gaps<T: DeserializeOwned + 'static>() -> Vec<(&'static str, &'static str, Reason)> {
    let gaps = Schema::of::<T>().gaps().iter();
    gaps.map(|gap| (gap.type_name(), gap.place(), gap.reason()))
        .collect()
}

#[test]
fn what_hides_its_shape_is_told_by_its_name() {
    assert_eq!(gaps::<Flat>(), [("Flat", "", Reason::Flatten)]);
    assert_eq!(gaps::<FlatMap>(), [("FlatMap", "", Reason::Flatten)]);
    assert_eq!(gaps::<Untagged>(), [("Untagged", "", Reason::Untagged)]);
    assert_eq!(gaps::<Iban>(), [("Iban", "", Reason::Rejects)]);
    assert_eq!(gaps::<TaggedFlat>(), [("TaggedFlat", "", Reason::Flatten)]);
    assert_eq!(gaps::<Open>(), [("Open", "", Reason::OpenTag)]);
    assert_eq!(
        gaps::<TaggedUntagged>(),
        [("TaggedUntagged", "", Reason::Untagged)]
    );
    assert_eq!(
        gaps::<AdjacentUntagged>(),
        [("Untagged", "c", Reason::Untagged)]
    );
}

#[test]
fn a_gap_says_where_it_is() {
    #[derive(Deserialize)]
    struct Order {
        items: Vec<BTreeMap<String, Flat>>,
        payment: Payment,
    }
    #[derive(Deserialize)]
    enum Payment {
        Cash,
        Transfer {
            from: Option<Iban>,
            to: (u8, Untagged),
        },
    }
    assert_eq!(
        gaps::<Order>(),
        [
            ("Flat", "items.value", Reason::Flatten),
            ("Option<Iban>", "payment.Transfer.from", Reason::Rejects),
            ("Untagged", "payment.Transfer.to.1", Reason::Untagged),
        ]
    );
    let first = &Schema::of::<Order>().gaps()[0].to_string();
    assert!(
        first.starts_with("`Flat` at `items.value` hides its shape"),
        "{first}"
    );
}

#[test]
fn what_describes_itself_has_no_shape_and_no_gap() {
    assert_eq!(gaps::<serde_json::Value>(), []);
    assert_eq!(gaps::<serde_json::Map<String, serde_json::Value>>(), []);
    assert_eq!(gaps::<Vec<(serde_json::Number, serde_json::Value)>>(), []);
    assert_ne!(
        Schema::of::<(serde_json::Value, u8)>().fingerprint(),
        Schema::of::<(serde_json::Value, u16)>().fingerprint(),
    );
}

#[test]
fn the_types_of_the_standard_library_have_no_gap() {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
    use std::num::{NonZeroI8, NonZeroU64, NonZeroUsize, Wrapping};
    use std::ops::{Bound, Range, RangeInclusive};
    use std::sync::{Arc, Mutex, RwLock};
    use std::time::{Duration, SystemTime};

    assert_eq!(
        gaps::<(bool, char, String, i8, i128, u128, f32, f64, ())>(),
        []
    );
    assert_eq!(gaps::<(IpAddr, Ipv4Addr, Ipv6Addr)>(), []);
    assert_eq!(gaps::<(SocketAddr, SocketAddrV4, SocketAddrV6)>(), []);
    assert_eq!(
        gaps::<(NonZeroI8, NonZeroU64, NonZeroUsize, Wrapping<u8>)>(),
        []
    );
    assert_eq!(gaps::<(Bound<u8>, Range<u8>, RangeInclusive<u8>)>(), []);
    assert_eq!(gaps::<(Duration, SystemTime, std::path::PathBuf)>(), []);
    assert_eq!(
        gaps::<(Arc<str>, Box<[u8]>, Arc<Part>, Mutex<u8>, RwLock<u8>)>(),
        []
    );
    assert_eq!(
        gaps::<(HashSet<u8>, HashMap<IpAddr, [u8; 32]>, Result<u8, Part>)>(),
        []
    );
    assert_eq!(gaps::<std::marker::PhantomData<Iban>>(), []);
    assert_eq!(gaps::<std::borrow::Cow<'static, str>>(), []);
    assert_eq!(gaps::<std::ffi::CString>(), []);
}
