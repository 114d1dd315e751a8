//! A crate through which others get at cachewright.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

/// What a program needs for caching.
pub mod caching {
    pub use cw as layer;
    pub use cw::{cached, invalidate_cache};
}

/// Annotates functions in the crate that uses it.
#[macro_export]
macro_rules! cached_squares {
    ($name:ident) => {
        #[$crate::caching::cached(crate = $crate::caching::layer, key_prefix = "squares")]
        fn $name(number: u64) -> Option<u64> {
            number.checked_mul(number)
        }
    };
}
