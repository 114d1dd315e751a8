//! What the recorder of the `metrics` facade is told.

use std::collections::BTreeMap;
use std::time::Duration;

use cachewright::testing::{ScriptedStore, SteppedClock};
use cachewright::{Cache, cached, invalidate_cache};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// Every metric as `name{label=value,…}`, with its value.
fn read(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let metrics = snapshotter.snapshot().into_vec();
    let row = |(key, _, _, value)| {
        let (_, key): (_, metrics::Key) = metrics_util::CompositeKey::into_parts(key);
        let mut labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        labels.sort();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        (format!("{}{{{}}}", key.name(), labels.join(",")), value)
    };
    metrics.into_iter().map(row).collect()
}

/// Lets a second pass in which the recorder listens.
fn tell(recorder: &DebuggingRecorder, clock: &SteppedClock) {
    metrics::with_local_recorder(recorder, || clock.advance(Duration::from_secs(1)));
}

struct Service {
    cache: Cache,
}

impl Service {
    #[cached(cache = self.cache, key_prefix = "square:{n}")]
    async fn square(&self, n: u64) -> u64 {
        n * n
    }

    #[cached(cache = self.cache, key_prefix = "cube:{n}")]
    async fn cube(&self, n: u64) -> u64 {
        n * n * n
    }

    #[invalidate_cache("square:{n}", cache = self.cache)]
    async fn forget(&self, n: u64) {}

    #[invalidate_cache("cube:{n}", cache = self.cache)]
    async fn forget_cube(&self, n: u64) {}

    #[invalidate_cache(tags("number:{n}"), cache = self.cache)]
    async fn forget_number(&self, n: u64) {}
}

fn service(clock: &SteppedClock) -> Service {
    let cache = Cache::builder().namespace("metered").clock(clock.clone());
    Service {
        cache: cache.build().unwrap(),
    }
}

const HITS: &str = "cache_hits_total{function=square,key_prefix=square:{n},tier=memory}";
const MISSES: &str =
    "cache_misses_total{function=square,key_prefix=square:{n},reason=absent,tier=memory}";
const INVALIDATIONS: &str =
    "cache_invalidations_total{function=forget,key_prefix=square:{n},tier=memory}";

#[tokio::test]
async fn a_recorder_that_is_installed_late_sees_everything_by_template_and_function() {
    let clock = SteppedClock::new();
    let service = service(&clock);
    for n in [1, 1, 1, 2] {
        service.square(n).await;
    }
    service.forget(1).await;

    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    tell(&recorder, &clock);
    let told = read(&snapshotter);
    assert_eq!(
        (told[HITS], told[MISSES], told[INVALIDATIONS]),
        (2.0, 2.0, 1.0)
    );
    assert_eq!(told["cache_entries{namespace=metered}"], 2.0);
    assert_eq!(told["cache_pending_invalidations{namespace=metered}"], 0.0);

    service.square(2).await;
    tell(&recorder, &clock);
    assert_eq!(read(&snapshotter)[HITS], 3.0);
}

#[tokio::test]
async fn caches_of_one_process_are_told_as_one_and_nothing_is_lost_with_a_cache() {
    const HITS: &str = "cache_hits_total{function=cube,key_prefix=cube:{n},tier=memory}";
    let clock = SteppedClock::new();
    let (first, second) = (service(&clock), service(&clock));
    for service in [&first, &second] {
        service.cube(3).await;
        service.cube(3).await;
    }
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    tell(&recorder, &clock);
    assert_eq!(read(&snapshotter)[HITS], 2.0);

    drop(first);
    second.cube(3).await;
    tell(&recorder, &clock);
    assert_eq!(read(&snapshotter)[HITS], 3.0);
}

#[tokio::test]
async fn an_invalidation_of_a_tag_is_told_by_its_template_and_writer() {
    let clock = SteppedClock::new();
    let service = service(&clock);
    for n in 88_880..88_883 {
        service.forget_number(n).await;
    }
    service.cache.invalidate_tag("number:88888").await.unwrap();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    tell(&recorder, &clock);
    let told = read(&snapshotter);
    let by_writer =
        "cache_invalidations_total{function=forget_number,key_prefix=number:{n},tier=memory}";
    assert_eq!(told[by_writer], 3.0);
    assert!(told.keys().all(|key| !key.contains("8888")), "{told:?}");
}

