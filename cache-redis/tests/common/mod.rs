//! What the tests of the store share.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use cache_core::fence::{Generation, Nonce};
use cache_core::layout::Key;
use cache_core::store::{Counters, Deadline, Mint, Store};
use cache_redis::RedisStore;

pub(crate) const TTL: Duration = Duration::from_secs(60);

/// Longer than anything takes that works.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

pub(crate) fn within(millis: u64) -> Deadline {
    Deadline::after(Duration::from_millis(millis))
}

pub(crate) fn key(name: &str) -> Key {
    Key::from(format!("app:{name}"))
}

pub(crate) fn mint(name: &str) -> (Mint, Generation) {
    let nonce = Nonce::random().unwrap();
    let generation = Generation::from_bytes(&nonce.to_bytes()).unwrap();
    let key = key(name);
    (Mint { key, nonce }, generation)
}

pub(crate) fn store(url: &str) -> RedisStore {
    RedisStore::new(url).unwrap()
}

pub(crate) fn counters(store: &RedisStore) -> &dyn Counters {
    store.counters().unwrap()
}

pub(crate) async fn probe(store: &dyn Store) -> Result<(), cache_core::Error> {
    store.probe(&key("~canary"), soon()).await
}

pub(crate) async fn put(
    store: &dyn Store,
    name: &str,
    value: &str,
) -> Result<(), cache_core::Error> {
    let written = store.write(&key(name), value.into(), TTL, soon()).await;
    written.map(|written| assert_eq!(written, cache_core::store::Written::Stored))
}

pub(crate) async fn get(
    store: &dyn Store,
    name: &str,
) -> Result<Option<Vec<u8>>, cache_core::Error> {
    let read = store.read(&[key(name)], soon()).await?;
    Ok(read.into_iter().next().unwrap())
}

/// Waits for a future without any runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Everything a store can be asked, each with this deadline: what each was answered, by name.
pub(crate) async fn ask_everything(
    store: &RedisStore,
    deadline: impl Fn() -> Deadline,
) -> Vec<(&'static str, Result<(), cache_core::Error>)> {
    use cache_core::store::Cursor;
    let keys = [key("everything")];
    let counter = key("everything-counted");
    let one = &keys[0];
    let counted = counters(store);
    vec![
        ("probe", store.probe(&key("~canary"), deadline()).await),
        ("read", store.read(&keys, deadline()).await.map(drop)),
        ("heads", store.heads(&keys, 9, deadline()).await.map(drop)),
        (
            "mint",
            store
                .mint(vec![mint("everything").0], TTL, deadline())
                .await
                .map(drop),
        ),
        (
            "write",
            store
                .write(one, b"value".to_vec(), TTL, deadline())
                .await
                .map(|_| ()),
        ),
        ("invalidate", store.invalidate(&keys, deadline()).await),
        (
            "swap",
            store
                .swap(mint("everything").0, TTL, deadline())
                .await
                .map(|_| ()),
        ),
        ("prolong", store.prolong(&keys, TTL, deadline()).await),
        ("remove", store.remove(&keys, deadline()).await),
        (
            "scan",
            store
                .scan(&key(""), Cursor::start(), 10, deadline())
                .await
                .map(drop),
        ),
        (
            "add",
            counted
                .add(&counter, 1, Some(TTL), deadline())
                .await
                .map(drop),
        ),
        (
            "expire",
            counted.expire(&counter, TTL, deadline()).await.map(drop),
        ),
    ]
}
