//! What the recorder of the `metrics` facade is told.
//!
//! The counts of [`stats`](crate::stats) are the truth, and the recorder is brought up to date with
//! them once a second: so a hit costs nothing more, and a recorder that is installed after the first
//! use misses nothing. Only the time that an operation of a store took is told when it is taken.
//!
//! Several caches of one process are told as one, by function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::cache::Inner;
use crate::stats::{Counts, Series};
use crate::traffic::{ErrorClass, MissReason, Operation};

/// How often the recorder is brought up to date.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

const MEMORY: &str = "memory";
const SHARED: &str = "shared";

/// Whom a count is told of: key prefix and function, both as they stand in the source.
type Labels = (&'static str, &'static str);

/// Every series of the process.
static REGISTRY: Mutex<Registry> = Mutex::new(BTreeMap::new());

type Registry = BTreeMap<Labels, Group>;

/// Invalidations by pattern or tag, and writer, and by whether there is a store.
static INVALIDATIONS: Mutex<BTreeMap<(Labels, bool), u64>> = Mutex::new(BTreeMap::new());

/// Values removed from stores, by namespace.
static SWEPT: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// The series of one function in all caches.
#[derive(Default)]
struct Group {
    live: Vec<Weak<Series>>,
    /// What caches that are gone have counted.
    retired: Counts,
}

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a series told from now on.
pub(crate) fn register(labels: Labels, series: &Arc<Series>) {
    let mut registry = registry();
    let group = registry.entry(labels).or_default();
    group.live.retain(|series| series.strong_count() > 0);
    group.live.push(Arc::downgrade(series));
}

/// Keeps what a series has counted that is about to go.
pub(crate) fn retire(labels: Labels, counts: &Counts) {
    if let Some(group) = registry().get_mut(&labels) {
        group.retired.add(counts);
    }
}

/// Counts an invalidation.
pub(crate) fn invalidated(labels: Labels, shared: bool) {
    let mut invalidations = INVALIDATIONS.lock().unwrap_or_else(PoisonError::into_inner);
    *invalidations.entry((labels, shared)).or_default() += 1;
}

/// Counts values that were unreachable and have been removed.
pub(crate) fn swept(namespace: &str, values: u64) {
    let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
    *swept.entry(namespace.to_owned()).or_default() += values;
}

/// Tells how long a store took.
pub(crate) fn took(operation: Operation, labels: Labels, span: Duration) {
    let (key_prefix, function) = labels;
    histogram!(
        "cache_operation_seconds",
        "operation" => operation.as_str(),
        "key_prefix" => key_prefix,
        "function" => function,
        "tier" => SHARED,
    )
    .record(span);
}

/// Brings the recorder up to date.
pub(crate) fn publish(inner: &Inner) {
    describe();
    for ((key_prefix, function), counts) in totals() {
        publish_counts(key_prefix, function, &counts);
    }
    publish_invalidations();
    publish_swept();
    publish_cache(inner);
}

fn publish_invalidations() {
    let invalidations = INVALIDATIONS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for (((pattern, function), shared), count) in invalidations {
        counter!(
            "cache_invalidations_total",
            "key_prefix" => pattern,
            "function" => function,
            "tier" => if shared { SHARED } else { MEMORY },
        )
        .absolute(count);
    }
}

fn publish_swept() {
    let swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for (namespace, values) in swept {
        counter!("cache_swept_total", "namespace" => namespace).absolute(values);
    }
}

fn totals() -> Vec<(Labels, Counts)> {
    // Series that are held here for a moment may be the last of their cache, whose end takes the
    // lock: they are let go after it.
    let mut held = Vec::new();
    let registry = registry();
    let total = |(labels, group): (&Labels, &Group)| {
        let mut counts = group.retired.clone();
        for series in group.live.iter().filter_map(Weak::upgrade) {
            counts.add(&series.counts());
            held.push(series);
        }
        (*labels, counts)
    };
    let totals = registry.iter().map(total).collect();
    drop(registry);
    drop(held);
    totals
}

fn publish_counts(key_prefix: &'static str, function: &'static str, counts: &Counts) {
    let count = |name: &'static str, tier: &'static str, value: u64| {
        if value > 0 {
            counter!(name, "key_prefix" => key_prefix, "function" => function, "tier" => tier)
                .absolute(value);
        }
    };
    count("cache_hits_total", MEMORY, counts.hits);
    count("cache_hits_total", SHARED, counts.shared_hits);
    let labelled = |name, label: &'static str, text: &'static str, tier: &'static str, value| {
        if value > 0 {
            counter!(
                name,
                label => text,
                "key_prefix" => key_prefix,
                "function" => function,
                "tier" => tier,
            )
            .absolute(value);
        }
    };
    let absent = MissReason::Absent.as_str();
    labelled(
        "cache_misses_total",
        "reason",
        absent,
        MEMORY,
        counts.misses,
    );
    for reason in MissReason::all() {
        let misses = counts.shared_misses[reason.index()];
        labelled(
            "cache_misses_total",
            "reason",
            reason.as_str(),
            SHARED,
            misses,
        );
    }
    for class in ErrorClass::ALL {
        let errors = counts.errors[class as usize];
        labelled(
            "cache_errors_total",
            "class",
            class.as_str(),
            SHARED,
            errors,
        );
    }
}

/// What concerns one cache and no function of it.
fn publish_cache(inner: &Inner) {
    let namespace = inner.namespace().unwrap_or_default().to_owned();
    gauge!("cache_entries", "namespace" => namespace.clone()).set(inner.memory.len() as f64);
    let pending = inner.pending_invalidations();
    gauge!("cache_pending_invalidations", "namespace" => namespace.clone()).set(pending as f64);
    if let Some(shared) = &inner.shared {
        let open = f64::from(u8::from(shared.breaker.is_open()));
        gauge!("cache_breaker_open", "namespace" => namespace).set(open);
    }
}

fn describe() {
    describe_counter!("cache_hits_total", "Calls answered from the cache.");
    describe_counter!(
        "cache_misses_total",
        "Calls not answered from the cache, by reason."
    );
    describe_counter!(
        "cache_errors_total",
        "Operations of the store that failed, by class."
    );
    describe_counter!(
        "cache_invalidations_total",
        "Invalidations; key_prefix is the pattern or tag as the writer's attribute has it."
    );
    describe_counter!(
        "cache_swept_total",
        "Values removed from the store because invalidations had left them unreachable."
    );
    describe_histogram!(
        "cache_operation_seconds",
        metrics::Unit::Seconds,
        "What operations of the store took."
    );
    describe_gauge!("cache_entries", "Entries held in memory.");
    describe_gauge!(
        "cache_pending_invalidations",
        "Invalidations that are still to be acknowledged or done once more."
    );
    describe_gauge!(
        "cache_breaker_open",
        "1 while the store is not asked, 0 otherwise."
    );
}
