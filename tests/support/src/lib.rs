//! Real Redis servers for tests.
//!
//! - [`RedisServer`]: a `redis-server` process of the test's own, on a port of its own, that can be configured, paused, killed and
//!   restarted, and looked into behind the back of what is tested.
//! - [`RespClient`] and [`Reply`]: a small blocking client, which shares no code with the one that is tested.
//! - [`eventually`] and [`eventually_blocking`]: for what gives no signal.
//!
//! Everything is blocking unless it is `async`, so it works from any test, and nothing needs a runtime but [`eventually`]. A handle stops
//! what it started when it is dropped.
//!
//! ```
//! use cachewright_test_support::{RedisServer, Reply};
//!
//! let server = RedisServer::start();
//! // … what is tested connects to `server.url()` …
//! server.command(&["SET", "key", "value"]);
//! assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
//! ```

mod builder;
mod ports;
mod process;
mod resp;
mod server;
mod tls;
mod wait;

pub use builder::RedisServerBuilder;
pub use ports::free_port;
pub use resp::{Malformed, Reply, RespClient, frame_length, request_length};
pub use server::RedisServer;
pub use wait::{eventually, eventually_blocking};
