//! The Redis backend of cachewright: how the operations of a `cache_core::store::Store` are said
//! in Redis' own commands, and what its replies prove.
//!
//! Everything here is a pure function over bytes, without a connection: [`command`] makes the
//! commands, [`reply`] judges what came back. What each operation must guarantee is written in
//! `cache_core::store`.
//!
//! | operation | commands |
//! | --- | --- |
//! | `read` | `MGET value generation…` |
//! | `mint` | `SET generation nonce NX GET PX ttl`, one for each |
//! | `write` | `SET value bytes PX ttl` |
//! | `invalidate` | `UNLINK generation…`, `ECHO nonce` |
//! | `swap` | `SET generation nonce GET PX ttl` |
//! | `prolong` | `PEXPIRE generation ttl GT`, one for each |
//! | `remove` | `UNLINK value…` |
//! | `scan` | `SCAN cursor MATCH beginning* COUNT limit` |
//!
//! `NX` together with `GET` needs Redis 7.0 or Valkey. An ACL user needs `MGET`, `SET`, `UNLINK`,
//! `ECHO`, `PEXPIRE`, `SCAN` and `PING` on the keys of its namespace.

pub mod command;
pub mod refusal;
pub mod reply;

pub use command::Command;
pub use refusal::Refusal;
pub use reply::Reply;
