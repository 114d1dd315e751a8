//! The audit of the flight service: what the linker knows of its readers and writers, and what would
//! be found beside a writer with two mistakes.
//!
//! ```sh
//! cargo run --example audit
//! ```

use std::io::{self, Write};

use cachewright::audit;
use cachewright_examples::FlightService;

/// What an author of the service may write by mistake. Nobody calls it, and it is known all the same.
mod mistaken {
    use cachewright::invalidate_cache;

    #[allow(dead_code, reason = "it is there to be found")]
    #[invalidate_cache("flights:boards:{day}:*", "flights:*:{carrier}")]
    pub(crate) fn divert_flight(carrier: &str, day: u8) {
        let _ = (carrier, day);
    }
}

fn main() -> io::Result<()> {
    report(&mut io::stdout())
}

pub(crate) fn report(out: &mut impl Write) -> io::Result<()> {
    // A crate of which nothing is used is not linked, and its functions are not known.
    let _ = FlightService::new;

    let service = audit().within("cachewright_examples");
    writeln!(out, "The flight service\n\n{:#}", service.report())?;
    let mistaken = audit().within(concat!(module_path!(), "::mistaken"));
    write!(out, "A mistaken writer\n\n{}", mistaken.report())
}
