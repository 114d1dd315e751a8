//! Functions that answer for many elements at once, over a real server: in how many round trips.

mod redis;

use std::collections::HashMap;
use std::sync::Mutex;

use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::RedisServer;
use redis::{cache, calls};

struct Users {
    cache: Cache,
    asked: Mutex<Vec<usize>>,
}

impl Users {
    fn new(cache: Cache) -> Self {
        Self {
            cache,
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<usize> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn load(&self, ids: &[i64]) -> HashMap<i64, String> {
        self.asked.lock().unwrap().push(ids.len());
        ids.iter().map(|id| (*id, format!("user {id}"))).collect()
    }

    #[cached(cache = self.cache, key_prefix = "user:{ids}", ttl = 300, batch = ids)]
    async fn users(&self, ids: &[i64]) -> Result<HashMap<i64, String>, String> {
        Ok(self.load(ids))
    }

    #[cached(cache = self.cache, key_prefix = "name", ttl = 300, batch = ids)]
    async fn names(&self, ids: &[i64]) -> HashMap<i64, String> {
        self.load(ids)
    }

    #[invalidate_cache("user:{id}", cache = self.cache)]
    async fn rename(&self, id: i64) -> Result<(), String> {
        Ok(())
    }
}

/// How many requests have come, each of which asks for one echo.
fn round_trips(server: &RedisServer) -> u64 {
    calls(server, "echo")
}

#[tokio::test]
async fn a_thousand_elements_are_one_round_trip_when_warm_and_three_when_cold() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    users.cache.get::<u8>("connects").await.unwrap();
    let ids: Vec<i64> = (0..1_000).collect();

    server.command(&["CONFIG", "RESETSTAT"]);
    assert_eq!(users.users(&ids).await.unwrap().len(), 1_000);
    assert_eq!((round_trips(&server), calls(&server, "mget")), (3, 1));
    assert_eq!(users.asked(), [1_000]);

    server.command(&["CONFIG", "RESETSTAT"]);
    let found = users.users(&ids).await.unwrap();
    assert_eq!(found[&999], "user 999");
    assert_eq!((round_trips(&server), calls(&server, "mget")), (1, 1));
    assert_eq!(calls(&server, "set"), 0);
    assert_eq!(users.asked(), [0; 0]);

    users.rename(7).await.unwrap();
    users.users(&ids).await.unwrap();
    assert_eq!(users.asked(), [1]);
}

#[tokio::test]
async fn generations_that_elements_share_are_asked_for_once() {
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    let ids: Vec<i64> = (0..1_000).collect();
    users.names(&ids).await;
    server.command(&["CONFIG", "RESETSTAT"]);
    users.names(&ids).await;
    // A value and a leaf for each, of which a few share a bucket, and two nodes for all.
    let keys = looked_up(&server);
    assert!((1_950..=2_002).contains(&keys), "{keys} keys");
}

/// How many keys the server has looked up.
fn looked_up(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "stats"]).text();
    let count = |name: &str| {
        let row = stats.lines().find_map(|line| line.strip_prefix(name));
        row.map_or(0, |digits| digits.trim().parse::<u64>().unwrap())
    };
    count("keyspace_hits:") + count("keyspace_misses:")
}

#[tokio::test]
async fn processes_share_the_entries_of_each_element() {
    let server = RedisServer::start();
    let (a, b) = (
        Users::new(cache(&server.url())),
        Users::new(cache(&server.url())),
    );
    a.users(&[1, 2, 3]).await.unwrap();
    let found = b.users(&[5, 2, 4, 3]).await.unwrap();
    assert_eq!((found.len(), &*found[&2]), (4, "user 2"));
    assert_eq!(b.asked(), [2]);
    b.rename(2).await.unwrap();
    a.users(&[1, 2, 3]).await.unwrap();
    assert_eq!(a.asked(), [3, 1]);
}
