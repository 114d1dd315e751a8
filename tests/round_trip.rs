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

#[cfg(all(feature = "postcard", feature = "messagepack"))]
#[path = "round_trip/encoded.rs"]
mod encoded;
#[path = "round_trip/lossless.rs"]
mod lossless;
#[path = "round_trip/lossy.rs"]
mod lossy;
#[path = "round_trip/panicking.rs"]
mod panicking;
#[path = "round_trip/skipped.rs"]
mod skipped;

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
fn what_is_kept_in_a_store_is_checked_before_it_gets_there() {
    #[cached(cache = cache, skip(cache))]
    async fn mean(cache: &Cache, n: u64) -> Result<Vec<Option<f64>>, std::rc::Rc<()>> {
        let _ = n;
        Ok(vec![Some(f64::NAN)])
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let store = cache_core::testing::ScriptedStore::new();
    let cache = || {
        let builder = Cache::builder().namespace("app").store(store.clone());
        builder.sweep_rate(0).build().unwrap()
    };
    let calls = async {
        assert!(mean(&cache(), 1).await.unwrap()[0].unwrap().is_nan());
        // What was warned of: a hit is another answer.
        assert_eq!(mean(&cache(), 1).await.unwrap(), [None]);
    };
    let ((), told) = Recorder::default().during(|| runtime.block_on(calls));
    assert_told(&told, "[0]", "NaN");
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
