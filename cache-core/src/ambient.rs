//! What code can run inside of without being told: whether anything ever has, in this process.
//!
//! A hit asks this once, with one relaxed load of a static that all but never changes, and looks
//! into thread-locals only if it has to. Not a count of what is open: each block would write to what
//! every hit reads.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

static EVER: AtomicU8 = AtomicU8::new(0);

/// A kind of thing to be inside of.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Ambient {
    /// A block that defers invalidations.
    Deferral = 1,
    /// A call that is made as far as its look-up.
    Rehearsal = 2,
    /// A test that has installed a cache of its own.
    #[cfg(feature = "testing")]
    TestCache = 4,
    /// A call that is watched.
    Observation = 8,
}

/// The kinds that there have ever been.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ambients(u8);

impl Ambient {
    /// There is one from now on. Whoever opens one does so on the thread that then looks for it, or
    /// hands it to another by something that orders the two.
    pub(crate) fn opens(self) {
        if !self.was_ever() {
            EVER.fetch_or(self as u8, Relaxed);
        }
    }

    /// There is none any more. For a kind that is rare and lasts: what every hit reads is written to.
    pub(crate) fn is_over(self) {
        EVER.fetch_and(!(self as u8), Relaxed);
    }

    /// Whether there has ever been one.
    #[inline]
    pub(crate) fn was_ever(self) -> bool {
        Ambients::ever().have(self)
    }
}

impl Ambients {
    #[inline]
    pub(crate) fn ever() -> Self {
        Self(EVER.load(Relaxed))
    }

    #[inline]
    pub(crate) fn have(self, ambient: Ambient) -> bool {
        self.0 & ambient as u8 != 0
    }
}
