//! Why there is no connection or no answer.

use std::fmt;
use std::sync::Arc;

use cache_core::Error;

use crate::fault::Fault;

/// An [`Error`] that can be remembered and told twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Outage(Arc<str>),
    Configuration(Arc<str>),
}

impl Failure {
    pub(crate) fn outage(message: impl Into<Arc<str>>) -> Self {
        Self::Outage(message.into())
    }

    pub(crate) fn of_fault(fault: Fault, place: &str) -> Self {
        let error = fault.into_error(place);
        if error.is_configuration() {
            Self::Configuration(error.to_string().into())
        } else {
            Self::outage(error.to_string())
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Outage(message) => Self::outage(&*message),
            Failure::Configuration(message) => Self::configuration(&*message),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Outage(message) | Self::Configuration(message)) = self;
        f.write_str(message)
    }
}
