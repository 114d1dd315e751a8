//! Conditions on calls and values where the values are kept in Redis.

mod redis;

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use cachewright::{Cache, MAX_TTL, cached};
use cachewright_test_support::RedisServer;
use redis::{builder, cache, key_below, keys, row};

const MINUTE: Duration = Duration::from_secs(60);

struct Names {
    cache: Cache,
    bodies: AtomicU32,
}

impl Names {
    fn new(cache: Cache) -> Self {
        let bodies = AtomicU32::new(0);
        Self { cache, bodies }
    }

    fn ran(&self) -> u32 {
        self.bodies.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, bypass_if = fresh, skip(fresh))]
    async fn price(&self, id: u32, fresh: bool) -> u32 {
        let _ = (id, fresh);
        self.ran()
    }

    #[cached(cache = self.cache, key_prefix = "even", store_if = |kept| self.is_even(*kept))]
    async fn even(&self, number: u32) -> Result<u32, String> {
        self.ran();
        tokio::task::yield_now().await;
        Ok(number)
    }

    #[cached(cache = self.cache, key_prefix = "even", store_if = |kept| self.is_even(*kept))]
    fn even_here(&self, number: u32) -> Option<u32> {
        self.ran();
        Some(number)
    }

    fn is_even(&self, number: u32) -> bool {
        assert_ne!(number, 13, "it is asked");
        number.is_multiple_of(2)
    }

    #[cached(cache = self.cache, key_prefix = "lease", ttl_with = |kept| *kept)]
    async fn lease(&self, lifetime: Duration) -> Duration {
        self.ran();
        lifetime
    }

    #[cached(cache = self.cache, key_prefix = "limited", ttl = MINUTE, ttl_with = |kept| *kept)]
    async fn limited(&self, lifetime: Duration) -> Duration {
        lifetime
    }

    #[cached(cache = self.cache, key_prefix = "spread", ttl = "1h", none_ttl = "2h", jitter = 0.25)]
    async fn spread(&self, id: u32, is_known: bool) -> Option<u32> {
        is_known.then_some(id)
    }
}

/// How long the only value below a prefix lives.
fn lives(server: &RedisServer, prefix: &str) -> Duration {
    ttl(server, &key_below(server, &format!("app:{prefix}:")))
}

fn ttl(server: &RedisServer, key: &str) -> Duration {
    let left = server.command(&["PTTL", key]).integer();
    Duration::from_millis(u64::try_from(left).expect("it expires"))
}

/// Asserts that a value was given so long, and that at most a part of it has gone by since.
#[track_caller]
fn assert_lives(server: &RedisServer, prefix: &str, expected: Duration) {
    let lives = lives(server, prefix);
    let since = expected.checked_sub(lives);
    assert!(
        since.is_some_and(|since| since < expected / 2),
        "{lives:?} of {expected:?} are left"
    );
}

#[tokio::test]
async fn a_bypassed_call_neither_reads_nor_writes_the_store() {
    let server = RedisServer::start();
    let names = Names::new(cache(&server.url()));
    assert_eq!(names.price(7, true).await, 1);
    assert_eq!(keys(&server), Vec::<Vec<u8>>::new());
    assert_eq!(names.price(7, false).await, 2);
    assert_eq!(names.price(7, true).await, 3);
    assert_eq!(names.price(7, false).await, 2);
    assert_eq!(row(&names.cache, "price").bypassed, 2);
}

#[tokio::test]
async fn only_values_that_meet_the_condition_reach_the_store() {
    let server = RedisServer::start();
    let (here, there) = (
        Names::new(cache(&server.url())),
        Names::new(cache(&server.url())),
    );
    for names in [&here, &there] {
        assert_eq!(names.even(2).await, Ok(2));
        assert_eq!(names.even(3).await, Ok(3));
        assert_eq!(names.even_here(4), Some(4));
        assert_eq!(names.even_here(5), Some(5));
    }
    assert_eq!(here.bodies.load(SeqCst), 4);
    assert_eq!(there.bodies.load(SeqCst), 2, "the odd ones");
}

