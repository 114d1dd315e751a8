//! A dependency under another name, and one that another crate hands on.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use async_trait::async_trait;
use cachewright_test_hygiene::{cached_squares, caching};

static ASKED: AtomicU64 = AtomicU64::new(0);

fn ask() -> u64 {
    ASKED.fetch_add(1, SeqCst)
}

#[cw::cached(crate = cw, key_prefix = "renamed:{id}", ttl = 60)]
async fn renamed(id: u64) -> Result<Option<u64>, String> {
    let _ = id;
    Ok(Some(ask()))
}

#[cw::cached(crate = ::cw, ttl = std::time::Duration::from_secs(60))]
fn absolute(id: u64, _unused: &str) -> Vec<u64> {
    vec![id, ask()]
}

#[cw::invalidate_cache("renamed:{id}:*", entry = absolute(id, "x"), crate = cw)]
async fn write(id: u64) {}

#[cw::update_cache(entry = absolute(id, "x"), crate = cw)]
async fn replace(id: u64) -> Vec<u64> {
    vec![id, 1_000_000]
}

#[tokio::test]
async fn a_renamed_dependency() {
    let both = async || (renamed(1).await.unwrap(), absolute(1, "x"));
    let first = both().await;
    assert_eq!(both().await, first);
    write(1).await;
    let second = both().await;
    assert_ne!((&first.0, &first.1), (&second.0, &second.1));
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    replace(1).await;
    assert_eq!(both().await.1, [1, 1_000_000]);
}

struct Service(caching::layer::Cache);

#[async_trait]
trait Numbers {
    async fn get(&self, id: u64) -> Option<u64>;
    async fn write(&self, id: u64) -> Result<(), String>;
}

#[async_trait]
impl Numbers for Service {
    #[caching::cached(crate = caching::layer, cache = self.0, key_prefix = "handed_on")]
    async fn get(&self, id: u64) -> Option<u64> {
        Some(id + ask())
    }

    #[caching::invalidate_cache(
        "handed_on",
        entry = self.get(id),
        crate = cachewright_test_hygiene::caching::layer,
        cache = self.0
    )]
    async fn write(&self, id: u64) -> Result<(), String> {
        let _ = id;
        Ok(())
    }
}

cached_squares!(square);

#[tokio::test]
async fn a_dependency_that_another_crate_hands_on() {
    let service = Service(cw::Cache::builder().build().unwrap());
    let first = service.get(1).await;
    assert_eq!(service.get(1).await, first);
    service.write(1).await.unwrap();
    assert_ne!(service.get(1).await, first);
    assert_eq!(square(3), Some(9));
}
