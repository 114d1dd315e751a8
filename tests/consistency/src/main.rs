//! Shows that no process gets a stale value after an invalidation, whatever befalls processes, network and server.

// A program exports nothing, and `pub(crate)` everywhere would say no more.
#![allow(unreachable_pub)]

mod clock;
mod database;
mod keys;
mod plan;
mod record;

fn main() {}
