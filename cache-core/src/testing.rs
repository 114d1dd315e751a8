//! For tests: assertions on what is cached, time that moves only when told to, a store that fails when
//! told to, an installed cache for each test, and what every store must do.

mod assertion;
mod clock;
pub mod conformance;
mod installed;
mod presence;
mod store;
mod tokio_clock;

pub use assertion::{
    Assertion, Awaited, Blocking, Expected, Failure, Kind, Learned, Made, OrAnswer, Question,
    assert_cached, assert_not_cached,
};
pub use clock::{SteppedClock, TestClock};
pub(crate) use installed::for_test;
pub use installed::{
    InstalledForTest, in_current_cache, install_for_test, with_cache, with_cache_blocking,
};
pub(crate) use presence::Coded;
pub use store::{Contents, Corruption, Fault, Operation, ScriptedStore};
pub use tokio_clock::TokioClock;
