//! What every store must do, as checks for the tests of a store.
//!
//! They hold the [contract](crate::store) as far as it can be seen from outside: what each
//! operation does, what lives how long, that deadlines are kept and that dropped futures leave no
//! confusion. What a store does when it is full, cut off or restarted is for its own tests.
//!
//! Each check uses names of its own that nothing else has, so the store may be in use, and what
//! is written lives for a minute at most. Nothing here needs an async runtime. The store must live
//! in real time: some checks wait, by asking again and again, until something has expired.
//!
//! # Example
//!
//! ```
//! # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # rt.block_on(async {
//! # use cache_core as cachewright;
//! use cachewright::testing::{ScriptedStore, conformance};
//!
//! // In a test of your own store: how to open it.
//! conformance::run(|| async { ScriptedStore::new() }).await;
//! # });
//! ```

mod counting;
mod expiry;
mod generations;
mod pair;
mod scanning;
mod timing;
mod trial;
mod values;

use std::fmt;
use std::panic::Location;

use crate::Error;
use crate::store::{BoxFuture, Store};

use pair::Pair;
use trial::Trial;

/// One thing that every store must do.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    why: &'static str,
    run: for<'a> fn(&'a Trial<'a>) -> BoxFuture<'a, Result<(), Failure>>,
}

/// What was expected of a store and what it did.
#[derive(Debug)]
pub struct Failure {
    check: &'static str,
    why: &'static str,
    message: String,
    place: &'static Location<'static>,
}

/// Every check.
#[must_use]
pub fn checks() -> Vec<Check> {
    [
        values::CHECKS,
        generations::CHECKS,
        expiry::CHECKS,
        scanning::CHECKS,
        timing::CHECKS,
        counting::CHECKS,
    ]
    .concat()
}

/// Does every check, each with a store of its own as `open` gives it; these may be handles of one
/// server.
///
/// # Panics
///
/// If a check fails: with its name, what was expected, what happened, and what in the contract
/// needs it. The other checks are done before.
pub async fn run<S: Store, F: Future<Output = S>>(open: impl Fn() -> F) {
    let mut failures = Vec::new();
    for check in checks() {
        let store = open().await;
        failures.extend(check.run(&store).await.err());
    }
    report(&failures);
}

/// Does every check with two handles of one place, such as two processes have: one operation with
/// one of them, the next with the other. `open` must open the same place each time.
///
/// Ask this as well as [`run`]: a store that is one queue within its process hides from that one
/// what isn't atomic between two.
///
/// # Panics
///
/// As [`run`] does.
///
/// # Example
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// # use cache_core as cachewright;
/// use cachewright::testing::{ScriptedStore, conformance};
///
/// let place = ScriptedStore::new();
/// conformance::run_shared(|| async { place.clone() }).await;
/// # });
/// ```
pub async fn run_shared<S: Store, F: Future<Output = S>>(open: impl Fn() -> F) {
    let mut failures = Vec::new();
    for check in checks() {
        let store = Pair::new([open().await, open().await]);
        failures.extend(check.run(&store).await.err());
    }
    report(&failures);
}

fn report(failures: &[Failure]) {
    let shown: Vec<_> = failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", shown.join("\n\n"));
}

impl Check {
    /// What it is called: a sentence's worth of snake case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What in the contract needs it.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// When the store does not do what it must.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers to give.
    pub async fn run(&self, store: &dyn Store) -> Result<(), Failure> {
        let trial = Trial::new(store);
        (self.run)(&trial).await.map_err(|failure| Failure {
            check: self.name,
            why: self.why,
            ..failure
        })
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

impl Failure {
    #[track_caller]
    fn new(message: impl Into<String>) -> Self {
        Self {
            check: "",
            why: "",
            message: message.into(),
            place: Location::caller(),
        }
    }

    /// The name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        self.check
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            check,
            why,
            message,
            place,
        } = self;
        writeln!(f, "the store fails `{check}`: {message}")?;
        write!(f, "  why it matters: {why}\n  at {place}")
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::new(format!("an operation that must succeed failed: {error}"))
    }
}

/// Makes the checks of a module from its functions.
macro_rules! table {
    ($($name:ident: $why:literal,)*) => {
        pub(super) const CHECKS: &[crate::testing::conformance::Check] = &[$(
            crate::testing::conformance::Check {
                name: stringify!($name),
                why: $why,
                run: |trial| Box::pin($name(trial)),
            },
        )*];
    };
}

/// Fails the check unless two things are equal. Values are shown short, for they may be long.
macro_rules! ensure_eq {
    ($what:expr, $seen:expr, $expected:expr) => {{
        let (seen, expected) = (&$seen, &$expected);
        if seen != expected {
            return Err(crate::testing::conformance::Failure::new(format!(
                "{}: expected {}, but it was {}",
                $what,
                crate::testing::conformance::short(expected),
                crate::testing::conformance::short(seen),
            )));
        }
    }};
}

/// Fails the check unless something holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err(crate::testing::conformance::Failure::new(format!($($message)*)));
        }
    };
}

use {ensure, ensure_eq, table};

/// The beginning of what is shown for debugging.
fn short(shown: &impl fmt::Debug) -> String {
    const LONGEST: usize = 200;
    let mut shown = format!("{shown:?}");
    if shown.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| shown.is_char_boundary(*end));
        shown.truncate(end.unwrap_or(0));
        shown.push('…');
    }
    shown
}
