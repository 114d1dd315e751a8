//! Methods that `#[async_trait]` has rewritten before the attributes see them.

use std::num::ParseIntError;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use cachewright::{cached, invalidate_cache};
use serde::{Deserialize, Serialize};

use super::{Database, assert_send};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) version: u64,
}

#[derive(Serialize)]
struct Page {
    from: u64,
    limit: u64,
}

#[async_trait]
trait Users: Send + Sync {
    async fn get(&self, id: u64) -> Option<User>;
    async fn parsed(&self, text: &str) -> Result<User, ParseIntError>;
    async fn pages(&self, pair: (u64, u64), page: Page, _: char, count: u64) -> Vec<u64>;
    async fn owned(self: Arc<Self>, id: u64) -> User;
    async fn rename(&self, id: u64) -> Result<(), String>;
    async fn rename_exactly(&mut self, user: &User, count: &mut u64);
    fn database(&self) -> &Database;

    #[cached(cache = self.database().cache, scope = self.name(), key_prefix = "default:{id}")]
    async fn by_default(&self, id: u64) -> String {
        format!("{} {id} {}", self.name(), self.database().ask())
    }

    #[invalidate_cache("default:{_id}", cache = self.database().cache)]
    async fn forget_by_default(&self, _id: u64) {
        self.database().ask();
    }

    fn name(&self) -> String {
        "nobody".to_owned()
    }
}

struct Stored {
    database: Database,
    tenant: u64,
}

impl Stored {
    fn new() -> Self {
        Self {
            database: Database::new(),
            tenant: 7,
        }
    }

    fn user(&self, id: u64) -> User {
        let version = self.database.ask();
        User { id, version }
    }
}

#[async_trait]
impl Users for Stored {
    #[cached(cache = self.database.cache, key_prefix = "user:{id}", scope = self.tenant, none_ttl = 30)]
    async fn get(&self, id: u64) -> Option<User> {
        let user = Self::user(self, id);
        (id != 0).then_some(user)
    }

    #[cached(cache = self.database.cache, key_prefix = "text:{text}")]
    async fn parsed(&self, text: &str) -> Result<User, ParseIntError> {
        let id = text.parse()?;
        if id == 0 {
            return Ok(self.user(100));
        }
        tokio::task::yield_now().await;
        Ok(self.user(id))
    }

    #[cached(cache = self.database.cache, ttl = std::time::Duration::from_secs(self.tenant))]
    async fn pages(
        &self,
        (first, second): (u64, u64),
        Page { from, limit }: Page,
        _: char,
        mut count: u64,
    ) -> Vec<u64> {
        count += 1;
        vec![first, second, from, limit, count, self.database.ask()]
    }

    #[cached(cache = self.database.cache)]
    async fn owned(self: Arc<Self>, id: u64) -> User {
        let user = self.user(id);
        drop(self);
        user
    }

    #[invalidate_cache("user:{id}", cache = self.database.cache)]
    async fn rename(&self, id: u64) -> Result<(), String> {
        if id == 0 {
            return Err("nobody".to_owned());
        }
        Ok(())
    }

    #[invalidate_cache(entry = self.by_default(user.id), cache = self.database.cache)]
    async fn rename_exactly(&mut self, user: &User, count: &mut u64) {
        *count += user.version;
        self.tenant += 1;
    }

    fn database(&self) -> &Database {
        &self.database
    }
}

#[tokio::test]
async fn methods_are_cached_through_a_trait_object() {
    let stored = Stored::new();
    let users: &dyn Users = &stored;
    let user = users.get(1).await.unwrap();
    assert_eq!(users.get(1).await, Some(user.clone()));
    assert_eq!(stored.get(1).await, Some(user));
    assert_eq!(users.get(0).await, None);
    assert_eq!(users.get(0).await, None);
    assert_eq!(stored.database.asked(), 2);
}

#[tokio::test]
async fn question_marks_and_early_returns_leave_the_body_alone() {
    let stored = Stored::new();
    assert!(stored.parsed("x").await.is_err());
    for _ in 0..2 {
        assert_eq!(stored.parsed("0").await.unwrap().id, 100);
        assert_eq!(stored.parsed("5").await.unwrap().id, 5);
    }
    assert_eq!(stored.database.asked(), 2);
}

#[tokio::test]
async fn patterns_are_part_of_the_key() {
    let stored = Stored::new();
    let page = || Page { from: 3, limit: 4 };
    for _ in 0..2 {
        let pages = stored.pages((1, 2), page(), 'a', 5).await;
        assert_eq!(pages, [1, 2, 3, 4, 6, 1]);
    }
    assert_eq!(stored.pages((1, 3), page(), 'a', 5).await[5], 2);
    assert_eq!(stored.pages((1, 3), page(), 'b', 5).await[5], 3);
}

