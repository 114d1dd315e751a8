//! Random operations of two clients of a store, against a map.

mod contents;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use cache_core::Error;
use cache_core::store::{Cursor, Deadline, Generation, Key, Mint, Nonce, Store, Swap, Written};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};

use contents::Contents;

/// Some are told apart by a segment only, or hold what a pattern of a server would take for its own.
const KEYS: [&str; 7] = [
    "app:a", "app:a:x", "app:ab", "app:*", "app:~n:a", "app:~n:b", "app2:a",
];
const BEGINNINGS: [&str; 5] = ["app:", "app:a", "app:~n:", "app:*", "other"];
/// Numbers, what is none, nothing at all, and what has the length of a generation.
const VALUES: [&[u8]; 6] = [b"7", b"-40", b"9223372036854775807", b"no", b"", &[7; 16]];

/// What a program's times are multiples of. Long, so that where nobody steps the time nothing ends by
/// itself, and a time to live that was rounded up tells what it was.
const UNIT: u64 = 1_000;

#[derive(Debug, Clone)]
enum Operation {
    Read(Vec<usize>),
    Mint(BTreeSet<usize>, u64),
    Write(usize, usize, u64),
    Invalidate(Vec<usize>),
    Swap(usize, u64),
    Prolong(Vec<usize>, u64),
    Remove(Vec<usize>),
    Scan(usize, usize),
    Add(usize, i64, Option<u64>),
    Expire(usize, u64),
    Probe,
    /// Passed over where the time can't be stepped.
    Advance(u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Add, Advance, Expire, Invalidate, Prolong, Read, Remove, Scan, Swap, Write};
    let key = || 0..KEYS.len();
    let keys = || proptest::collection::vec(0..KEYS.len(), 0..5);
    let some = || proptest::collection::btree_set(0..KEYS.len(), 0..5);
    let ttl = || 1..60_u64;
    let by = || prop_oneof![4 => -9..10_i64, 1 => any::<i64>()];
    prop_oneof![
        6 => keys().prop_map(Read),
        4 => (some(), ttl()).prop_map(|(keys, ttl)| Operation::Mint(keys, ttl)),
        4 => (key(), 0..VALUES.len(), ttl()).prop_map(|(key, value, ttl)| Write(key, value, ttl)),
        3 => keys().prop_map(Invalidate),
        4 => (key(), ttl()).prop_map(|(key, ttl)| Swap(key, ttl)),
        2 => (keys(), ttl()).prop_map(|(keys, ttl)| Prolong(keys, ttl)),
        1 => keys().prop_map(Remove),
        2 => (0..BEGINNINGS.len(), 1..9_usize).prop_map(|(from, limit)| Scan(from, limit)),
        4 => (key(), by(), proptest::option::of(ttl()))
            .prop_map(|(key, by, window)| Add(key, by, window)),
        1 => (key(), ttl()).prop_map(|(key, ttl)| Expire(key, ttl)),
        1 => Just(Operation::Probe),
        2 => (1..25_u64).prop_map(Advance),
    ]
}

type Advance<'a> = Box<dyn Fn(Duration) + 'a>;
type TimeLeft<'a> = Box<dyn Fn(&Key) -> Option<Duration> + 'a>;

/// Two clients of one store that is empty, and what steps its time, if that can be stepped.
pub(crate) struct Clients<'a, S> {
    pub(crate) stores: [S; 2],
    pub(crate) advance: Option<Advance<'a>>,
    /// How long a key has still to live; `None` if there is none, or it stays.
    pub(crate) time_left: TimeLeft<'a>,
}

/// Runs so many programs, each with clients of its own, and shrinks one that fails.
pub(crate) fn check<'a, S: Store>(
    source_file: &'static str,
    cases: u32,
    open: impl Fn() -> Clients<'a, S>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let persistence = FileFailurePersistence::WithSource("proptest-regressions");
    let mut runner = TestRunner::new(Config {
        cases,
        source_file: Some(source_file),
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    });
    let operations = proptest::collection::vec((0..2_usize, operation()), 1..100);
    let seen = RefCell::new(0);
    let run = runner.run(&operations, |operations| {
        let clients = open();
        runtime.block_on(async {
            let mut model = Contents::default();
            for (client, operation) in operations {
                if let Operation::Advance(units) = operation {
                    if let Some(advance) = &clients.advance {
                        advance(lives(units));
                        model.advance(units);
                    }
                    continue;
                }
                let store = &clients.stores[client];
                take(operation, store, &mut model).await;
                *seen.borrow_mut() += model.len();
            }
            for name in KEYS {
                let left = (clients.time_left)(&Key::from(name.to_owned()));
                let units = left.map(|left| left.as_millis().div_ceil(u128::from(UNIT) * 1_000));
                assert_eq!(units, model.time_left(name), "{name}");
            }
        });
        Ok(())
    });
    match run {
        Ok(()) => assert!(*seen.borrow() > 0, "nothing was ever stored"),
        Err(TestError::Fail(reason, operations)) => panic!("{reason} after {operations:?}"),
        Err(abort) => panic!("{abort}"),
    }
}