#[tokio::test]
async fn no_label_holds_an_argument() {
    let clock = SteppedClock::new();
    let service = service(&clock);
    // Not a function whose counts another test looks at: the process is told as one.
    service.cube(77_777).await;
    service.forget_cube(77_777).await;
    service.cache.set("key:88888", 1_u8, None).await.unwrap();
    service.cache.get::<u8>("key:88888").await.unwrap();
    service.cache.invalidate("key:88888").await.unwrap();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    tell(&recorder, &clock);
    let told = read(&snapshotter);
    assert!(!told.is_empty());
    for name in told.keys() {
        assert!(!name.contains("77777") && !name.contains("88888"), "{name}");
    }
}

mod with_a_store {
    use cachewright::testing::{Fault, Operation};

    use super::*;

    struct Rates {
        cache: Cache,
    }

    impl Rates {
        #[cached(cache = self.cache, key_prefix = "rate:{currency}")]
        async fn rate(&self, currency: &str) -> f64 {
            11.5
        }

        #[invalidate_cache("rate:{currency}", cache = self.cache)]
        async fn change(&self, currency: &str) {}
    }

    fn labels(name: &str, more: &str) -> String {
        format!("{name}{{{more}}}")
    }

    #[tokio::test]
    async fn tiers_reasons_and_classes_are_told_apart_and_times_are_taken() {
        let (clock, store) = (SteppedClock::new(), ScriptedStore::new());
        let cache = Cache::builder().namespace("rates").clock(clock.clone());
        let cache = cache.store(store.clone()).build().unwrap();
        let rates = Rates { cache };
        rates.rate("NOK").await;
        rates.rate("NOK").await;
        rates.change("NOK").await;
        rates.rate("NOK").await;
        store.next(1, Operation::Read, Fault::Outage);
        rates.rate("NOK").await;

        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        tell(&recorder, &clock);
        let told = read(&snapshotter);
        let function = "function=rate,key_prefix=rate:{currency}";
        let hits = labels("cache_hits_total", &format!("{function},tier=shared"));
        assert_eq!(told[&hits], 1.0);
        for (reason, count) in [("absent", 1.0), ("unproven", 1.0), ("unavailable", 1.0)] {
            let misses = format!("{function},reason={reason},tier=shared");
            assert_eq!(
                told[&labels("cache_misses_total", &misses)],
                count,
                "{reason}"
            );
        }
        let errors = format!("class=outage,{function},tier=shared");
        assert_eq!(told[&labels("cache_errors_total", &errors)], 1.0);
        let changes = "function=change,key_prefix=rate:{currency},tier=shared";
        assert_eq!(told[&labels("cache_invalidations_total", changes)], 1.0);
        assert_eq!(told["cache_breaker_open{namespace=rates}"], 0.0);

        // Times are told when they are taken.
        let reading = rates.rate("NOK");
        metrics::with_local_recorder(&recorder, || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::pin::pin!(reading).poll(&mut cx).is_ready());
        });
        let took = format!("{function},operation=read,tier=shared");
        let took = labels("cache_operation_seconds", &took);
        assert_eq!(read(&snapshotter)[&took], 1.0);
    }
}

#[tokio::test]
async fn what_was_swept_is_told_by_namespace() {
    let clock = SteppedClock::new();
    let store = ScriptedStore::with_clock(clock.clone());
    let cache = Cache::builder().namespace("swept").store(store);
    let cache = cache.clock(clock.clone()).build().unwrap();
    for number in 0..3 {
        let key = format!("number:{number}");
        cache.set(&key, number, None).await.unwrap();
    }
    cache.invalidate("number:*").await.unwrap();
    clock.advance(Duration::from_secs(1));
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    tell(&recorder, &clock);
    let told = read(&snapshotter);
    assert_eq!(told["cache_swept_total{namespace=swept}"], 3.0);
}
