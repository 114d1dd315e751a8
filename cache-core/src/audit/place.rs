//! Where an annotated function stands in the source.

use std::fmt;
use std::panic::Location;

use crate::function::Function;
use crate::invalidator::Invalidator;

/// Where an annotated function, or a setting of the audit, stands in the source.
///
/// Displayed as `shop::bookings::create (src/bookings.rs:42)`. Ordered as in the source: by file and
/// line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    file: &'static str,
    line: u32,
    path: String,
}

impl Place {
    /// The module and the name of the function, as in `shop::bookings::create`. The type of a method
    /// is not in it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file, as the compiler was given it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line of the attribute, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn of_setting(path: &str, set: &'static Location<'static>) -> Self {
        Self {
            path: path.to_owned(),
            file: set.file(),
            line: set.line(),
        }
    }

    /// Whether it is `path` or in the module `path`.
    pub(super) fn is_within(&self, path: &str) -> bool {
        let below = self.path.strip_prefix(path);
        below.is_some_and(|below| below.is_empty() || below.starts_with("::"))
    }

    fn new(name: &str, (module, file, line): (&str, &'static str, u32)) -> Self {
        Self {
            path: format!("{module}::{name}"),
            file,
            line,
        }
    }
}

impl From<&Function> for Place {
    fn from(function: &Function) -> Self {
        Self::new(function.name(), function.place())
    }
}

impl From<&Invalidator> for Place {
    fn from(invalidator: &Invalidator) -> Self {
        Self::new(invalidator.name(), invalidator.place())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.path, self.file, self.line)
    }
}
