//! The primitives that `shuttle` and `loom` replace, so that a test can explore schedules and
//! memory orderings.
//!
//! Only what takes part in a protocol goes through here: the flight table and the invalidation
//! clock. Everything else uses `std` directly.

#[cfg(not(any(shuttle, weak_memory)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicU64};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic::AtomicU64};

#[cfg(weak_memory)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicU64};

/// A `thread_local!` whose thread is shuttle's, under shuttle.
#[cfg(not(shuttle))]
pub(crate) use std::thread_local;

#[cfg(shuttle)]
pub(crate) use shuttle::thread_local;

use std::sync::PoisonError;

/// Locks whether or not a panic has poisoned the mutex. No section under one of our locks leaves
/// the data half changed: none of them calls a user's code.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