#[tokio::test]
async fn an_arc_of_the_receiver_is_held() {
    let stored = Arc::new(Stored::new());
    let users: Arc<dyn Users> = stored.clone();
    let user = Arc::clone(&users).owned(1).await;
    assert_eq!(users.owned(1).await, user);
    assert_eq!(stored.database.asked(), 1);
}

#[tokio::test]
async fn writers_invalidate_after_they_have_written() {
    let mut stored = Stored::new();
    let first = stored.get(1).await;
    assert!(stored.rename(0).await.is_err());
    assert_eq!(stored.get(1).await, first);
    let write = stored.rename(1);
    assert_eq!(stored.get(1).await, first, "it has not been awaited");
    write.await.unwrap();
    assert_ne!(stored.get(1).await, first);

    let (kept, other) = (stored.by_default(1).await, stored.by_default(2).await);
    let mut count = 0;
    let user = User { id: 1, version: 5 };
    stored.rename_exactly(&user, &mut count).await;
    assert_eq!((count, stored.tenant), (5, 8));
    assert_ne!(stored.by_default(1).await, kept);
    assert_eq!(stored.by_default(2).await, other);
}

#[tokio::test]
async fn default_bodies_of_the_trait_are_cached() {
    let stored = Stored::new();
    let users: &dyn Users = &stored;
    let first = users.by_default(1).await;
    assert_eq!(first, "nobody 1 1");
    assert_eq!(users.by_default(1).await, first);
    users.forget_by_default(1).await;
    assert_eq!(users.by_default(1).await, "nobody 1 3");
}

/// Holds its users behind a trait, as services do.
struct Bookings {
    users: Arc<dyn Users>,
}

impl Bookings {
    #[invalidate_cache(entry = self.users.get(id), cache = self.users.database().cache)]
    async fn book(&self, id: u64) {
        self.users.database().ask();
    }
}

#[async_trait]
trait Bills {
    async fn pay(&self, id: u64) -> Result<(), ()>;
}

#[async_trait]
impl Bills for Bookings {
    #[invalidate_cache(entry = <dyn Users>::get(_, id), cache = self.users.database().cache)]
    async fn pay(&self, id: u64) -> Result<(), ()> {
        tokio::task::yield_now().await;
        let _ = id;
        Ok(())
    }
}

#[tokio::test]
async fn a_call_through_a_trait_object_names_an_entry() {
    let users: Arc<dyn Users> = Arc::new(Stored::new());
    let bookings = Bookings {
        users: Arc::clone(&users),
    };
    let (kept, other) = (users.get(1).await, users.get(2).await);
    bookings.book(1).await;
    let booked = users.get(1).await;
    assert_ne!(booked, kept);
    bookings.pay(1).await.unwrap();
    assert_ne!(users.get(1).await, booked);
    assert_eq!(users.get(2).await, other);
}

#[tokio::test]
async fn boxed_futures_are_send_also_where_only_the_error_is_not() {
    #[async_trait]
    trait Parse {
        async fn parse(&self, text: &str) -> Result<u64, Box<dyn std::error::Error>>;
    }
    struct Parser(Database);
    #[async_trait]
    impl Parse for Parser {
        #[cached(cache = self.0.cache)]
        async fn parse(&self, text: &str) -> Result<u64, Box<dyn std::error::Error>> {
            tokio::task::yield_now().await;
            Ok(text.parse::<u64>()? + self.0.ask())
        }
    }
    let parser = Parser(Database::new());
    assert_eq!(assert_send(parser.parse("1")).await.unwrap(), 2);
    assert!(assert_send(parser.parse("x")).await.is_err());
    let task = tokio::spawn(async move { parser.parse("1").await.unwrap() });
    assert_eq!(task.await.unwrap(), 2);
}

#[async_trait(?Send)]
trait Local {
    async fn local(&self, id: Rc<u64>) -> u64;
    async fn write(&self, id: Rc<u64>) -> Option<Rc<u64>>;
}

#[async_trait(?Send)]
impl Local for Database {
    #[cached(cache = self.cache, key_prefix = "local")]
    async fn local(&self, id: Rc<u64>) -> u64 {
        tokio::task::yield_now().await;
        *id + self.ask()
    }

    #[invalidate_cache("local", cache = self.cache)]
    async fn write(&self, id: Rc<u64>) -> Option<Rc<u64>> {
        tokio::task::yield_now().await;
        Some(id)
    }
}

#[tokio::test]
async fn futures_that_stay_on_their_thread_are_cached() {
    let database = Database::new();
    let local: &dyn Local = &database;
    assert_eq!(local.local(Rc::new(5)).await, 6);
    assert_eq!(local.local(Rc::new(5)).await, 6);
    local.write(Rc::new(5)).await;
    assert_eq!(local.local(Rc::new(5)).await, 7);
}
