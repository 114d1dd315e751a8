//! `#[cache_defaults]`: each default takes effect in every function of its block that says nothing else.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use cache_core::testing::SteppedClock;
use cachewright::{Cache, cache_defaults, cached, invalidate_cache};

/// The facade under another name, with another installed cache.
mod renamed {
    pub(crate) mod __private {
        pub(crate) use cachewright::__private::*;
        use cachewright::Cache;
        use std::sync::LazyLock;

        pub(crate) fn installed() -> &'static Cache {
            static CACHE: LazyLock<Cache> = LazyLock::new(|| Cache::builder().build().unwrap());
            &CACHE
        }
    }
}

/// A database that counts how often it is asked.
struct Database {
    cache: Cache,
    clock: SteppedClock,
    tenant: u64,
    bodies: Arc<AtomicU64>,
}

impl Database {
    fn new() -> Self {
        let clock = SteppedClock::new();
        Self {
            cache: Cache::builder().clock(clock.clone()).build().unwrap(),
            clock,
            tenant: 1,
            bodies: Arc::default(),
        }
    }

    /// With the same cache and the same counter.
    fn of_tenant(&self, tenant: u64) -> Self {
        Self {
            cache: self.cache.clone(),
            clock: self.clock.clone(),
            tenant,
            bodies: self.bodies.clone(),
        }
    }

    fn ask(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    /// How many bodies `calls` ran.
    async fn bodies_of<T>(&self, calls: impl AsyncFnOnce(&Self) -> T) -> u64 {
        let before = self.bodies.load(SeqCst);
        calls(self).await;
        self.bodies.load(SeqCst) - before
    }

    /// `call` is answered from the cache for `seconds`, and not longer.
    #[track_caller]
    fn lives<T>(&self, seconds: u64, call: impl Fn(&Self) -> T) {
        let runs = |after: Duration| {
            self.clock.advance(after);
            let before = self.bodies.load(SeqCst);
            call(self);
            self.bodies.load(SeqCst) - before
        };
        let almost = Duration::from_secs(seconds) - Duration::from_millis(1);
        let lived = [Duration::ZERO, almost, Duration::from_millis(1)].map(runs);
        assert_eq!(lived, [1, 0, 1]);
    }

    /// The visible keys without their hashes.
    fn places(&self) -> Vec<String> {
        let keys = self.cache.keys().into_iter();
        let places = keys.map(|key| key.rsplit_once(':').unwrap().0.to_owned());
        places.collect()
    }
}

#[cache_defaults(key_prefix = "user:{id}", ttl = "10m", none_ttl = 20, version = 7, cache = self.cache)]
impl Database {
    #[cached]
    async fn profile(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(ttl = 30, version = 8, key_prefix = "team")]
    fn team(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached]
    fn absent(&self, id: u64) -> Option<u64> {
        self.ask();
        (id == 0).then_some(id)
    }

    #[cached(none_ttl = 5)]
    fn rarely_absent(&self, id: u64) -> Option<u64> {
        self.ask();
        (id == 0).then_some(id)
    }

    #[cfg_attr(all(), cached(ttl = 40))]
    #[cfg_attr(any(), cached(ttl = 50))]
    fn conditional(&self, id: u64) -> u64 {
        id + self.ask()
    }

    /// A default does not fit a function that never returns `None`, and does no harm.
    #[cached(outcome = "value")]
    fn present(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[invalidate_cache("user:{id}:*")]
    #[invalidate_cache("team")]
    async fn rename(&self, id: u64) {
        let _ = id;
    }

    #[invalidate_cache(entry = self.profile(id))]
    async fn touch(&self, id: u64) {}
}

#[tokio::test]
async fn a_default_key_prefix_and_version_and_cache_are_those_of_every_function() {
    let database = Database::new();
    database.profile(3).await;
    assert_eq!(database.places(), ["user:3:profile.v7"]);
}

#[tokio::test]
async fn what_a_function_says_itself_replaces_the_default() {
    let database = Database::new();
    database.team(3);
    assert_eq!(database.places(), ["team:team.v8"]);
    database.cache.clear().await.unwrap();
    database.lives(30, |database| database.team(3));
    database.lives(40, |database| database.conditional(3));
    database.lives(5, |database| database.rarely_absent(3));
}

#[test]
fn default_ttls_hold() {
    let database = Database::new();
    database.lives(600, |database| database.absent(0));
    database.lives(20, |database| database.absent(1));
    database.lives(600, |database| database.present(1));
}

#[tokio::test]
async fn writers_invalidate_in_the_default_cache() {
    let database = Database::new();
    let all = async |database: &Database| {
        database.profile(3).await;
        database.profile(4).await;
        database.team(3);
    };
    assert_eq!(database.bodies_of(all).await, 3);
    database.rename(3).await;
    assert_eq!(database.bodies_of(all).await, 2);
    database.touch(4).await;
    assert_eq!(database.bodies_of(all).await, 1);
    assert_eq!(database.bodies_of(all).await, 0);
}

struct Shop {
    database: Database,
    region: &'static str,
}

#[cache_defaults(
    scope = self.database.tenant,
    cache = self.database.cache,
    key_prefix = "shop:{self.region}",
    on = "always",
)]
impl Shop {
    #[cached]
    async fn prices(&self) -> u64 {
        self.database.ask()
    }

