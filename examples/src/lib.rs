//! What the programs of this package share: a flight service as a service author would write it,
//! over real data.

mod answers;
mod database;
mod flights;

pub use answers::{CarrierDelays, Departure, Flight, Route};
pub use database::Database;
pub use flights::{Error, FlightService};
