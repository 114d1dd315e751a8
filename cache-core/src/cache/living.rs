//! The caches of this process, for when it is not known in which of them an entry is.

use std::sync::{Arc, Mutex, Weak};

use super::{Cache, Inner};
use crate::sync::lock_std;

/// Those that were built, without most of those that are gone.
static BUILT: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Takes note of a cache that was built.
pub(super) fn note(inner: &Arc<Inner>) {
    let mut built = lock_std(&BUILT);
    built.retain(|cache| cache.strong_count() > 0);
    built.push(Arc::downgrade(inner));
}

impl Cache {
    /// Every cache of this process that is still in use.
    pub(crate) fn living() -> Vec<Self> {
        let built = lock_std(&BUILT);
        // None is dropped under the lock, for that may run users' code.
        let living: Vec<_> = built.iter().filter_map(Weak::upgrade).collect();
        drop(built);
        living.into_iter().map(Self).collect()
    }
}
