//! Real Redis servers and a faulty network before them, for tests.
//!
//! - [`RedisServer`]: a `redis-server` process of the test's own, on a port of its own, that can be configured, paused, killed and
//!   restarted, and looked into behind the back of what is tested.
//! - [`Proxy`]: stands between a client and a server, and loses, delays, holds, repeats and shifts what passes.
//! - [`RespClient`] and [`Reply`]: a small blocking client, which shares no code with the one that is tested.
//! - [`eventually`] and [`eventually_blocking`]: for what gives no signal.
//!
//! Everything is blocking unless it is `async`, so it works from any test, and nothing needs a runtime but [`eventually`]. A handle stops
//! what it started when it is dropped.
//!
//! ```
//! use cachewright_test_support::{Proxy, RedisServer, Reply};
//!
//! let server = RedisServer::start();
//! let proxy = Proxy::start(server.addr());
//! // … what is tested connects to `proxy.url()` …
//! server.command(&["SET", "key", "value"]);
//! assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
//! # let _ = proxy.url();
//! ```

mod builder;
mod faults;
mod ports;
mod process;
mod proxy;
mod pump;
mod resp;
mod server;
mod tls;
mod wait;

pub use builder::RedisServerBuilder;
pub use ports::free_port;
pub use proxy::{Proxy, Seen};
pub use resp::{Malformed, Reply, RespClient, frame_length, request_length};
pub use server::RedisServer;
pub use wait::{eventually, eventually_blocking};
