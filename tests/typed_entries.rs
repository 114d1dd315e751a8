//! Writers that name entries by a call, which the compiler checks and nobody makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::{Cache, cached, invalidate_cache};

/// A database that counts how often it is asked.
#[derive(Clone)]
struct Users {
    cache: Cache,
    bodies: Arc<AtomicU64>,
}

impl Users {
    fn new() -> Self {
        Self {
            cache: Cache::builder().build().unwrap(),
            bodies: Arc::default(),
        }
    }

    fn ask(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}")]
    async fn profile(&self, id: i64) -> u64 {
        let _ = id;
        self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "user")]
    async fn by_name(&self, name: &str) -> u64 {
        let _ = name;
        self.ask()
    }

    #[invalidate_cache(cache = self.cache, entry = self.profile(7))]
    async fn rename_seven(&self) {}

    #[invalidate_cache(cache = self.cache, entry = self.profile(id), entry = self.by_name(&name))]
    async fn rename(&self, id: i64, name: String) -> String {
        name
    }
}

mod reports {
    use super::Users;

    #[cachewright::cached(cache = users.cache, skip(users), key_prefix = "report")]
    pub(super) async fn of_day<T: serde::Serialize>(users: &Users, day: u32, kind: T) -> u64 {
        let _ = (day, kind);
        users.ask()
    }
}

#[invalidate_cache(cache = users.cache, entry = reports::of_day(_, day, "sums"))]
async fn book(users: &Users, day: u32) {
    let _ = day;
}

/// How many bodies run while `calls` is awaited.
async fn bodies_of(users: &Users, calls: impl Future) -> u64 {
    let before = users.bodies.load(SeqCst);
    calls.await;
    users.bodies.load(SeqCst) - before
}

#[tokio::test]
async fn exactly_the_entry_of_the_call_is_invalidated() {
    let users = Users::new();
    let all = async || {
        users.profile(7).await;
        users.profile(8).await;
        users.by_name("ann").await;
    };
    assert_eq!(bodies_of(&users, all()).await, 3);
    users.rename_seven().await;
    assert_eq!(bodies_of(&users, all()).await, 1);
    users.rename(8, "ann".to_owned()).await;
    assert_eq!(bodies_of(&users, all()).await, 2);
    assert_eq!(bodies_of(&users, all()).await, 0);
}

#[tokio::test]
async fn a_skipped_argument_is_left_out_of_the_call() {
    let users = Users::new();
    let all = async || {
        reports::of_day(&users, 1, "sums").await;
        reports::of_day(&users, 2, "sums").await;
        reports::of_day(&users, 1, 5).await;
    };
    assert_eq!(bodies_of(&users, all()).await, 3);
    book(&users, 1).await;
    assert_eq!(bodies_of(&users, all()).await, 1);
}
