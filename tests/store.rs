//! The contract of a store, seen through the trait object: what the protocol rests on, held by the
//! model that its tests use.

#[path = "support/model_store.rs"]
mod model_store;

use std::sync::Arc;
use std::time::Duration;

use cache_core::fence::{Generation, Nonce};
use cache_core::layout::Key;
use cache_core::store::{Cursor, Deadline, Mint, Store, Swap, Written};
use model_store::{Command, Fate, ModelStore, ready};

const TTL: Duration = Duration::from_secs(60);

fn deadline() -> Deadline {
    Deadline::after(TTL)
}

fn key(name: &str) -> Key {
    Key::from(name.to_owned())
}

fn mint(name: &str) -> (Mint, Option<Generation>) {
    let nonce = Nonce::random().unwrap();
    let generation = Generation::from_bytes(&nonce.to_bytes());
    (
        Mint {
            key: key(name),
            nonce,
        },
        generation,
    )
}

fn read(store: &dyn Store, name: &str) -> Option<Vec<u8>> {
    ready(store.read(&[key(name)], deadline()))
        .unwrap()
        .remove(0)
}

#[test]
fn read_answers_in_the_order_asked() {
    let store: Arc<dyn Store> = Arc::new(ModelStore::default());
    assert_eq!(
        ready(store.write(&key("b"), b"2".to_vec(), TTL, deadline())).unwrap(),
        Written::Stored
    );
    let read = ready(store.read(&[key("a"), key("b"), key("b")], deadline())).unwrap();
    assert_eq!(read, [None, Some(b"2".to_vec()), Some(b"2".to_vec())]);
}

#[test]
fn mint_shows_what_stands_there_since() {
    let store: Arc<dyn Store> = Arc::new(ModelStore::default());
    let (first, shown) = mint("g");
    assert_eq!(
        ready(store.mint(vec![first], TTL, deadline())).unwrap(),
        [shown]
    );
    let (second, other) = mint("g");
    let (third, fresh) = mint("h");
    let replies = ready(store.mint(vec![second, third], TTL, deadline())).unwrap();
    assert_eq!(replies, [shown, fresh]);
    assert_ne!(replies[0], other);
}

#[test]
fn swap_shows_what_stood_there_before() {
    let store: Arc<dyn Store> = Arc::new(ModelStore::default());
    let (first, shown) = mint("g");
    let now = shown.unwrap();
    assert_eq!(
        ready(store.swap(first, TTL, deadline())).unwrap(),
        Swap::Done {
            previous: None,
            now
        }
    );
    let (second, shown) = mint("g");
    let swapped = ready(store.swap(second, TTL, deadline())).unwrap();
    assert_eq!(
        swapped,
        Swap::Done {
            previous: Some(now),
            now: shown.unwrap()
        }
    );
    assert_eq!(
        read(&*store, "g").as_deref(),
        Some(&shown.unwrap().to_bytes()[..])
    );
}

#[test]
fn full_store_reads_and_invalidates_and_takes_nothing() {
    let store = ModelStore::default();
    let (first, shown) = mint("g");
    ready(store.mint(vec![first], TTL, deadline())).unwrap();
    store.set_full(true);
    assert_eq!(
        ready(store.mint(vec![mint("g").0], TTL, deadline())).unwrap(),
        [None]
    );
    assert_eq!(
        ready(store.swap(mint("g").0, TTL, deadline())).unwrap(),
        Swap::Full
    );
    assert_eq!(
        ready(store.write(&key("v"), vec![1], TTL, deadline())).unwrap(),
        Written::Full
    );
    assert_eq!(
        read(&store, "g").as_deref(),
        Some(&shown.unwrap().to_bytes()[..])
    );
    ready(store.invalidate(&[key("g")], deadline())).unwrap();
    assert_eq!(read(&store, "g"), None);
}

#[test]
fn invalidation_may_be_repeated() {
    let store = ModelStore::default();
    for _ in 0..2 {
        assert!(ready(store.invalidate(&[key("g"), key("h")], deadline())).is_ok());
    }
}

#[test]
fn error_says_nothing_about_the_effect() {
    for (fate, done) in [
        (Fate::ReplyLost, true),
        (Fate::RequestLost, false),
        (Fate::Late, false),
    ] {
        let store = ModelStore::default();
        store.run(Command::Set(key("g"), vec![1])).unwrap();
        store.set_fate(fate);
        assert!(
            ready(store.invalidate(&[key("g")], deadline()))
                .unwrap_err()
                .is_outage()
        );
        assert_eq!(read(&store, "g").is_none(), done, "{fate:?}");
        if fate == Fate::Late {
            store.deliver(0);
            assert_eq!(read(&store, "g"), None);
        }
    }
}

#[test]
fn future_that_is_not_polled_does_nothing() {
    let store = ModelStore::default();
    drop(store.write(&key("v"), vec![1], TTL, deadline()));
    assert_eq!(read(&store, "v"), None);
}

#[test]
fn scan_names_every_key_that_stays() {
    let store = ModelStore::default();
    for name in ["a:~n:1", "a:~n:2", "a:v", "b:~n:1", "a:~n:3"] {
        store.run(Command::Set(key(name), vec![1])).unwrap();
    }
    for limit in 1..7 {
        let (mut named, mut cursor) = (Vec::new(), Some(Cursor::start()));
        while let Some(place) = cursor {
            let page = ready(store.scan(&key("a:~"), place, limit, deadline())).unwrap();
            named.extend(page.keys);
            cursor = page.next;
        }
        assert_eq!(
            named,
            [key("a:~n:1"), key("a:~n:2"), key("a:~n:3")],
            "{limit}"
        );
    }
}

#[test]
fn evicted_keys_are_missing() {
    let store = ModelStore::default();
    store.run(Command::Set(key("g"), vec![1])).unwrap();
    assert_eq!((store.held(), store.late()), (1, 0));
    store.evict(0);
    assert_eq!(read(&store, "g"), None);
}

#[test]
fn what_saves_room_or_time_creates_nothing() {
    let store = ModelStore::default();
    ready(store.probe(&key("app:!1"), deadline())).unwrap();
    ready(store.prolong(&[key("g")], TTL, deadline())).unwrap();
    ready(store.remove(&[key("g")], deadline())).unwrap();
    assert_eq!(store.held(), 0);
    assert_eq!(store.describe(), "model");
}
