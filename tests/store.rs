//! The store that tests use does what it is told to, and keeps the contract meanwhile.

#[path = "support/ready.rs"]
mod ready;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::fence::{Generation, Nonce};
use cache_core::layout::Key;
use cache_core::store::{Counters, Cursor, Deadline, Mint, Store, Swap, Written};
use cache_core::testing::{Fault, Operation, ScriptedStore, SteppedClock};
use ready::ready;

const TTL: Duration = Duration::from_secs(60);

fn deadline() -> Deadline {
    Deadline::after(TTL)
}

fn key(name: &str) -> Key {
    Key::from(name.to_owned())
}

fn mint(name: &str) -> Mint {
    Mint {
        key: key(name),
        nonce: Nonce::random().unwrap(),
    }
}

fn write(store: &ScriptedStore, name: &str) -> Result<Written, cache_core::Error> {
    ready(store.write(&key(name), vec![1], TTL, deadline()))
}

fn put(store: &ScriptedStore, name: &str) {
    assert_eq!(write(store, name).unwrap(), Written::Stored);
}

fn holds(store: &ScriptedStore, name: &str) -> bool {
    store.peek(&key(name)).is_some()
}

#[test]
fn handles_share_one_store() {
    let store = ScriptedStore::new();
    let other = store.clone();
    put(&other, "v");
    assert!(holds(&store, "v"));
}

#[test]
fn faults_come_in_their_order_and_to_their_kind() {
    let store = ScriptedStore::new();
    store.next(1, Operation::Write, Fault::Refused);
    store.next(2, None, Fault::Outage);
    let read = |name| ready(store.read(&[key(name)], deadline()));
    assert!(read("v").unwrap_err().is_outage());
    assert!(write(&store, "v").unwrap_err().is_configuration());
    assert!(write(&store, "v").unwrap_err().is_outage());
    assert!(write(&store, "v").is_ok());
    store.next(usize::MAX, Operation::Read, Fault::Outage);
    assert!((0..100).all(|_| read("v").is_err()));
    store.clear_script();
    assert!(read("v").is_ok());
}

#[test]
fn an_error_says_nothing_about_the_effect() {
    for (fault, done) in [
        (Fault::ReplyLost, true),
        (Fault::Outage, false),
        (Fault::Refused, false),
        (Fault::Late, false),
    ] {
        let store = ScriptedStore::new();
        store.next(1, None, fault);
        assert!(write(&store, "v").is_err());
        assert_eq!(holds(&store, "v"), done, "{fault:?}");
        if fault == Fault::Late {
            assert_eq!(store.late(), 1);
            store.deliver(0);
            assert!(holds(&store, "v"));
            assert_eq!(store.late(), 0);
        }
    }
}

#[test]
fn a_store_that_is_down_or_refuses_writes_does_nothing() {
    let store = ScriptedStore::new();
    put(&store, "v");
    let probe = || ready(store.probe(&key("!1"), deadline()));
    let read = || ready(store.read(&[key("v")], deadline()));
    store.set_refusing_writes(true);
    assert!(read().is_ok() && probe().is_err() && write(&store, "w").is_err());
    store.set_refusing_writes(false);
    store.set_down(true);
    assert!(read().is_err() && probe().is_err() && write(&store, "w").is_err());
    store.set_down(false);
    assert!(read().is_ok() && probe().is_ok() && !holds(&store, "w"));
}

#[test]
fn a_full_store_reads_and_invalidates_and_takes_nothing() {
    let store = ScriptedStore::new();
    ready(store.mint(vec![mint("g")], TTL, deadline())).unwrap();
    let held = store.peek(&key("g"));
    store.set_full(true);
    let minted = ready(store.mint(vec![mint("g"), mint("h")], TTL, deadline())).unwrap();
    assert_eq!(minted, [None, None]);
    let swapped = ready(store.swap(mint("g"), TTL, deadline())).unwrap();
    assert_eq!(swapped, Swap::Full);
    assert_eq!(write(&store, "v").unwrap(), Written::Full);
    let counted = ready(store.add(&key("c"), 1, None, deadline()));
    assert!(counted.unwrap_err().is_outage());
    let read = ready(store.read(&[key("g")], deadline())).unwrap();
    assert_eq!(read, [held]);
    ready(store.probe(&key("!1"), deadline())).unwrap();
    ready(store.invalidate(&[key("g")], deadline())).unwrap();
    assert!(store.keys().is_empty());
    store.set_full(false);
    assert_eq!(write(&store, "v").unwrap(), Written::Stored);
}

