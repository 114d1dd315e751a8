//! A backend that blocks is a store that doesn't.

#[path = "blocking_store/backend.rs"]
mod backend;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cache_core::Error;
use cache_core::store::{Blocking, Deadline, Generation, Key, Mint, Nonce, Store, Swap, Written};
use cache_core::testing::conformance;
use cachewright::Cache;

use backend::{Backend, Hand, Manner};

/// Longer than anything takes, for what is not to end before.
const LONG: Duration = Duration::from_secs(60);

fn open() -> (Blocking<Backend>, Hand) {
    let (backend, hand) = Backend::new();
    (Blocking::new(backend), hand)
}

fn key(name: &str) -> Key {
    Key::from(name.to_owned())
}

fn mint(key: &Key) -> Mint {
    let (key, nonce) = (key.clone(), Nonce::random().unwrap());
    Mint { key, nonce }
}

fn soon() -> Deadline {
    Deadline::after(LONG)
}

fn brief() -> Deadline {
    Deadline::after(Duration::from_millis(50))
}

/// An answer that doesn't wait for the backend, and of which the caller is told: one that is found
/// because somebody else has woken him doesn't count.
async fn in_time<T>(operation: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        () = tokio::time::sleep(LONG / 2) => panic!("no answer at the deadline"),
        answer = operation => answer,
    }
}

async fn write(store: &impl Store, name: &str, deadline: Deadline) -> Result<Written, Error> {
    store.write(&key(name), vec![1], LONG, deadline).await
}

async fn holds(store: &impl Store, name: &str) -> bool {
    let read = store.read(&[key(name)], soon()).await;
    read.unwrap()[0].is_some()
}

struct Woken(Sender<()>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

/// Polls a future by hand: neither a runtime nor a timer is there.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let (wakes, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Woken(wakes)));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => woken.recv_timeout(LONG / 2).expect("a wake"),
        }
    }
}

fn poll_once(future: &mut (impl Future + Unpin)) -> bool {
    let cx = &mut Context::from_waker(Waker::noop());
    pin!(future).poll(cx).is_ready()
}

#[tokio::test]
async fn a_trivial_backend_keeps_the_contract_of_a_store() {
    conformance::run(|| async { open().0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_runtime_of_many_threads_too() {
    conformance::run(|| async { open().0 }).await;
}

#[test]
fn without_a_runtime_too() {
    block_on(conformance::run(|| async { open().0 }));
}

#[test]
fn without_a_runtime_a_hanging_backend_is_answered_at_the_deadline() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let answer = block_on(write(&store, "v", brief()));
    assert!(answer.unwrap_err().is_outage());
    hand.turn(Manner::Well);
}

#[tokio::test]
async fn a_cache_lives_on_one() {
    let cache = Cache::builder().namespace("test").store(open().0);
    let cache = cache.build().unwrap();
    cache.connect().await.unwrap();
    let ada = "Ada".to_owned();
    cache.set("user:42", ada.clone(), None).await.unwrap();
    assert_eq!(cache.get("user:42").await.unwrap(), Some(ada));
    cache.remove("user:42").await.unwrap();
    assert_eq!(cache.get::<String>("user:42").await.unwrap(), None);
}

#[tokio::test]
async fn a_hanging_backend_is_answered_at_the_deadline_and_goes_on() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let keys = [key("v")];
    assert!(
        in_time(store.read(&keys, brief()))
            .await
            .unwrap_err()
            .is_outage()
    );
    assert!(
        in_time(store.invalidate(&keys, brief()))
            .await
            .unwrap_err()
            .is_outage()
    );
    assert!(
        in_time(store.probe(&keys[0], brief()))
            .await
            .unwrap_err()
            .is_outage()
    );
    hand.turn(Manner::Well);
    assert_eq!(write(&store, "v", soon()).await.unwrap(), Written::Stored);
}

#[tokio::test]
async fn what_was_begun_may_take_effect_after_its_deadline() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    assert!(in_time(write(&store, "v", brief())).await.is_err());
    hand.turn(Manner::Well);
    assert!(holds(&store, "v").await);
}

#[tokio::test]
async fn what_waits_behind_a_hanging_operation_is_answered_at_its_deadline_and_never_begun() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let (first, second) = tokio::join!(write(&store, "first", soon()), async {
        let second = in_time(write(&store, "second", brief())).await;
        hand.turn(Manner::Well);
        second
    });
    assert_eq!(first.unwrap(), Written::Stored);
    assert!(second.unwrap_err().is_outage());
    let third = write(&store, "third", soon()).await;
    assert_eq!(third.unwrap(), Written::Stored);
    assert_eq!(hand.begun(), ["write first", "write third"]);
}

