//! Users of a database that counts how often it is asked, in processes that share a store or not.

#![allow(dead_code, reason = "each binary needs another part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::Cache;

use super::service::World;

/// One process. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Users {
    pub(crate) cache: Cache,
    pub(crate) region: String,
    bodies: Arc<AtomicU64>,
}

impl Users {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            region: "eu".to_owned(),
            bodies: Arc::default(),
        }
    }

    /// Asks the database, which gives each asker another number.
    pub(crate) fn ask(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    /// How many bodies run while `calls` is awaited.
    pub(crate) async fn bodies_of(&self, calls: impl Future) -> u64 {
        let before = self.bodies.load(SeqCst);
        calls.await;
        self.bodies.load(SeqCst) - before
    }
}

/// Who reads and who writes: one process without a store, and two that share one.
pub(crate) fn readers_and_writers() -> [(Users, Users); 2] {
    let world = World::new();
    let alone = Cache::builder().clock(world.clock.clone());
    let alone = Users::new(alone.build().unwrap());
    [
        (alone.clone(), alone),
        (Users::new(world.cache()), Users::new(world.cache())),
    ]
}

/// Reads `named` and `bystanders`, writes, and reads again: how many bodies of each then ran. Once more, and
/// everything is kept.
pub(crate) async fn outdated<N, B>(
    reader: &Users,
    named: impl AsyncFn() -> N,
    bystanders: impl AsyncFn() -> B,
    write: impl Future,
) -> (u64, u64) {
    named().await;
    bystanders().await;
    assert_eq!(reader.bodies_of(named()).await, 0, "it is not kept");
    assert_eq!(reader.bodies_of(bystanders()).await, 0, "it is not kept");
    write.await;
    let outdated = reader.bodies_of(named()).await;
    let disturbed = reader.bodies_of(bystanders()).await;
    assert_eq!(reader.bodies_of(named()).await, 0, "it is not kept again");
    (outdated, disturbed)
}