    #[cached(scope = (), key_prefix = "rates")]
    async fn rates(&self) -> u64 {
        self.database.ask()
    }

    #[cached(cache = database.cache, key_prefix = "open", scope = (), skip(database))]
    async fn opening(database: &Database) -> u64 {
        database.ask()
    }

    #[invalidate_cache("shop")]
    async fn fail(&self) -> Result<(), ()> {
        Err(())
    }

    #[invalidate_cache("shop", on = "ok")]
    async fn fail_for_sure(&self) -> Result<(), ()> {
        Err(())
    }
}

#[tokio::test]
async fn a_default_scope_and_placeholder_of_self_separate_instances() {
    let database = Database::new();
    let shop = |tenant, region| Shop {
        database: database.of_tenant(tenant),
        region,
    };
    let shops = [shop(1, "eu"), shop(2, "eu"), shop(1, "us")];
    let prices = async |_: &Database| {
        for shop in &shops {
            shop.prices().await;
        }
    };
    assert_eq!(database.bodies_of(prices).await, 3);
    assert_eq!(database.bodies_of(prices).await, 0);
    let rates = async |_: &Database| {
        for shop in &shops {
            shop.rates().await;
        }
    };
    assert_eq!(database.bodies_of(rates).await, 1);
    Shop::opening(&database).await;
    assert_eq!(
        database.places(),
        [
            "open:opening",
            "rates:rates",
            "shop:eu:prices",
            "shop:eu:prices",
            "shop:us:prices"
        ]
    );
}

#[tokio::test]
async fn a_default_says_when_writers_invalidate() {
    let shop = Shop {
        database: Database::new(),
        region: "eu",
    };
    let prices = async |_: &Database| shop.prices().await;
    assert_eq!(shop.database.bodies_of(prices).await, 1);
    shop.fail_for_sure().await.unwrap_err();
    assert_eq!(shop.database.bodies_of(prices).await, 0);
    shop.fail().await.unwrap_err();
    assert_eq!(shop.database.bodies_of(prices).await, 1);
}

/// Has no shape for serde.
#[derive(Clone)]
struct Handle(Arc<Mutex<u64>>);

#[cache_defaults(tier = "memory", single_flight = "off", cache = self.cache)]
impl Database {
    #[cached]
    async fn handle(&self) -> Handle {
        Handle(Arc::new(Mutex::new(self.ask())))
    }

    #[cached]
    async fn uncoalesced(&self, gate: u64) -> u64 {
        let asked = self.ask();
        tokio::task::yield_now().await;
        asked + gate
    }

    #[cached(single_flight = "process")]
    async fn coalesced(&self, gate: u64) -> u64 {
        let asked = self.ask();
        tokio::task::yield_now().await;
        asked + gate
    }
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn a_default_tier_holds() {
    let database = Database::new();
    let first = database.handle().await;
    assert!(Arc::ptr_eq(&first.0, &database.handle().await.0));
}

#[tokio::test]
async fn a_default_says_whether_callers_share_a_computation() {
    let database = Database::new();
    let both = async |database: &Database| {
        let (mut a, mut b) = (pin!(database.uncoalesced(0)), pin!(database.uncoalesced(0)));
        assert!(poll_once(a.as_mut()).await.is_pending());
        assert!(poll_once(b.as_mut()).await.is_pending());
        (a.await, b.await)
    };
    assert_eq!(database.bodies_of(both).await, 2);
    let both = async |database: &Database| {
        let (mut a, mut b) = (pin!(database.coalesced(0)), pin!(database.coalesced(0)));
        assert!(poll_once(a.as_mut()).await.is_pending());
        assert!(poll_once(b.as_mut()).await.is_pending());
        (a.await, b.await)
    };
    assert_eq!(database.bodies_of(both).await, 1);
}

#[cache_defaults(crate = renamed, key_prefix = "renamed")]
impl Database {
    #[cached]
    fn renamed(&self) -> u64 {
        self.ask()
    }

