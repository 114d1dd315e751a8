//! Arguments of every form and name.
#![allow(clippy::too_many_arguments, clippy::borrowed_box)]

use std::cell::Cell;
use std::fmt::Display;
use std::sync::Arc;

use cachewright::cached;
use serde::{Deserialize, Serialize};

use super::{Database, Unique, assert_send};

#[derive(Serialize, Deserialize, Clone)]
struct Range {
    from: u64,
    to: u64,
}

#[derive(Serialize, Clone)]
struct Id(u64);

#[cached(cache = database.cache, skip(database), stale_while_revalidate = "10m")]
async fn lent<'a>(
    database: &'a Arc<Database>,
    text: &str,
    numbers: &'a [u64],
    texts: &[String],
    range: &Range,
    id: &&'static str,
    boxed: &Box<u64>,
) -> Result<String, std::num::ParseIntError> {
    let number: u64 = text.parse()?;
    tokio::task::yield_now().await;
    let numbers: &[u64] = numbers;
    let boxed: &u64 = boxed;
    let sum = number + numbers.iter().sum::<u64>() + range.from + range.to + boxed;
    Ok(format!("{sum} {} {id} {}", texts.join(","), database.ask()))
}

#[tokio::test]
async fn every_form_of_a_lent_argument() {
    let database = Arc::new(Database::new());
    let call = async |text: &str, from: u64| {
        let (numbers, texts) = (vec![1, 2], ["x".to_owned(), "y".to_owned()]);
        let boxed = Box::new(7);
        let range = Range { from, to: 4 };
        let lent = lent(&database, text, &numbers, &texts, &range, &"z", &boxed);
        assert_send(lent).await
    };
    for _ in 0..2 {
        assert_eq!(call("5", 3).await.unwrap(), "22 x,y z 1");
        assert_eq!(call("5", 4).await.unwrap(), "23 x,y z 2");
    }
    assert!(call("z", 3).await.is_err());
    assert_eq!(database.cloned(), 0);
}

#[cached(cache = database.cache, skip(database, function, _unmentioned, _log), refresh_ahead = 0.1)]
fn owned_and_taken_apart(
    database: &Arc<Database>,
    opaque: impl Display + Serialize + Send + 'static,
    &Id(id): &Id,
    Range { from, mut to }: Range,
    whole @ (first, _): (u64, u64),
    ref name: String,
    mut count: u64,
    mut rest: &str,
    kept: &'static str,
    function: fn(&str) -> u64,
    _: &Unique,
    _unmentioned: &Unique,
    _log: &mut Vec<u64>,
    #[cfg(not(any()))] present: &u64,
    #[cfg(any())] absent: &u64,
) -> String {
    to += first;
    rest = rest.trim();
    count += whole.1 + present + function(kept) + database.ask();
    format!("{opaque} {id} {from} {to} {name} {rest} {count}")
}

#[test]
fn every_form_of_an_argument() {
    fn length(text: &str) -> u64 {
        text.len().try_into().unwrap()
    }
    let database = Arc::new(Database::new());
    let call = |name: &str, present: u64| {
        owned_and_taken_apart(
            &database,
            "x",
            &Id(2),
            Range { from: 3, to: 4 },
            (5, 6),
            name.to_owned(),
            7,
            " y ",
            "abc",
            length,
            &Unique(1),
            &Unique(2),
            &mut Vec::new(),
            &present,
        )
    };
    for _ in 0..2 {
        assert_eq!(call("a", 0), "x 2 3 9 a y 17");
        assert_eq!(call("b", 1), "x 2 3 9 b y 19");
    }
}

#[cached(cache = database.cache, skip(database), outcome = "value", refresh_ahead = 0.1)]
async fn generic<T, U, const N: usize>(database: &Arc<Database>, value: T, other: &U) -> T
where
    T: Clone + Serialize + for<'a> Deserialize<'a> + Send + Sync + 'static,
    U: Clone + Serialize + Into<usize> + Send + Sync + 'static,
{
    let _ = (database.ask(), N);
    tokio::task::yield_now().await;
    let _: usize = other.clone().into();
    value
}

#[tokio::test]
async fn generic_functions() {
    let database = Arc::new(Database::new());
    for _ in 0..2 {
        let value = generic::<_, _, 2>(&database, String::from("x"), &3_u8);
        assert_eq!(assert_send(value).await, "x");
        assert_eq!(generic::<_, _, 0>(&database, 5_u8, &3_u16).await, 5);
    }
    assert_eq!(database.asked(), 2);
}

/// `Send` and not `Sync`.
#[derive(Serialize, Clone)]
struct Unshared(Cell<u64>);

#[cached(cache = database.cache, skip(database), refresh_ahead = 0.1)]
async fn moved(database: Arc<Database>, id: Unshared, mut text: String) -> Result<u64, Cell<u64>> {
    text.push('x');
    tokio::task::yield_now().await;
    if id.0.get() == 0 {
        return Err(id.0);
    }
    Ok(id.0.get() + database.ask())
}

#[cached(cache = database.cache, skip(database), refresh_ahead = 0.1)]
fn lent_to_a_thread(database: &Arc<Database>, id: &Unshared) -> u64 {
    id.0.get() + database.ask()
}

#[tokio::test]
async fn what_is_sent_need_not_be_shared() {
    let database = Arc::new(Database::new());
    let call = |id| {
        moved(
            Arc::clone(&database),
            Unshared(Cell::new(id)),
            "x".to_owned(),
        )
    };
    for _ in 0..2 {
        assert_eq!(assert_send(call(1)).await.unwrap(), 2);
        assert_eq!(lent_to_a_thread(&database, &Unshared(Cell::new(1))), 3);
    }
    assert!(call(0).await.is_err());
}

/// `this`, `own` and `future_of` are what an expansion writes.
#[cached(cache = call.cache, skip(call), key_prefix = "{this}:{own}", refresh_ahead = 0.1)]
async fn like_ours(
    call: &Arc<Database>,
    this: &u64,
    own: &str,
    future_of: u64,
    r#type: &u64,
    &argument_4: &u64,
    lend: &[u64],
) -> String {
    let asked = call.ask();
    format!("{this} {own} {future_of} {type} {argument_4} {lend:?} {asked}")
}

#[tokio::test]
async fn arguments_may_be_named_like_what_an_expansion_writes() {
    let database = Arc::new(Database::new());
    for _ in 0..2 {
        let answer = like_ours(&database, &1, "2", 3, &4, &5, &[6]).await;
        assert_eq!(answer, "1 2 3 4 5 [6] 1");
    }
}

#[cached(
    cache = database.cache,
    skip(database),
    refresh_ahead = 0.1,
    store_if = move |value| *value > least,
    bypass_if = least == 100
)]
async fn judged(database: Arc<Database>, least: u64) -> u64 {
    database.ask()
}

#[tokio::test]
async fn conditions_may_own_what_they_judge_by() {
    let database = Arc::new(Database::new());
    let call = async |least| judged(Arc::clone(&database), least).await;
    assert_eq!((call(1).await, call(1).await, call(1).await), (1, 2, 2));
    assert_eq!((call(100).await, call(100).await), (3, 4));
}
