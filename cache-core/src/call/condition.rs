//! What an attribute asks about a value before it is kept: `store_if` and `ttl_with`.

use std::time::Duration;

/// What is to become of one value.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// Whether it is kept.
    pub(crate) keep: bool,
    /// For how long at most, if the value itself decides.
    pub(crate) ttl: Option<Duration>,
}

impl Verdict {
    pub(crate) const KEEP: Self = Self {
        keep: true,
        ttl: None,
    };
}

/// Judges values before they are kept. Built up by [`Call::store_if`](super::Call::store_if) and
/// [`Call::ttl_with`](super::Call::ttl_with).
pub trait Condition<V> {
    /// What is to become of `value`.
    fn judge(&self, value: &V) -> Verdict;
}

/// Keeps every value.
#[derive(Debug, Clone, Copy)]
pub struct Unconditional;

/// Keeps the values for which `F` holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoreIf<F, K>(pub(super) F, pub(super) K);

/// Keeps each value for as long as `F` says.
#[derive(Debug, Clone, Copy)]
pub(super) struct TtlWith<F, K>(pub(super) F, pub(super) K);

impl<V> Condition<V> for Unconditional {
    fn judge(&self, _: &V) -> Verdict {
        Verdict::KEEP
    }
}

impl<V, F: Fn(&V) -> bool, K: Condition<V>> Condition<V> for StoreIf<F, K> {
    fn judge(&self, value: &V) -> Verdict {
        let verdict = self.1.judge(value);
        Verdict {
            keep: verdict.keep && (self.0)(value),
            ..verdict
        }
    }
}

impl<V, F: Fn(&V) -> Duration, K: Condition<V>> Condition<V> for TtlWith<F, K> {
    fn judge(&self, value: &V) -> Verdict {
        let verdict = self.1.judge(value);
        Verdict {
            ttl: verdict.keep.then(|| (self.0)(value)),
            ..verdict
        }
    }
}
