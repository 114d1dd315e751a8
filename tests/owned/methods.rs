//! Receivers of every form, and methods of traits.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use cachewright::{cache_defaults, cached};

use super::{Database, assert_send};

impl Database {
    #[cached(cache = self.cache, key_prefix = "method", stale_while_revalidate = "10m", stale_if_error = 60)]
    async fn by_reference(&self, id: u64) -> Result<u64, String> {
        if id == 0 {
            return Err("nobody".to_owned());
        }
        tokio::task::yield_now().await;
        Ok(id + self.ask())
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = 0.1)]
    fn blocking_by_reference(&self, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = "30s", ttl = 31)]
    #[allow(clippy::needless_arbitrary_self_type)]
    async fn by_typed_reference(self: &Self, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "method", timeout = "200ms", stale_if_error = "1h")]
    async fn by_arc(self: Arc<Self>, id: u64) -> Option<u64> {
        let asked = self.ask();
        drop(self);
        Some(id + asked)
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = 0.1)]
    async fn by_reference_to_arc(self: &Arc<Self>, id: u64) -> u64 {
        let arc: &Arc<Self> = self;
        id + arc.ask()
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = 0.1)]
    fn by_pinned_arc(self: Pin<Arc<Self>>, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = 0.1)]
    async fn for_ever(&'static self, id: u64) -> u64 {
        id + self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = 0.1)]
    async fn without_receiver_in_its_body(&self, id: u64) -> u64 {
        id
    }

    #[cached(cache = self.cache, key_prefix = "method", refresh_ahead = 0.1)]
    fn boxed(&self, id: u64) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>> {
        Box::pin(async move { Some(id + self.ask()) })
    }
}

#[tokio::test]
async fn a_fresh_hit_clones_nothing() {
    let database = Database::new();
    assert_eq!(database.by_reference(1).await, Ok(2));
    assert_eq!(database.blocking_by_reference(1), 3);
    assert_eq!(database.cloned(), 2, "each body has a clone of its own");
    for _ in 0..3 {
        assert_eq!(database.by_reference(1).await, Ok(2));
        assert_eq!(database.blocking_by_reference(1), 3);
    }
    assert_eq!((database.asked(), database.cloned()), (2, 2));
    assert_eq!(database.by_reference(0).await, Err("nobody".to_owned()));
    assert_eq!((database.asked(), database.cloned()), (2, 3));
}

#[tokio::test]
async fn every_receiver_is_the_bodys_own() {
    let database = Arc::new(Database::new());
    let leaked: &'static Database = Box::leak(Box::new(Database::new()));
    for _ in 0..2 {
        assert_eq!(database.by_typed_reference(10).await, 11);
        assert_eq!(database.boxed(10).await, Some(12));
        assert_eq!(database.cloned(), 2);
        assert_eq!(Arc::clone(&database).by_arc(10).await, Some(13));
        assert_eq!(database.by_reference_to_arc(10).await, 14);
        assert_eq!(Pin::new(Arc::clone(&database)).by_pinned_arc(10), 15);
        assert_eq!(leaked.for_ever(10).await, 11);
        assert_eq!(database.without_receiver_in_its_body(10).await, 10);
    }
    assert_eq!(database.cloned(), 2, "of an `Arc` the `Arc` is cloned");
    assert_eq!(leaked.cloned(), 0);
}

/// It is no `Clone`, and nothing of it is cloned.
struct Held {
    database: Arc<Database>,
}

#[cache_defaults(cache = self.database.cache, stale_while_revalidate = "1m", stale_if_error = "2m", timeout = 1)]
impl Held {
    #[cached(key_prefix = "held")]
    async fn by_arc(self: Arc<Self>, id: u64) -> u64 {
        id + self.database.ask()
    }

    #[cached(
        key_prefix = "held",
        refresh_ahead = 0.5,
        single_flight = "off",
        tier = "memory",
        none_ttl = 3
    )]
    fn absent(self: &Arc<Self>, _id: u64) -> Option<u64> {
        self.database.ask();
        None
    }
}

