//! What does not come back from its encoding is told in debug builds: once, with its field, and without a value.
#![cfg(debug_assertions)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};

use cachewright::{Cache, cached};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher, span};

/// Writes down every error with its fields.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    /// What was told while `work` was done.
    fn during<T>(self, work: impl FnOnce() -> T) -> (T, Vec<String>) {
        let answer = dispatcher::with_default(&Dispatch::new(self.clone()), work);
        (answer, self.0.lock().unwrap().clone())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR && metadata.target() == "cachewright"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                write!(self.0, "{}={value:?} ", field.name()).unwrap();
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn cache() -> Cache {
    Cache::builder().build().unwrap()
}

/// What is told when a function of its own keeps `$value`.
macro_rules! told_of {
    ($value:expr => $type:ty) => {{
        #[cached(cache = cache, skip(cache, value))]
        fn kept(cache: &Cache, value: $type) -> $type {
            value
        }
        let (_, told) = Recorder::default().during(|| kept(&cache(), $value));
        told
    }};
}

/// Asserts that one error names the field and says why.
#[track_caller]
fn assert_told(told: &[String], field: &str, why: &str) {
    let [told] = told else {
        panic!("{} errors: {told:?}", told.len());
    };
    let named = match field {
        "" => !told.contains("field="),
        field => told.contains(&format!("field={field:?}")),
    };
    assert!(named, "{field} is not named in {told}");
    assert!(told.contains(why), "{why} is not said in {told}");
    assert!(told.contains("tier = \"memory\""), "no way out in {told}");
    assert!(!told.contains("secret"), "a value is in {told}");
}

const SILENT: [String; 0] = [];

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    #[serde(deserialize_with = "as_a_star")]
    note: String,
}

fn as_a_star<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|_| "*".to_owned())
}

fn order(id: u64, note: &str) -> Order {
    let note = note.to_owned();
    Order { id, note }
}

mod skipped {
    use super::*;

    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    struct Profile {
        name: String,
        #[serde(skip)]
        token: String,
    }

    fn profile() -> Profile {
        Profile {
            name: "secret name".to_owned(),
            token: "secret token".to_owned(),
        }
    }

    #[test]
    fn a_skipped_field_is_seen_by_the_equality_of_the_type_alone() {
        assert_told(&told_of!(profile() => Profile), "", "`==` says so");
        assert_told(&told_of!(Some(profile()) => Option<Profile>), "", "`==`");
        let found = Ok(profile());
        assert_told(&told_of!(found => Result<Profile, ()>), "", "`==`");
        let found = Ok(Some(profile()));
        let told = told_of!(found => Result<Option<Profile>, std::fmt::Error>);
        assert_told(&told, "", "`==`");
        assert_told(&told_of!(Arc::new(profile()) => Arc<Profile>), "", "`==`");
    }

    #[test]
    fn what_is_skipped_and_has_its_default_anyway_comes_back() {
        let value = Profile {
            token: String::new(),
            ..profile()
        };
        assert_eq!(told_of!(value => Profile), SILENT);
    }

    #[test]
    fn a_skipped_field_without_a_default_is_missing() {
        #[derive(Clone, Serialize, Deserialize)]
        struct Account {
            #[serde(skip_serializing)]
            #[expect(dead_code, reason = "what matters is that it is there")]
            password: String,
        }
        let accounts = || {
            vec![Account {
                password: "secret".to_owned(),
            }]
        };
        let told = told_of!(accounts() => Vec<Account>);
        assert_told(&told, "[0]", "a field of it is not serialized");
    }

