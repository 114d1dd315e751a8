//! What the handles of a cache share, and what it arranges by itself.

#[cfg(feature = "metrics")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::agenda::{Agenda, Item};
use crate::background::Background;
use crate::body::is_inside;
use crate::builder::{Bound, CacheBuilder, Plan};
use crate::clock::{Clock, Tick, ticks};
use crate::counter::LocalCounters;
use crate::flight::{Flight, Flights};
use crate::handling::Packaging;
use crate::memory::Memory;
use crate::memory::entry::Entry;
use crate::memory::expiry::Arrange;
use crate::memory::invalidations::Slot;
use crate::plain::PLAIN;
use crate::refreshes::Refreshes;
use crate::rollout::Switch;
use crate::setting::Ttls;
use crate::settling::Settling;
use crate::shared::{Shared, Terms};
use crate::stats::{Series, Statistics};

/// What all handles of a cache share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(super) namespace: Option<String>,
    bound: Bound,
    pub(crate) default_ttl: Duration,
    pub(crate) patience: Duration,
    pub(crate) settle: Duration,
    pub(crate) clock: Clock,
    pub(crate) memory: Memory,
    pub(crate) flights: Arc<Flights>,
    pub(crate) statistics: Statistics,
    /// Of the entries that are addressed by keys.
    pub(crate) plain: Arc<Series>,
    pub(crate) settling: Settling,
    pub(crate) shared: Option<Shared>,
    pub(crate) rollout: Switch,
    pub(crate) ttls: Ttls,
    pub(crate) packaging: Packaging,
    /// Of a cache without a store.
    pub(crate) counters: LocalCounters,
    pub(crate) agenda: Arc<Agenda>,
    /// What runs beside its callers.
    pub(crate) background: Arc<Background>,
    pub(crate) refreshes: Arc<Refreshes>,
    pub(crate) retry_after: Duration,
    pub(crate) verify_after: Duration,
    /// Whether the recorder of metrics is told of this cache: from its first use on.
    #[cfg(feature = "metrics")]
    metered: AtomicBool,
    /// For jobs of the agenda, which must not keep the cache alive.
    this: Weak<Inner>,
}

