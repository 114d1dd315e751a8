//! A warm hit, beside its floor and its peers.
//!
//! ```text
//! cargo bench -p cachewright-benches --bench hit
//! cargo bench -p cachewright-benches --bench hit -- --quick
//! ```
//!
//! Every contender is an `async fn get_user(id: u64, region: &str) -> V` that has all its answers: 10,000 keys, drawn by Zipf's
//! law with exponent 1, on one current-thread runtime. There is a table for each `V`: an [`Arc`], where the hit itself is what is
//! measured; a struct of eight fields by value, where the clone is; and a `u64`, where there is nothing else.
//!
//! The contenders:
//!
//! - *floor*: a `HashMap` of the standard library behind a read-write lock, keyed by the id alone, without expiry or bound. What a
//!   service author could write with less is not a cache.
//! - *quick_cache*: the bare engine of the memory tier, keyed by the id alone, without expiry.
//! - *cached*: `#[cached]` of the crate of that name, with the ttl and the bound of cachewright's defaults.
//! - *cachewright*: `#[cached]`, once with a placeholder in its prefix and once without.

use cachewright_benches::allocations::Counting;
use cachewright_benches::harness::{Comparison, Contender};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many entries are warm.
const KEYS: u64 = 10_000;

/// How many entries the bounded contenders hold: cachewright's default.
const CAPACITY: usize = 100_000;

/// How often a body has run.
static LOADS: AtomicU64 = AtomicU64::new(0);

/// A value of eight fields, three of which own memory.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct User {
    id: u64,
    name: String,
    email: String,
    region: String,
    age: u32,
    score: f64,
    active: bool,
    created_at: i64,
}

impl User {
    fn load(id: u64, region: &str) -> Self {
        Self {
            id,
            name: format!("user {id}"),
            email: format!("user{id}@example.org"),
            region: region.to_owned(),
            age: 30,
            score: id as f64 / 3.0,
            active: true,
            created_at: 1_700_000_000,
        }
    }
}

/// The contenders for one type of value, which `$load` makes of an id and a region.
macro_rules! contenders {
    ($module:ident, $value:ty, $load:expr) => {
        mod $module {
            use super::*;
            use std::collections::HashMap;
            use std::sync::{LazyLock, RwLock};

            fn load(id: u64, region: &str) -> $value {
                LOADS.fetch_add(1, Ordering::Relaxed);
                let load: fn(u64, &str) -> $value = $load;
                load(id, region)
            }

            mod floor {
                use super::*;

                static USERS: LazyLock<RwLock<HashMap<u64, $value>>> =
                    LazyLock::new(RwLock::default);

                pub(super) async fn get_user(id: u64, region: &str) -> $value {
                    if let Some(user) = USERS.read().unwrap().get(&id) {
                        return user.clone();
                    }
                    let user = load(id, region);
                    USERS.write().unwrap().insert(id, user.clone());
                    user
                }
            }

            mod quick {
                use super::*;
                use quick_cache::sync::Cache;

                static USERS: LazyLock<Cache<u64, $value>> = LazyLock::new(|| Cache::new(CAPACITY));

                pub(super) async fn get_user(id: u64, region: &str) -> $value {
                    if let Some(user) = USERS.get(&id) {
                        return user;
                    }
                    let user = load(id, region);
                    USERS.insert(id, user.clone());
                    user
                }
            }

    #[rustfmt::skip] // it would indent the attribute anew each time
            mod peer {
                use super::*;

                // A borrowed argument can't be in the key of a static cache: this is the conversion that its documentation asks for.
                #[cached::macros::cached(
                    ttl_secs = 3600,
                    max_size = 100_000,
                    key = "(u64, String)",
                    convert = { (id, region.to_owned()) }
                )]
                pub(super) async fn get_user(id: u64, region: &str) -> $value {
                    load(id, region)
                }
            }

            mod ours {
                use super::*;

                #[cachewright::cached(ttl = 3600, key_prefix = "user:{id}")]
                pub(super) async fn get_user(id: u64, region: &str) -> $value {
                    load(id, region)
                }
            }

            mod ours_without_placeholder {
                use super::*;

                #[cachewright::cached(ttl = 3600, key_prefix = "users")]
                pub(super) async fn get_user(id: u64, region: &str) -> $value {
                    load(id, region)
                }
            }

            pub(super) fn all() -> Vec<Contender<'static>> {
                vec![
                    Contender::new("floor: RwLock<HashMap>", floor::get_user),
                    Contender::new("quick_cache, bare", quick::get_user),
                    Contender::new("cached, #[cached]", peer::get_user),
                    Contender::new("cachewright, \"user:{id}\"", ours::get_user),
                    Contender::new("cachewright, \"users\"", ours_without_placeholder::get_user),
                ]
            }
        }
    };
}

contenders!(shared, Arc<User>, |id, region| Arc::new(User::load(
    id, region
)));
contenders!(by_value, User, User::load);
contenders!(number, u64, |id, _| id);

/// Compares `contenders` and makes sure that what was timed were hits.
fn hits(comparison: &Comparison, title: &str, contenders: &[Contender<'_>]) {
    let before = LOADS.load(Ordering::Relaxed);
    comparison.run(title, contenders);
    let loads = LOADS.load(Ordering::Relaxed) - before;
    assert_eq!(
        loads,
        KEYS * contenders.len() as u64,
        "each contender loads each key once"
    );
}

fn main() {
    let comparison = Comparison::from_args(KEYS);
    hits(&comparison, "Arc<User>", &shared::all());
    hits(&comparison, "User, 8 fields, by value", &by_value::all());
    hits(&comparison, "u64", &number::all());
}
