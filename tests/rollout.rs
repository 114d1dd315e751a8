//! Turning a cache, or a part of it, off and on at run time.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::testing::{Operation, ScriptedStore};
use cachewright::{Cache, Error, FunctionStats, Rollout, cached, invalidate_cache};
use tokio::sync::Semaphore;

fn in_memory() -> Cache {
    Cache::builder().namespace("app").build().unwrap()
}

fn in_store() -> (Cache, ScriptedStore) {
    let store = ScriptedStore::new();
    let builder = Cache::builder().namespace("app").store(store.clone());
    (builder.build().unwrap(), store)
}

fn both() -> [Cache; 2] {
    [in_memory(), in_store().0]
}

/// A table of one row with functions before it.
struct Service {
    cache: Cache,
    row: AtomicU64,
    runs: AtomicU64,
}

impl Service {
    fn new(cache: Cache) -> Self {
        Self {
            cache,
            row: AtomicU64::new(1),
            runs: AtomicU64::new(0),
        }
    }

    #[cached(cache = self.cache, key_prefix = "booking:stats:{day}")]
    async fn stats(&self, day: u32) -> u64 {
        let _ = day;
        self.runs.fetch_add(1, SeqCst);
        self.row.load(SeqCst)
    }

    #[cached(cache = self.cache)]
    fn prefixless(&self) -> u64 {
        self.runs.fetch_add(1, SeqCst);
        self.row.load(SeqCst)
    }

    #[invalidate_cache("booking:*", cache = self.cache)]
    async fn write(&self, row: u64) {
        self.row.store(row, SeqCst);
    }

    fn runs(&self) -> u64 {
        self.runs.swap(0, SeqCst)
    }

    fn counts(&self, name: &str) -> FunctionStats {
        let functions = self.cache.stats().functions;
        functions.into_iter().find(|row| row.name == name).unwrap()
    }
}

#[tokio::test]
async fn what_is_off_runs_as_if_it_were_not_cached_and_is_counted() {
    for cache in both() {
        let service = Service::new(cache);
        service.cache.set_rollout(Rollout::Off).unwrap();
        for _ in 0..3 {
            assert_eq!(service.stats(1).await, 1);
            assert_eq!(service.prefixless(), 1);
        }
        assert_eq!(service.runs(), 6);
        let counts = service.counts("stats");
        assert_eq!((counts.bypassed, counts.hits, counts.misses), (3, 0, 0));
        service.cache.set_rollout(Rollout::On).unwrap();
        for _ in 0..3 {
            assert_eq!(service.stats(1).await, 1);
        }
        assert_eq!(service.runs(), 1);
        let counts = service.counts("stats");
        assert_eq!((counts.bypassed, counts.hits, counts.misses), (3, 2, 1));
    }
}

#[tokio::test]
async fn a_store_is_not_asked_for_what_is_off() {
    let (cache, store) = in_store();
    let service = Service::new(cache);
    service.cache.set_rollout(Rollout::Off).unwrap();
    service.stats(1).await;
    let value = service.cache.get::<u8>("key").await.unwrap();
    assert_eq!(value, None);
    let values = service.cache.get_many::<u8>(&["key", "other"]).await;
    assert_eq!(values.unwrap(), [None, None]);
    assert_eq!(store.count(None), 0);
    service.write(2).await;
    assert_eq!(store.count(Operation::Invalidate), 1);
}

#[tokio::test]
async fn callers_of_what_is_off_do_not_wait_for_one_another() {
    let cache = in_memory();
    cache.set_rollout(Rollout::Off).unwrap();
    let (gate, running) = (Semaphore::new(0), Semaphore::new(0));
    let call = || {
        cache.get_or_set("key", None, async || {
            running.add_permits(1);
            gate.acquire().await.unwrap().forget();
            Ok::<_, Error>(1)
        })
    };
    let open = async {
        running.acquire_many(2).await.unwrap().forget();
        gate.add_permits(2);
    };
    let (one, other, ()) = tokio::join!(call(), call(), open);
    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
}

