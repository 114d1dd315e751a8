//! Every argument of the attributes, under every lint that a program may ask for: an expansion says nothing.
#![deny(warnings, clippy::all, clippy::pedantic, clippy::redundant_clone)]
#![deny(
    unused_qualifications,
    unreachable_pub,
    missing_docs,
    single_use_lifetimes,
    unused_lifetimes
)]
#![deny(
    trivial_casts,
    unused_results,
    let_underscore_drop,
    elided_lifetimes_in_paths
)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::shadow_unrelated
)]
#![deny(
    clippy::absolute_paths,
    clippy::min_ident_chars,
    clippy::pattern_type_mismatch
)]
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::facade::{Cache, Error, cache_defaults, cached, invalidate_cache};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Profile {
    id: u64,
}

#[derive(Debug, PartialEq)]
struct Failure;

type Loaded<T> = Result<T, Failure>;

#[derive(Clone, Serialize)]
struct Filter {
    city: String,
    page: (u64, u64),
}

#[derive(Clone)]
struct Service {
    cache: Arc<Cache>,
    region: String,
    ttl: Duration,
}

impl Service {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            cache: Arc::new(Cache::builder().build()?),
            region: "eu".to_owned(),
            ttl: Duration::from_secs(60),
        })
    }

    #[cached(
        crate = crate::facade,
        key_prefix = "user:{self.region}:{user_id}",
        ttl = "1h30m",
        none_ttl = 30,
        scope = self.region,
        tags("region:{self.region}", "users"),
        version = 2,
        cache = self.cache,
        single_flight = "off"
    )]
    async fn profile(&self, user_id: u64) -> Loaded<Option<Profile>> {
        if user_id == 0 {
            return Err(Failure);
        }
        Ok(Some(Profile { id: user_id }))
    }

    #[cached(
        crate = crate::facade,
        key(filter.city, filter.page.0, ids.len()),
        key_prefix = "search:{filter.page.1}",
        ttl = self.ttl,
        none_ttl = Duration::from_secs(1),
        cache = self.cache,
        tier = "memory"
    )]
    fn search(&self, filter: &Filter, ids: &[u64]) -> Option<usize> {
        (filter.page.0 > 0).then_some(ids.len())
    }

    #[cached(crate = crate::facade, skip(log, _unused), cache = self.cache, tier = "shared", single_flight = "process")]
    async fn counted(self: Arc<Self>, log: &mut Vec<u64>, _unused: &str, _counted: u64) -> usize {
        log.push(1);
        self.region.len()
    }

    #[cached(
        crate = crate::facade,
        cache = self.cache,
        bypass_if = limit == 0 || self.region.is_empty(),
        store_if = <[_]>::is_sorted,
        ttl_with = |found| self.ttl * u32::from(found.len() < limit),
        ttl = "1h",
        none_ttl = 30,
        jitter = 0.1
    )]
    async fn judged(&self, limit: usize) -> Option<Vec<usize>> {
        (limit > 1).then(|| (0..limit).collect())
    }

    #[cached(
        crate = crate::facade,
        cache = self.cache,
        store_if = { let least = filter.page.0; move |found| *found > least },
        ttl_with = |_| Duration::from_secs(seconds),
        key(filter.city)
    )]
    fn judged_by(&self, filter: Filter, seconds: u64) -> u64 {
        filter.page.1
    }

    #[cached(crate = crate::facade, cache = &self.cache)]
    async fn taken_apart(
        &self,
        (left, right): (u64, u64),
        Filter { city, .. }: Filter,
        _: u64,
        mut count: usize,
        label: impl Display + Serialize,
    ) -> String {
        count += city.len();
        format!("{left} {right} {count} {label}")
    }

    #[cached(
        crate = crate::facade,
        skip(_unused),
        cache = self.cache,
        ttl = "1h",
        stale_while_revalidate = "10m",
        stale_if_error = 60,
        refresh_ahead = 0.1,
        timeout = "200ms",
        key_prefix = "search"
    )]
    async fn refreshed(
        &self,
        &(left, right): &(u64, u64),
        filter: &Filter,
        mut text: &str,
        ids: &[u64],
        _unused: &mut u64,
        mut count: usize,
    ) -> Loaded<Option<String>> {
        let this = 1;
        text = text.trim();
        count += ids.len() + this;
        if text.is_empty() {
            return Err(Failure);
        }
        Ok(Some(format!(
            "{left} {right} {text} {count} {} {}",
            filter.city, self.region
        )))
    }

    #[cached(crate = crate::facade, cache = self.cache, refresh_ahead = "30s", key_prefix = "search")]
    fn refreshed_and_blocking(self: &Arc<Self>, text: &str, filter: &Filter) -> usize {
        self.region.len() + text.len() + filter.city.len()
    }

    #[cached(crate = crate::facade, batch = ids, key_prefix = "batch:{self.region}:{ids}", skip(_unused), cache = self.cache)]
    async fn batch(
        &self,
        mut ids: Vec<u64>,
        _unused: &str,
        label: String,
    ) -> Loaded<HashMap<u64, String>> {
        ids.sort_unstable();
        let label = Some(label)
            .filter(|label| !label.is_empty())
            .ok_or(Failure)?;
        let labelled = ids.into_iter().map(|id| (id, format!("{label} {id}")));
        Ok(labelled.collect())
    }

    #[cached(crate = crate::facade, batch = _ids, tier = "memory", none_ttl = 1, cache = self.cache)]
    fn unused_batch(&self, _ids: &[u64]) -> Vec<Option<u64>> {
        Vec::new()
    }

    #[invalidate_cache(
        "user:{self.region}:{user_id}",
        "batch:{self.region}:*",
        "search:*",
        pattern = "other",
        entry = self.profile(user_id),
        entry = fibonacci(7),
        tags("region:{self.region}", "users"),
        on = "always",
        cache = self.cache,
        crate = crate::facade
    )]
    async fn rename(&mut self, user_id: u64, name: String, _unused: u64) -> Loaded<()> {
        self.region = name;
        (user_id > 0).then_some(()).ok_or(Failure)
    }

    #[invalidate_cache("user", crate = crate::facade)]
    #[invalidate_cache("search", cache = self.cache, outcome = "value", crate = crate::facade)]
    fn consume(self, _guard: impl FnOnce()) -> String {
        self.region
    }

    #[invalidate_cache("user", crate = crate::facade)]
    async fn nothing(&self) {}
}

