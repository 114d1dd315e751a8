//! Every shape of function that can be annotated, in a crate that denies every warning.
#![deny(warnings, clippy::all, clippy::pedantic)]

use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cachewright::{Cache, cached, invalidate_cache};
use serde::{Serialize, de::DeserializeOwned};

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Profile {
    id: i64,
}

#[derive(Debug)]
struct Failure;

impl From<std::num::ParseIntError> for Failure {
    fn from(_: std::num::ParseIntError) -> Self {
        Failure
    }
}

type Loaded<T> = Result<T, Failure>;

#[derive(Clone, Copy, serde::Serialize)]
struct Point {
    x: u64,
    y: u64,
}

#[derive(PartialEq)]
struct Borrowed<'a>(&'a str, &'a str);

struct Service {
    region: String,
    cache: Arc<Cache>,
    ttl: Duration,
}

impl Service {
    #[cached(ttl = 300, key_prefix = "user:{user_id}:profile", none_ttl = "30s")]
    async fn profile(&self, user_id: i64) -> Loaded<Option<Profile>> {
        if user_id < 0 {
            return Err(Failure);
        }
        Ok(Some(Profile { id: user_id }))
    }

    #[cached(ttl = self.ttl, scope = self.region, cache = self.cache, version = 2)]
    async fn parsed(self: Arc<Self>, text: &str) -> Result<u64, Failure> {
        let number: u64 = text.parse()?;
        Ok(number + self.region.len() as u64)
    }

    #[cached(
        key_prefix = "sum:{self.region}:{pair.0}",
        tier = "memory",
        single_flight = "off"
    )]
    fn sum(&self, pair: (u64, u64)) -> u64 {
        pair.0 + pair.1
    }

    #[cached]
    async fn associated(
        mut n: u64,
        _: u64,
        (a, b): (u64, u64),
        Point { x, y }: Point,
        &z: &u64,
    ) -> u64 {
        n += 1;
        n + a + b + x + y + z
    }

    #[cached(key(options.len(), 1 + 2), cache = &self.cache)]
    fn counted(&self, options: &HashMap<String, String>) -> usize {
        options.len()
    }

    #[cached(ttl = owned.1, skip(unused))]
    async fn moved(&self, owned: (String, Duration), unused: Rc<u8>) -> String {
        drop(unused);
        owned.0
    }

    #[invalidate_cache("user:{user_id}:*", pattern = "sum", on = "always", cache = self.cache)]
    async fn rename(&mut self, user_id: i64, name: &mut String) -> Loaded<()> {
        name.push('x');
        self.region.clone_from(name);
        (user_id > 0).then_some(()).ok_or(Failure)
    }

    #[invalidate_cache("sum:{self.region}:*")]
    #[invalidate_cache("user:*")]
    fn consume(self) -> String {
        self.region
    }

    #[invalidate_cache("user")]
    async fn opaque(&self, n: u8) -> impl Display + use<> {
        n
    }

    #[invalidate_cache("user")]
    async fn opaque_result(&self, text: &str) -> Result<impl Display + use<>, Failure> {
        let n: u8 = text.parse()?;
        Ok(n)
    }

    #[invalidate_cache("user")]
    async fn nothing(&self) {}

    #[invalidate_cache("user")]
    fn borrowed<'a>(&'a self, name: &'a str) -> Result<Borrowed<'a>, Failure> {
        Ok(Borrowed(&self.region, name))
    }
}

#[cached(ttl = 60)]
async fn generic<T>(value: T, label: impl Display + Serialize) -> Vec<T>
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let _ = label.to_string();
    vec![value]
}

#[cached(outcome = "value")]
fn bare<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static>(value: &T) -> T {
    value.clone()
}

#[cached]
fn lifetimes<'a>(first: &'a str, second: &'a [u64]) -> String {
    format!("{first}{second:?}")
}

#[cached]
fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        fibonacci(n - 1) + fibonacci(n - 2)
    }
}

#[cached(key_prefix = "type:{type}")]
pub(crate) async fn raw(r#type: u64) -> u64 {
    r#type
}

#[allow(non_snake_case)]
#[cached(key_prefix = "{FUNCTION}:{key}:{prefix}:{call}")]
async fn clashing(
    key: u64,
    prefix: u64,
    call: u64,
    cache: u64,
    FUNCTION: u64,
    outcome: u64,
) -> u64 {
    key + prefix + call + cache + FUNCTION + outcome
}

#[cached]
fn conditional(a: u64, #[cfg(not(any()))] b: u64, #[cfg(any())] c: u64) -> u64 {
    a + b
}

trait Repository {
    async fn find(&self, id: u64) -> Loaded<Profile>;

    #[cached]
    async fn double(&self, id: u64) -> u64 {
        id * 2
    }
}

