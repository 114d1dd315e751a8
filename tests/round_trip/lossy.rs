//! Values that come back as others.

use super::*;

#[test]
fn a_field_that_comes_back_as_another_is_named_with_its_path() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Board {
        orders: Vec<Order>,
    }
    let board = Board {
        orders: vec![order(1, "*"), order(2, "secret")],
    };
    let told = told_of!(board => Board);
    assert_told(&told, "orders[1].note", "comes back as another");
    for expected in [
        "round_trip::lossy::a_field_that_comes_back_as_another_is_named_with_its_path::kept",
        "place=tests/round_trip/lossy.rs:",
        "value_type=\"round_trip::lossy::a_field_that_comes_back_as_another_is_named_with_its_path::Board\"",
    ] {
        assert!(told[0].contains(expected), "{expected} is not in {told:?}");
    }
}

#[test]
fn parts_of_maps_tuples_and_variants_are_named_without_keys() {
    #[derive(Clone, Serialize, Deserialize)]
    enum State {
        Open((u8, HashMap<String, Order>)),
    }
    let orders = ["secret a", "secret b"].map(|key| (key.to_owned(), order(1, "secret")));
    let told = told_of!(State::Open((1, orders.into())) => State);
    assert_told(&told, "Open.1[_].note", "comes back as another");
}

#[test]
fn an_element_of_a_set_is_compared_with_the_one_that_it_has_become() {
    #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Tag {
        id: u64,
        #[serde(with = "rounded")]
        weight: u64,
        name: String,
    }
    mod rounded {
        use super::*;
        pub(super) fn serialize<S: Serializer>(v: &u64, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_u64(v / 10 * 10)
        }
        pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
            // What is serialized once more is rounded once more, and told by that.
            u64::deserialize(d).map(|v| v.saturating_sub(1))
        }
    }
    let tag = |id| Tag {
        id,
        weight: 15,
        name: format!("secret {id}"),
    };
    let told = told_of!((0..40).map(tag).collect() => HashSet<Tag>);
    let [told] = &*told else { panic!("{told:?}") };
    assert!(told.contains("].weight\""), "{told}");
}

/// The first element is another only in the order of its set.
#[test]
fn an_element_that_is_only_reordered_does_not_hide_one_that_is_lost() {
    let set = || (0..200).collect::<HashSet<u64>>();
    let value = vec![(set(), order(1, "*")), (set(), order(2, "secret"))];
    let told = told_of!(value => Vec<(HashSet<u64>, Order)>);
    assert_told(&told, "[1].1.note", "comes back as another");
}

#[test]
fn a_value_that_refuses_to_be_serialized_is_told() {
    #[derive(Clone, Deserialize)]
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("secret"))
        }
    }
    let told = told_of!(Refuses => Refuses);
    assert_told(&told, "", "its `Serialize` implementation failed");
}

#[test]
fn a_nan_and_an_infinity_are_named() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Delay {
        mean: f64,
    }
    let delays = vec![Delay { mean: 1.5 }, Delay { mean: f64::NAN }];
    let told = told_of!(delays => Vec<Delay>);
    assert_told(&told, "[1].mean", "NaN");
    assert_told(&told_of!(f32::INFINITY => f32), "", "infinity");
    let means = vec![Some(0.5), Some(f64::NEG_INFINITY)];
    assert_told(&told_of!(means => Vec<Option<f64>>), "[1]", "infinity");
}

#[test]
fn an_inner_none_is_named() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Patch {
        name: Option<Option<String>>,
    }
    let told = told_of!(Patch { name: Some(None) } => Patch);
    assert_told(&told, "name", "an inner `None` comes back as the outer one");
    let told = told_of!(Patch { name: Some(Some("secret".to_owned())) } => Patch);
    assert_eq!(told, SILENT);
}

#[test]
fn keys_that_are_no_text_are_named() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Grid {
        named: HashMap<char, u8>,
        cells: BTreeMap<(u8, u8), u8>,
    }
    let grid = Grid {
        named: HashMap::from([('a', 1)]),
        cells: BTreeMap::from([((1, 2), 3)]),
    };
    assert_told(&told_of!(grid => Grid), "cells", "key must be a string");
}

#[test]
fn a_variant_that_is_taken_for_another_is_seen_by_the_equality() {
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Id {
        Name(String),
        Code(String),
    }
    let ids = vec![Id::Name("a".to_owned()), Id::Code("secret".to_owned())];
    assert_told(&told_of!(ids => Vec<Id>), "", "`==` says so");
}

#[test]
fn a_list_that_comes_back_in_another_order_is_seen_by_the_equality() {
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    struct List {
        names: Vec<String>,
        #[serde(deserialize_with = "sorted")]
        places: Vec<u8>,
    }
    fn sorted<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let mut places = Vec::deserialize(d)?;
        places.sort_unstable();
        Ok(places)
    }
    let list = List {
        names: vec!["b".to_owned(), "a".to_owned()],
        places: vec![2, 1],
    };
    assert_told(&told_of!(list => List), "places", "another order");
}

#[test]
fn a_type_that_contains_itself_too_deeply_is_told() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Chain {
        next: Option<Box<Chain>>,
    }
    let chain = |length| {
        let longer = |chain, _| Chain {
            next: Some(Box::new(chain)),
        };
        (0..length).fold(Chain::default(), longer)
    };
    assert_eq!(told_of!(chain(50) => Chain), SILENT);
    let told = told_of!(chain(127) => Chain);
    let [told] = &*told else { panic!("{told:?}") };
    assert!(
        told.contains("next.next.next") && told.contains("can't be decoded"),
        "{told}"
    );
    assert_told(
        &told_of!(chain(200) => Chain),
        "",
        "nested more than 256 deep",
    );
}
