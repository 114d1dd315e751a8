//! Removing from the store, beside the callers, what invalidations have left unreachable.
//!
//! An invalidation deletes generations, and the values whose fences carry them stay until they
//! expire. A *sweep* finds them, page by page at a set rate: it scans for names that the invalidated
//! nodes may cover, reads what these values begin with, then their nodes' generations, and removes
//! those of which one is missing or another.
//!
//! No promise rests on any of it. A generation that is gone never comes back, so what was found
//! unreachable stays so; and a value that is filled under the same name between the look and the
//! removal costs a computation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lease::{Lease, Leave, turn};
use super::supervise::OnPanic;
use super::unreachable::Unreachable;
use super::{Budget, Shared};
use crate::body::block_on;
use crate::clock::{SECOND, Tick, ticks};
use crate::entry::Head;
use crate::error::{Error, LOG};
use crate::fence::Generation;
use crate::layout::{Key, ValueName};
use crate::store::{BoxFuture, Cursor, Deadline};
use crate::traffic::Operation;

/// How long after an invalidation a sweep begins, so that others are swept with it.
const DELAY: Duration = Duration::from_secs(1);

/// A page that fails is tried so often, a second apart, before the sweep is given up: a moment's stall
/// must not cost all that was looked at.
const TRIES: u32 = 4;

/// How long after a sweep that failed the next one comes.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// The same if the store does not let it be done at all.
const REFUSED: Duration = Duration::from_secs(600);

/// The keys' worth of work of one step, for some 40 µs of which a server does nothing else. With fewer
/// there are more steps, and more of the others' requests meet one.
const PAGE: u32 = 200;

/// A sweep that is behind its rate makes up for this much time; the thread's clock is no finer.
const ARREARS: Duration = Duration::from_millis(50);

/// The sweeps of one cache: one at a time.
#[derive(Debug)]
pub(crate) struct Sweeps {
    /// Keys that are looked at in a second; none if zero.
    rate: u32,
    agreed: Mutex<Agreed>,
    /// Values that were removed.
    pub(crate) swept: AtomicU64,
}

#[derive(Debug, Default)]
struct Agreed {
    /// For the next sweep.
    unreachable: Unreachable,
    /// Whether a sweep is arranged or under way.
    arranged: bool,
    /// How often all that was arranged has been called off.
    era: u64,
    /// As long as a sweep took, none follows it.
    rest_until: Tick,
    /// Sweeps in a row that failed.
    failures: u32,
    /// Whether it was told that the store does not let it be done.
    told: bool,
}

/// A sweep under way.
struct Sweep {
    era: u64,
    unreachable: Arc<Unreachable>,
    beginning: Key,
    cursor: Cursor,
    lease: Option<Lease>,
    began: Tick,
    /// When this page was due.
    due: Tick,
    /// How often this page has failed.
    failures: u32,
}

impl Sweeps {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate,
            agreed: Mutex::default(),
            swept: AtomicU64::new(0),
        }
    }

    /// Ends a sweep under way after its page, and forgets what was to be swept.
    pub(crate) fn call_off(&self) {
        let mut agreed = self.lock();
        agreed.era += 1;
        agreed.arranged = false;
        agreed.unreachable = Unreachable::default();
    }

    fn is_called_off(&self, era: u64) -> bool {
        self.lock().era != era
    }

    fn lock(&self) -> MutexGuard<'_, Agreed> {
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys' worth of one page.
    fn limit(&self) -> u32 {
        self.rate.min(PAGE)
    }

    /// The time from one page to the next.
    fn interval(&self) -> Tick {
        SECOND * u64::from(self.limit()) / u64::from(self.rate.max(1))
    }
}

impl Shared {
    /// Nodes were invalidated: arranges for what is unreachable now to be removed.
    pub(super) fn sweep_later(&self, nodes: &[Box<str>]) {
        self.arrange_sweep(|unreachable| unreachable.add(nodes.iter().map(AsRef::as_ref)));
    }

    /// Everything was invalidated.
    pub(super) fn sweep_all_later(&self) {
        self.arrange_sweep(|unreachable| *unreachable = Unreachable::everything());
    }

    fn arrange_sweep(&self, add: impl FnOnce(&mut Unreachable)) {
        if self.sweeps.rate == 0 {
            return;
        }
        let mut agreed = self.sweeps.lock();
        add(&mut agreed.unreachable);
        if !std::mem::replace(&mut agreed.arranged, true) {
            let when = self.clock.after(DELAY).max(agreed.rest_until);
            let era = agreed.era;
            drop(agreed);
            self.begin_sweep_at(when, era);
        }
    }

