//! Types nested at random: each its own fingerprint, and none a gap.

use std::collections::{BTreeMap, HashMap};

use cachewright::__private::Schema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[allow(dead_code)]
struct One<T> {
    a: T,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Two<T> {
    A,
    B(T),
    C { a: u8, b: T },
}

#[derive(Deserialize)]
#[allow(dead_code)]
#[serde(tag = "t", content = "c")]
enum Three<T> {
    A,
    B(T),
    C { a: Option<T> },
}

type Seen = HashMap<Vec<u8>, String>;

/// Looks at a type, and that it has no gap; two that are told apart by name have two fingerprints.
fn see<T: DeserializeOwned + 'static>(seen: &mut Seen) {
    let name = std::any::type_name::<T>();
    let schema = Schema::of::<T>();
    assert_eq!(schema.gaps(), [], "{name}");
    let other = seen.insert(schema.fingerprint().as_bytes().to_vec(), name.to_owned());
    assert_eq!(other, None, "of one fingerprint with {name}");
}

/// Every nesting of these kinds of types, three deep.
macro_rules! nest {
    ($seen:ident: $leaf:ty;) => { see::<$leaf>($seen); };
    ($seen:ident: $inner:ty; $depth:tt $($rest:tt)*) => {
        nest!($seen: Option<$inner>; $($rest)*);
        nest!($seen: Vec<$inner>; $($rest)*);
        nest!($seen: BTreeMap<String, $inner>; $($rest)*);
        nest!($seen: ($inner, u8); $($rest)*);
        nest!($seen: [$inner; 3]; $($rest)*);
        nest!($seen: One<$inner>; $($rest)*);
        nest!($seen: Two<$inner>; $($rest)*);
        nest!($seen: Three<$inner>; $($rest)*);
    };
}

#[test]
fn nested_types_are_told_apart_and_have_no_gap() {
    let seen = &mut Seen::new();
    nest!(seen: u8; 1 1 1);
    nest!(seen: uuid::Uuid; 1 1);
    nest!(seen: chrono::DateTime<chrono::Utc>; 1 1);
    nest!(seen: rust_decimal::Decimal; 1 1);
    nest!(seen: serde_json::Value; 1 1);
    assert_eq!(seen.len(), 512 + 4 * 64);
}
