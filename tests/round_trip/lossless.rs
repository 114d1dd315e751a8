//! Values that come back: none is told of.

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