#[tokio::test]
async fn what_was_invalidated_while_it_was_off_is_gone_when_it_is_on_again() {
    for cache in both() {
        let service = Service::new(cache);
        assert_eq!(service.stats(1).await, 1);
        service.cache.set_rollout(Rollout::Off).unwrap();
        service.write(2).await;
        assert_eq!(service.stats(1).await, 2);
        service.cache.set_rollout(Rollout::On).unwrap();
        assert_eq!(service.stats(1).await, 2);
    }
}

#[tokio::test]
async fn each_direct_way_to_change_something_kills_what_is_there_while_it_is_off() {
    for cache in both() {
        let keys = [
            "k:set", "k:many", "k:remove", "k:expire", "k:zero", "k:kept",
        ];
        for key in keys {
            cache.set(key, 1, None).await.unwrap();
        }
        cache.set_rollout(Rollout::Off).unwrap();
        for key in keys {
            assert_eq!(cache.get::<i32>(key).await.unwrap(), None);
            assert!(!cache.exists(key).await.unwrap());
            assert_eq!(cache.ttl(key).await.unwrap(), None);
        }
        cache.set("k:set", 2, None).await.unwrap();
        cache.set_many([("k:many", 2)], None).await.unwrap();
        cache.remove("k:remove").await.unwrap();
        let minute = Duration::from_secs(60);
        assert!(!cache.expire("k:expire", minute).await.unwrap());
        assert!(!cache.expire("k:zero", Duration::ZERO).await.unwrap());
        let computed = cache.get_or_set("k:kept", None, async || Ok::<_, Error>(2));
        assert_eq!(computed.await.unwrap(), 2);
        cache.set_rollout(Rollout::On).unwrap();
        let found = cache.get_many::<i32>(&keys).await.unwrap();
        assert_eq!(found, [None, None, None, None, None, Some(1)]);
        cache.set_rollout(Rollout::Off).unwrap();
        cache.clear().await.unwrap();
        cache.set_rollout(Rollout::On).unwrap();
        assert_eq!(cache.get::<i32>("k:kept").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_computation_that_began_before_is_outdated_by_a_set_while_it_is_off() {
    let cache = in_memory();
    let gate = Semaphore::new(0);
    let computing = cache.get_or_set("key", None, async || {
        gate.acquire().await.unwrap().forget();
        Ok::<_, Error>(1)
    });
    let set = async {
        cache.set_rollout(Rollout::Off).unwrap();
        cache.set("key", 2, None).await.unwrap();
        gate.add_permits(1);
    };
    let (computed, ()) = tokio::join!(computing, set);
    assert_eq!(computed.unwrap(), 1);
    cache.set_rollout(Rollout::On).unwrap();
    assert_eq!(cache.get::<i32>("key").await.unwrap(), None);
}

#[tokio::test]
async fn a_prefix_is_met_by_templates_names_and_keys_and_the_longest_decides() {
    let service = Service::new(in_memory());
    let cache = &service.cache;
    let runs_twice = async || {
        service.runs();
        service.stats(7).await;
        service.stats(7).await;
        service.runs() == 2
    };
    service.stats(7).await;
    for prefix in [
        "booking",
        "BOOKING:stats",
        "booking:stats:{day}",
        "booking:stats:{day}:stats",
    ] {
        cache.set_rollout_of(prefix, Rollout::Off).unwrap();
        assert!(runs_twice().await, "{prefix}");
        cache.set_rollout_of(prefix, None).unwrap();
        assert!(!runs_twice().await, "{prefix}");
    }
    for prefix in [
        "book",
        "stats",
        "booking:stats:7",
        "booking:stats:{day}:statistics",
    ] {
        cache.set_rollout_of(prefix, Rollout::Off).unwrap();
        assert!(!runs_twice().await, "{prefix}");
    }
    cache.set_rollout_of("prefixless", Rollout::Off).unwrap();
    service.runs();
    service.prefixless();
    service.prefixless();
    assert_eq!(service.runs(), 2);

    cache.set_rollout(Rollout::Off).unwrap();
    assert!(runs_twice().await);
    cache.set_rollout_of("booking:stats", Rollout::On).unwrap();
    assert!(!runs_twice().await);
    cache.set_rollout_of("user:42", Rollout::On).unwrap();
    cache.set("user:42:name", 1, None).await.unwrap();
    cache.set("user:43:name", 1, None).await.unwrap();
    let keys = ["user:42:name", "user:43:name"];
    assert_eq!(cache.get_many::<i32>(&keys).await.unwrap(), [Some(1), None]);
}

/// The keys that are on.
async fn keys_on(cache: &Cache, keys: &[String]) -> Vec<bool> {
    for key in keys {
        cache.set(key, 1, None).await.unwrap();
    }
    let found = cache.get_many::<i32>(keys).await.unwrap();
    found.iter().map(Option::is_some).collect()
}

#[tokio::test]
async fn raising_the_share_only_adds_keys_and_every_process_decides_alike() {
    let keys: Vec<_> = (0..1000).map(|i| format!("user:{i}")).collect();
    let (cache, other) = (in_memory(), in_memory());
    let mut before = vec![false; keys.len()];
    for share in [0.0, 0.01, 0.1, 0.5, 0.9, 1.0] {
        for cache in [&cache, &other] {
            cache.set_rollout(Rollout::Share(share)).unwrap();
        }
        let on = keys_on(&cache, &keys).await;
        assert_eq!(on, keys_on(&other, &keys).await);
        assert!(before.iter().zip(&on).all(|(before, on)| *on || !before));
        let count = on.iter().filter(|on| **on).count() as f64;
        assert!((count / 1000.0 - share).abs() < 0.05, "{share}: {count}");
        before = on;
    }
}

#[tokio::test]
async fn a_share_holds_for_the_arguments_of_a_function() {
    let service = Service::new(in_memory());
    let half = Rollout::Share(0.5);
    service.cache.set_rollout_of("booking", half).unwrap();
    for _ in 0..2 {
        for day in 0..1000 {
            service.stats(day).await;
        }
    }
    let counts = service.counts("stats");
    assert_eq!(counts.hits, counts.misses);
    assert_eq!(counts.bypassed + counts.hits + counts.misses, 2000);
    assert!((400..600).contains(&counts.hits), "{}", counts.hits);
}

#[tokio::test]
async fn counters_are_not_concerned() {
    for cache in both() {
        cache.set_rollout(Rollout::Off).unwrap();
        assert_eq!(cache.counter("hits").increment(1).await.unwrap(), 1);
        assert_eq!(cache.counter("hits").get().await.unwrap(), Some(1));
    }
}

#[test]
fn what_was_said_can_be_read_back() {
    let builder = Cache::builder().rollout(Rollout::Share(0.5));
    let builder = builder.rollout_of("user", Rollout::Off);
    let cache = builder.build().unwrap();
    assert_eq!(cache.rollout().everything, Rollout::Share(0.5));
    let user = ("user".to_owned(), Rollout::Off);
    assert_eq!(cache.rollout().prefixes, [user]);
    cache.set_rollout_of("User", Rollout::On).unwrap();
    cache
        .set_rollout_of("booking:stats", Rollout::Share(0.1))
        .unwrap();
    let said = [
        ("User".to_owned(), Rollout::On),
        ("booking:stats".to_owned(), Rollout::Share(0.1)),
    ];
    assert_eq!(cache.rollout().prefixes, said);
}

#[test]
fn what_cannot_be_a_rollout_is_refused() {
    let cache = in_memory();
    for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let share = Rollout::Share(share);
        assert!(cache.set_rollout(share).unwrap_err().is_configuration());
        let refused = cache.set_rollout_of("user", share).unwrap_err();
        assert!(refused.is_configuration());
        let refused = Cache::builder().rollout(share).build().unwrap_err();
        assert!(refused.is_configuration());
    }
    for prefix in ["", ":", "user:", ":user", "user:*", "user*"] {
        let refused = cache.set_rollout_of(prefix, Rollout::Off).unwrap_err();
        assert!(refused.is_configuration(), "{prefix}");
        let builder = Cache::builder().rollout_of(prefix, Rollout::Off);
        assert!(builder.build().unwrap_err().is_configuration(), "{prefix}");
    }
    assert_eq!(cache.rollout(), in_memory().rollout());
}
