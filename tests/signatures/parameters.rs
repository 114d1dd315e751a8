//! Receivers and arguments of every form and name.
#![allow(clippy::too_many_arguments)]

use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use cachewright::{cached, invalidate_cache};
use serde::{Deserialize, Serialize};

use super::Database;

impl Database {
    #[cached(cache = self.cache, key_prefix = "receiver")]
    async fn by_reference_to_arc(self: &Arc<Self>, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "receiver")]
    async fn by_pin(self: Pin<&Self>, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "receiver")]
    fn by_rc(self: Rc<Self>, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "receiver")]
    #[allow(clippy::needless_arbitrary_self_type)]
    fn by_typed_reference(self: &Self, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "receiver")]
    fn by_pinned_arc(self: Pin<Arc<Self>>, id: u64) -> u64 {
        id + self.ask()
    }

    #[invalidate_cache("receiver", cache = self.cache)]
    async fn by_mutable_reference(&mut self, id: u64) -> u64 {
        *self = Self { ..self.clone() };
        id
    }

    #[invalidate_cache("receiver", cache = self.cache)]
    async fn by_pinned_mutable_reference(self: Pin<&mut Self>, id: u64) -> u64 {
        id
    }

    #[invalidate_cache("receiver", cache = self.cache)]
    fn by_value(mut self, id: u64) -> Self {
        self.asked = Arc::new(id.into());
        self
    }

    #[invalidate_cache("receiver", cache = self.cache)]
    async fn by_box(self: Box<Self>, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn every_receiver_of_a_reader() {
    let database = Arc::new(Database::new());
    let local = Rc::new(Database::clone(&database));
    for _ in 0..2 {
        assert_eq!(database.by_reference_to_arc(10).await, 11);
        assert_eq!(Pin::new(&*database).by_pin(10).await, 12);
        assert_eq!(Rc::clone(&local).by_rc(10), 13);
        assert_eq!(database.by_typed_reference(10), 14);
        assert_eq!(Pin::new(Arc::clone(&database)).by_pinned_arc(10), 15);
    }
}

#[tokio::test]
async fn every_receiver_of_a_writer() {
    let mut database = Database::new();
    let read = |database: &Database| database.by_typed_reference(10);
    assert_eq!((read(&database), read(&database)), (11, 11));
    database.by_mutable_reference(1).await;
    assert_eq!((read(&database), read(&database)), (12, 12));
    Pin::new(&mut database).by_pinned_mutable_reference(1).await;
    assert_eq!((read(&database), read(&database)), (13, 13));
    Box::new(database.clone()).by_box(1).await;
    assert_eq!((read(&database), read(&database)), (14, 14));
    let database = database.by_value(20);
    assert_eq!((read(&database), read(&database)), (31, 31));
}

#[derive(Serialize, Deserialize, Clone)]
struct Range {
    from: u64,
    to: u64,
}

#[derive(Serialize, Deserialize, Clone)]
struct Id(u64);

type Serialized<'a> = &'a (dyn erased::Describe + Sync);

mod erased {
    /// A trait object that can be a part of a key.
    pub(super) trait Describe {
        fn describe(&self) -> String;
    }

    impl Describe for u64 {
        fn describe(&self) -> String {
            format!("number {self}")
        }
    }

    impl serde::Serialize for dyn Describe + Sync + '_ {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&self.describe())
        }
    }
}

#[cached(cache = database.cache, skip(database, words))]
async fn of_many_forms(
    database: &Database,
    opaque: impl Display + Serialize,
    object: Serialized<'_>,
    words: &mut dyn Iterator<Item = u64>,
    Id(id): Id,
    Range { from, mut to }: Range,
    whole @ (first, _): (u64, u64),
    ref name: String,
    mut count: u64,
    #[cfg(not(any()))] present: u64,
    #[cfg(any())] absent: u64,
) -> String {
    let words: u64 = words.sum();
    to += first;
    count += whole.1 + present + database.ask();
    let object = object.describe();
    format!("{opaque} {object} {words} {id} {from} {to} {name} {count}")
}

#[tokio::test]
async fn every_form_of_an_argument() {
    let database = Database::new();
    let call = async |name: &str, object: u64, present: u64| {
        let range = Range { from: 3, to: 4 };
        let words = &mut [1, 2].into_iter();
        of_many_forms(
            &database,
            "x",
            &object,
            words,
            Id(2),
            range,
            (5, 6),
            name.to_owned(),
            7,
            present,
        )
        .await
    };
    for _ in 0..2 {
        assert_eq!(call("a", 1, 0).await, "x number 1 3 2 3 9 a 14");
        assert_eq!(call("b", 1, 0).await, "x number 1 3 2 3 9 b 15");
        assert_eq!(call("a", 2, 0).await, "x number 2 3 2 3 9 a 16");
        assert_eq!(call("a", 1, 1).await, "x number 1 3 2 3 9 a 18");
    }
}