fn key(number: usize) -> Key {
    Key::from(KEYS[number].to_owned())
}

fn keys(numbers: &[usize]) -> Vec<Key> {
    numbers.iter().map(|number| key(*number)).collect()
}

fn lives(units: u64) -> Duration {
    Duration::from_secs(units * UNIT)
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// A mint of a fresh nonce, and the generation that it would be.
fn offer(number: usize) -> (Mint, Generation) {
    let nonce = Nonce::random().unwrap();
    let generation = Generation::from_bytes(&nonce.to_bytes()).unwrap();
    let key = key(number);
    (Mint { key, nonce }, generation)
}

async fn take(operation: Operation, store: &impl Store, model: &mut Contents) {
    match operation {
        Operation::Read(numbers) => {
            let read = store.read(&keys(&numbers), deadline()).await.unwrap();
            let expected: Vec<_> = numbers.iter().map(|it| model.get(KEYS[*it])).collect();
            assert_eq!(read, expected, "a read of {numbers:?}");
        }
        Operation::Mint(numbers, ttl) => {
            let (mints, offered): (Vec<_>, Vec<_>) = numbers.iter().map(|it| offer(*it)).unzip();
            let shown = store.mint(mints, lives(ttl), deadline()).await.unwrap();
            let offered = numbers.iter().zip(offered);
            let mint = |(number, nonce): (&usize, _)| model.mint(KEYS[*number], nonce, ttl);
            let expected: Vec<_> = offered.map(mint).collect();
            assert_eq!(shown, expected, "a mint of {numbers:?}");
        }
        Operation::Write(number, value, ttl) => {
            let value = VALUES[value].to_vec();
            let write = store
                .write(&key(number), value.clone(), lives(ttl), deadline())
                .await;
            assert_eq!(write.unwrap(), Written::Stored);
            model.set(KEYS[number], value, Some(ttl));
        }
        Operation::Invalidate(numbers) => {
            store.invalidate(&keys(&numbers), deadline()).await.unwrap();
            numbers.iter().for_each(|it| model.remove(KEYS[*it]));
        }
        Operation::Remove(numbers) => {
            store.remove(&keys(&numbers), deadline()).await.unwrap();
            numbers.iter().for_each(|it| model.remove(KEYS[*it]));
        }
        Operation::Swap(number, ttl) => {
            let (mint, now) = offer(number);
            let swapped = store.swap(mint, lives(ttl), deadline()).await.unwrap();
            let previous = model.generation(KEYS[number]);
            assert_eq!(swapped, Swap::Done { previous, now });
            model.set(KEYS[number], now.to_bytes().to_vec(), Some(ttl));
        }
        Operation::Prolong(numbers, ttl) => {
            let keys = keys(&numbers);
            let prolong = store.prolong(&keys, lives(ttl), deadline());
            prolong.await.unwrap();
            numbers.iter().for_each(|it| model.prolong(KEYS[*it], ttl));
        }
        Operation::Scan(beginning, limit) => {
            let beginning = BEGINNINGS[beginning];
            let named = scan(store, beginning, limit).await;
            assert_eq!(named, model.below(beginning), "a scan of {beginning}");
        }
        Operation::Add(number, by, window) => {
            let counters = store.counters().expect("counters");
            let counter = key(number);
            let sum = counters
                .add(&counter, by, window.map(lives), deadline())
                .await;
            let expected = model.add(KEYS[number], by, window);
            assert_eq!(sum.map_err(class), expected, "{by} to {number}");
        }
        Operation::Expire(number, ttl) => {
            let counters = store.counters().expect("counters");
            let expire = counters.expire(&key(number), lives(ttl), deadline()).await;
            assert_eq!(expire.unwrap(), model.expire(KEYS[number], ttl));
        }
        Operation::Probe => {
            let canary = Key::from("app:~canary".to_owned());
            store.probe(&canary, deadline()).await.unwrap();
        }
        Operation::Advance(_) => unreachable!("is no operation of a store"),
    }
}

async fn scan(store: &impl Store, beginning: &str, limit: usize) -> BTreeSet<String> {
    let beginning = Key::from(beginning.to_owned());
    let (mut named, mut cursor) = (BTreeSet::new(), Some(Cursor::start()));
    while let Some(place) = cursor {
        let page = store
            .scan(&beginning, place, limit, deadline())
            .await
            .unwrap();
        let names = page.keys.iter().map(|key| key.as_bytes().to_vec());
        named.extend(names.map(|name| String::from_utf8(name).unwrap()));
        cursor = page.next;
    }
    named
}

/// What a sum may be refused for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Data,
    InvalidInput,
    Other(String),
}

fn class(error: Error) -> Class {
    match error {
        error if error.is_data() => Class::Data,
        error if error.is_invalid_input() => Class::InvalidInput,
        error => Class::Other(error.to_string()),
    }
}
