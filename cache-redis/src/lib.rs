//! The Redis backend of cachewright: [`RedisStore`] does the operations of a
//! `cache_core::store::Store` in Redis' own commands.
//!
//! What is said and what a reply proves are pure functions over bytes: [`command`] makes the
//! commands, [`reply`] judges what came back. What each operation must guarantee is written in
//! `cache_core::store`.
//!
//! | operation | commands |
//! | --- | --- |
//! | `read` | `MGET value generation…` |
//! | `heads` | `GETRANGE value 0 last`, one for each |
//! | `mint` | `SET generation nonce NX GET PX ttl`, one for each |
//! | `write` | `SET value bytes PX ttl` |
//! | `invalidate` | `UNLINK generation…` |
//! | `swap` | `SET generation nonce GET PX ttl` |
//! | `prolong` | `PEXPIRE generation ttl GT`, one for each |
//! | `remove` | `UNLINK value…` |
//! | `scan` | `SCAN cursor MATCH beginning* COUNT limit` |
//! | `probe` | each of these once, but for `GETRANGE` |
//! | `Counters::add` | `SET counter 0 NX PX window`, `INCRBY counter by`, `PEXPIRE counter window NX` |
//! | `Counters::expire` | `PEXPIRE counter ttl` |
//! | a new connection | `AUTH`, `HELLO`, `SELECT` |
//! | behind each of them, but for the last | `ECHO proof` |
//!
//! `NX` together with `GET` needs Redis 7.0 or Valkey. An ACL user needs `MGET`, `SET`, `UNLINK`,
//! `ECHO`, `PEXPIRE` and `SCAN` on the keys of its namespace, `GETRANGE` for the removal of what
//! invalidations have left unreachable (without it that stays until it expires), `INCRBY` for
//! counters, and `SELECT` for a database other than 0. For the namespace `app`:
//!
//! ```text
//! ACL SETUSER app on >secret ~app:* +mget +set +unlink +echo +pexpire +scan +getrange +incrby +select
//! ```

pub mod command;
mod connection;
mod driver;
mod events;
mod failure;
pub mod fault;
mod introduction;
mod link;
pub mod place;
pub mod refusal;
pub mod reply;
mod runtimes;
mod settings;
mod store;
mod transport;

pub use command::Command;
pub use fault::Fault;
pub use place::Origin;
pub use refusal::Refusal;
pub use reply::Reply;
pub use settings::RedisStoreBuilder;
pub use store::RedisStore;