#[invalidate_cache("form:{id}", cache = database.cache)]
async fn write_of_many_forms(
    database: &Database,
    id: u64,
    guard: impl FnOnce() + Send,
    (first, Range { mut to, .. }): (u64, Range),
    [a, b]: [&mut u64; 2],
    #[cfg(any())] absent: u64,
) -> u64 {
    to += first;
    *a += to;
    *b += *a + id + database.asked();
    guard();
    *b
}

#[cached(cache = database.cache, skip(database), key_prefix = "form:{id}")]
fn form(database: &Database, id: u64) -> u64 {
    id + database.ask()
}

#[tokio::test]
async fn every_form_of_an_argument_of_a_writer() {
    let database = Database::new();
    assert_eq!(form(&database, 1), 2);
    let (mut a, mut b) = (1, 2);
    let range = Range { from: 0, to: 4 };
    let written = write_of_many_forms(&database, 1, || (), (3, range), [&mut a, &mut b]);
    assert_eq!(written.await, 12);
    assert_eq!((a, b), (8, 12));
    assert_eq!(form(&database, 1), 3);
}

/// `FUNCTION` is what an expansion calls its descriptor.
#[cached(
    cache = cache.cache,
    skip(cache),
    scope = scope,
    key_prefix = "{type}:{key}:{self_}:{result}:{call}:{prefix}:{function}:{FUNCTION}",
    ttl = std::time::Duration::from_secs(ttl)
)]
#[allow(non_snake_case)]
async fn like_ours(
    cache: &Database,
    r#type: u64,
    key: u64,
    self_: u64,
    result: u64,
    call: u64,
    prefix: u64,
    function: u64,
    FUNCTION: u64,
    (argument_0, argument_1): (u64, u64),
    argument_0_: u64,
    ttl: u64,
    scope: u64,
    __arg0: u64,
    outcome: u64,
    invalidation: u64,
) -> Vec<u64> {
    vec![
        cache.ask(),
        r#type,
        key,
        self_,
        result,
        call,
        prefix,
        function,
        FUNCTION,
        argument_0,
        argument_1,
        argument_0_,
        ttl,
        scope,
        __arg0,
        outcome,
        invalidation,
    ]
}

#[invalidate_cache(
    "{type}:{key}:{self_}:{result}:{call}:{prefix}:{function}:{FUNCTION}",
    cache = cache.cache,
    entry = entry(_, argument_0, invalidation)
)]
#[allow(non_snake_case)]
fn write_like_ours(
    cache: &Database,
    r#type: u64,
    key: u64,
    self_: u64,
    result: u64,
    call: u64,
    prefix: u64,
    function: u64,
    FUNCTION: u64,
    argument_0: u64,
    invalidation: u64,
) -> u64 {
    cache.asked()
        + r#type
        + key
        + self_
        + result
        + call
        + prefix
        + function
        + FUNCTION
        + argument_0
        + invalidation
}

#[cached(cache = cache.cache, skip(cache))]
fn entry(cache: &Database, argument_0: u64, invalidation: u64) -> u64 {
    argument_0 + invalidation + cache.ask()
}

#[tokio::test]
async fn arguments_may_be_named_like_what_an_expansion_writes() {
    let database = Database::new();
    let call = async || {
        like_ours(
            &database,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            (9, 10),
            11,
            12,
            13,
            14,
            15,
            16,
        )
        .await
    };
    let expected: Vec<u64> = [1].into_iter().chain(1..=16).collect();
    assert_eq!(call().await, expected);
    assert_eq!(call().await, expected);
    assert_eq!(entry(&database, 10, 20), 32);
    assert_eq!(
        write_like_ours(&database, 1, 2, 3, 4, 5, 6, 7, 8, 10, 20),
        68
    );
    assert_eq!(call().await[0], 3);
    assert_eq!(entry(&database, 10, 20), 34);
}

#[cached(key_prefix = "raw:{type.fn}:{r#match}", skip(r#loop))]
fn raw(r#type: &Raw, r#match: u64, r#loop: &mut u64) -> u64 {
    *r#loop += 1;
    r#type.r#fn + r#match
}

#[derive(Serialize)]
struct Raw {
    r#fn: u64,
}

#[cached]
fn r#async(r#await: u64) -> u64 {
    static RUNS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    r#await + RUNS.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
}

#[test]
fn names_may_be_raw() {
    let (raws, mut runs) = (Raw { r#fn: 1 }, 0);
    for _ in 0..2 {
        assert_eq!(raw(&raws, 2, &mut runs), 3);
        assert_eq!(runs, 1);
        assert_eq!(r#async(3), 3);
    }
}
