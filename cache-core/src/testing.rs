//! For tests: time that moves only when told to, a store that fails when told to, and what every
//! store must do.

mod clock;
pub mod conformance;
mod store;

pub use clock::SteppedClock;
pub use store::{Contents, Fault, Operation, ScriptedStore};
