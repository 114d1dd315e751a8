//! Filling Redis before its answers are asked for.

mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::{Cache, cached, warm};
use cachewright_test_support::RedisServer;
use redis::{cache, hasty, row};

struct Users {
    cache: Cache,
    bodies: AtomicU64,
}

impl Users {
    fn new(cache: Cache) -> Arc<Self> {
        let bodies = AtomicU64::new(0);
        Arc::new(Self { cache, bodies })
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}", none_ttl = 60)]
    async fn get(&self, id: u64) -> Result<Option<u64>, String> {
        self.bodies.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        match id {
            4 => Err("there is no 4".to_owned()),
            13 => panic!("nobody has this id"),
            id => Ok(Some(id).filter(|id| id % 2 == 1)),
        }
    }

    #[cached(cache = self.cache, tier = "memory")]
    async fn local(&self, id: u64) -> u64 {
        self.bodies.fetch_add(1, SeqCst);
        id
    }

    #[cached(cache = self.cache)]
    fn total(&self, id: u64) -> Option<u64> {
        self.bodies.fetch_add(1, SeqCst);
        id.checked_sub(1)
    }
}

#[tokio::test]
async fn what_one_process_has_warmed_the_other_skips() {
    let server = RedisServer::start();
    let (here, there) = (
        Users::new(cache(&server.url())),
        Users::new(cache(&server.url())),
    );
    let first = warm((0..20).map(|id| here.get(id)))
        .concurrency(4)
        .run()
        .await;
    assert_eq!((first.done, first.skipped, first.failed), (18, 0, 2));
    let second = warm((0..20).map(|id| there.get(id)))
        .concurrency(4)
        .run()
        .await;
    assert_eq!((second.done, second.skipped, second.failed), (0, 18, 2));
    assert_eq!(there.bodies.load(SeqCst), 2, "those that fail");
    assert_eq!(row(&there.cache, "get").hits, 18, "they count as calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tier_and_synchronous_functions_are_warmed() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    for (done, skipped) in [(3, 0), (0, 3)] {
        let report = warm((1..4).map(|id| users.local(id))).run().await;
        assert_eq!((report.done, report.skipped), (done, skipped));
        let report = warm((1..4).map(|id| {
            let users = &users;
            move || users.total(id)
        }));
        let report = tokio::task::block_in_place(|| report.run_blocking());
        assert_eq!((report.done, report.skipped), (done, skipped));
    }
}

#[tokio::test]
async fn a_run_in_the_background_ends_with_its_cache() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    let calls = Arc::clone(&users);
    let warming = warm((0..).map(move |id| {
        let users = Arc::clone(&calls);
        async move { users.get(id * 100 + 1).await }
    }))
    .spawn(&users.cache);
    while warming.progress().done < 10 {
        tokio::task::yield_now().await;
    }
    users.cache.shutdown(Duration::from_secs(60)).await.unwrap();
    let report = warming.await;
    assert!(report.is_cancelled && report.done >= 10);
    assert_eq!(users.get(1).await, Ok(Some(1)));
    assert_eq!(
        row(&users.cache, "get").hits,
        1,
        "what was computed is kept"
    );
}

#[tokio::test]
async fn without_its_server_a_run_ends_all_the_same() {
    let server = RedisServer::start();
    let users = Users::new(hasty(&server.url()));
    server.kill();
    let report = warm((0..20).map(|id| users.get(id))).run().await;
    assert_eq!((report.done, report.skipped, report.failed), (18, 0, 2));
}