    fn begin_sweep_at(&self, when: Tick, era: u64) {
        self.errand_at_leisure(when, move |_, shared| shared.begin_sweep(era));
    }

    fn begin_sweep(&self, era: u64) {
        if self.sweeps.is_called_off(era) {
            return;
        }
        if self.breaker.is_open() || self.pending.len() > 0 {
            // What is pending is to be swept, too.
            return self.begin_sweep_at(self.clock.after(DELAY), era);
        }
        let _again = OnPanic(|| self.put_off(era, &Unreachable::default(), LAST_RETRY));
        let lease = match block_on(self.ask_for_lease()) {
            Ok(Leave::Ours(lease)) => Some(lease),
            Ok(Leave::Full) => None,
            Ok(Leave::Others) => return self.begin_sweep_at(self.clock.after(turn()), era),
            Err(error) => return self.sweep_failed(era, &Unreachable::default(), &error),
        };
        let unreachable = std::mem::take(&mut self.sweeps.lock().unreachable);
        let now = self.clock.now();
        let sweep = Sweep {
            era,
            beginning: self.layout.values_from(unreachable.beginning()),
            unreachable: Arc::new(unreachable),
            cursor: Cursor::start(),
            lease,
            began: now,
            due: now,
            failures: 0,
        };
        // Not from here: should a store panic, this would be done again as well as the sweep.
        self.errand_at_leisure(now, move |_, shared| shared.sweep(sweep));
    }

    /// Does one page and arranges for the next, so that other errands come in between.
    fn sweep(&self, mut sweep: Sweep) {
        if self.sweeps.is_called_off(sweep.era) {
            return self.release(sweep.lease);
        }
        let (era, unreachable) = (sweep.era, Arc::clone(&sweep.unreachable));
        let _again = OnPanic(|| self.put_off(era, &unreachable, LAST_RETRY));
        match block_on(self.sweep_page(&mut sweep)) {
            Ok(Some(next)) => {
                sweep.cursor = next;
                sweep.failures = 0;
                let earliest = self.clock.now().saturating_sub(ticks(ARREARS));
                sweep.due = (sweep.due + self.sweeps.interval()).max(earliest);
                self.errand_at_leisure(sweep.due, move |_, shared| shared.sweep(sweep));
            }
            Ok(None) => self.sweep_ended(sweep),
            Err(error) if error.is_outage() && sweep.failures + 1 < TRIES => {
                sweep.failures += 1;
                sweep.due = self.clock.after(DELAY);
                self.errand_at_leisure(sweep.due, move |_, shared| shared.sweep(sweep));
            }
            Err(error) => {
                if !error.is_outage() {
                    self.release(sweep.lease);
                }
                self.sweep_failed(era, &unreachable, &error);
            }
        }
    }

    fn sweep_ended(&self, sweep: Sweep) {
        self.release(sweep.lease);
        let now = self.clock.now();
        tracing::debug!(target: LOG, "what was unreachable in the store has been removed");
        let mut agreed = self.sweeps.lock();
        if agreed.era != sweep.era {
            return;
        }
        agreed.failures = 0;
        agreed.rest_until = now + (now - sweep.began);
        agreed.arranged = !agreed.unreachable.is_empty();
        if agreed.arranged {
            let when = self.clock.after(DELAY).max(agreed.rest_until);
            drop(agreed);
            self.begin_sweep_at(when, sweep.era);
        }
    }

    /// A scan can't go on elsewhere, so the next sweep begins anew.
    fn sweep_failed(&self, era: u64, left: &Unreachable, error: &Error) {
        let mut agreed = self.sweeps.lock();
        agreed.failures += 1;
        let pause = DELAY * 2_u32.pow(agreed.failures.min(6));
        let refused = error.is_configuration();
        let tell = refused && !agreed.told;
        agreed.told |= refused;
        drop(agreed);
        self.put_off(
            era,
            left,
            if refused {
                REFUSED
            } else {
                pause.min(LAST_RETRY)
            },
        );
        if tell {
            let store = self.store.describe();
            tracing::warn!(target: LOG, store, %error, "what is unreachable stays in the store until it expires");
        }
    }

    fn put_off(&self, era: u64, left: &Unreachable, pause: Duration) {
        let mut agreed = self.sweeps.lock();
        if agreed.era == era {
            agreed.unreachable.merge(left);
            drop(agreed);
            self.begin_sweep_at(self.clock.after(pause), era);
        }
    }

