//! Whether a value comes back equal from its encoding.
//!
//! A hit in the process gives the value that the body returned, a hit in a store what its encoding
//! kept of it. In debug builds the first value that an instance of a function keeps is therefore
//! encoded, decoded and compared, with or without a store, so that a part that gets lost is told
//! where the function is written and not found where it is deployed.
//!
//! Two judges are asked. What serde is given of both values is laid out in a [`tree`], which knows
//! the field that differs; `==`, where the type has it, sees what serde is not given at all. A
//! value is never part of what they say.

#[cfg(debug_assertions)]
mod difference;
#[cfg(debug_assertions)]
mod node;
#[cfg(debug_assertions)]
mod path;
#[cfg(debug_assertions)]
mod tree;
#[cfg(debug_assertions)]
mod trial;

use std::borrow::Cow;
use std::sync::OnceLock;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[cfg(debug_assertions)]
pub(crate) use trial::{Form, Misfit, of};

/// What is known of the values that an instance of a function keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(debug_assertions), allow(dead_code, reason = "nothing is checked"))]
pub(crate) enum RoundTrip {
    /// The first one came back equal.
    Equal,
    /// It did not, so a hit in a store is another answer than that of the body.
    Differs(Difference),
    /// It could not be found out.
    Unchecked,
}

/// What did not come back equal. Holds no part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where it is, such as `orders[0].note`; none if that is the whole value or not known.
    pub(crate) field: Option<String>,
    pub(crate) what: Cow<'static, str>,
}

/// The one round trip of an instance.
#[derive(Debug)]
pub(crate) struct Record {
    /// Not the `OnceLock` alone: a user's code runs meanwhile, and would wait for itself if it came
    /// here again.
    #[cfg(debug_assertions)]
    begun: AtomicBool,
    outcome: OnceLock<RoundTrip>,
}

impl Record {
    pub(crate) const fn new() -> Self {
        Self {
            #[cfg(debug_assertions)]
            begun: AtomicBool::new(false),
            outcome: OnceLock::new(),
        }
    }

    /// None while no value has been checked.
    pub(crate) fn outcome(&self) -> Option<&RoundTrip> {
        self.outcome.get()
    }

    /// Checks, unless that has been done or is under way; gives the outcome to who has checked.
    #[cfg(debug_assertions)]
    pub(crate) fn settle(&self, check: impl FnOnce() -> RoundTrip) -> Option<&RoundTrip> {
        if self.begun.swap(true, Relaxed) {
            return None;
        }
        let outcome = check();
        Some(self.outcome.get_or_init(|| outcome))
    }
}

#[cfg(all(test, debug_assertions, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_settled_once_and_may_be_asked_meanwhile() {
        let record = Record::new();
        let outcome = record.settle(|| {
            assert_eq!(record.outcome(), None);
            assert_eq!(record.settle(|| unreachable!()), None);
            RoundTrip::Equal
        });
        assert_eq!(outcome, Some(&RoundTrip::Equal));
        assert_eq!(record.settle(|| unreachable!()), None);
        assert_eq!(record.outcome(), Some(&RoundTrip::Equal));
    }
}
