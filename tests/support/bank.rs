//! A database of one number with transactions, and annotated ways to it.

#![allow(dead_code, reason = "each binary needs another part")]

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};

use cachewright::{Cache, cached, invalidate_cache};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

pub(crate) struct Bank {
    pub(crate) cache: Cache,
    committed: AtomicU64,
    bodies: AtomicU64,
    /// One permit lets one body of `slow` go on.
    pub(crate) gate: Semaphore,
}

/// A transaction; what it wrote is seen by itself alone until it is committed.
#[derive(Default)]
pub(crate) struct Tx {
    written: AtomicU64,
}

impl Tx {
    pub(crate) fn of(written: u64) -> Self {
        Self {
            written: AtomicU64::new(written),
        }
    }
}

impl Bank {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            committed: AtomicU64::new(0),
            bodies: AtomicU64::new(0),
            gate: Semaphore::new(0),
        }
    }

    /// What is committed.
    pub(crate) fn number(&self) -> u64 {
        self.committed.load(SeqCst)
    }

    /// How many bodies of readers began.
    pub(crate) fn bodies(&self) -> u64 {
        self.bodies.load(SeqCst)
    }

    pub(crate) fn commit(&self, tx: &Tx) {
        self.committed.fetch_add(tx.written.load(SeqCst), SeqCst);
    }

    fn look(&self, tx: Option<&Tx>) -> u64 {
        self.bodies.fetch_add(1, SeqCst);
        self.number() + tx.map_or(0, |tx| tx.written.load(SeqCst))
    }

    #[cached(cache = self.cache, ttl = 600, key_prefix = "account:{id}", skip(tx))]
    pub(crate) async fn read(&self, id: u64, tx: Option<&Tx>) -> Result<u64, String> {
        let _ = id;
        Ok(self.look(tx))
    }

    #[cached(cache = self.cache, ttl = 600, key_prefix = "account:{id}", skip(tx))]
    pub(crate) fn read_blocking(&self, id: u64, tx: Option<&Tx>) -> Result<u64, String> {
        let _ = id;
        Ok(self.look(tx))
    }

    #[cached(cache = self.cache, ttl = 600, key_prefix = "account:{id}")]
    pub(crate) async fn slow(&self, id: u64) -> Result<u64, String> {
        let _ = id;
        let number = self.look(None);
        self.gate.acquire().await.unwrap().forget();
        Ok(number)
    }

    #[invalidate_cache("account:{id}:*", cache = self.cache)]
    pub(crate) async fn write(&self, id: u64, tx: &Tx) -> Result<(), String> {
        let _ = id;
        yield_now().await;
        tx.written.fetch_add(1, SeqCst);
        yield_now().await;
        Ok(())
    }

    #[invalidate_cache("account:{id}:*", cache = self.cache)]
    pub(crate) fn write_blocking(&self, id: u64, tx: &Tx) -> Result<(), String> {
        let _ = id;
        tx.written.fetch_add(1, SeqCst);
        Ok(())
    }

    #[invalidate_cache("account:{id}:*", cache = self.cache)]
    pub(crate) async fn fail(&self, id: u64) -> Result<(), String> {
        let _ = id;
        Err("nothing was written".to_owned())
    }

    #[invalidate_cache("account:{id}:*", cache = self.cache, on = "always")]
    pub(crate) async fn doubt(&self, id: u64, outcome: Result<(), String>) -> Result<(), String> {
        let _ = id;
        outcome
    }

    #[invalidate_cache("account:{id}:*", cache = self.cache)]
    pub(crate) async fn never_end(&self, id: u64) {
        let _ = id;
        std::future::pending().await
    }

    #[invalidate_cache("account:{id}:*", cache = self.cache)]
    pub(crate) fn panic(&self, id: u64, tx: &Tx) {
        let _ = id;
        tx.written.fetch_add(1, SeqCst);
        panic!("after it has written");
    }
}

/// An error of a transaction.
pub(crate) fn rolled_back<T>() -> Result<T, String> {
    Err("rolled back".to_owned())
}

/// Polls once. Whether it is over.
pub(crate) fn poll(future: Pin<&mut impl Future>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    future.poll(&mut cx).is_ready()
}

/// Whether the entry that `read` keeps for an account is still served here.
pub(crate) async fn is_kept(bank: &Bank, id: u64) -> bool {
    let before = bank.bodies();
    bank.read(id, None).await.unwrap();
    bank.bodies() == before
}
