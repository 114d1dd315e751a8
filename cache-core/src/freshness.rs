//! What a value of some age may be used for: `ttl`, `refresh_ahead`, `stale_while_revalidate` and
//! `stale_if_error`, in the terms of RFC 5861.
//!
//! ```text
//!  created            refresh        expires                 last use
//!     |-------fresh------|----ahead-----|---while revalidating--|
//!                                       |---------if error-----------|
//! ```
//!
//! Age is all that is judged here. Whether a value was invalidated is proven before, as for a fresh
//! one: none of these lets an invalidated value out.

use std::time::Duration;

use crate::chance;
use crate::policy::{Ahead, Policy};

/// What a value that is valid may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It answers.
    Fresh,
    /// It answers, and is computed anew meanwhile, though it has not expired.
    Ahead,
    /// It has expired, and answers while it is computed anew.
    WhileRevalidating,
    /// It has expired, and answers if it can't be computed anew.
    IfError,
    /// None.
    Expired,
}

impl Policy {
    /// Whether there is more to the age of a value than whether it has expired.
    pub(crate) fn ages(&self) -> bool {
        self.refresh_ahead.is_some() || !self.longest_stale().is_zero()
    }

    /// How long after it expired a value may still be of use.
    pub(crate) fn longest_stale(&self) -> Duration {
        self.stale_while_revalidate.max(self.stale_if_error)
    }

    /// What a value that has expired so long ago may be used for.
    pub(crate) fn use_of_expired(&self, ago: Duration) -> Use {
        if ago < self.stale_while_revalidate {
            Use::WhileRevalidating
        } else if ago < self.stale_if_error {
            Use::IfError
        } else {
            Use::Expired
        }
    }

    /// What a value of this age may be used for that is fresh for `ttl`, and took `cost` to compute.
    pub(crate) fn use_at(&self, age: Duration, ttl: Duration, cost: Duration) -> Use {
        if age >= ttl {
            self.use_of_expired(age - ttl)
        } else if age + self.early(ttl, cost) >= ttl && self.refresh_ahead.is_some() {
            Use::Ahead
        } else {
            Use::Fresh
        }
    }

    /// How long before it expires a value is computed anew: the time that the attribute gives, and
    /// before that a random one, around as long as the body takes. So processes that share an entry do
    /// not all compute it at once: the first to draw a long time has it ready for the others.
    ///
    /// This is the rule of XFetch, with β = 1 and the beginning of the attribute's time in the place of
    /// the expiry: A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede
    /// Prevention", VLDB 2015. A body that takes long does not begin it before half of the ttl.
    pub(crate) fn early(&self, ttl: Duration, cost: Duration) -> Duration {
        let said = match self.refresh_ahead {
            None => return Duration::ZERO,
            Some(Ahead::Span(span)) => span,
            Some(Ahead::Share(ppm)) => ttl.mul_f64(f64::from(ppm) / f64::from(chance::WHOLE)),
        };
        let said = if said < ttl { said } else { ttl / 2 };
        // At most about 37 times the cost: a draw is below 1 by 2⁻⁵³ at least.
        let spread = cost.mul_f64(-(1.0 - chance::draw()).ln());
        (said + spread).min(said.max(ttl / 2))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> Policy {
        let mut policy = Policy::new();
        policy.stale_while_revalidate = 10 * SECOND;
        policy.stale_if_error = 60 * SECOND;
        policy.refresh_ahead = Some(Ahead::Span(20 * SECOND));
        policy
    }

    #[test]
    fn a_value_goes_through_its_uses_in_order() {
        let use_at = |age| policy().use_at(age * SECOND, 100 * SECOND, Duration::ZERO);
        assert_eq!(use_at(0), Use::Fresh);
        assert_eq!(use_at(79), Use::Fresh);
        assert_eq!(use_at(80), Use::Ahead);
        assert_eq!(use_at(99), Use::Ahead);
        assert_eq!(use_at(100), Use::WhileRevalidating);
        assert_eq!(use_at(109), Use::WhileRevalidating);
        assert_eq!(use_at(110), Use::IfError);
        assert_eq!(use_at(159), Use::IfError);
        assert_eq!(use_at(160), Use::Expired);
    }

    #[test]
    fn without_windows_there_is_fresh_and_expired() {
        let policy = Policy::new();
        assert!(!policy.ages());
        assert_eq!(policy.use_at(9 * SECOND, 10 * SECOND, SECOND), Use::Fresh);
        assert_eq!(
            policy.use_at(10 * SECOND, 10 * SECOND, SECOND),
            Use::Expired
        );
    }

    #[test]
    fn refreshing_begins_earlier_by_about_the_time_of_the_body() {
        let (ttl, cost, draws) = (1_000 * SECOND, 10 * SECOND, 20_000);
        let early = || policy().early(ttl, cost).as_secs_f64();
        let sum: f64 = (0..draws).map(|_| early()).sum();
        let mean = sum / f64::from(draws);
        // 20 s as said, and the mean of the exponential distribution.
        assert!((29.5..30.5).contains(&mean), "{mean}");
        assert!((0..1_000).all(|_| early() >= 20.0));
    }

    #[test]
    fn it_never_begins_before_half_of_the_ttl_unless_told_to() {
        let mut policy = policy();
        let longest = policy.early(60 * SECOND, 10_000 * SECOND);
        assert!(longest <= 30 * SECOND, "{longest:?}");
        policy.refresh_ahead = Some(Ahead::Share(900_000));
        assert_eq!(policy.early(60 * SECOND, Duration::ZERO), 54 * SECOND);
        policy.refresh_ahead = Some(Ahead::Span(90 * SECOND));
        assert_eq!(policy.early(60 * SECOND, Duration::ZERO), 30 * SECOND);
    }
}