    #[test]
    fn a_field_that_is_left_out_by_its_value_is_named() {
        #[derive(Clone, Serialize, Deserialize)]
        struct Item {
            comment: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            harmless: Option<String>,
            #[serde(skip_serializing_if = "String::is_empty")]
            note: String,
        }
        let item = |note: &str| Item {
            comment: Some("secret, with }],{\\\" in it".to_owned()),
            harmless: None,
            note: note.to_owned(),
        };
        let items = || BTreeMap::from([("secret", [item("a"), item("")])]);
        let items = items()
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_vec()))
            .collect();
        let told = told_of!(items => BTreeMap<String, Vec<Item>>);
        assert_told(&told, "[_][1].note", "`skip_serializing_if`");
    }

    #[test]
    fn a_default_that_is_another_value_is_named() {
        fn seven() -> u8 {
            7
        }
        #[derive(Clone, Serialize, Deserialize)]
        struct Counted {
            #[serde(skip_serializing_if = "is_zero", default = "seven")]
            count: u8,
        }
        fn is_zero(count: &u8) -> bool {
            *count == 0
        }
        let told = told_of!(Counted { count: 0 } => Counted);
        assert_told(&told, "count", "its default is another value");
    }
}

mod lossy {
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
            "place=tests/round_trip.rs:",
            "Board",
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
}

/// What serializes alike before and after, such as a number with two digits, only `==` can tell apart.
#[test]
fn what_is_lost_before_serde_is_given_it_is_seen_by_the_equality() {
    fn redacted<S: Serializer>(_: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("*")
    }
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    struct Login {
        #[serde(serialize_with = "redacted")]
        password: String,
    }
    let password = "secret".to_owned();
    assert_told(&told_of!(Login { password } => Login), "", "`==` says so");
}

mod lossless {
    use super::*;

    #[test]
    fn collections_in_any_order_are_silent() {
        let words = || (0..200).map(|n| format!("word {n}"));
        assert_eq!(told_of!(words().collect() => HashSet<String>), SILENT);
        let map = words().zip(words().map(|word| HashSet::from([word, "x".to_owned()])));
        assert_eq!(
            told_of!(map.collect() => HashMap<String, HashSet<String>>),
            SILENT
        );
        let sets = vec![words().collect::<HashSet<_>>(), HashSet::new()];
        assert_eq!(told_of!(sets => Vec<HashSet<String>>), SILENT);
        assert_eq!(told_of!(words().collect() => BTreeSet<String>), SILENT);

        /// Has no `==`, and a set.
        #[derive(Clone, Serialize, Deserialize)]
        struct Opaque {
            members: HashSet<u64>,
        }
        let members = (0..200).collect();
        assert_eq!(told_of!(Opaque { members } => Opaque), SILENT);
    }

    #[test]
    fn every_shape_of_value_that_comes_back_is_silent() {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Flight {
            departs_at: std::time::Duration,
            delay: f64,
            small: f32,
            wide: (i128, u128, i8),
            route: Arc<[char; 3]>,
            state: Vec<State>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            note: Option<String>,
            #[serde(flatten)]
            rest: BTreeMap<String, Option<i64>>,
            address: std::net::IpAddr,
            nothing: (),
        }
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        enum State {
            Scheduled,
            Delayed(u8),
            Diverted(String, u8),
            Cancelled { why: String },
        }
        let flight = Flight {
            departs_at: std::time::Duration::new(7, 7),
            delay: -0.0,
            small: 0.1,
            wide: (i128::MIN, 1 << 60, -1),
            route: Arc::new(['E', '\u{0}', '"']),
            state: vec![
                State::Scheduled,
                State::Delayed(1),
                State::Diverted("a".to_owned(), 2),
                State::Cancelled { why: String::new() },
            ],
            note: None,
            rest: BTreeMap::from([("k".to_owned(), Some(1)), ("l".to_owned(), None)]),
            address: [127, 0, 0, 1].into(),
            nothing: (),
        };
        assert_eq!(
            told_of!(Ok(Some(flight)) => Result<Option<Flight>, String>),
            SILENT
        );
        assert_eq!(told_of!(1e300 => f64), SILENT);
        let ports = HashMap::from([(80, 'h'), (443, 's')]);
        assert_eq!(told_of!(ports => HashMap<u16, char>), SILENT);
    }

