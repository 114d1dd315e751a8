//! The one error type of the project.

use std::error::Error as StdError;
use std::fmt;

/// The target of every event: what users filter by.
pub(crate) const LOG: &str = "cachewright";

/// What went wrong outside the annotated functions themselves.
///
/// An annotated function never returns this type: a cache that fails lets the body run. It is
/// what the direct operations, the builder and `install` answer with. The type is opaque; ask it
/// with the `is_*` methods. Its constructors are for those who write a store.
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// let error = cachewright::Pattern::parse("*").unwrap_err();
/// assert!(error.is_invalid_input());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Configuration,
    InvalidInput,
    Outage,
    Full,
    Data,
}

impl Error {
    /// A setting that can't work: a missing namespace, a wrong password, a cache installed twice.
    /// Name the setting and the way out in `message`; never a password. For stores.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, message)
    }

    /// A key or pattern that the caller must change. For stores.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidInput, message)
    }

    /// A store that did not answer, or not in time: the same call may succeed later. For stores.
    pub fn outage(message: impl Into<String>) -> Self {
        Self::new(Kind::Outage, message)
    }

    /// A store that answers, and has no room: an [outage](Self::is_outage) of this operation, and
    /// no sign that others fail. For stores.
    pub fn full(message: impl Into<String>) -> Self {
        Self::new(Kind::Full, message)
    }

    /// Bytes that can't be encoded or decoded. For stores.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::Data, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    /// Adds the error that lies behind this one; [`source`](StdError::source) gives it back.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Whether a setting is at fault: retrying can't help, changing the configuration can.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.0.kind == Kind::Configuration
    }

    /// Whether the key or pattern that the caller passed is at fault.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == Kind::InvalidInput
    }

    /// Whether a store could not be reached in time: the same call may succeed later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self.0.kind, Kind::Outage | Kind::Full)
    }

    /// Whether a store had no room for what was to be kept; [`is_outage`](Self::is_outage), too.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.kind == Kind::Full
    }

    /// Whether bytes could not be encoded or decoded.
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.0.kind == Kind::Data
    }
}

/// The message in lines of its own: what a program shows whose `main` returns it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.0.message, self.0.kind)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
