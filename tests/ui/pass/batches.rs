//! Every form of a batch function.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use cachewright::{Cache, cache_defaults, cached, invalidate_cache};
use serde::{Deserialize, Serialize};
use serde::de::DeserializeOwned;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    id: i64,
}

#[derive(Debug)]
struct Error;

type Loaded<T> = Result<T, Error>;
type Found = HashMap<i64, User>;
type Ids<'a> = &'a [i64];

#[cached(batch = ids)]
async fn aliases(ids: Ids<'_>) -> Loaded<Found> {
    Ok(ids.iter().map(|id| (*id, User { id: *id })).collect())
}

#[cached(batch = r#in)]
fn raw_names(r#in: BTreeSet<i64>) -> BTreeMap<i64, User> {
    r#in.into_iter().map(|id| (id, User { id })).collect()
}

#[cached(batch = ids, key_prefix = "user:{ids}")]
async fn changed_in_the_body(mut ids: Vec<i64>) -> Vec<(i64, User)> {
    ids.sort_unstable();
    ids.into_iter().map(|id| (id, User { id })).collect()
}

#[cached(batch = ids)]
async fn other_hashers(ids: &HashSet<i64, RandomState>) -> HashMap<i64, User, RandomState> {
    ids.iter().map(|id| (*id, User { id: *id })).collect()
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Place {
    city: String,
    number: u32,
}

#[cached(batch = places, key_prefix = "city:{places.city}", tier = "memory")]
async fn fields_of_elements(places: &[Place], (a, _b): (u8, u8), _: u8) -> Vec<Option<Arc<u32>>> {
    places.iter().map(|place| Some(Arc::new(place.number + u32::from(a)))).collect()
}

#[cached(batch = keys, tier = "memory")]
async fn generic<K, V>(keys: &[K], value: V) -> Vec<Option<V>>
where
    K: Clone + Eq + std::hash::Hash + Serialize + Send + Sync,
    V: Clone + Serialize + Send + Sync + 'static,
{
    keys.iter().map(|_| Some(value.clone())).collect()
}

struct Repository<T> {
    cache: Cache,
    value: T,
    region: String,
}

#[cache_defaults(cache = self.cache, scope = self.region, none_ttl = 30, key_prefix = "{self.region}")]
impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Repository<T> {
    #[cached(batch = ids)]
    async fn of_a_parameter(&self, ids: &[u8]) -> Loaded<HashMap<u8, T>> {
        async { ids.iter().map(|id| Ok((*id, self.value.clone()))).collect() }.await
    }

    #[cached(batch = ids, skip(log), ttl = std::time::Duration::from_secs(ids.len() as u64))]
    async fn returns_early(self: Arc<Self>, ids: Vec<u8>, log: &(dyn Fn() + Sync), label: String) -> Loaded<Vec<Option<T>>>
    where
        T: Default,
    {
        log();
        drop(label);
        if ids.is_empty() {
            return Err(Error);
        }
        Ok(ids.iter().map(|_| Some(self.value.clone())).collect())
    }

    #[invalidate_cache(entry = self.of_a_parameter(&[id, 1]))]
    async fn write(&self, id: u8) -> Loaded<()> {
        let _ = id;
        Ok(())
    }
}

trait Native {
    fn users(&self, ids: &[i64]) -> impl Future<Output = Loaded<Found>> + Send;
}

#[async_trait]
trait Boxed: Sync {
    async fn named(&self, ids: &[i64], name: String) -> Loaded<Found>;

    #[cached(batch = ids)]
    async fn provided(&self, ids: Vec<i64>) -> Found {
        self.named(&ids, String::new()).await.unwrap_or_default()
    }
}

struct Users;

impl Native for Users {
    #[cached(batch = ids)]
    async fn users(&self, ids: &[i64]) -> Loaded<Found> {
        aliases(ids).await
    }
}

#[async_trait]
impl Boxed for Users {
    #[cached(batch = ids, key_prefix = "{name}:{ids}")]
    async fn named(&self, ids: &[i64], name: String) -> Loaded<Found> {
        let found = aliases(ids).await?;
        Ok(if name.is_empty() { Found::new() } else { found })
    }
}

macro_rules! by_macro {
    ($name:ident, $ids:ident: $ty:ty) => {
        #[cached(batch = $ids, key_prefix = "of_a_macro")]
        async fn $name($ids: $ty) -> Found {
            let element = 1;
            $ids.iter().map(|id| (*id, User { id: *id * element })).collect()
        }
    };
}

by_macro!(made, missing: &[i64]);

fn is_send<T: Send>(value: T) {
    drop(value);
}

fn main() {
    let ids = [1];
    is_send(aliases(&ids));
    is_send(changed_in_the_body(vec![1]));
    is_send(other_hashers(&HashSet::new()));
    is_send(fields_of_elements(&[], (1, 2), 3));
    is_send(generic(&["a"], 1_u8));
    is_send(Users.users(&ids));
    is_send(Users.named(&ids, String::new()));
    is_send(Users.provided(vec![1]));
    is_send(made(&ids));
    assert_eq!(raw_names([2, 1].into()).len(), 2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = runtime.block_on(Users.named(&ids, "Ada".to_owned())).unwrap();
    assert_eq!(found[&1].id, 1);
}
