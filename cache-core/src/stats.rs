//! Counts of what a cache did, kept so that counting a hit costs no shared write.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::error::{Error, LOG};
use crate::function::Function;
use crate::handling::Unstored;
use crate::traffic::{ErrorClass, ErrorCounts, MissReason, Operation};

/// What a cache did since it was built; see [`Cache::stats`](crate::Cache::stats).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// One row for each function that was called, by key prefix and name; direct operations have
    /// a row with an empty name.
    pub functions: Vec<FunctionStats>,
    /// Entries held in memory, those included that expired or were invalidated and have not been
    /// reclaimed yet.
    pub entries: u64,
    /// What those entries weigh: their number, or bytes if the cache is bounded by weight.
    pub weight: u64,
    /// Invalidations asked for, by annotated functions and directly.
    pub invalidations: u64,
    /// Invalidations that the store has not acknowledged, and those that will be done once more
    /// because a writer was dropped before its outcome was known.
    pub pending_invalidations: u64,
    /// Those of the pending ones that wait for the outcome of a dropped writer to settle: a matter of
    /// [time](crate::CacheBuilder::settle), while the others are a matter of the store.
    pub settling_invalidations: u64,
    /// Values that were [removed](crate::CacheBuilder::sweep_rate) from the store because an
    /// invalidation had left them unreachable, by this cache and not by other processes'.
    pub swept: u64,
    /// Computations under way that other callers could join.
    pub computations: u64,
}

/// What a cache did for one function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionStats {
    /// The function's bare name.
    pub name: &'static str,
    /// The function's `key_prefix` template.
    pub key_prefix: &'static str,
    /// The module that the function stands in.
    pub module: &'static str,
    /// Calls answered from the cache.
    pub hits: u64,
    /// Calls that found no valid entry. Each of them ran the body, was coalesced, or was dropped
    /// before either.
    pub misses: u64,
    /// Misses that were answered by another caller's computation.
    pub coalesced: u64,
    /// Bodies that ran to their end with an `Err`.
    pub failures: u64,
    /// Calls of whose arguments no key could be made: they ran uncached, and count as neither hit
    /// nor miss.
    pub uncacheable: u64,
    /// Calls that ran uncached because a [rollout](crate::Cache::set_rollout) leaves them out: they
    /// count as neither hit nor miss.
    pub bypassed: u64,
    /// Hits that were answered by a value which had expired: by `stale_while_revalidate`,
    /// `stale_if_error` or `timeout`.
    pub stale: u64,
    /// Bodies that were started in the background to compute a value anew.
    pub refreshes: u64,
    /// Hits of which the body ran too, for `verify`, and came to its end without an `Err`.
    pub verified: u64,
    /// Those of them that differed from what the body gave, and still did a moment later: somebody
    /// changed what the function reads and did not invalidate it.
    pub missed_invalidations: u64,
    /// Operations of a store that failed, and values that it could not take. No call failed for it:
    /// it ran as if it were not cached.
    pub errors: u64,
}

/// How many counters a series spreads its hits over.
fn stripes() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (2 * cores).next_power_of_two().clamp(4, 64)
    })
}

/// The counters of one function in one cache.
#[derive(Debug)]
pub(crate) struct Series {
    function: &'static Function,
    /// One for each of the first threads, which is the only one to write it, and a last one that
    /// all others share.
    hits: Box<[Stripe]>,
    /// In a store, where a hit costs a round trip anyway.
    pub(crate) shared_hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    shared_misses: [AtomicU64; MissReason::COUNT],
    pub(crate) errors: ErrorCounts,
    pub(crate) coalesced: AtomicU64,
    pub(crate) failures: AtomicU64,
    uncacheable: AtomicU64,
    pub(crate) bypassed: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    pub(crate) verified: AtomicU64,
    missed_invalidations: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

impl Series {
    fn new(function: &'static Function) -> Self {
        Self {
            function,
            hits: (0..=stripes()).map(|_| Stripe::default()).collect(),
            shared_hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            shared_misses: Default::default(),
            errors: ErrorCounts::default(),
            coalesced: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            uncacheable: AtomicU64::new(0),
            bypassed: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            refreshes: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            missed_invalidations: AtomicU64::new(0),
        }
    }

