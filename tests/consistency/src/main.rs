//! Shows that no process gets a stale value after an invalidation, whatever befalls processes, network and server.

mod clock;
mod keys;
mod plan;
mod record;

fn main() {}
