//! `ttl_with`: values that say how long they are kept.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, CacheBuilder, MAX_TTL, cached};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

struct Leases {
    cache: Cache,
    clock: SteppedClock,
    bodies: AtomicU32,
}

impl Leases {
    fn new() -> Self {
        Self::with(Cache::builder())
    }

    fn with(builder: CacheBuilder) -> Self {
        let clock = SteppedClock::new();
        Self {
            cache: builder.clock(clock.clone()).build().unwrap(),
            clock,
            bodies: AtomicU32::new(0),
        }
    }

    #[cached(cache = self.cache, key_prefix = "lease", ttl_with = |kept| *kept)]
    async fn lease(&self, lifetime: Duration) -> Option<Duration> {
        self.bodies.fetch_add(1, SeqCst);
        Some(lifetime)
    }

    #[cached(cache = self.cache, ttl = "1m", none_ttl = "1s", ttl_with = Duration::clone)]
    async fn at_most_a_minute(&self, lifetime: Option<Duration>) -> Result<Option<Duration>, ()> {
        self.bodies.fetch_add(1, SeqCst);
        Ok(lifetime)
    }

    #[cached(cache = self.cache, ttl = limit, ttl_with = |kept: &Duration| *kept)]
    fn at_most(&self, limit: Duration, lifetime: Duration) -> Duration {
        self.bodies.fetch_add(1, SeqCst);
        lifetime
    }
}

/// Asserts that what the call keeps is there up to, and without, the end of `$for`.
macro_rules! assert_kept {
    ($for:expr, $leases:ident.$($call:tt)*) => {{
        let bodies = || $leases.bodies.load(SeqCst);
        let begin = bodies();
        let _ = $leases.$($call)*;
        $leases.clock.advance($for - Duration::from_millis(1));
        let _ = $leases.$($call)*;
        assert_eq!(bodies(), begin + 1, "it is not kept so long");
        $leases.clock.advance(Duration::from_millis(1));
        let _ = $leases.$($call)*;
        assert_eq!(bodies(), begin + 2, "it is kept longer");
    }};
}

#[tokio::test]
async fn a_value_says_how_long_it_is_kept() {
    let leases = Leases::new();
    assert_kept!(SECOND, leases.lease(SECOND).await);
    assert_kept!(MINUTE, leases.lease(MINUTE).await);
    let longer_than_the_default = MINUTE * 600;
    assert_kept!(
        longer_than_the_default,
        leases.lease(longer_than_the_default).await
    );
}

#[tokio::test]
async fn zero_is_not_kept_and_more_than_30_days_are_30_days() {
    let leases = Leases::new();
    leases.lease(Duration::ZERO).await;
    assert_eq!(leases.cache.stats().entries, 0);
    assert_kept!(MAX_TTL, leases.lease(Duration::MAX).await);
    assert_kept!(MAX_TTL, leases.lease(MAX_TTL + SECOND).await);
}

#[tokio::test]
async fn of_a_ttl_and_what_the_value_says_the_shorter_one_holds() {
    let leases = Leases::new();
    assert_kept!(SECOND * 5, leases.at_most_a_minute(Some(SECOND * 5)).await);
    assert_kept!(MINUTE, leases.at_most_a_minute(Some(MINUTE * 5)).await);
    assert_kept!(MINUTE, leases.at_most(MINUTE, MINUTE * 5));
    assert_kept!(SECOND, leases.at_most(MINUTE, SECOND));
    leases.at_most(Duration::ZERO, MINUTE);
    leases.at_most(MINUTE, Duration::ZERO);
    leases.clock.advance(MINUTE);
    assert_eq!(leases.cache.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn an_absence_is_kept_for_its_own_time() {
    let leases = Leases::new();
    assert_kept!(SECOND, leases.at_most_a_minute(None).await);
}

#[tokio::test]
async fn what_an_operator_sets_is_a_limit_too() {
    let leases = Leases::with(Cache::builder().ttl_of("lease", MINUTE));
    assert_kept!(SECOND, leases.lease(SECOND).await);
    assert_kept!(MINUTE, leases.lease(MINUTE * 5).await);
}
