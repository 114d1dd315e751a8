//! What an annotated function may look like, and what may stand around it. `tests/functions.rs` has the ordinary ones.

#[path = "signatures/async_trait.rs"]
mod async_trait;
#[path = "signatures/async_traits.rs"]
mod async_traits;
#[path = "signatures/attributes.rs"]
mod attributes;
#[path = "signatures/bodies.rs"]
mod bodies;
#[path = "signatures/boxed.rs"]
mod boxed;
#[path = "signatures/parameters.rs"]
mod parameters;
#[path = "signatures/places.rs"]
mod places;
#[path = "signatures/returned.rs"]
mod returned;
#[path = "signatures/threads.rs"]
mod threads;
#[path = "signatures/updates.rs"]
mod updates;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::Cache;

const HOUR: Duration = Duration::from_secs(3_600);

/// A database that counts how often it is asked, and the cache before it.
#[derive(Clone)]
struct Database {
    cache: Cache,
    asked: Arc<AtomicU64>,
}

impl Database {
    fn new() -> Self {
        Self {
            // Who waits where nobody may wait is to hang, and to be noticed.
            cache: Cache::builder().patience(HOUR).build().unwrap(),
            asked: Arc::default(),
        }
    }

    /// A number that is another each time.
    fn ask(&self) -> u64 {
        self.asked.fetch_add(1, SeqCst) + 1
    }

    fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }
}

fn assert_send<T: Send>(value: T) -> T {
    value
}