    fn shared(function: &'static Function) -> Arc<Self> {
        let series = Arc::new(Self::new(function));
        #[cfg(feature = "metrics")]
        crate::telemetry::register(series.labels(), &series);
        series
    }

    /// Counts a hit without a locked instruction, as long as the thread has a stripe of its own.
    #[inline]
    pub(crate) fn hit(&self) {
        let (own, shared) = self.hits.split_at(self.hits.len() - 1);
        match own.get(thread_number()) {
            // The only writer: nothing can come in between.
            Some(Stripe(hits)) => hits.store(hits.load(Relaxed) + 1, Relaxed),
            None => {
                shared[0].0.fetch_add(1, Relaxed);
            }
        }
    }

    /// Counts a call that memory did not answer.
    pub(crate) fn missed(&self) {
        self.misses.fetch_add(1, Relaxed);
        self.tell(MissReason::Absent);
    }

    /// Counts a call that a store did not answer.
    pub(crate) fn missed_shared(&self, reason: MissReason) {
        self.shared_misses[reason.index()].fetch_add(1, Relaxed);
        self.tell(reason);
    }

    fn tell(&self, reason: MissReason) {
        let (key_prefix, function) = (self.function.key_prefix(), self.function.name());
        let reason = reason.as_str();
        tracing::debug!(target: LOG, key_prefix, function, reason, "miss");
    }

    /// Counts a value that is not stored for what it is.
    pub(crate) fn unstored(&self, reason: &Unstored) {
        match reason {
            Unstored::TooLarge(bytes) => self.too_large(*bytes),
            Unstored::Unencodable(error) => self.unencodable(error),
        }
    }

    /// Counts a value that is too large to be stored, and logs the first.
    fn too_large(&self, bytes: usize) {
        if self.errors.of(ErrorClass::TooLarge) == 0 {
            let function = self.function.name();
            tracing::warn!(target: LOG, function, bytes, "a value is too large to be stored");
        }
        self.errors.count(ErrorClass::TooLarge);
    }

    /// Counts a value that can't be encoded, and logs the first.
    fn unencodable(&self, error: &Error) {
        if self.errors.of(ErrorClass::Data) == 0 {
            let function = self.function.name();
            tracing::warn!(target: LOG, function, %error, "a value can't be encoded: not stored");
        }
        self.errors.count(ErrorClass::Data);
    }

    /// Counts a value that is served and differs from what its function computes.
    pub(crate) fn accuse(&self) {
        self.missed_invalidations.fetch_add(1, Relaxed);
        let (module, file, line) = self.function.place();
        tracing::error!(
            target: LOG,
            function = self.function.name(),
            key_prefix = self.function.key_prefix(),
            module,
            place = format_args!("{file}:{line}"),
            "an invalidation is missing: what is kept is not what the function computes"
        );
    }

    /// Counts a call of which no key can be made, and logs the first.
    pub(crate) fn uncacheable<T>(&self, error: &Error) -> Option<T> {
        if self.uncacheable.fetch_add(1, Relaxed) == 0 {
            let function = self.function.name();
            tracing::warn!(target: LOG, function, %error, "no key can be made of the arguments: not cached");
        }
        None
    }

    /// Notes an operation of a store, and its error if there was one.
    pub(crate) fn note(&self, operation: Operation, took: Duration, error: Option<&Error>) {
        #[cfg(feature = "metrics")]
        crate::telemetry::took(operation, self.labels(), took);
        #[cfg(not(feature = "metrics"))]
        let _ = (operation, took);
        if let Some(class) = error.and_then(ErrorClass::of) {
            self.errors.count(class);
        }
    }

    #[cfg(feature = "metrics")]
    fn labels(&self) -> (&'static str, &'static str) {
        (self.function.key_prefix(), self.function.name())
    }

    pub(crate) fn counts(&self) -> Counts {
        let load = |count: &AtomicU64| count.load(Relaxed);
        Counts {
            hits: self.hits.iter().map(|Stripe(hits)| load(hits)).sum(),
            shared_hits: load(&self.shared_hits),
            misses: load(&self.misses),
            shared_misses: self.shared_misses.each_ref().map(load),
            errors: ErrorClass::ALL.map(|class| self.errors.of(class)),
        }
    }