#[tokio::test]
async fn policies_of_a_block_are_those_of_its_functions() {
    let held = Arc::new(Held {
        database: Arc::new(Database::new()),
    });
    for _ in 0..2 {
        assert_eq!(Arc::clone(&held).by_arc(1).await, 2);
        assert_eq!(held.absent(1), None);
    }
    assert_eq!(held.database.asked(), 2);
    assert_eq!(held.database.cloned(), 0);
}

#[async_trait]
trait Users: Send + Sync {
    async fn get(&self, id: u64, name: &str) -> Option<String>;
    async fn owned(self: Arc<Self>, id: u64) -> Result<u64, String>;
    async fn pages(&self, pair: (u64, u64), count: u64) -> Vec<u64>;
}

#[async_trait]
impl Users for Database {
    #[cached(cache = self.cache, key_prefix = "users", stale_while_revalidate = 60)]
    async fn get(&self, id: u64, name: &str) -> Option<String> {
        tokio::task::yield_now().await;
        let id = id.checked_sub(1)?;
        Some(format!("{name} {id} {}", self.ask()))
    }

    #[cached(cache = self.cache, key_prefix = "users", stale_while_revalidate = 60)]
    async fn owned(self: Arc<Self>, id: u64) -> Result<u64, String> {
        (id > 0).then_some(()).ok_or("nobody")?;
        Ok(id + self.ask())
    }

    #[cached(cache = self.cache, key_prefix = "users", stale_while_revalidate = 60)]
    async fn pages(&self, (first, second): (u64, u64), mut count: u64) -> Vec<u64> {
        count += 1;
        vec![first, second, count, self.ask()]
    }
}

#[tokio::test]
async fn methods_of_async_trait_through_a_trait_object() {
    let database = Arc::new(Database::new());
    let users: Arc<dyn Users> = Arc::clone(&database) as Arc<dyn Users>;
    for _ in 0..2 {
        let name = String::from("x");
        assert_eq!(assert_send(users.get(5, &name)).await.unwrap(), "x 4 1");
        assert_eq!(Arc::clone(&users).owned(5).await, Ok(7));
        assert_eq!(users.pages((1, 2), 3).await, [1, 2, 4, 3]);
    }
    assert_eq!(users.get(0, "x").await, None);
    assert_eq!(Arc::clone(&users).owned(0).await, Err("nobody".to_owned()));
}

trait Named: Clone + Send + Sync + 'static {
    fn database(&self) -> &Database;

    #[cached(cache = self.database().cache, key_prefix = "named", refresh_ahead = 0.1)]
    async fn by_default(&self, id: u64) -> String {
        format!("{id} {}", self.database().ask())
    }

    #[cached(cache = self.database().cache, key_prefix = "named", refresh_ahead = 0.1)]
    fn blocking_by_default(&self, id: u64) -> u64 {
        id + self.database().ask()
    }
}

impl Named for Arc<Database> {
    fn database(&self) -> &Database {
        self
    }
}

#[tokio::test]
async fn default_methods_of_a_trait() {
    let database = Arc::new(Database::new());
    for _ in 0..2 {
        assert_eq!(database.by_default(1).await, "1 1");
        assert_eq!(database.blocking_by_default(1), 3);
    }
}

#[derive(Clone)]
struct Of<T, const N: u64> {
    value: T,
    database: Arc<Database>,
}

impl<T: Clone + Into<u64> + Send + Sync + 'static, const N: u64> Of<T, N> {
    #[cached(cache = self.database.cache, key_prefix = "of", scope = self.value.clone().into(), refresh_ahead = 0.1)]
    async fn sum(&self, id: u64) -> u64 {
        tokio::task::yield_now().await;
        self.value.clone().into() + N + id + self.database.ask()
    }
}

#[tokio::test]
async fn methods_of_a_generic_impl() {
    let database = Arc::new(Database::new());
    let of = Of::<u8, 5> {
        value: 1,
        database: Arc::clone(&database),
    };
    let another = Of::<u32, 6> { value: 1, database };
    for _ in 0..2 {
        assert_eq!(assert_send(of.sum(10)).await, 17);
        assert_eq!(another.sum(10).await, 19);
    }
}