struct Wrapper<T>(T);

impl<T: Clone + Send + Sync + 'static> Repository for Wrapper<T> {
    #[cached(ttl = "1m")]
    async fn find(&self, id: u64) -> Loaded<Profile> {
        let _ = &self.0;
        Ok(Profile {
            id: i64::try_from(id).map_err(|_| Failure)?,
        })
    }
}

struct Store<Item>(Item);

impl<Item: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Store<Item> {
    #[cached(outcome = "result")]
    async fn item(&self) -> Result<Item, Failure> {
        Ok(self.0.clone())
    }

    #[cached]
    async fn items(&self) -> Result<Vec<Item>, Failure> {
        Ok(vec![self.0.clone()])
    }
}

macro_rules! cached_function {
    ($name:ident, $prefix:literal, $argument:ident) => {
        #[cached(key_prefix = $prefix)]
        fn $name($argument: u64) -> u64 {
            $argument
        }
    };
}

cached_function!(made, "made:{id}", id);

macro_rules! cached_for {
    ($name:ident, $literal:literal, $ttl:expr, $version:expr) => {
        #[cached(ttl = $literal, none_ttl = $ttl, version = $version)]
        fn $name(id: u64) -> Option<u64> {
            Some(id)
        }
    };
}

cached_for!(kept, 30, "30s", 2);

macro_rules! annotate {
    ($item:item) => {
        #[cached(key_prefix = "item")]
        $item
    };
}

annotate!(
    fn item(id: u64) -> u64 {
        id
    }
);

struct Raw {
    r#type: u64,
    größe: u64,
}

impl Raw {
    #[cached(
        key_prefix = "raw:{r#type}:{type}:{self.type}:{self.r#type}:{self.größe}",
        key(r#type)
    )]
    fn raw(&self, r#type: u64) -> u64 {
        r#type + self.r#type + self.größe
    }
}

#[cached(key_prefix = "unused:{_id}")]
fn unused(_id: u64, _point: Point) -> u64 {
    0
}

#[invalidate_cache("unused:{_id}")]
async fn unused_by_a_writer(_id: u64, _: String, (_a, _): (String, String), _text: &str) {}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut service = Service {
        region: "eu".to_owned(),
        cache: Arc::new(Cache::builder().build().unwrap()),
        ttl: Duration::from_secs(5),
    };
    assert_eq!(
        is_send(service.profile(7)).await.unwrap(),
        Some(Profile { id: 7 })
    );
    assert!(service.profile(-1).await.is_err());
    assert_eq!(service.sum((1, 2)), 3);
    assert_eq!(
        is_send(Service::associated(1, 2, (3, 4), Point { x: 5, y: 6 }, &7)).await,
        27
    );
    assert_eq!(service.counted(&HashMap::new()), 0);
    let owned = ("a".to_owned(), Duration::from_secs(1));
    assert_eq!(service.moved(owned, Rc::new(1)).await, "a");
    service.rename(1, &mut "us".to_owned()).await.unwrap();
    service.nothing().await;
    assert!(service.borrowed("x").unwrap() == Borrowed(&service.region, "x"));
    assert_eq!(service.opaque(3).await.to_string(), "3");
    assert_eq!(service.opaque_result("3").await.unwrap().to_string(), "3");
    let service = Arc::new(service);
    assert_eq!(
        is_send(Arc::clone(&service).parsed("40")).await.unwrap(),
        43
    );
    assert!(Arc::clone(&service).parsed("x").await.is_err());
    assert_eq!(Arc::into_inner(service).unwrap().consume(), "usx");
    assert_eq!(is_send(generic(1u8, "x")).await, [1]);
    assert_eq!(bare(&3u8), 3);
    assert_eq!(lifetimes("a", &[1]), "a[1]");
    assert_eq!(fibonacci(50), 12_586_269_025);
    assert_eq!(raw(3).await, 3);
    assert_eq!(clashing(1, 2, 3, 4, 5, 6).await, 21);
    assert_eq!(conditional(1, 2), 3);
    assert_eq!(Wrapper(()).find(3).await.unwrap().id, 3);
    assert_eq!(Wrapper(()).double(3).await, 6);
    assert_eq!(made(3), 3);
    assert_eq!(kept(3), Some(3));
    assert_eq!(item(3), 3);
    let value = Raw {
        r#type: 1,
        größe: 2,
    };
    assert_eq!(value.raw(3), 6);
    assert_eq!(unused(3, Point { x: 1, y: 2 }), 0);
    is_send(unused_by_a_writer(3, String::new(), (String::new(), String::new()), "")).await;
    assert_eq!(Store(5u8).item().await.unwrap(), 5);
    assert_eq!(Store(5u8).items().await.unwrap(), [5]);
}
