//! The thread of a cache lives as long as the cache, and starts only when there is something to
//! do. A process of its own: it counts threads.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use cachewright::Cache;

/// How many threads of caches this process has.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "cachewright").count()
}

/// A new thread gets its name a moment after it starts.
fn wait_for(expected: usize) {
    let patience = Instant::now() + Duration::from_secs(60);
    while threads() != expected {
        assert!(
            Instant::now() < patience,
            "{} threads instead of {expected}",
            threads()
        );
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_cache_has_a_thread_from_its_first_entry_to_its_end() {
    let caches: Vec<_> = (0..20).map(|_| Cache::builder().build().unwrap()).collect();
    assert_eq!(threads(), 0);
    for cache in &caches {
        cache.set("key", 1, None).await.unwrap();
        cache.set("other", 1, None).await.unwrap();
    }
    wait_for(20);
    drop(caches);
    wait_for(0);
}
