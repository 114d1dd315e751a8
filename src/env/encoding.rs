//! How values are stored.

use cache_core::CacheBuilder;
#[cfg(any(feature = "lz4", feature = "zstd"))]
use cache_core::codec::Compression;
use cache_core::codec::Json;
#[cfg(feature = "messagepack")]
use cache_core::codec::MessagePack;
#[cfg(feature = "postcard")]
use cache_core::codec::Postcard;

use super::Reading;

/// The largest value that may be allowed.
const LARGEST: usize = 256 << 20;

impl Reading {
    pub(super) fn codec(&mut self, name: &str, value: &str) {
        match value {
            "json" => self.set(Some(Json), CacheBuilder::codec),
            #[cfg(feature = "postcard")]
            "postcard" => self.set(Some(Postcard), CacheBuilder::codec),
            #[cfg(feature = "messagepack")]
            "messagepack" => self.set(Some(MessagePack), CacheBuilder::codec),
            #[cfg(not(feature = "postcard"))]
            "postcard" => self.not_built_in(name, value, value),
            #[cfg(not(feature = "messagepack"))]
            "messagepack" => self.not_built_in(name, value, value),
            _ => {
                let way_out = "write `json`, `postcard` or `messagepack`";
                self.problem(name, &format!("is {value:?}"), way_out);
            }
        }
    }

    pub(super) fn compression(&mut self, name: &str, value: &str) {
        let level = match value {
            "zstd" => Some(3),
            _ => value.strip_prefix("zstd:").and_then(level),
        };
        match (value, level) {
            ("off", _) => {}
            #[cfg(feature = "lz4")]
            ("lz4", _) => self.set(Some(Compression::lz4()), CacheBuilder::compression),
            #[cfg(not(feature = "lz4"))]
            ("lz4", _) => self.not_built_in(name, value, "lz4"),
            #[cfg(feature = "zstd")]
            (_, Some(level)) => {
                self.set(Some(Compression::zstd(level)), CacheBuilder::compression);
            }
            #[cfg(not(feature = "zstd"))]
            (_, Some(_)) => self.not_built_in(name, value, "zstd"),
            _ => {
                let way_out = "write `off`, `lz4`, `zstd`, or `zstd:19` with a level from 1 to 22";
                self.problem(name, &format!("is {value:?}"), way_out);
            }
        }
    }

    pub(super) fn largest_value(&mut self, name: &str, value: &str) {
        let bytes = value.parse().ok();
        let bytes = bytes.filter(|bytes| (1..=LARGEST).contains(bytes));
        if bytes.is_none() {
            let way_out = format!("write a whole number of bytes, from 1 to {LARGEST}");
            self.problem(name, &format!("is {value:?}"), &way_out);
        }
        self.set(bytes, CacheBuilder::largest_value);
    }

    #[cfg_attr(
        all(
            feature = "lz4",
            feature = "messagepack",
            feature = "postcard",
            feature = "zstd"
        ),
        allow(dead_code, reason = "nothing is missing")
    )]
    fn not_built_in(&mut self, name: &str, value: &str, feature: &str) {
        let problem = format!("is {value:?}, which the program is built without");
        let way_out = format!("turn on the feature `{feature}` of cachewright");
        self.problem(name, &problem, &way_out);
    }
}

fn level(text: &str) -> Option<i32> {
    let level = text.parse().ok();
    level.filter(|level| (1..=22).contains(level))
}
