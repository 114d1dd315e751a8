//! What a function that answers otherwise than it was asked is told, once.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::LOG;
use crate::function::Function;

/// Whether it was told already.
#[derive(Debug, Default)]
pub(crate) struct Told {
    beside: AtomicBool,
    misfit: AtomicBool,
}

impl Told {
    /// A body has answered for `count` elements that it was not asked for, or more than once.
    pub(super) fn beside(&self, function: &Function, count: usize) {
        if count > 0 && !self.beside.swap(true, Relaxed) {
            let function = function.name();
            tracing::debug!(
                target: LOG,
                function,
                count,
                "a batch gives more than it was asked for, which is neither kept nor returned"
            );
        }
    }

    /// A body has given a list that is not as long as what it was asked for.
    pub(super) fn misfit(&self, function: &Function) {
        if !self.misfit.swap(true, Relaxed) {
            let function = function.name();
            tracing::error!(
                target: LOG,
                function,
                "a batch does not answer each element in its place, so its answers can't be told apart: \
                 not cached; return an `Option` for each element of the argument, in its order"
            );
        }
    }
}
