#![doc = include_str!("../README.md")]

mod env;

pub use cache_core::{
    Cache, CacheBuilder, CacheValue, Counter, DEFAULT_TTL, Error, FunctionStats, Health,
    LocalValue, MAX_TTL, Pattern, Rollout, Rollouts, Stats, StoreHealth, TierHealth, installed,
};

pub use env::from_env;

pub use cache_macros::{cached, invalidate_cache};

#[cfg(feature = "testing")]
#[doc(inline)]
pub use cache_core::testing;

#[cfg(feature = "redis")]
#[doc(inline)]
pub use cache_redis as redis;

/// What a store of your own implements: [`Store`](store::Store), under the contract at its head.
///
/// A store keeps bytes for a time; what may be served is decided by the cache. With the feature
/// `testing`, `testing::conformance` checks one.
pub mod store {
    pub use cache_core::fence::{Generation, Nonce};
    pub use cache_core::layout::Key;
    pub use cache_core::store::{
        BoxFuture, Counters, Cursor, Deadline, Mint, Page, Store, Swap, Written, is_blocking,
    };
}

#[doc(hidden)]
pub use cache_core::private as __private;