#[cached(crate = crate::facade)]
fn fibonacci(number: u64) -> u64 {
    if number < 2 {
        number
    } else {
        fibonacci(number - 1) + fibonacci(number - 2)
    }
}

#[cached(crate = crate::facade, outcome = "value")]
async fn hidden<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static>(value: T) -> T {
    value
}

#[cached(crate = crate::facade)]
async fn lent<'a>(text: &'a str, words: &'a [&'a str]) -> HashMap<String, usize> {
    words
        .iter()
        .map(|word| (format!("{text} {word}"), word.len()))
        .collect()
}

#[async_trait]
trait Users {
    async fn get(&self, id: u64, pair: (u64, u64)) -> Loaded<Option<Profile>>;
    async fn set(&self, id: u64) -> Loaded<Profile>;
    async fn one(&self, id: u64) -> Vec<Profile>;

    #[cached(crate = crate::facade)]
    async fn by_default(&self, id: u64) -> Vec<u64> {
        vec![id]
    }
}

#[cache_defaults(crate = crate::facade, cache = self.cache, key_prefix = "user:{id}", ttl = 60)]
#[async_trait]
impl Users for Service {
    #[cached]
    async fn one(&self, id: u64) -> Vec<Profile> {
        vec![Profile { id }]
    }

    #[cached(none_ttl = "5s")]
    async fn get(&self, id: u64, (left, right): (u64, u64)) -> Loaded<Option<Profile>> {
        let id = id.checked_sub(left + right).ok_or(Failure)?;
        Ok(Some(Profile { id }))
    }

    #[invalidate_cache("user:{id}", entry = self.get(id, (0, 0)))]
    async fn set(&self, id: u64) -> Loaded<Profile> {
        Ok(Profile { id })
    }
}

#[cached(crate = crate::facade)]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = Option<u64>> + Send>> {
    Box::pin(async move { Some(id) })
}

#[cached(crate = crate::facade, stale_while_revalidate = 5)]
fn boxed_and_refreshed(
    id: u64,
    text: &str,
) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>> {
    Box::pin(async move { id.checked_add(text.len() as u64) })
}

#[tokio::test]
async fn an_expansion_is_silent_under_every_lint() -> Result<(), Error> {
    let service = Arc::new(Service::new()?);
    let mut log = Vec::new();
    let filter = || Filter {
        city: "Rome".to_owned(),
        page: (1, 2),
    };
    for _ in 0..2 {
        assert_eq!(service.profile(1).await, Ok(Some(Profile { id: 1 })));
        assert_eq!(service.profile(0).await, Err(Failure));
        assert_eq!(service.search(&filter(), &[1, 2]), Some(2));
        assert_eq!(Arc::clone(&service).counted(&mut log, "", 1).await, 2);
        assert_eq!(
            service.taken_apart((1, 2), filter(), 3, 4, "x").await,
            "1 2 8 x"
        );
        assert_eq!(service.judged(2).await, Some(vec![0, 1]));
        assert_eq!(service.judged_by(filter(), 60), 2);
        assert_eq!(fibonacci(50), 12_586_269_025);
        let batch = service.batch(vec![2, 1], "", "of".to_owned()).await;
        assert_eq!(batch.map(|batch| batch.len()), Ok(2));
        assert_eq!(service.unused_batch(&[]), []);
        assert_eq!(hidden(1_u8).await, 1);
        assert_eq!(lent("a", &["b"]).await["a b"], 1);
        assert_eq!(service.get(5, (1, 1)).await, Ok(Some(Profile { id: 3 })));
        assert_eq!(service.set(5).await, Ok(Profile { id: 5 }));
        assert_eq!(service.by_default(5).await, [5]);
        assert_eq!(service.one(5).await, [Profile { id: 5 }]);
        assert_eq!(boxed(5).await, Some(5));
        assert_eq!(boxed_and_refreshed(5, "ab").await, Some(7));
        let refreshed = service
            .refreshed(&(1, 2), &filter(), " x ", &[3], &mut 4, 5)
            .await;
        assert_eq!(refreshed, Ok(Some("1 2 x 7 Rome eu".to_owned())));
        assert_eq!(service.refreshed_and_blocking("x", &filter()), 7);
        service.nothing().await;
    }
    assert_eq!(log, [1]);
    let mut another = Service::new()?;
    assert_eq!(another.rename(1, "us".to_owned(), 2).await, Ok(()));
    assert_eq!(another.consume(|| ()), "us");
    Ok(())
}
