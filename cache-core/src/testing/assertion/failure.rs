//! What an assertion that does not hold says.

use std::fmt;
use std::time::Duration;

use super::Expected;
use crate::error::Error;
use crate::rehearsal::{Rehearsed, Unknown};
use crate::testing::presence::Missing;

/// Why an assertion does not hold, in words for a person.
#[doc(hidden)]
#[derive(Debug)]
pub struct Failure {
    pub(super) call: &'static str,
    pub(super) expected: Expected,
    pub(super) found: Found,
    pub(super) of: Option<Of>,
}

#[derive(Debug)]
pub(super) enum Found {
    Unknown(Unknown),
    Cached(Option<Duration>),
    Missing(Missing),
    Unreachable(Error),
}

/// The entry and the function that a call is of.
#[derive(Debug)]
pub(super) struct Of {
    key: Option<String>,
    name: &'static str,
    place: (&'static str, u32),
}

impl Of {
    pub(super) fn new(rehearsed: &Rehearsed) -> Self {
        Self {
            key: rehearsed.visible_key().ok(),
            name: rehearsed.name(),
            place: rehearsed.place(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call;
        match (&self.found, self.expected) {
            (Found::Unknown(unknown), _) => return unknown.tell(call, f),
            (Found::Cached(left), _) => {
                write!(f, "`{call}` is cached")?;
                if let Some(left) = left {
                    write!(f, ", for another {left:.0?}")?;
                }
            }
            (Found::Missing(missing), _) => write!(f, "`{call}` is not cached: {missing}")?,
            (Found::Unreachable(error), Expected::Cached) => {
                write!(f, "whether `{call}` is cached is not known: {error}")?;
            }
            (Found::Unreachable(error), Expected::NotCached) => {
                write!(f, "that `{call}` is not cached is not known: {error}")?;
            }
        }
        let Some(of) = &self.of else { return Ok(()) };
        if let Some(key) = &of.key {
            write!(f, "\n       key: {key}")?;
        }
        let (file, line) = of.place;
        write!(f, "\n  function: {}, {file}:{line}", of.name)
    }
}

impl Unknown {
    fn tell(self, call: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => write!(
                f,
                "`{call}` calls no function with `#[cached]`: it has run to its end"
            ),
            Self::Waits => write!(
                f,
                "`{call}` waits for something else before it calls a function with `#[cached]`, if it \
                 does: name the call of that function itself"
            ),
            Self::Writer(name) => write!(
                f,
                "`{call}` calls `{name}`, which invalidates, before any function with `#[cached]`; \
                 its body was not run"
            ),
            Self::Batch(name) => write!(
                f,
                "`{call}` calls `{name}`, a batch, each of whose elements is an entry of its own: count \
                 what its body is asked for; it was not run"
            ),
            Self::Unstoppable => write!(
                f,
                "`{call}` is synchronous, and with `panic = \"abort\"` there is no way to begin it \
                 without running it: test with `panic = \"unwind\"`"
            ),
        }
    }
}
