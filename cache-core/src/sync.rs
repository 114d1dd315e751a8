//! The primitives that `shuttle` and `loom` replace, so that a test can explore schedules and
//! memory orderings.
//!
//! Only what takes part in a protocol goes through here: the flight table, the invalidation clock,
//! and what is known of a store: the breaker and what is pending. Everything else uses `std`
//! directly.

#[cfg(not(any(shuttle, weak_memory)))]
use std::sync as primitives;

#[cfg(shuttle)]
use shuttle::sync as primitives;

#[cfg(weak_memory)]
use loom::sync as primitives;

pub(crate) use primitives::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
pub(crate) use primitives::{Mutex, MutexGuard};

/// A `thread_local!` whose thread is shuttle's, under shuttle.
#[cfg(not(shuttle))]
pub(crate) use std::thread_local;

#[cfg(shuttle)]
pub(crate) use shuttle::thread_local;

use std::sync::PoisonError;

/// Where other threads may go on, under shuttle, though nothing is shared here that it knows of.
#[cfg(feature = "testing")]
pub(crate) fn interleave() {
    #[cfg(shuttle)]
    AtomicBool::new(false).load(std::sync::atomic::Ordering::SeqCst);
}

/// Locks whether or not a panic has poisoned the mutex. No section under one of our locks leaves
/// the data half changed: none of them calls a user's code.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same for a mutex of `std`, which what takes part in no protocol has.
pub(crate) fn lock_std<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
