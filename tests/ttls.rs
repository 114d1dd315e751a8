//! Times to live that an operator sets for a part of the keys.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::testing::ScriptedStore;
use cachewright::{Cache, CacheBuilder, Error, MAX_TTL, cached};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct Service {
    cache: Cache,
    runs: AtomicU64,
    ttl: Duration,
}

impl Service {
    fn run(&self) -> u64 {
        self.runs.fetch_add(1, SeqCst)
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}", ttl = "1h")]
    async fn literal(&self, id: u64) -> u64 {
        let _ = id;
        self.run()
    }

    #[cached(cache = self.cache, key_prefix = "user", ttl = self.ttl)]
    async fn expression(&self) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, key_prefix = "user", tier = "memory")]
    async fn neither(&self) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, key_prefix = "user", none_ttl = "1h")]
    async fn absence(&self) -> Option<u64> {
        self.run();
        None
    }

    #[cached(cache = self.cache)]
    async fn prefixless(&self) -> u64 {
        self.run()
    }

    #[cached(cache = self.cache, key_prefix = "users")]
    async fn other(&self) -> u64 {
        self.run()
    }
}

fn build(builder: CacheBuilder) -> (Service, SteppedClock) {
    let clock = SteppedClock::new();
    let service = Service {
        cache: builder.clock(clock.clone()).build().unwrap(),
        runs: AtomicU64::new(0),
        ttl: HOUR,
    };
    (service, clock)
}

/// Whether a call runs its body.
macro_rules! computes {
    ($service:ident.$call:ident($($argument:expr)?)) => {{
        let before = $service.runs.load(SeqCst);
        let _ = $service.$call($($argument)?).await;
        $service.runs.load(SeqCst) > before
    }};
}

#[tokio::test]
async fn the_ttl_of_a_first_segment_replaces_that_of_the_attribute_and_the_default() {
    let builder = Cache::builder().ttl_of("User", MINUTE);
    let (service, clock) = build(builder.ttl_of("prefixless", MINUTE));
    for expired in [true, false, true] {
        assert_eq!(computes!(service.literal(1)), expired);
        assert_eq!(computes!(service.expression()), expired);
        assert_eq!(computes!(service.neither()), expired);
        assert_eq!(computes!(service.prefixless()), expired);
        clock.advance(MINUTE / 2);
    }
    let mut first = true;
    for _ in 0..3 {
        assert_eq!(computes!(service.other()), first);
        assert_eq!(computes!(service.absence()), first);
        clock.advance(MINUTE);
        first = false;
    }
}

#[tokio::test]
async fn what_an_expression_says_is_not_to_be_kept_is_not_kept() {
    let (mut service, _) = build(Cache::builder().ttl_of("user", HOUR));
    service.ttl = Duration::ZERO;
    for _ in 0..2 {
        assert!(computes!(service.expression()));
    }
}

#[tokio::test]
async fn of_a_key_it_replaces_the_default_and_not_what_the_call_says() {
    let store = ScriptedStore::new();
    let in_store = Cache::builder().namespace("app").store(store.clone());
    for builder in [Cache::builder(), in_store] {
        let (service, _) = build(builder.ttl_of("user", MINUTE));
        let cache = service.cache;
        let left = async |key: &str| cache.ttl(key).await.unwrap().unwrap();
        cache.set("user:1", 1, None).await.unwrap();
        cache.set_many([("user:2", 1)], None).await.unwrap();
        let compute = async || Ok::<_, Error>(1);
        cache.get_or_set("user:3", None, compute).await.unwrap();
        for key in ["user:1", "user:2", "user:3"] {
            assert!(left(key).await <= MINUTE, "{key}");
        }
        cache.set("user:4", 1, HOUR).await.unwrap();
        cache.get_or_set("user:5", HOUR, compute).await.unwrap();
        cache.set("users:6", 1, None).await.unwrap();
        for key in ["user:4", "user:5", "users:6"] {
            assert!(left(key).await > MINUTE, "{key}");
        }
    }
}

#[test]
fn what_cannot_be_a_ttl_of_a_segment_is_refused_by_name() {
    for (segment, ttl) in [
        ("", HOUR),
        ("user:42", HOUR),
        ("user*", HOUR),
        ("user", Duration::ZERO),
        ("user", MAX_TTL + Duration::from_nanos(1)),
    ] {
        let refused = Cache::builder().ttl_of(segment, ttl).build().unwrap_err();
        assert!(refused.is_configuration());
        assert!(refused.to_string().contains("ttl_of"), "{refused}");
    }
    let twice = Cache::builder().ttl_of("user", HOUR).ttl_of("USER", MINUTE);
    assert!(twice.build().is_ok());
}