    #[test]
    fn what_is_not_equal_to_itself_is_no_alarm() {
        /// A NaN that is written as text and comes back.
        #[derive(Clone, PartialEq, Serialize, Deserialize)]
        struct Mean(#[serde(with = "text")] f64);
        mod text {
            use super::*;
            pub(super) fn serialize<S: Serializer>(v: &f64, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&v.to_string())
            }
            pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
                String::deserialize(d)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
        assert_eq!(told_of!(Mean(f64::NAN) => Mean), SILENT);
        assert_eq!(told_of!(Mean(0.5) => Mean), SILENT);
    }

    #[test]
    fn what_serializes_to_something_else_each_time_is_no_alarm() {
        #[derive(Clone, PartialEq, Deserialize)]
        struct Stamped {
            at: u64,
        }
        impl Serialize for Stamped {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                static NOW: AtomicU64 = AtomicU64::new(1);
                let mut fields = serializer.serialize_struct("Stamped", 2)?;
                fields.serialize_field("at", &self.at)?;
                fields.serialize_field("now", &NOW.fetch_add(1, SeqCst))?;
                fields.end()
            }
        }
        assert_eq!(told_of!(Stamped { at: 1 } => Stamped), SILENT);
    }

    #[test]
    fn what_is_never_encoded_is_not_checked() {
        #[cached(cache = cache, skip(cache), tier = "memory")]
        fn local(cache: &Cache) -> f64 {
            f64::NAN
        }
        #[cached(cache = cache, skip(cache), ttl = std::time::Duration::ZERO)]
        fn unkept(cache: &Cache) -> f64 {
            f64::NAN
        }
        let calls = || {
            let cache = cache();
            (local(&cache).is_nan(), unkept(&cache).is_nan())
        };
        assert_eq!(Recorder::default().during(calls), ((true, true), vec![]));
    }

    #[test]
    fn a_huge_value_is_passed_over() {
        let value = vec![f64::NAN; 1 << 20];
        assert_eq!(told_of!(value => Vec<f64>), SILENT);
    }
}

#[test]
fn a_function_is_told_of_once_and_the_answer_stays() {
    #[cached(cache = cache, skip(cache))]
    async fn mean(cache: &Cache, n: u64) -> Result<f64, std::rc::Rc<()>> {
        let _ = n;
        Ok(f64::NAN)
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let calls = async {
        let (one, other) = (cache(), cache());
        assert!(mean(&one, 1).await.unwrap().is_nan());
        assert!(mean(&one, 1).await.unwrap().is_nan());
        assert!(mean(&one, 2).await.unwrap().is_nan());
        assert!(mean(&other, 1).await.unwrap().is_nan());
        assert_eq!((one.stats().entries, one.stats().functions[0].hits), (2, 1));
    };
    let ((), told) = Recorder::default().during(|| runtime.block_on(calls));
    assert_told(&told, "", "NaN");
}

#[test]
fn an_error_and_an_absence_are_not_the_first_value() {
    #[cached(cache = cache, skip(cache), none_ttl = 60)]
    fn found(cache: &Cache, n: u64) -> Result<Option<f64>, ()> {
        match n {
            0 => Err(()),
            1 => Ok(None),
            _ => Ok(Some(f64::NAN)),
        }
    }
    let cache = cache();
    let recorder = Recorder::default();
    let (_, told) = recorder.during(|| (found(&cache, 0), found(&cache, 1)));
    assert_eq!(told, SILENT);
    let (_, told) = Recorder::default().during(|| found(&cache, 2));
    assert_told(&told, "", "NaN");
}

#[test]
fn each_instance_of_a_generic_function_is_checked() {
    #[cached(cache = cache, skip(cache, value))]
    fn listed<T>(cache: &Cache, value: T) -> Vec<T>
    where
        T: Clone + Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        vec![value]
    }
    let cache = cache();
    let calls = || {
        listed(&cache, 1_u8);
        listed(&cache, order(1, "secret"));
        listed(&cache, f64::NAN);
        listed(&cache, f64::NAN);
    };
    let ((), told) = Recorder::default().during(calls);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_told(&told[..1], "[0].note", "listed<");
    assert_told(&told[1..], "[0]", "NaN");
}

