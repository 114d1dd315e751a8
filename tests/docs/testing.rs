//! What docs/testing.md quotes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::{Cache, cached, invalidate_cache};

/// Stands for the database, and counts what is asked of it.
#[derive(Default)]
struct Database {
    names: Mutex<Vec<(u64, String)>>,
    queries: AtomicU64,
}

impl Database {
    async fn name(&self, id: u64) -> Result<Option<String>, Down> {
        self.queries.fetch_add(1, SeqCst);
        let names = self.names.lock().unwrap();
        let row = names.iter().rev().find(|(of, _)| *of == id);
        Ok(row.map(|(_, name)| name.clone()))
    }

    async fn write(&self, id: u64, name: &str) -> Result<(), Down> {
        self.names.lock().unwrap().push((id, name.to_owned()));
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
struct Down;

struct Users {
    database: Database,
    cache: Cache,
}

impl Users {
    fn new(database: Database, cache: Cache) -> Self {
        Self { database, cache }
    }

    #[cached(cache = self.cache, ttl = "1m", key_prefix = "user:{id}")]
    async fn name(&self, id: u64) -> Result<Option<String>, Down> {
        self.database.name(id).await
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: u64, name: &str) -> Result<(), Down> {
        self.database.write(id, name).await
    }
}

async fn users(cache: Cache) -> Users {
    let users = Users::new(Database::default(), cache);
    users.rename(42, "Ada").await.unwrap();
    users
}

mod what_is_cached {
    use super::*;
    use cachewright::testing::{assert_cached, assert_not_cached};

    #[tokio::test]
    async fn a_name_is_read_once() {
        let users = users(Cache::builder().build().unwrap()).await;
        assert_not_cached!(users.name(42)).await;

        users.name(42).await.unwrap();
        assert_cached!(users.name(42)).await;
        assert_not_cached!(users.name(43), "nobody has asked for 43").await;

        users.name(42).await.unwrap();
        assert_eq!(users.database.queries.load(SeqCst), 1);
    }
}

mod writes {
    use super::*;
    use cachewright::testing::{SteppedClock, assert_cached, assert_not_cached};

    #[tokio::test]
    async fn who_is_renamed_is_read_anew_and_nobody_else() {
        let cache = Cache::builder().clock(SteppedClock::new()).build().unwrap();
        let users = users(cache).await;
        users.rename(7, "Grace").await.unwrap();
        users.name(42).await.unwrap();
        users.name(7).await.unwrap();

        users.rename(42, "Countess of Lovelace").await.unwrap();
        assert_not_cached!(users.name(42)).await;
        assert_cached!(users.name(7)).await;
    }

    #[tokio::test]
    async fn nobody_is_not_kept() {
        let users = users(Cache::builder().build().unwrap()).await;
        assert_eq!(users.name(1).await, Ok(None));
        assert_not_cached!(users.name(1), "a `None` is not, without `none_ttl`").await;
    }
}

mod time {
    use super::*;
    use cachewright::testing::{SteppedClock, assert_cached, assert_not_cached};
    use std::time::Duration;

    #[tokio::test]
    async fn a_name_is_kept_for_a_minute() {
        let clock = SteppedClock::new();
        let users = users(Cache::builder().clock(clock.clone()).build().unwrap()).await;
        users.name(42).await.unwrap();

        clock.advance(Duration::from_secs(59));
        assert_cached!(users.name(42)).await;
        clock.advance(Duration::from_secs(1));
        assert_not_cached!(users.name(42)).await;
    }
}

mod paused_time {
    use super::*;
    use cachewright::testing::{TokioClock, assert_not_cached};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_name_is_kept_for_a_minute() {
        let clock = TokioClock::current();
        let users = users(Cache::builder().clock(clock).build().unwrap()).await;
        users.name(42).await.unwrap();

        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_not_cached!(users.name(42)).await;
    }
}

mod outages {
    use super::*;
    use cachewright::testing::{
        Corruption, Fault, Operation, ScriptedStore, assert_cached, assert_not_cached,
    };

    fn cache(store: &ScriptedStore) -> Cache {
        let builder = Cache::builder().namespace("users").store(store.clone());
        builder.build().unwrap()
    }

    #[tokio::test]
    async fn names_are_read_without_the_store() {
        let store = ScriptedStore::new();
        let users = users(cache(&store)).await;
        store.set_down(true);
        assert_eq!(users.name(42).await, Ok(Some("Ada".to_owned())));
        assert_eq!(users.name(42).await, Ok(Some("Ada".to_owned())));
        assert_eq!(users.database.queries.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn an_old_name_is_not_read_though_the_store_missed_the_write() {
        let store = ScriptedStore::new();
        let users = users(cache(&store)).await;
        users.name(42).await.unwrap();

        store.next(1, Operation::Invalidate, Fault::ReplyLost);
        users.rename(42, "Countess of Lovelace").await.unwrap();
        let name = users.name(42).await.unwrap();
        assert_eq!(name.as_deref(), Some("Countess of Lovelace"));
    }

    #[tokio::test]
    async fn a_damaged_name_is_read_anew() {
        let store = ScriptedStore::new();
        let users = users(cache(&store)).await;
        users.name(42).await.unwrap();
        assert_cached!(users.name(42)).await;

        store.next(1, Operation::Read, Fault::Corrupt(Corruption::Flipped));
        assert_not_cached!(users.name(42)).await;
    }

    #[tokio::test]
    async fn two_processes_see_each_others_writes() {
        let store = ScriptedStore::new();
        let (one, other) = (users(cache(&store)).await, users(cache(&store)).await);
        one.name(42).await.unwrap();
        assert_cached!(other.name(42)).await;
        other.rename(42, "Countess of Lovelace").await.unwrap();
        assert_not_cached!(one.name(42)).await;
    }
}

mod installed {
    use cachewright::testing::{assert_cached, in_current_cache, install_for_test, with_cache};
    use cachewright::{Cache, cached};

    #[cached(ttl = "1h", key_prefix = "rate:{currency}")]
    async fn rate(currency: &str) -> Option<f64> {
        (currency == "NOK").then_some(11.5)
    }

    #[tokio::test]
    async fn a_rate_is_kept() {
        let cache = install_for_test(Cache::builder().build().unwrap());
        rate("NOK").await;
        assert_cached!(rate("NOK")).await;
        assert_eq!(cache.keys().len(), 1); // no other test's entry is in it
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_rate_is_kept_for_all_tasks() {
        with_cache(Cache::builder().build().unwrap(), async {
            let task = tokio::spawn(in_current_cache(rate("NOK")));
            assert_eq!(task.await.unwrap(), Some(11.5));
            assert_cached!(rate("NOK")).await;
        })
        .await;
    }
}

mod synchronous {
    use cachewright::testing::{assert_cached, assert_not_cached, install_for_test};
    use cachewright::{Cache, cached};

    #[cached]
    fn checksum(text: &str) -> u64 {
        text.bytes().map(u64::from).sum()
    }

    #[test]
    fn a_checksum_is_computed_once() {
        let _cache = install_for_test(Cache::builder().build().unwrap());
        assert_not_cached!(checksum("a"));
        checksum("a");
        assert_cached!(checksum("a"));
    }
}
