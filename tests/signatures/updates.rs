//! Writers that store what they return, in the forms that functions come in.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use cachewright::{cache_defaults, cached, invalidate_cache, update_cache};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Database, assert_send};

struct Users {
    database: Database,
}

struct Service {
    users: Arc<Users>,
}

impl Users {
    #[cached(cache = self.database.cache)]
    async fn get(&self, id: u64) -> Result<u64, Rc<str>> {
        let _ = id;
        Ok(self.database.ask())
    }

    #[cached(cache = self.database.cache)]
    async fn by_name(&self, name: &str, region: String) -> u64 {
        let _ = (name, region);
        self.database.ask()
    }

    /// A receiver by value, and an error that is not `Send`.
    #[update_cache(entry = self.get(id))]
    async fn consumed(self: Arc<Self>, id: u64) -> Result<u64, Rc<str>> {
        match id {
            0 => Err("no".into()),
            id => Ok(id + 100),
        }
    }

    #[update_cache(entry = self.get(id))]
    fn changed(&mut self, id: u64) -> u64 {
        self.database.asked();
        id + 200
    }

    /// What is borrowed, what is cloned, and what is made for the call.
    #[update_cache(entry = self.by_name(&name, region))]
    async fn rename(&self, name: String, region: String) -> Option<u64> {
        Some((name + &region).len() as u64)
    }

    #[update_cache(entry = self.by_name(pair.0, "eu".into()))]
    async fn of_a_pair(&self, pair: (&str, u64)) -> u64 {
        pair.1
    }

    #[update_cache(entry = self.get(7), outcome = "value")]
    fn hidden(&self) -> impl Clone + use<> {
        9_u64
    }

    #[update_cache(entry = self.get(id))]
    async fn returns_early(&self, id: u64, text: &str) -> Result<u64, Box<dyn std::error::Error>> {
        if text.is_empty() {
            return Ok(id);
        }
        Ok(text.parse::<u64>()? + id)
    }
}

impl Service {
    fn users(&self) -> Arc<Users> {
        Arc::clone(&self.users)
    }

    /// The receiver is made for the call.
    #[update_cache(entry = self.users().get(id))]
    async fn through_a_temporary(&self, id: u64) -> u64 {
        id + 300
    }

    /// What stays on its thread.
    #[update_cache(entry = self.users.get(id))]
    async fn local(&self, id: u64, counter: Rc<Cell<u64>>) -> u64 {
        counter.set(counter.get() + id);
        std::future::ready(()).await;
        counter.get()
    }
}

#[cached(cache = database.cache, skip(database))]
async fn generic<T>(database: &Database, key: T) -> Vec<T>
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    database.ask();
    vec![key]
}

#[update_cache(entry = generic::<T>(database, key))]
async fn write_generic<T>(database: &Database, key: T) -> Vec<T>
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    database.asked();
    vec![key.clone(), key]
}

#[async_trait]
trait Repository {
    async fn find(&self, id: u64) -> Option<u64>;
    async fn store(&self, id: u64) -> Option<u64>;
    fn database(&self) -> &Database;

    #[update_cache(entry = self.find(id))]
    async fn store_by_default(&self, id: u64) -> Result<u64, String>
    where
        Self: Sync,
    {
        Ok(id + 500)
    }
}

#[async_trait]
impl Repository for Users {
    #[cached(cache = self.database.cache)]
    async fn find(&self, id: u64) -> Option<u64> {
        let _ = id;
        Some(self.database.ask())
    }

    #[update_cache(entry = self.find(id))]
    async fn store(&self, id: u64) -> Option<u64> {
        Some(id + 400)
    }

    fn database(&self) -> &Database {
        &self.database
    }
}

trait Native {
    fn load(&self, id: u64) -> impl Future<Output = u64> + Send;
    fn save(&self, id: u64) -> impl Future<Output = u64> + Send;
}

#[cache_defaults(cache = self.database.cache, on = "always", crate = ::cachewright)]
impl Native for Users {
    #[cached]
    async fn load(&self, id: u64) -> u64 {
        let _ = id;
        self.database.ask()
    }

    #[update_cache(entry = self.load(id))]
    #[invalidate_cache("other")]
    async fn save(&self, id: u64) -> u64 {
        id + 600
    }
}

fn users() -> Users {
    Users {
        database: Database::new(),
    }
}

#[tokio::test]
async fn every_receiver_and_argument_of_a_writer() {
    let mut users = users();
    assert_eq!(users.changed(1), 201);
    assert_eq!(users.get(1).await.unwrap(), 201);
    users.hidden();
    let users = Arc::new(users);
    Arc::clone(&users).consumed(2).await.unwrap();
    assert_eq!(users.get(2).await.unwrap(), 102);
    assert!(Arc::clone(&users).consumed(0).await.is_err());
    assert_send(users.rename("Ada".into(), "eu".into())).await;
    assert_eq!(users.by_name("Ada", "eu".into()).await, 5);
    users.of_a_pair(("Grace", 7)).await;
    assert_eq!(users.by_name("Grace", "eu".into()).await, 7);
    users.returns_early(3, "").await.unwrap();
    assert_eq!(users.get(3).await.unwrap(), 3);
    users.returns_early(3, "40").await.unwrap();
    assert!(users.returns_early(3, "no").await.is_err());
    assert_eq!(users.get(3).await.unwrap(), 43);
    assert_eq!(users.database.asked(), 0);
}

#[tokio::test]
async fn a_receiver_may_be_made_for_the_call_and_a_body_stay_on_its_thread() {
    let service = Service {
        users: Arc::new(users()),
    };
    service.through_a_temporary(1).await;
    assert_eq!(service.users.get(1).await.unwrap(), 301);
    service.local(2, Rc::new(Cell::new(5))).await;
    assert_eq!(service.users.get(2).await.unwrap(), 7);
    assert_eq!(service.users.database.asked(), 0);
}

#[tokio::test]
async fn generic_functions_and_methods_of_traits_are_updated() {
    let users = users();
    write_generic(&users.database, "a".to_owned()).await;
    write_generic(&users.database, 1_u8).await;
    assert_eq!(generic(&users.database, "a".to_owned()).await, ["a", "a"]);
    assert_eq!(generic(&users.database, 1_u8).await, [1, 1]);
    let repository: &(dyn Repository + Sync) = &users;
    repository.store(1).await;
    assert_eq!(repository.find(1).await, Some(401));
    repository.store_by_default(2).await.unwrap();
    assert_eq!(repository.find(2).await, Some(502));
    users.save(3).await;
    assert_eq!(users.load(3).await, 603);
    assert_eq!(repository.database().asked(), 0);
}