/// The thread that minds the deadlines sleeps until the first one, and learns of earlier ones.
#[tokio::test]
async fn an_earlier_deadline_is_kept_behind_a_later_one() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let first = key("first");
    let mut later = store.write(&first, vec![1], LONG, soon());
    assert!(!poll_once(&mut later));
    for _ in 0..3 {
        assert!(in_time(write(&store, "second", brief())).await.is_err());
    }
    hand.turn(Manner::Well);
    assert_eq!(in_time(later).await.unwrap(), Written::Stored);
    assert_eq!(hand.begun(), ["write first"]);
}

#[tokio::test]
async fn what_is_late_never_begins_though_its_caller_has_not_noticed() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let (first, second) = (key("first"), key("second"));
    let mut running = store.write(&first, vec![1], LONG, soon());
    assert!(!poll_once(&mut running));
    hand.wait_until_begun(1);
    let mut late = store.write(&second, vec![1], LONG, brief());
    assert!(!poll_once(&mut late));
    // Its deadline is the later one.
    assert!(in_time(write(&store, "third", brief())).await.is_err());
    hand.turn(Manner::Well);
    assert!(!holds(&store, "second").await);
    assert_eq!(hand.begun(), ["write first", "read second"]);
    assert!(late.await.unwrap_err().is_outage());
}

#[tokio::test]
async fn a_dropped_future_never_begins_behind_a_hanging_operation() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let (first, second) = (key("first"), key("second"));
    let mut running = store.write(&first, vec![1], LONG, soon());
    assert!(!poll_once(&mut running));
    hand.wait_until_begun(1);
    let mut waiting = store.write(&second, vec![1], LONG, soon());
    assert!(!poll_once(&mut waiting));
    drop(waiting);
    drop(running);
    hand.turn(Manner::Well);
    assert!(holds(&store, "first").await);
    assert!(!holds(&store, "second").await);
    assert_eq!(hand.begun(), ["write first", "read first", "read second"]);
}

#[tokio::test]
async fn a_panic_is_an_outage_and_the_store_goes_on() {
    let (store, hand) = open();
    for round in 1..=3 {
        hand.turn(Manner::Panics);
        let error = in_time(write(&store, "v", soon())).await.unwrap_err();
        assert!(error.is_outage());
        assert_eq!(error.to_string(), "the store panicked");
        hand.turn(Manner::Well);
        assert_eq!(write(&store, "v", soon()).await.unwrap(), Written::Stored);
        assert!(holds(&store, "v").await);
        assert_eq!(hand.recovered(), round);
    }
}

#[tokio::test]
async fn a_backend_that_does_not_recover_is_not_asked() {
    let (store, hand) = open();
    hand.turn(Manner::Panics);
    assert!(write(&store, "v", soon()).await.is_err());
    hand.turn(Manner::Well);
    hand.let_recover(false);
    for _ in 0..2 {
        let error = write(&store, "w", soon()).await.unwrap_err();
        assert!(error.is_configuration());
    }
    hand.let_recover(true);
    assert_eq!(write(&store, "x", soon()).await.unwrap(), Written::Stored);
    assert_eq!(hand.begun(), ["write v", "write x"]);
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let (first, second) = (key("first"), key("second"));
    let waker = Waker::from(Arc::new(Panics));
    let cx = &mut Context::from_waker(&waker);
    // One is woken by the backend's thread, the other by that of the deadlines.
    let mut answered = store.write(&first, vec![1], LONG, soon());
    let mut late = store.write(&second, vec![1], LONG, brief());
    assert!(answered.as_mut().poll(cx).is_pending());
    assert!(late.as_mut().poll(cx).is_pending());
    assert!(block_on(write(&store, "third", brief())).is_err());
    hand.turn(Manner::Well);
    assert!(block_on(holds(&store, "first")));
    hand.turn(Manner::Hangs);
    assert!(block_on(write(&store, "fourth", brief())).is_err());
    hand.turn(Manner::Well);
}

#[test]
fn dropping_a_busy_store_waits_for_nothing_and_ends_its_thread() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let first = key("first");
    let mut running = store.write(&first, vec![1], LONG, soon());
    assert!(!poll_once(&mut running));
    hand.wait_until_begun(1);
    drop(running);
    drop(store);
    assert!(!hand.is_dropped());
    hand.turn(Manner::Well);
    hand.wait_until_dropped();
}

#[test]
fn dropping_an_idle_store_ends_its_thread() {
    let (store, hand) = open();
    assert!(!block_on(holds(&store, "v")));
    drop(store);
    hand.wait_until_dropped();
}

