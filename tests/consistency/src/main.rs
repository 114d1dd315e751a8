//! Shows that no process gets a stale value after an invalidation, whatever befalls processes, network and server.

// A program exports nothing, and `pub(crate)` everywhere would say no more.
#![allow(unreachable_pub)]

mod clock;
mod database;
mod keys;
mod oracle;
mod plan;
mod record;
mod worker;

fn main() -> std::io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => worker::run(),
        _ => Ok(()),
    }
}