    /// Removes what is unreachable of the next names, all within one budget. Gives where to go on.
    async fn sweep_page(&self, sweep: &mut Sweep) -> Result<Option<Cursor>, Error> {
        let budget = &mut self.budget();
        if let Some(lease) = &mut sweep.lease {
            self.renew(lease, budget).await?;
        }
        let limit = self.sweeps.limit() as usize;
        let (beginning, cursor) = (&sweep.beginning, sweep.cursor.clone());
        let scan = |deadline| self.store.scan(beginning, cursor, limit, deadline);
        let page = self.ask_beside(Operation::Scan, budget, scan).await?;
        let names = page.keys.iter();
        let mut names: Vec<_> = names
            .filter_map(|key| ValueName::read(&self.layout, key))
            .filter(|name| sweep.unreachable.covers(name))
            .collect();
        // Of equal hashes a server may name more than it was asked for.
        for names in names.chunks_mut(PAGE as usize) {
            let gone = self.unreachable_of(names, budget).await?;
            if !gone.is_empty() {
                let remove = |deadline| self.store.remove(&gone, deadline);
                self.ask_beside(Operation::Remove, budget, remove).await?;
                self.note_swept(gone.len() as u64);
            }
        }
        Ok(page.next)
    }

    /// The keys of those values that no read can prove any more. Heads first and generations
    /// afterwards: the other way round, what is filled in between would look outdated.
    async fn unreachable_of(
        &self,
        names: &[ValueName<'_>],
        budget: &mut Budget,
    ) -> Result<Vec<Key>, Error> {
        let values: Vec<Key> = names.iter().map(|name| name.key().clone()).collect();
        let most = names.iter().map(ValueName::most_generations).max();
        let length = Head::length(most.unwrap_or(0));
        let heads = |deadline| self.store.heads(&values, length, deadline);
        let heads = self.ask_beside(Operation::Heads, budget, heads).await?;
        answered(heads.len(), values.len())?;
        let fences: Vec<_> = names.iter().zip(&heads).filter_map(carried).collect();

        let nodes = fences.iter().flat_map(|(_, fence)| fence);
        let mut shown: BTreeMap<&Key, _> = nodes.map(|(node, _)| (node, None)).collect();
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let nodes: Vec<Key> = shown.keys().map(|key| (*key).clone()).collect();
        let read = |deadline| self.store.read(&nodes, deadline);
        let reply = self.ask_beside(Operation::Read, budget, read).await?;
        answered(reply.len(), nodes.len())?;
        for (shown, bytes) in shown.values_mut().zip(reply) {
            *shown = bytes.as_deref().and_then(Generation::from_bytes);
        }
        let outdated = |fence: &Fence| fence.iter().any(|(node, own)| shown[node] != Some(*own));
        let gone = fences.iter().filter(|(_, fence)| outdated(fence));
        Ok(gone.map(|(name, _)| name.key().clone()).collect())
    }

    fn note_swept(&self, values: u64) {
        self.sweeps.swept.fetch_add(values, Relaxed);
        #[cfg(feature = "metrics")]
        crate::telemetry::swept(self.layout.namespace(), values);
    }

    /// Asks the store something on behalf of no caller: how it goes neither opens the breaker nor
    /// keeps it from opening, for a sweep has a connection of its own and asks all the time.
    pub(super) async fn ask_beside<'a, T>(
        &'a self,
        operation: Operation,
        budget: &mut Budget,
        ask: impl FnOnce(Deadline) -> BoxFuture<'a, Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.breaker.is_open() {
            return Err(Error::outage("a sweep waits until the store answers again"));
        }
        let began = Instant::now();
        let answer = ask(Deadline::after(budget.0)).await;
        let took = began.elapsed();
        budget.0 = budget.0.saturating_sub(took);
        self.plain.note(operation, took, answer.as_ref().err());
        answer
    }
}

/// Nodes, and the generations of theirs that a value was stored under.
type Fence = Vec<(Key, Generation)>;

/// What a value says that it was stored under. `None` for what is not this project's to judge: no
/// entry, one of another key, or one of a newer version.
fn carried<'a, 'n>(
    (name, head): (&'a ValueName<'n>, &Vec<u8>),
) -> Option<(&'a ValueName<'n>, Fence)> {
    let head = Head::parse(head).ok()?;
    let (first, nodes) = name.generations(head.echo())?;
    let places = nodes.into_iter().zip(first..);
    let fence = places.map(|(node, place)| Some((node, head.generation(place)?)));
    Some((name, fence.collect::<Option<_>>()?))
}

fn answered(answered: usize, asked: usize) -> Result<(), Error> {
    if answered == asked {
        return Ok(());
    }
    let problem = format!("the store answered {answered} of {asked} keys");
    Err(Error::data(problem))
}
