//! `jitter`: times to live that don't end together.

use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, CacheBuilder, cache_defaults, cached};

const MINUTE: Duration = Duration::from_secs(60);
const KEYS: u64 = 1_000;

struct Prices {
    cache: Cache,
    clock: SteppedClock,
}

#[cache_defaults(cache = self.cache, jitter = 0.5)]
impl Prices {
    #[cached(ttl = "1m", none_ttl = "2m", jitter = 0.25)]
    async fn price(&self, id: u64, is_known: bool) -> Option<u64> {
        is_known.then_some(id)
    }

    #[cached(ttl_with = |seconds| Duration::from_secs(*seconds))]
    fn of_a_block(&self, id: u64, seconds: u64) -> u64 {
        let _ = id;
        seconds
    }

    #[cached(ttl = Duration::MAX)]
    fn endless(&self, id: u64) -> u64 {
        id
    }
}

impl Prices {
    fn new() -> Self {
        Self::with(Cache::builder())
    }

    fn with(builder: CacheBuilder) -> Self {
        let clock = SteppedClock::new();
        Self {
            cache: builder.clock(clock.clone()).build().unwrap(),
            clock,
        }
    }

    fn kept(&self) -> usize {
        self.cache.keys().len()
    }

    /// Asserts that the entries end one by one between `first` and `last` from now on, and that in each
    /// quarter of this time a quarter of them does.
    #[track_caller]
    fn assert_spread(&self, first: Duration, last: Duration) {
        let step = (last - first) / 4;
        let mut left = self.kept();
        assert_eq!(left, KEYS as usize);
        self.clock.advance(first - Duration::from_millis(1));
        assert_eq!(self.kept(), left, "shortened by more than its share");
        for quarter in 1..=4 {
            self.clock.advance(step);
            let ended = left - self.kept();
            // Ten times the standard deviation, which is 14.
            assert!(
                ended.abs_diff(250) < 140,
                "{ended} end in quarter {quarter}"
            );
            left -= ended;
        }
        self.clock.advance(Duration::from_millis(1));
        assert_eq!(self.kept(), 0, "one is lengthened");
    }
}

#[tokio::test]
async fn times_to_live_spread_over_their_share_and_none_is_longer() {
    let prices = Prices::new();
    for id in 0..KEYS {
        prices.price(id, true).await;
    }
    prices.assert_spread(MINUTE * 3 / 4, MINUTE);
}

#[tokio::test]
async fn absences_spread_too() {
    let prices = Prices::new();
    for id in 0..KEYS {
        prices.price(id, false).await;
    }
    prices.assert_spread(MINUTE * 3 / 2, MINUTE * 2);
}

#[test]
fn what_a_value_says_and_a_default_of_a_block_spread() {
    let prices = Prices::new();
    for id in 0..KEYS {
        prices.of_a_block(id, 60);
    }
    prices.assert_spread(MINUTE / 2, MINUTE);
}

#[test]
fn what_an_operator_sets_spreads() {
    let prices = Prices::with(Cache::builder().ttl_of("endless", MINUTE));
    for id in 0..KEYS {
        prices.endless(id);
    }
    prices.assert_spread(MINUTE / 2, MINUTE);
}

#[test]
fn the_longest_time_spreads_below_itself() {
    let prices = Prices::new();
    for id in 0..KEYS {
        prices.endless(id);
    }
    prices.assert_spread(cachewright::MAX_TTL / 2, cachewright::MAX_TTL);
}