#[tokio::test]
async fn those_who_wait_get_what_is_not_stored() {
    let server = RedisServer::start();
    let names = Names::new(cache(&server.url()));
    // The first call mints the generations, after which all find the same ones.
    names.even(3).await.unwrap();
    let (a, b, c) = tokio::join!(names.even(3), names.even(3), names.even(3));
    assert_eq!([a, b, c], [Ok(3), Ok(3), Ok(3)]);
    assert_eq!(names.bodies.load(SeqCst), 2);
}

#[tokio::test]
async fn a_panic_of_a_condition_stores_nothing_and_hangs_nobody() {
    let server = RedisServer::start();
    let names = std::sync::Arc::new(Names::new(cache(&server.url())));
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let names = std::sync::Arc::clone(&names);
            tokio::spawn(async move { names.even(13).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap_err().is_panic());
    }
    let stored = keys(&server).into_iter().map(String::from_utf8);
    let mut values = stored.map(Result::unwrap);
    assert!(values.all(|name| name.starts_with("app:~")));
    assert_eq!(names.cache.stats().computations, 0);
    assert_eq!(names.even(12).await, Ok(12));
}

#[tokio::test]
async fn a_value_says_how_long_the_store_keeps_it() {
    let server = RedisServer::start();
    let names = Names::new(cache(&server.url()));
    names.lease(Duration::ZERO).await;
    names.lease(Duration::ZERO).await;
    assert_eq!(names.bodies.load(SeqCst), 2);
    for (said, lives) in [
        (MINUTE, MINUTE),
        (MINUTE * 600, MINUTE * 600),
        (MAX_TTL + MINUTE, MAX_TTL),
        (Duration::MAX, MAX_TTL),
    ] {
        server.command(&["FLUSHALL"]);
        names.lease(said).await;
        assert_lives(&server, "lease", lives);
        let bodies = names.bodies.load(SeqCst);
        names.lease(said).await;
        assert_eq!(names.bodies.load(SeqCst), bodies, "it is found");
        // It does not outlive what it is valid under.
        let generation = ttl(&server, "app:~n:lease");
        assert!(generation > lives * 2, "{generation:?}");
    }
}

#[tokio::test]
async fn of_a_limit_and_what_the_value_says_the_shorter_one_holds() {
    let server = RedisServer::start();
    let limited = builder(&server.url()).ttl_of("lease", MINUTE);
    let names = Names::new(limited.build().unwrap());
    for (said, lives) in [(MINUTE * 5, MINUTE), (MINUTE / 2, MINUTE / 2)] {
        server.command(&["FLUSHALL"]);
        names.lease(said).await;
        names.limited(said).await;
        assert_lives(&server, "lease", lives);
        assert_lives(&server, "limited", lives);
    }
}

#[tokio::test]
async fn times_to_live_in_the_store_spread_and_none_is_longer() {
    let server = RedisServer::start();
    let names = Names::new(cache(&server.url()));
    for (is_known, longest) in [(true, MINUTE * 60), (false, MINUTE * 120)] {
        server.command(&["FLUSHALL"]);
        for id in 0..200 {
            names.spread(id, is_known).await;
        }
        let names = keys(&server)
            .into_iter()
            .map(|name| String::from_utf8(name).unwrap());
        let values = names.filter(|name| name.starts_with("app:spread:"));
        let lives: Vec<_> = values.map(|name| ttl(&server, &name)).collect();
        assert_eq!(lives.len(), 200);
        // A part of the time has gone by meanwhile.
        let (shortest, a_part) = (longest * 3 / 4, longest / 20);
        assert!(lives.iter().all(|lives| *lives <= longest));
        assert!(lives.iter().all(|lives| *lives >= shortest - a_part));
        let middle = (shortest + longest) / 2;
        let long = lives.iter().filter(|lives| **lives > middle).count();
        // Five times the standard deviation, which is 7, and what the part makes of it.
        assert!(
            (40..140).contains(&long),
            "{long} of 200 are in the longer half"
        );
    }
}
