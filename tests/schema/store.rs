//! An entry of another shape is a miss, and its bytes are never decoded.

#![allow(dead_code)]

#[path = "../support/service.rs"]
mod service;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cachewright::__private::{Function, Returns, Schema, lookup, lookup_local};
use cachewright::{Cache, CacheValue, LocalValue};
use serde::{Deserialize, Deserializer, Serialize};

use service::World;

static PRICE: Function = Function::new("price", "item:{id}", "", "", 0);

/// One function as an expansion calls it, with what its body returns. What differs between two
/// releases is the definition of `V` alone, where its name is the same.
async fn price<V: CacheValue>(cache: &Cache, computed: V) -> V {
    let outcome = Returns::<V>::new().outcome();
    let key = |key: &mut cachewright::__private::KeyWriter| {
        key.argument(&1);
    };
    let call = lookup(cache, &PRICE, outcome, key, |prefix| {
        prefix.segment(&1);
    });
    call.or_compute(async || computed).await
}

static LOCAL: Function = Function::new("local", "", "", "", 0);

async fn local<V: LocalValue>(cache: &Cache, computed: V) -> V {
    let outcome = Returns::<V>::new().outcome();
    let call = lookup_local(
        cache,
        &LOCAL,
        outcome,
        |key| {
            key.argument(&1);
        },
        |_| {},
    );
    call.or_compute(async || computed).await
}

/// Two definitions of one name in one function: to Rust two types of the same name, as in two
/// releases of a program. The new one would read the old one's bytes, and notes when it does.
macro_rules! releases {
    ($old:ident => $in_old:expr, $new:ident => $in_new:expr) => {{
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct Price {
            amount: u32,
        }
        let $old = Price { amount: 7 };
        $in_old
    }
    {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct Price {
            #[serde(deserialize_with = "noted")]
            amount: u32,
            #[serde(default)]
            currency: Option<String>,
        }
        let $new = Price {
            amount: 8,
            currency: Some("EUR".to_owned()),
        };
        // The probing reads it, too.
        let _ = Schema::of::<Price>();
        DECODED.with(|decoded| decoded.store(0, SeqCst));
        $in_new
    }};
}

thread_local! {
    static DECODED: AtomicUsize = const { AtomicUsize::new(0) };
}

fn noted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let amount = u32::deserialize(deserializer)?;
    // The old release's. What is kept is decoded once in debug builds, to see whether it comes back.
    if amount == 7 {
        DECODED.with(|decoded| decoded.fetch_add(1, SeqCst));
    }
    Ok(amount)
}

/// How often the old release's value was decoded as the new one.
fn decoded() -> usize {
    DECODED.with(|decoded| decoded.load(SeqCst))
}

/// How many values the store holds.
fn values(world: &World) -> usize {
    let keys = world.store.keys().into_iter();
    keys.filter(|key| !key.as_bytes().starts_with(b"app:~"))
        .count()
}

#[tokio::test]
async fn a_release_with_another_shape_reads_nothing_of_the_one_before_it() {
    let world = World::new();
    let (first, second) = (world.cache(), world.cache());
    releases!(
        old => {
            assert_eq!(price(&first, old.clone()).await, old);
            let other = Price { amount: 0 };
            assert_eq!(price(&second, other).await, old, "of one shape, it is shared");
        },
        new => {
            assert_eq!(price(&second, new.clone()).await, new);
            assert_eq!(decoded(), 0);
            assert_eq!(values(&world), 2, "each release has its own");
            let other = Price { amount: 0, currency: None };
            assert_eq!(price(&first, other).await, new);
            assert_eq!(decoded(), 0);
        }
    );
}

#[tokio::test]
async fn a_release_with_another_shape_still_invalidates_the_one_before_it() {
    let world = World::new();
    let (first, second) = (world.cache(), world.cache());
    releases!(
        old => {
            price(&first, old.clone()).await;
            second.invalidate("item:1:*").await.unwrap();
            let other = Price { amount: 9 };
            assert_eq!(price(&first, other.clone()).await, other);
        },
        new => {
            assert_eq!(price(&second, new.clone()).await, new);
        }
    );
}

#[tokio::test]
async fn what_was_set_with_another_shape_is_not_there_and_is_replaced() {
    let world = World::new();
    let cache = world.cache();
    releases!(
        old => {
            cache.set("price", old.clone(), None).await.unwrap();
            assert_eq!(cache.get::<Price>("price").await.unwrap(), Some(old));
        },
        new => {
            assert_eq!(cache.get::<Price>("price").await.unwrap(), None);
            assert_eq!(cache.get_many::<Price>(&["price"]).await.unwrap(), [None]);
            assert_eq!(decoded(), 0);
            assert!(cache.exists("price").await.unwrap(), "whatever its type is");
            let set = || async { Ok::<_, String>(new.clone()) };
            assert_eq!(cache.get_or_set("price", None, set).await.unwrap(), new);
            assert_eq!(cache.get::<Price>("price").await.unwrap(), Some(new));
            assert_eq!(decoded(), 0);
            assert_eq!(values(&world), 1);
        }
    );
}

#[tokio::test]
async fn a_value_that_never_leaves_the_process_has_no_shape() {
    let cache = Cache::builder().build().unwrap();
    releases!(
        old => { local(&cache, old).await; },
        new => { local(&cache, new).await; }
    );
    let keys = cache.keys();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]), "they have one name");

    price(&cache, 1_u8).await;
    releases!(
        old => { price(&cache, old).await; },
        new => { price(&cache, new).await; }
    );
    let mut keys = cache.keys();
    keys.dedup();
    assert_eq!(keys.len(), 4, "three shapes, and one name: {keys:?}");
}

#[tokio::test]
async fn nobody_looks_at_shapes_without_a_store() {
    static TIMES: AtomicUsize = AtomicUsize::new(0);

    #[derive(Clone, Serialize)]
    struct Counted;

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            TIMES.fetch_add(1, SeqCst);
            <()>::deserialize(deserializer).map(|()| Self)
        }
    }

    let cache = Cache::builder().build().unwrap();
    price(&cache, Counted).await;
    price(&cache, Counted).await;
    // In debug builds it is decoded once, to see whether it comes back.
    let once = usize::from(cfg!(debug_assertions));
    assert_eq!(TIMES.load(SeqCst), once);
    price(&World::new().cache(), Counted).await;
    assert!(TIMES.load(SeqCst) > once);
}