    #[invalidate_cache("renamed")]
    fn forget_renamed(&self) {}
}

#[tokio::test]
async fn a_default_crate_is_where_the_runtime_is_found() {
    let database = Database::new();
    database.renamed();
    assert_eq!(renamed::__private::installed().keys().len(), 1);
    database.forget_renamed();
    assert_eq!(database.bodies_of(async |d| d.renamed()).await, 1);
}

trait Numbers {
    fn number(&self, id: u64) -> u64;
    fn put(&self, id: u64);
}

#[cache_defaults(cache = self.cache, key_prefix = "number")]
impl Numbers for Database {
    #[cached]
    fn number(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[invalidate_cache("number")]
    fn put(&self, id: u64) {
        let _ = id;
    }
}

#[cache_defaults(cache = self.database().cache, key_prefix = "provided")]
trait Provided {
    fn database(&self) -> &Database;

    #[cached]
    async fn provided(&self, id: u64) -> u64 {
        id + self.database().ask()
    }
}

impl Provided for Database {
    fn database(&self) -> &Database {
        self
    }
}

#[tokio::test]
async fn trait_impls_and_traits_have_defaults() {
    let database = Database::new();
    database.number(3);
    Provided::provided(&database, 3).await;
    assert_eq!(database.places(), ["number:number", "provided:provided"]);
    assert_eq!(database.bodies_of(async |d| d.number(3)).await, 0);
    database.put(3);
    assert_eq!(database.bodies_of(async |d| d.number(3)).await, 1);
}

#[async_trait]
trait Rewritten {
    fn above(&self, id: u64) -> u64;
}

#[async_trait]
trait RewrittenAfterwards {
    fn below(&self, id: u64) -> u64;
}

#[async_trait]
#[cache_defaults(cache = self.cache, key_prefix = "above")]
impl Rewritten for Database {
    #[cached]
    fn above(&self, id: u64) -> u64 {
        id + self.ask()
    }
}

#[cache_defaults(cache = self.cache, key_prefix = "below")]
#[async_trait]
impl RewrittenAfterwards for Database {
    #[cached]
    fn below(&self, id: u64) -> u64 {
        id + self.ask()
    }
}

#[test]
fn defaults_stand_above_and_below_async_trait() {
    let database = Database::new();
    database.above(3);
    database.below(3);
    assert_eq!(database.places(), ["above:above", "below:below"]);
}

struct Repository<'a, Item, const N: usize> {
    database: &'a Database,
    items: [Item; N],
}

/// One capital, and still no parameter.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct T(u64);

#[cache_defaults(cache = self.database.cache, key_prefix = "items")]
impl<Item, const N: usize> Repository<'_, Item, N>
where
    Item: cachewright::CacheValue,
{
    #[cached(outcome = "value")]
    fn first(&self) -> Item {
        self.database.ask();
        self.items[0].clone()
    }

    /// The block says that `T` is none of its parameters.
    #[cached]
    fn total(&self) -> T {
        T(self.database.ask())
    }
}

#[tokio::test]
async fn generic_blocks_have_defaults_and_tell_their_parameters() {
    let database = Database::new();
    let repository = Repository {
        database: &database,
        items: ["a".to_owned()],
    };
    let first = async |_: &Database| assert_eq!(repository.first(), "a");
    assert_eq!(database.bodies_of(first).await, 1);
    assert_eq!(database.bodies_of(first).await, 0);
    assert_eq!(repository.total().0, repository.total().0);
}

macro_rules! block {
    ($name:ident, $($method:item)*) => {
        #[cache_defaults(key_prefix = "block", cache = self.cache)]
        impl $name {
            $($method)*
        }
    };
}

macro_rules! reader {
    ($(#[$attribute:meta])* $name:ident) => {
        #[cache_defaults(key_prefix = "reader", cache = self.cache)]
        impl Database {
            $(#[$attribute])*
            fn $name(&self) -> u64 {
                self.ask()
            }
        }
    };
}

reader!(
    #[cached]
    read_by_macro
);

block! {
    Database,
    #[cached]
    fn passed_through(&self) -> u64 {
        self.ask()
    }
}

macro_rules! annotated {
    ($cached:path) => {
        #[cache_defaults(key_prefix = "annotated", cache = self.cache)]
        impl Database {
            #[$cached]
            fn by_a_path(&self) -> u64 {
                self.ask()
            }

            #[$cached(ttl = 60)]
            fn by_a_path_with_arguments(&self) -> u64 {
                self.ask()
            }

            #[cfg_attr(not(any()), $cached(ttl = 60))]
            fn by_a_path_in_a_condition(&self) -> u64 {
                self.ask()
            }

            #[r#cached(ttl = 60)]
            fn by_a_raw_name(&self) -> u64 {
                self.ask()
            }
        }
    };
}

annotated!(cachewright::cached);

#[test]
fn what_went_through_a_macro_rules_macro_has_defaults() {
    let database = Database::new();
    database.passed_through();
    database.read_by_macro();
    assert_eq!(
        database.places(),
        ["block:passed_through", "reader:read_by_macro"]
    );
}

#[test]
fn an_annotation_that_a_macro_rules_macro_was_given_has_defaults() {
    let database = Database::new();
    database.by_a_path();
    database.by_a_path_with_arguments();
    database.by_a_path_in_a_condition();
    database.by_a_raw_name();
    assert_eq!(
        database.places(),
        [
            "annotated:by_a_path",
            "annotated:by_a_path_in_a_condition",
            "annotated:by_a_path_with_arguments",
            "annotated:by_a_raw_name",
        ]
    );
}

static SHARED: LazyLock<Cache> = LazyLock::new(|| Cache::builder().build().unwrap());

struct Rates;

#[cache_defaults(cache = *self::SHARED, key_prefix = "rate")]
impl Rates {
    #[cached(scope = self::SHARED.keys().len() > 9)]
    fn of_today(currency: &str) -> String {
        currency.to_owned()
    }
}

#[invalidate_cache(cache = *self::SHARED, entry = self::Rates::of_today("NOK"))]
fn change_rate() {}

#[test]
fn a_path_that_begins_with_self_needs_no_receiver() {
    Rates::of_today("NOK");
    assert_eq!(SHARED.keys().len(), 1);
    change_rate();
    assert!(SHARED.keys().is_empty());
}

struct Tariff {
    cache: Cache,
    zone: u64,
    time: Duration,
}

macro_rules! tariff {
    ($($method:item)*) => {
        #[cache_defaults(
            cache = self.cache, scope = format!("zone {}", self.zone), ttl = self.time, none_ttl = self.time * 2,
        )]
        impl Tariff {
            $($method)*
        }
    };
}

tariff! {
    #[cached]
    fn price(&self, hour: u8) -> Option<u64> {
        let _ = hour;
        (self.zone > 0).then_some(self.zone)
    }
}

#[test]
fn every_default_of_a_macro_rules_macro_finds_the_receiver_of_a_function_that_it_was_given() {
    let clock = SteppedClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().unwrap();
    let time = Duration::from_secs(5);
    let tariff = |zone| Tariff {
        cache: cache.clone(),
        zone,
        time,
    };
    let prices = || [0, 1, 2].map(|zone| tariff(zone).price(3));
    assert_eq!(prices(), [None, Some(1), Some(2)]);
    assert_eq!(prices(), [None, Some(1), Some(2)]);
    assert_eq!(cache.keys().len(), 3);
    clock.advance(time);
    assert_eq!(cache.keys().len(), 1);
    clock.advance(time);
    assert!(cache.keys().is_empty());
}

/// What a block says about the ages of single entries is none of its batches'.
#[cache_defaults(
    cache = self.cache, ttl = 10, stale_while_revalidate = 100, stale_if_error = 100, refresh_ahead = 0.5, timeout = 1,
    verify = 0.9,
)]
impl Tariff {
    #[cached(batch = hours)]
    async fn prices(&self, hours: &[u64]) -> HashMap<u64, u64> {
        let price = |hour: &u64| (*hour, self.zone * 100 + hour);
        hours.iter().map(price).collect()
    }
}

#[tokio::test]
async fn a_default_freshness_has_no_effect_on_a_batch() {
    let clock = SteppedClock::new();
    let mut tariff = Tariff {
        cache: Cache::builder().clock(clock.clone()).build().unwrap(),
        zone: 1,
        time: Duration::from_secs(5),
    };
    assert_eq!(tariff.prices(&[3]).await, HashMap::from([(3, 103)]));
    tariff.zone = 2;
    clock.advance(Duration::from_secs(9));
    assert_eq!(tariff.prices(&[3]).await, HashMap::from([(3, 103)]));
    clock.advance(Duration::from_secs(1));
    assert_eq!(tariff.prices(&[3]).await, HashMap::from([(3, 203)]));
}
