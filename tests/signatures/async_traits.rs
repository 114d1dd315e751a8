//! Traits of every form under `#[async_trait]`, and attributes beside it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::pin::Pin;

use async_trait::async_trait;
use cachewright::{cache_defaults, cached, invalidate_cache};
use serde::{Serialize, de::DeserializeOwned};

use super::Database;
use super::async_trait::User;

trait Entity: Debug + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl Entity for User {}
impl Entity for String {}

/// A generic trait with supertraits, a constant and an associated type.
#[async_trait]
trait Repository<Item: Entity>: Send + Sync + Debug {
    const MOST: usize;
    type Failure: Send;

    async fn all(&self, filter: &str) -> Result<Vec<Item>, Self::Failure>;
    async fn found<'a, Q>(&self, query: &'a Q) -> HashMap<String, Item>
    where
        Q: Serialize + Debug + Sync + 'a;
    async fn one(&self) -> Item;
}

#[derive(Debug)]
struct Kept<Item>(Item);

#[async_trait]
impl<Item: Entity> Repository<Item> for Kept<Item> {
    const MOST: usize = 2;
    type Failure = String;

    #[cached]
    async fn all(&self, filter: &str) -> Result<Vec<Item>, Self::Failure> {
        if filter.is_empty() {
            return Err("no filter".to_owned());
        }
        Ok(vec![self.0.clone(); Self::MOST])
    }

    #[cached]
    async fn found<'a, Q>(&self, query: &'a Q) -> HashMap<String, Item>
    where
        Q: Serialize + Debug + Sync + 'a,
    {
        HashMap::from([(format!("{query:?}"), self.0.clone())])
    }

    #[cached(outcome = "value")]
    async fn one(&self) -> Item {
        self.0.clone()
    }
}

#[tokio::test]
async fn generic_traits_and_methods_keep_their_instances_apart() {
    let user = User { id: 1, version: 1 };
    let (users, texts) = (Kept(user.clone()), Kept("a".to_owned()));
    for _ in 0..2 {
        assert_eq!(users.all("x").await.unwrap(), [user.clone(), user.clone()]);
        assert_eq!(texts.all("x").await.unwrap(), ["a", "a"]);
        assert!(texts.all("").await.is_err());
        assert_eq!(users.found(&1_u8).await["1"], user);
        assert_eq!(texts.found(&1_u8).await["1"], "a");
        assert_eq!(texts.found(&Some(1_u8)).await["Some(1)"], "a");
        assert_eq!(users.one().await, user);
        assert_eq!(texts.one().await, "a");
    }
}

#[async_trait]
trait Receivers: Send + Sync {
    async fn pinned(self: Pin<&Self>, id: u64) -> u64;
    async fn sized(&self, id: impl Serialize + Send + Into<u64> + Copy) -> u64
    where
        Self: Sized;
    async fn without(database: &Database, id: u64) -> u64
    where
        Self: Sized;
    async fn consume(self, id: u64) -> u64
    where
        Self: Sized;
}

#[async_trait]
impl Receivers for Database {
    #[cached(cache = self.cache)]
    async fn pinned(self: Pin<&Self>, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "sized")]
    async fn sized(&self, id: impl Serialize + Send + Into<u64> + Copy) -> u64
    where
        Self: Sized,
    {
        let id: u64 = id.into();
        id + self.ask()
    }

    #[cached(cache = database.cache, skip(database))]
    async fn without(database: &Database, id: u64) -> u64 {
        id + database.ask()
    }

    #[invalidate_cache("sized", cache = self.cache)]
    async fn consume(self, id: u64) -> u64 {
        id + self.ask()
    }
}

#[tokio::test]
async fn every_receiver_and_none() {
    let database = Database::new();
    assert_eq!(Pin::new(&database).pinned(1).await, 2);
    assert_eq!(Pin::new(&database).pinned(1).await, 2);
    assert_eq!(database.sized(1_u32).await, 3);
    assert_eq!(database.sized(1_u32).await, 3);
    assert_eq!(Database::without(&database, 1).await, 4);
    assert_eq!(Database::without(&database, 1).await, 4);
    assert_eq!(database.clone().consume(1).await, 5);
    assert_eq!(database.sized(1_u32).await, 6);
}

/// The attributes on the methods stand in either order with tracing's.
#[async_trait]
trait Traced {
    async fn above(&self, id: u64) -> Result<u64, String>;
    async fn below(&self, id: u64) -> Result<u64, String>;
    async fn write(&self, id: u64) -> Result<u64, String>;
    async fn write_below(&self, id: u64) -> Result<u64, String>;
}

#[async_trait]
impl Traced for Database {
    #[tracing::instrument(skip(self), err)]
    #[cached(cache = self.cache, key_prefix = "traced")]
    async fn above(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        Ok(id + self.ask())
    }

    #[cached(cache = self.cache, key_prefix = "traced")]
    #[tracing::instrument(skip(self), fields(id = id), ret)]
    async fn below(&self, id: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        Ok(id + self.ask())
    }

    #[tracing::instrument(skip_all)]
    #[invalidate_cache("traced", cache = self.cache)]
    async fn write(&self, id: u64) -> Result<u64, String> {
        Ok(id)
    }

    #[invalidate_cache("traced", cache = self.cache)]
    #[tracing::instrument(skip_all)]
    async fn write_below(&self, id: u64) -> Result<u64, String> {
        Ok(id)
    }
}

#[tokio::test]
async fn tracing_may_stand_above_and_below() {
    let database = Database::new();
    let traced: &(dyn Traced + Sync) = &database;
    for asked in [1, 3] {
        for _ in 0..2 {
            assert_eq!(traced.above(1).await, Ok(1 + asked));
            assert_eq!(traced.below(1).await, Ok(2 + asked));
        }
        traced.write(1).await.unwrap();
    }
    traced.write_below(1).await.unwrap();
    assert_eq!(traced.above(1).await, Ok(6));
}

#[async_trait]
trait Above {
    async fn number_above(&self, id: u64) -> u64;
    async fn forget_above(&self, id: u64);
}

#[async_trait]
trait Below {
    async fn number_below(&self, id: u64) -> u64;
    async fn forget_below(&self, id: u64);
}

#[cache_defaults(cache = self.cache, key_prefix = "above:{id}")]
#[async_trait]
impl Above for Database {
    #[cached]
    async fn number_above(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[invalidate_cache("above:{id}")]
    async fn forget_above(&self, id: u64) {
        let _ = id;
    }
}

#[async_trait]
#[cache_defaults(cache = self.cache, key_prefix = "below:{id}")]
impl Below for Database {
    #[cached]
    async fn number_below(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[invalidate_cache("below:{id}")]
    async fn forget_below(&self, id: u64) {
        let _ = id;
    }
}

#[tokio::test]
async fn defaults_of_a_block_may_stand_above_and_below() {
    let database = Database::new();
    for _ in 0..2 {
        assert_eq!(database.number_above(1).await, 2);
        assert_eq!(database.number_below(1).await, 3);
    }
    database.forget_above(1).await;
    assert_eq!(
        (
            database.number_above(1).await,
            database.number_below(1).await
        ),
        (4, 3)
    );
    database.forget_below(1).await;
    assert_eq!(
        (
            database.number_above(1).await,
            database.number_below(1).await
        ),
        (4, 5)
    );
}