    fn read(&self) -> FunctionStats {
        let counts = self.counts();
        FunctionStats {
            name: self.function.name(),
            key_prefix: self.function.key_prefix(),
            module: self.function.place().0,
            hits: counts.hits + counts.shared_hits,
            misses: counts.misses + counts.shared_misses.iter().sum::<u64>(),
            coalesced: self.coalesced.load(Relaxed),
            failures: self.failures.load(Relaxed),
            uncacheable: self.uncacheable.load(Relaxed),
            bypassed: self.bypassed.load(Relaxed),
            stale: self.stale.load(Relaxed),
            refreshes: self.refreshes.load(Relaxed),
            verified: self.verified.load(Relaxed),
            missed_invalidations: self.missed_invalidations.load(Relaxed),
            errors: counts.errors.iter().sum(),
        }
    }
}

#[cfg(feature = "metrics")]
impl Drop for Series {
    fn drop(&mut self) {
        crate::telemetry::retire(self.labels(), &self.counts());
    }
}

/// What a series has counted, tier by tier.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) shared_hits: u64,
    pub(crate) misses: u64,
    pub(crate) shared_misses: [u64; MissReason::COUNT],
    pub(crate) errors: [u64; ErrorClass::ALL.len()],
}

#[cfg(feature = "metrics")]
impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |these: &mut [u64], those: &[u64]| {
            these.iter_mut().zip(those).for_each(|(a, b)| *a += b);
        };
        self.hits += other.hits;
        self.shared_hits += other.shared_hits;
        self.misses += other.misses;
        sum(&mut self.shared_misses, &other.shared_misses);
        sum(&mut self.errors, &other.errors);
    }
}

/// The series of one cache.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    series: Mutex<HashMap<usize, Arc<Series>>>,
    pub(crate) invalidations: AtomicU64,
}

impl Statistics {
    /// The series of a function. Takes a lock: hits reach theirs through their entry instead.
    pub(crate) fn series(&self, function: &'static Function) -> Arc<Series> {
        let address = std::ptr::from_ref(function).addr();
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            series
                .entry(address)
                .or_insert_with(|| Series::shared(function)),
        )
    }

    pub(crate) fn read(&self) -> Vec<FunctionStats> {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = series.values().map(|series| series.read());
        let called =
            |row: &FunctionStats| row.hits + row.misses + row.uncacheable + row.bypassed > 0;
        let mut rows: Vec<_> = rows.filter(called).collect();
        rows.sort_by_key(|row| (row.key_prefix, row.name, row.module));
        rows
    }
}

/// A small number that no other living thread has.
#[inline]
fn thread_number() -> usize {
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
        static RETURNED: ReturnAtExit = const { ReturnAtExit };
    }

    #[cold]
    fn claim() -> usize {
        // Touched so that its destructor runs; a thread that is ending already gets no number.
        if RETURNED.try_with(|_| ()).is_err() {
            return usize::MAX;
        }
        let number = FREE_NUMBERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .claim();
        NUMBER.set(number);
        number
    }

    struct ReturnAtExit;

    impl Drop for ReturnAtExit {
        fn drop(&mut self) {
            let number = NUMBER.replace(usize::MAX);
            if number != usize::MAX {
                FREE_NUMBERS
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .free
                    .push(number);
            }
        }
    }

    match NUMBER.get() {
        usize::MAX => claim(),
        number => number,
    }
}

/// Numbers that ended threads gave back, and the first that was never given.
///
/// The lock orders the last write of one owner before the first read of the next, so a stripe
/// has one writer at a time.
struct Numbers {
    free: Vec<usize>,
    next: usize,
}

static FREE_NUMBERS: Mutex<Numbers> = Mutex::new(Numbers {
    free: Vec::new(),
    next: 0,
});

impl Numbers {
    fn claim(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn no_hit_is_lost_however_many_threads_come_and_go() {
        static FUNCTION: Function = Function::new("counted", "", "", "", 0);
        let series = Series::new(&FUNCTION);
        for _ in 0..4 {
            std::thread::scope(|scope| {
                for _ in 0..200 {
                    scope.spawn(|| (0..1_000).for_each(|_| series.hit()));
                }
            });
        }
        assert_eq!(series.read().hits, 4 * 200 * 1_000);
    }
}
