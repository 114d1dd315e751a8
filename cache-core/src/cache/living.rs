//! The caches of this process, for when it is not known in which of them an entry is.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Cache, Inner};

/// Those that were built, without most of those that are gone.
static BUILT: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Takes note of a cache that was built.
pub(super) fn note(inner: &Arc<Inner>) {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.retain(|cache| cache.strong_count() > 0);
    built.push(Arc::downgrade(inner));
}

impl Cache {
    /// Every cache of this process that is still in use.
    pub(crate) fn living() -> Vec<Self> {
        let built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        // None is dropped under the lock, for that may run users' code.
        let living: Vec<_> = built.iter().filter_map(Weak::upgrade).collect();
        drop(built);
        living.into_iter().map(Self).collect()
    }
}