#[test]
fn functions_that_first_fill_together_are_told_of_once() {
    const CALLERS: u64 = 8;
    #[cached(cache = cache, skip(cache, all), single_flight = "off")]
    fn together(cache: &Cache, n: u64, all: &Barrier) -> Option<f64> {
        let _ = n;
        all.wait();
        Some(f64::NAN)
    }
    let (cache, all, recorder) = (cache(), Barrier::new(8), Recorder::default());
    std::thread::scope(|scope| {
        for n in 0..CALLERS {
            let (cache, all, recorder) = (&cache, &all, recorder.clone());
            scope.spawn(move || {
                let (answer, _) = recorder.during(|| together(cache, n, all));
                assert!(answer.unwrap().is_nan());
            });
        }
    });
    let told = recorder.0.lock().unwrap().clone();
    assert_told(&told, "", "NaN");
}

mod panicking {
    use super::*;

    #[derive(Clone)]
    struct Panics(&'static str);

    impl PartialEq for Panics {
        fn eq(&self, _: &Self) -> bool {
            assert_ne!(self.0, "PartialEq", "secret");
            true
        }
    }

    impl Serialize for Panics {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            assert_ne!(self.0, "Serialize", "secret");
            serializer.serialize_str(self.0)
        }
    }

    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            assert_ne!(text, "Deserialize", "secret");
            Ok(Self("back"))
        }
    }

    #[test]
    fn a_panic_is_told_and_the_call_goes_on() {
        for culprit in ["PartialEq", "Serialize", "Deserialize"] {
            let told = match culprit {
                "PartialEq" => told_of!(Panics("PartialEq") => Panics),
                "Serialize" => told_of!(Panics("Serialize") => Panics),
                _ => told_of!(Panics("Deserialize") => Panics),
            };
            assert_told(
                &told,
                "",
                &format!("its `{culprit}` implementation panicked"),
            );
        }
    }

    #[test]
    fn a_call_whose_check_panics_is_kept_and_answered() {
        #[cached(cache = cache, skip(cache))]
        fn kept(cache: &Cache) -> Result<Panics, ()> {
            Ok(Panics("PartialEq"))
        }
        let cache = cache();
        let (answers, told) = Recorder::default().during(|| (kept(&cache), kept(&cache)));
        assert!(answers.0.is_ok_and(|value| value.0 == "PartialEq"));
        assert!(answers.1.is_ok_and(|value| value.0 == "PartialEq"));
        assert_eq!(cache.stats().functions[0].hits, 1);
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

#[test]
fn a_value_that_calls_the_function_again_while_it_is_checked_ends() {
    static CACHE: std::sync::OnceLock<Cache> = std::sync::OnceLock::new();

    #[cached(cache = CACHE.get().unwrap())]
    fn nested(n: u64) -> Nested {
        Nested(n)
    }

    #[derive(Clone, PartialEq, Deserialize)]
    struct Nested(u64);
    impl Serialize for Nested {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let inner = (self.0 > 0).then(|| nested(self.0 - 1).0);
            assert_ne!(inner, Some(self.0));
            serializer.serialize_u64(self.0)
        }
    }

    CACHE.set(cache()).unwrap();
    let (answer, told) = Recorder::default().during(|| nested(3).0);
    assert_eq!((answer, told), (3, vec![]));
}

#[test]
fn direct_operations_are_not_checked() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let operations = async {
        let cache = cache();
        cache.set("a", f64::NAN, None).await.unwrap();
        let set = cache
            .get_or_set("b", None, async || Ok::<_, ()>(f64::NAN))
            .await;
        assert!(set.unwrap().is_nan());
    };
    let ((), told) = Recorder::default().during(|| runtime.block_on(operations));
    assert_eq!(told, SILENT);
}