#[test]
fn what_hangs_is_done_when_it_is_released() {
    for (fault, early) in [(Fault::Hang, false), (Fault::ReplyHeld, true)] {
        let store = ScriptedStore::new();
        store.next(1, None, fault);
        let v = key("v");
        let mut writing = pin!(store.write(&v, vec![1], TTL, deadline()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(writing.as_mut().poll(&mut cx).is_pending());
        assert_eq!((store.hanging(), holds(&store, "v")), (1, early));
        store.release();
        assert_eq!(store.hanging(), 0);
        assert!(matches!(
            writing.poll(&mut cx),
            Poll::Ready(Ok(Written::Stored))
        ));
        assert!(holds(&store, "v"));
    }
}

#[tokio::test]
async fn what_hangs_ends_at_its_deadline() {
    for (fault, done) in [(Fault::Hang, false), (Fault::ReplyHeld, true)] {
        let store = ScriptedStore::new();
        store.next(1, None, fault);
        let soon = Deadline::after(Duration::from_millis(20));
        let answer = store.write(&key("v"), vec![1], TTL, soon).await;
        assert!(answer.unwrap_err().is_outage());
        assert!(soon.is_over());
        store.release();
        assert_eq!((store.hanging(), holds(&store, "v")), (0, done));
    }
}

#[test]
fn what_hangs_and_is_dropped_is_never_done() {
    let store = ScriptedStore::new();
    store.next(1, None, Fault::Hang);
    {
        let v = key("v");
        let mut writing = pin!(store.write(&v, vec![1], TTL, deadline()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(writing.as_mut().poll(&mut cx).is_pending());
    }
    store.release();
    assert_eq!((store.hanging(), store.keys().len()), (0, 0));
}

#[test]
fn an_operation_without_time_left_does_not_reach_it() {
    let store = ScriptedStore::new();
    store.next(1, None, Fault::Refused);
    let over = Deadline::after(Duration::ZERO);
    let answer = ready(store.write(&key("v"), vec![1], TTL, over));
    assert!(answer.unwrap_err().is_outage());
    assert!(store.log().is_empty());
    assert!(write(&store, "v").unwrap_err().is_configuration());
}

#[test]
fn entries_expire_by_the_clock_that_was_handed_in() {
    let clock = SteppedClock::new();
    let store = ScriptedStore::with_clock(clock.clone());
    put(&store, "v");
    ready(store.prolong(&[key("v"), key("w")], TTL * 2, deadline())).unwrap();
    ready(store.prolong(&[key("v")], TTL, deadline())).unwrap();
    clock.advance(TTL);
    assert_eq!(store.time_to_live(&key("v")), Some(TTL));
    clock.advance(TTL);
    assert_eq!(store.time_to_live(&key("v")), None);
    assert!(store.keys().is_empty());
}

#[test]
fn evicted_keys_are_missing() {
    let store = ScriptedStore::new();
    for name in ["a", "b", "c"] {
        put(&store, name);
    }
    assert_eq!(store.evict(|name| *name == key("b")), 1);
    assert_eq!(store.keys(), [key("a"), key("c")]);
    store.flush();
    assert!(store.keys().is_empty());
}

#[test]
fn operations_are_noted_in_their_order() {
    let store = ScriptedStore::new();
    drop(store.write(&key("v"), vec![1], TTL, deadline()));
    assert_eq!(store.count(None), 0);
    store.next(1, None, Fault::Outage);
    let _ = write(&store, "v");
    ready(store.mint(vec![mint("g")], TTL, deadline())).unwrap();
    ready(store.scan(&key(""), Cursor::start(), 9, deadline())).unwrap();
    ready(store.remove(&[key("g")], deadline())).unwrap();
    let expected = [
        Operation::Write,
        Operation::Mint,
        Operation::Scan,
        Operation::Remove,
    ];
    assert_eq!(store.log(), expected);
    assert_eq!((store.count(Operation::Mint), store.count(None)), (1, 4));
    store.forget_log();
    assert_eq!(store.count(None), 0);
}

#[test]
fn an_operation_of_the_tests_own_follows_the_script() {
    let store = ScriptedStore::new();
    let plant = || {
        ready(store.perform(Operation::Swap, deadline(), |contents| {
            contents.set(&key("g"), vec![7; 16], None)
        }))
    };
    store.next(1, Operation::Swap, Fault::ReplyLost);
    assert!(plant().unwrap_err().is_outage());
    assert_eq!(plant().unwrap(), Some(vec![7; 16]));
    assert!(Generation::from_bytes(&store.peek(&key("g")).unwrap()).is_some());
    assert!(store.alter(|contents| contents.remove(&key("g"))).is_some());
}

#[test]
fn it_shows_no_names() {
    let store = ScriptedStore::new();
    put(&store, "secret");
    let contents = store.alter(|contents| format!("{contents:?}"));
    let shown = format!("{store:?} {contents}");
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!(store.describe(), "scripted");
}
