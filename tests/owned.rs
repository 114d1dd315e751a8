//! Functions whose body may go on after the call. What is lent to them is cloned for it, on a miss and not on a hit.

#[path = "owned/background.rs"]
mod background;
#[path = "owned/bodies.rs"]
mod bodies;
#[path = "owned/methods.rs"]
mod methods;
#[path = "owned/parameters.rs"]
mod parameters;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::Cache;
use serde::{Serialize, Serializer};

/// A database that counts how often it is asked and how often it is cloned, and the cache before it.
struct Database {
    cache: Cache,
    asked: Arc<AtomicU64>,
    cloned: Arc<AtomicU64>,
}

impl Database {
    fn new() -> Self {
        Self {
            cache: Cache::builder().build().unwrap(),
            asked: Arc::default(),
            cloned: Arc::default(),
        }
    }

    /// A number that is another each time.
    fn ask(&self) -> u64 {
        self.asked.fetch_add(1, SeqCst) + 1
    }

    fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }

    fn cloned(&self) -> u64 {
        self.cloned.load(SeqCst)
    }
}

impl Clone for Database {
    fn clone(&self) -> Self {
        self.cloned.fetch_add(1, SeqCst);
        Self {
            cache: self.cache.clone(),
            asked: Arc::clone(&self.asked),
            cloned: Arc::clone(&self.cloned),
        }
    }
}

/// It stands for a key, and cannot be cloned.
struct Unique(u64);

impl Serialize for Unique {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

fn assert_send<T: Send>(value: T) -> T {
    value
}
