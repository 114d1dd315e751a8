//! A `Serialize` implementation of the user that failed.

use std::fmt;

use serde::ser;

use crate::Error;

/// [`Error`] as serde wants it: the public type must not promise serde's trait.
#[derive(Debug)]
pub(crate) struct Failure(Error);

impl ser::Error for Failure {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        // The implementation's own words may quote the argument; they stay in the source, which
        // is never logged.
        Self(
            Error::invalid_input(
                "a value can't be part of a cache key: its `Serialize` implementation failed; \
                 leave it out with `skip(…)` or name what matters with `key(…)`",
            )
            .with_source(message.to_string()),
        )
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}
