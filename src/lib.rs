#![doc = include_str!("../README.md")]
#![allow(
    clippy::test_attr_in_doctest,
    reason = "what is shown for users' tests is run as a test, too"
)]

mod env;

pub use cache_core::{
    Cache, CacheBuilder, CacheValue, Counter, DEFAULT_TTL, Error, FunctionStats, Health,
    LocalValue, MAX_TTL, Pattern, Rollout, Rollouts, Stats, StoreHealth, TierHealth, Warm,
    WarmProgress, WarmReport, WarmStream, Warming, defer, defer_blocking, in_current_deferral,
    installed, warm, warm_stream,
};

pub use env::from_env;

pub use cache_macros::{cache_defaults, cached, invalidate_cache, update_cache};

#[cfg(feature = "testing")]
#[doc(inline)]
pub use cache_core::testing;

#[cfg(feature = "redis")]
#[doc(inline)]
pub use cache_redis as redis;

#[doc(inline)]
pub use cache_core::audit;

#[doc(inline)]
pub use cache_core::codec;

#[doc(inline)]
pub use cache_core::store;

#[doc(hidden)]
pub use cache_core::private as __private;
