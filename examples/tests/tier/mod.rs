//! The tests of a binary in memory, and the same once more over a server.

#![allow(dead_code, reason = "each binary uses its part")]

#[cfg(feature = "servers")]
pub(crate) use server::*;

/// Where the cache of this process keeps its entries: in memory.
#[cfg(not(feature = "servers"))]
pub(crate) fn install() {}

/// Whether the entries of this process are on a server.
#[cfg(not(feature = "servers"))]
pub(crate) fn is_server() -> bool {
    false
}

#[cfg(feature = "servers")]
mod server {
    use std::process::Command;
    use std::time::Duration;

    use cachewright::Cache;
    use cachewright::redis::RedisStore;
    use cachewright_test_support::{RedisServer, Reply};

    /// Names the server to the process that runs the tests once more. Not `REDIS_URL`,
    /// which may be set for something else.
    const SERVER: &str = "EXAMPLES_TEST_SERVER";

    pub(crate) fn is_server() -> bool {
        std::env::var_os(SERVER).is_some()
    }

    /// Has the annotated functions use the server, if this process has one. Call it before
    /// any of them.
    pub(crate) fn install() {
        let Ok(url) = std::env::var(SERVER) else {
            return;
        };
        let cache = Cache::builder()
            .namespace("examples")
            .store(RedisStore::new(&url).unwrap())
            // A slow machine must not make functions run uncached.
            .store_timeout(Duration::from_secs(30));
        cache.build().unwrap().install().unwrap();
    }

    /// Runs all tests of this binary but `this` one in a process whose entries are on a server.
    #[track_caller]
    pub(crate) fn again(this: &str) {
        let redis = RedisServer::start();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--skip", this])
            .env(SERVER, redis.url())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        let keys = redis.command(&["KEYS", "examples:flights:*"]);
        assert!(
            matches!(keys, Reply::Array(keys) if !keys.is_empty()),
            "{said}"
        );
    }
}