#[test]
fn a_store_that_was_never_asked_is_dropped_at_once() {
    let (store, hand) = open();
    assert_eq!(store.describe(), "a test's backend");
    drop(store);
    assert!(hand.is_dropped());
    assert!(hand.begun().is_empty());
}

#[test]
fn operations_begin_in_the_order_in_which_they_were_polled() {
    let (store, hand) = open();
    hand.turn(Manner::Hangs);
    let names: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let made = keys.iter().rev();
    let mut writes: Vec<_> = made
        .map(|key| store.write(key, vec![1], LONG, soon()))
        .collect();
    for write in writes.iter_mut().rev() {
        assert!(!poll_once(write));
    }
    hand.turn(Manner::Well);
    for write in writes {
        assert_eq!(block_on(write).unwrap(), Written::Stored);
    }
    let expected: Vec<_> = names.iter().map(|name| format!("write {name}")).collect();
    assert_eq!(hand.begun(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_at_once_each_get_their_own_answer() {
    let (store, answered) = (Arc::new(open().0), Arc::new(AtomicUsize::new(0)));
    let work = |number: usize| {
        let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
        async move {
            let own = [key(&number.to_string())];
            let value = number.to_be_bytes().to_vec();
            let written = store.write(&own[0], value.clone(), LONG, soon()).await;
            assert_eq!(written.unwrap(), Written::Stored);
            assert_eq!(store.read(&own, soon()).await.unwrap(), [Some(value)]);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let tasks: Vec<_> = (0..5_000)
        .map(|number| tokio::spawn(work(number)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(answered.load(Ordering::Relaxed), 5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_that_wait_for_a_hanging_backend_are_answered_at_their_deadline() {
    let (store, hand) = open();
    let store = Arc::new(store);
    hand.turn(Manner::Hangs);
    let tasks: Vec<_> = (0..5_000)
        .map(|number| {
            let (store, name) = (Arc::clone(&store), number.to_string());
            tokio::spawn(async move { write(&*store, &name, brief()).await })
        })
        .collect();
    for task in tasks {
        assert!(in_time(task).await.unwrap().unwrap_err().is_outage());
    }
    hand.turn(Manner::Well);
    assert!(!holds(&*store, "none").await);
    assert_eq!(hand.begun().len(), 2, "the one that hung, and the read");
}

#[tokio::test]
async fn a_backend_without_room_still_reads_and_invalidates() {
    let (store, hand) = open();
    let keys = [key("g")];
    let shown = store.mint(vec![mint(&keys[0])], LONG, soon()).await;
    assert!(shown.unwrap()[0].is_some());
    hand.turn(Manner::Full);
    assert_eq!(write(&store, "v", soon()).await.unwrap(), Written::Full);
    let swapped = store.swap(mint(&keys[0]), LONG, soon()).await;
    assert_eq!(swapped.unwrap(), Swap::Full);
    let shown = store.mint(vec![mint(&key("new"))], LONG, soon()).await;
    assert_eq!(shown.unwrap(), [None]);
    store.probe(&key("!1"), soon()).await.unwrap();
    assert!(holds(&store, "g").await);
    store.invalidate(&keys, soon()).await.unwrap();
    assert!(!holds(&store, "g").await);
}

#[tokio::test]
async fn a_probe_writes_and_deletes() {
    let (store, hand) = open();
    store.probe(&key("!1"), soon()).await.unwrap();
    assert_eq!(hand.begun(), ["write !1", "invalidate !1"]);
}

#[tokio::test]
async fn a_backend_that_cannot_delete_for_lack_of_room_is_down() {
    let (store, hand) = open();
    hand.turn(Manner::DeadFull);
    let keys = [key("g")];
    for answer in [
        store.invalidate(&keys, soon()).await,
        store.read(&keys, soon()).await.map(drop),
        store.probe(&keys[0], soon()).await,
    ] {
        let error = answer.unwrap_err();
        assert!(error.is_outage() && !error.is_full(), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_for_another_number_of_keys_is_an_error() {
    let (store, hand) = open();
    hand.turn(Manner::Short);
    let keys = ["a", "b"].map(key);
    let read = store.read(&keys, soon()).await;
    assert!(read.unwrap_err().is_data());
    let heads = store.heads(&keys, 4, soon()).await;
    assert!(heads.unwrap_err().is_data());
    let mints = keys.iter().map(mint).collect();
    let shown: Result<Vec<Option<Generation>>, _> = store.mint(mints, LONG, soon()).await;
    assert!(shown.unwrap_err().is_data());
}

#[test]
fn only_a_backend_that_counts_has_counters() {
    assert!(open().0.counters().is_some());
    let store = Blocking::new(Backend::without_counters());
    assert!(store.counters().is_none());
}
