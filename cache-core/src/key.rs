//! What makes an entry *this* entry: the canonical bytes of the arguments and the identity of the
//! function that they were given to.
//!
//! The bytes come first (the format is described in [`canonical`]). In memory they are compared as
//! they are; elsewhere [`Identity::args_hash`] stands for them.

mod bytes;
mod canonical;
mod compound;
mod elements;
mod failure;
mod identity;
mod seed;

pub(crate) use elements::elements;
pub(crate) use identity::hex;
pub use identity::{ArgsHash, Identity, function_path, leaf_bucket};
pub(crate) use seed::HashSeed;

use serde::Serialize;

use crate::Error;
use bytes::Bytes;
use canonical::Canonical;
use failure::Failure;

/// Collects the canonical bytes of one call's arguments.
///
/// A call writes its arguments in order, then its scopes. Up to 128 bytes stay on the stack. An
/// argument whose `Serialize` fails is remembered instead of returned, so that the caller's
/// closure is a plain list; the bytes of a writer with an [`error`](Self::error) must not be used.
///
/// # Example
///
/// ```
/// use cache_core::private::KeyWriter;
///
/// let mut key = KeyWriter::new();
/// key.argument(&42_u64).argument("JFK").scope("tenant-7");
/// assert!(key.error().is_none());
/// assert!(key.bytes().starts_with(key.argument_bytes()));
/// ```
pub struct KeyWriter {
    bytes: Bytes,
    /// Where the arguments end, once a scope was written.
    arguments_end: Option<usize>,
    error: Option<Error>,
    is_bypassed: bool,
}

impl KeyWriter {
    /// A writer that holds nothing yet. Allocates nothing.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::with_seed(HashSeed::fixed())
    }

    /// A writer whose hashes begin at `seed`.
    #[inline]
    pub(crate) fn with_seed(seed: HashSeed) -> Self {
        Self {
            bytes: Bytes::new(seed),
            arguments_end: None,
            error: None,
            is_bypassed: false,
        }
    }

    /// Appends an argument of the function.
    #[inline]
    pub fn argument<T: KeyArgument + ?Sized>(&mut self, argument: &T) -> &mut Self {
        debug_assert!(
            self.arguments_end.is_none(),
            "arguments are written before scopes: the leaf depends on them alone"
        );
        argument.write_to(self);
        self
    }

    /// Appends what tells instances apart (`scope = self.tenant_id`), behind all arguments.
    ///
    /// A scope is part of the entry's identity, but not of its leaf.
    #[inline]
    pub fn scope<T: KeyArgument + ?Sized>(&mut self, scope: &T) -> &mut Self {
        if self.arguments_end.is_none() {
            self.arguments_end = Some(self.bytes.len());
        }
        scope.write_to(self);
        self
    }

    /// Has the call run as if its function were not cached, if `bypassed` holds.
    #[inline]
    pub fn bypass_if(&mut self, bypassed: bool) -> &mut Self {
        self.is_bypassed = bypassed;
        self
    }

    #[inline]
    pub(crate) fn is_bypassed(&self) -> bool {
        self.is_bypassed
    }

    /// The bytes of arguments and scopes: with the function's [`Identity`], what names the entry.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the bytes: equal for equal bytes that one function's arguments gave.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        self.bytes.hash()
    }

    /// The bytes of the arguments alone, which are what [`leaf_bucket`] wants.
    #[inline]
    #[must_use]
    pub fn argument_bytes(&self) -> &[u8] {
        match self.arguments_end {
            Some(end) => &self.bytes[..end],
            None => &self.bytes,
        }
    }

    /// The first failure of a `Serialize` implementation, if there was one.
    ///
    /// Its message is safe to log. What the implementation said is in its
    /// [`source`](std::error::Error::source), because it may quote the argument.
    #[inline]
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// What kept the arguments from being written, taken out.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Gives up the bytes and keeps the failure.
    #[must_use]
    pub fn into_error(self) -> Option<Error> {
        self.error
    }

    #[cold]
    fn fail(&mut self, failure: Failure) {
        self.error.get_or_insert(failure.into());
    }
}

impl Default for KeyWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Anything that can be part of a key: every [`Serialize`] type.
///
/// A trait of its own so that the compiler's message for a type that is not `Serialize` names the
/// way out instead of serde.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be part of a cache key",
    label = "not `Serialize`",
    note = "if the answer depends on it, derive `serde::Serialize` (for a type of another crate, turn on that crate's `serde` feature; for a type parameter, add the bound) or name the parts that matter with `key(…)`; only what can't change the answer, such as a connection pool, may be left out with `skip(…)`"
)]
pub trait KeyArgument {
    /// Appends `self` to `key`.
    fn write_to(&self, key: &mut KeyWriter);
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyArgument for T {
    #[inline]
    fn write_to(&self, key: &mut KeyWriter) {
        if let Err(failure) = self.serialize(Canonical::new(&mut key.bytes)) {
            key.fail(failure);
        }
    }
}
