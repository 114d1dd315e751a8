//! The time that deadlines are measured in.
//!
//! A hit compares one deadline, so the clock must be cheap: the kernel's coarse monotonic clock
//! costs 2.5 ns where `Instant::now` costs 20, and ticks every 1 to 4 ms. An entry can therefore
//! be served up to one such tick after its deadline.

use std::time::{Duration, SystemTime};

/// A moment or a span, in units of 2⁻³² seconds.
pub(crate) type Tick = u64;

/// Ticks in one second.
pub(crate) const SECOND: Tick = 1 << 32;

/// Where a cache reads the time.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// The system's coarse monotonic clock.
    Coarse,
    /// A clock that only moves when a test says so.
    #[cfg(feature = "testing")]
    Stepped(crate::testing::SteppedClock),
    /// That of a runtime, which a test may pause.
    #[cfg(feature = "testing")]
    Tokio(crate::testing::TokioClock),
}

impl Clock {
    /// The present moment.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        match self {
            // Not `now()`: that one also stores the result in a process-wide atomic, which every
            // core would fight for.
            Self::Coarse => coarsetime::Instant::now_without_cache_update().as_ticks(),
            #[cfg(feature = "testing")]
            Self::Stepped(clock) => clock.now(),
            #[cfg(feature = "testing")]
            Self::Tokio(clock) => clock.now(),
        }
    }

    /// The time of day, which two machines share more or less.
    pub(crate) fn wall(&self) -> SystemTime {
        match self {
            Self::Coarse => SystemTime::now(),
            #[cfg(feature = "testing")]
            Self::Stepped(_) | Self::Tokio(_) => SystemTime::UNIX_EPOCH + duration(self.now()),
        }
    }

    /// The moment that lies `span` from now, or the end of time.
    pub(crate) fn after(&self, span: Duration) -> Tick {
        self.now().saturating_add(ticks(span))
    }
}

/// A span in ticks, rounded up so that a positive span never becomes zero.
pub(crate) fn ticks(span: Duration) -> Tick {
    let fraction = (u64::from(span.subsec_nanos()) << 32).div_ceil(1_000_000_000);
    span.as_secs()
        .saturating_mul(SECOND)
        .saturating_add(fraction)
}

/// The span that `ticks` lasts, rounded up to whole nanoseconds.
pub(crate) fn duration(ticks: Tick) -> Duration {
    let nanos = ((ticks & (SECOND - 1)) * 1_000_000_000).div_ceil(SECOND);
    Duration::from_secs(ticks >> 32) + Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_survive_the_conversion_to_the_microsecond() {
        for micros in [1, 999, 1_000, 250_000, 3_600_000_000, 2_592_000_000_000] {
            let span = Duration::from_micros(micros);
            let back = duration(ticks(span));
            assert!(
                back >= span && back - span < Duration::from_micros(1),
                "{span:?} {back:?}"
            );
        }
    }

    #[test]
    fn a_deadline_beyond_the_end_of_time_stays_there() {
        assert_eq!(Clock::Coarse.after(Duration::MAX), u64::MAX);
    }
}
