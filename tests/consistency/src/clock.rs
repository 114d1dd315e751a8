//! The clock that all processes of a host share.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`: comparable between the processes of one host, and never set.
pub type Moment = u64;

pub const MILLISECOND: Moment = 1_000_000;
pub const SECOND: Moment = 1_000 * MILLISECOND;

pub fn now() -> Moment {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    part(time.tv_sec) * SECOND + part(time.tv_nsec)
}