impl Inner {
    pub(super) fn new(builder: CacheBuilder, plan: Plan) -> Arc<Self> {
        // A name that none has is to be noticed here, and not in the middle of something.
        #[cfg(mutants)]
        crate::mutants::chosen();
        let agenda = Agenda::new(builder.clock.clone());
        let statistics = Statistics::default();
        let plain = statistics.series(&PLAIN);
        let (timeout, fallback) = (builder.store_timeout, builder.fallback);
        let sweep_rate = builder.sweep_rate;
        let terms = builder.store.map(|store| Terms {
            store,
            timeout,
            fallback,
            sweep_rate,
        });
        Arc::new_cyclic(|this| Self {
            shared: terms.zip(plan.layout).map(|(terms, layout)| {
                let (clock, plain) = (builder.clock.clone(), Arc::clone(&plain));
                Shared::new(terms, layout, clock, plain, this.clone())
            }),
            namespace: builder.namespace,
            bound: builder.bound,
            packaging: builder.packaging,
            default_ttl: builder.default_ttl,
            patience: builder.patience,
            settle: builder.settle,
            flights: Flights::new(Arc::clone(&agenda)),
            background: Background::new(
                builder.background_limit,
                builder.background_timeout,
                builder.clock.clone(),
                Arc::clone(&agenda),
            ),
            refreshes: Arc::default(),
            retry_after: builder.retry_after,
            verify_after: builder.verify_after,
            agenda,
            memory: Memory::new(builder.bound, &builder.clock),
            clock: builder.clock,
            plain,
            statistics,
            settling: Settling::default(),
            counters: LocalCounters::new(),
            rollout: Switch::new(plan.rules),
            ttls: plan.ttls,
            #[cfg(feature = "metrics")]
            metered: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The cache is used: the recorder of metrics is told of it from now on.
    pub(crate) fn used(&self) {
        #[cfg(feature = "metrics")]
        if !self.metered.load(Relaxed) && !self.metered.swap(true, Relaxed) {
            self.publish_later();
        }
    }

    /// Brings the recorder of metrics up to date from time to time.
    #[cfg(feature = "metrics")]
    fn publish_later(&self) {
        self.at_leisure(self.clock.after(crate::telemetry::EVERY), |inner| {
            // First, for a recorder is foreign code.
            inner.publish_later();
            crate::telemetry::publish(inner);
        });
    }

    /// Counts an invalidation for the recorder of metrics, by the pattern or tag and the writer that it
    /// stands in; both are empty for one that was asked for directly.
    pub(crate) fn meter_invalidation(&self, pattern: &'static str, writer: &'static str) {
        self.used();
        #[cfg(feature = "metrics")]
        crate::telemetry::invalidated((pattern, writer), self.shared.is_some());
        #[cfg(not(feature = "metrics"))]
        let _ = (pattern, writer);
    }

    /// For what is done later, and must not keep the cache alive.
    pub(crate) fn weak(&self) -> Weak<Self> {
        self.this.clone()
    }

    /// The store that processes share, if entries are kept there now.
    pub(crate) fn shared(&self) -> Option<&Shared> {
        self.shared
            .as_ref()
            .filter(|shared| !shared.is_fallen_back())
    }

    /// How long an entry for the store may live in memory: while memory stands in for the store, it
    /// hears nobody else's invalidations. `age` is how old the value is already.
    pub(crate) fn bounded_by_fallback(&self, ttl: Duration, age: Duration) -> Duration {
        match self.fallback() {
            Some(bound) => ttl.min(bound.saturating_sub(age)),
            None => ttl,
        }
    }

    /// The earliest moment at which a computation may have begun that a caller joins now.
    pub(crate) fn oldest_to_join(&self) -> Tick {
        self.fallback()
            .map_or(0, |bound| self.clock.now().saturating_sub(ticks(bound)))
    }

    fn fallback(&self) -> Option<Duration> {
        self.shared.as_ref().and_then(|shared| shared.fallback)
    }

    /// Invalidations that the store has not acknowledged.
    pub(crate) fn unacknowledged(&self) -> u64 {
        self.shared
            .as_ref()
            .map_or(0, |shared| shared.pending.len() as u64)
    }

    /// Invalidations that are still to be acknowledged, or to be done once more.
    pub(crate) fn pending_invalidations(&self) -> u64 {
        self.settling.len() as u64 + self.unacknowledged()
    }

    /// Stores what was computed under a leaf, and arranges for it to be reclaimed.
    pub(crate) fn keep(&self, entry: Arc<Entry>, leaf: Slot) {
        self.arrange(self.memory.insert(entry, leaf));
    }

    /// Stores what a writer has made under a leaf, and arranges for it to be reclaimed. False if it
    /// was not stored, and what is there has to be invalidated.
    pub(crate) fn write_through(&self, entry: Arc<Entry>, leaf: Slot) -> bool {
        let arrange = self.memory.write_through(entry, leaf);
        arrange.map(|arrange| self.arrange(arrange)).is_some()
    }

    /// Stores an entry in the place of what is there, and arranges for it to be reclaimed.
    pub(crate) fn replace(&self, entry: Arc<Entry>, leaf: Slot) {
        self.arrange(self.memory.replace(entry, leaf));
    }

    /// Lets an entry end at another moment, and arranges for it to be reclaimed then.
    pub(crate) fn expire(&self, entry: &Entry, deadline: Tick) {
        self.arrange(self.memory.expire(entry, deadline));
    }

    fn arrange(&self, arrange: Arrange) {
        #[cfg(feature = "testing")]
        self.agenda.remind();
        self.sweep_at(arrange.sweep);
        if arrange.thin_out {
            self.at_leisure(self.clock.now(), |inner| inner.memory.thin_out());
        }
    }

    fn sweep_at(&self, when: Option<Tick>) {
        let Some(when) = when else {
            return;
        };
        self.at_leisure(when, |inner| {
            let now = inner.clock.now();
            let (due, next) = inner.memory.due(now);
            // First, for the sweep drops users' values, and such a drop may panic.
            inner.sweep_at(next);
            inner.memory.sweep(due, now);
        });
    }

    /// Has something done at `when`, if the cache still exists then.
    pub(crate) fn later(&self, when: Tick, job: impl FnOnce(&Self) + Send + 'static) -> Item {
        let this = self.this.clone();
        self.agenda.add(when, move || {
            if let Some(inner) = this.upgrade() {
                job(&inner);
            }
        })
    }

    /// Like [`later`](Self::later), for what nobody waits for.
    fn at_leisure(&self, when: Tick, job: impl FnOnce(&Self) + Send + 'static) {
        let this = self.this.clone();
        self.agenda.add_at_leisure(when, move || {
            if let Some(inner) = this.upgrade() {
                job(&inner);
            }
        });
    }

    /// Arranges for the followers of a flight to be woken when their patience ends.
    pub(crate) fn watch(&self, flight: &Arc<Flight>, deadline: Tick) {
        let watched = Arc::downgrade(flight);
        let item = self.later(deadline, move |inner| {
            if let Some(flight) = watched.upgrade()
                && let Some(next) = flight.wake_impatient(inner.clock.now())
            {
                inner.watch(&flight, next);
            }
        });
        if let Some(needless) = flight.watched_by(item) {
            self.agenda.cancel(needless);
        }
    }

    /// The weight of an entry, under the bound that the cache has.
    pub(crate) fn weigh(&self, bytes: impl FnOnce() -> u64) -> u64 {
        match self.bound {
            Bound::Entries(_) => 1,
            Bound::Weight(_) => bytes(),
        }
    }

    /// Whether the caller may wait for another's computation.
    pub(crate) fn may_follow(&self) -> bool {
        !is_inside() && !self.patience.is_zero()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.agenda.close();
        if let Some(shared) = &self.shared {
            shared.errands.close();
        }
    }
}
