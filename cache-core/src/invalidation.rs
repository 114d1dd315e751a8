//! What an annotated writer does after its body, however its body ends.

pub(crate) mod call;
mod tag;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::body::block_on;
use crate::cache::{Cache, Inner};
use crate::clock::Tick;
use crate::deferral::{self, Deferral};
use crate::error::{Error, LOG};
use crate::function::Function;
use crate::invalidator::Invalidator;
use crate::key::KeyWriter;
use crate::layout::Leaf;
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Settled, Shape};
use crate::pattern::{Pattern, nodes};
use crate::registry;
use crate::rehearsal;
use crate::segment::{SegmentWriter, render, render_widened};
use crate::settling::Target;
use crate::shared::Allowance;
use call::fixed_path;

/// The invalidation of a writer, rendered before its body runs.
#[must_use = "an invalidation does nothing until `after` is awaited"]
#[derive(Debug, Clone)]
pub struct Invalidation {
    pub(crate) cache: Cache,
    pub(crate) function: &'static str,
    /// As they are written, for the log.
    patterns: Vec<&'static str>,
    /// The functions of which single entries are invalidated, for the log.
    entries: Vec<&'static str>,
    /// As they are written, for the log.
    tags: Vec<&'static str>,
    pub(crate) target: Target,
    pub(crate) always: bool,
}

/// Begins the invalidation of a writer.
pub fn invalidation(cache: &Cache, writer: &'static Invalidator) -> Invalidation {
    registry::meet_writer(writer);
    Invalidation::of(cache, writer.name())
}

impl Invalidation {
    /// The invalidation of a writer of this name.
    pub(crate) fn of(cache: &Cache, function: &'static str) -> Self {
        Self {
            cache: cache.clone(),
            function,
            patterns: Vec::new(),
            entries: Vec::new(),
            tags: Vec::new(),
            target: Target::default(),
            always: false,
        }
    }

    /// Adds a pattern. A placeholder that can't be rendered widens it, to everything at worst.
    pub fn pattern(
        mut self,
        template: &'static str,
        fill: impl Fn(&mut SegmentWriter<'_>),
    ) -> Self {
        self.patterns.push(template);
        let rendered = render(template, &fill).unwrap_or_else(|error| {
            tracing::warn!(target: LOG, function = self.function, template, %error, "invalidating more than asked for");
            render_widened(template, &fill)
        });
        // A value that looks like a hash or a version names nothing but itself.
        let depth = nodes(&rendered)
            .take_while(|node| !node.contains('*'))
            .count();
        let last = template.split(':').nth(depth.saturating_sub(1));
        let alone = last.is_some_and(|segment| segment.contains('{'));
        self.add_path(&rendered, alone);
        self
    }

    /// Adds what lies below a path, and unless it stands `alone`, what else that may name.
    fn add_path(&mut self, path: &str, alone: bool) {
        let Ok(pattern) = Pattern::from_rendered(path) else {
            self.target.everything = true;
            return;
        };
        let inner = self.cache.inner();
        let slots = inner.memory.invalidations.slots_of_pattern(pattern.node());
        self.target.slots.extend(slots);
        if inner.shared.is_some() {
            let named = pattern.named().take(if alone { 1 } else { usize::MAX });
            self.target.nodes.extend(named.map(Box::from));
        }
    }

    /// Adds the entries of every function of this bare name with these arguments, whatever its
    /// module, key prefix, version and type; scopes tell nothing apart here. It takes with it whatever
    /// else falls into their [leaf](Leaf). Arguments that can't be written widen it to everything.
    pub fn entry(mut self, function: &'static str, key: impl FnOnce(&mut KeyWriter)) -> Self {
        self.entries.push(function);
        let mut writer = KeyWriter::new();
        key(&mut writer);
        match writer.error() {
            Some(error) => self.widen_to_everything(error),
            None => self.add_leaf(function, writer.argument_bytes()),
        }
        self
    }

    /// Adds the entries of a function with these arguments.
    fn add_leaf(&mut self, function: &'static str, arguments: &[u8]) {
        let inner = self.cache.inner();
        let slot = inner.memory.invalidations.leaf(function, arguments);
        self.target.slots.push(slot);
        if inner.shared.is_some() {
            let leaf = Leaf::of_call(function, arguments);
            self.target.leaves.push(leaf);
        }
    }

    /// Adds the entries of a function with these arguments.
    pub(crate) fn add_entry(&mut self, function: &'static str, arguments: &[u8]) {
        self.entries.push(function);
        self.add_leaf(function, arguments);
    }

    /// Adds all that a function of this name may have: one of these, or if there are none, of another
    /// program.
    pub(crate) fn add_all_entries_of(&mut self, name: &'static str, functions: &[&Function]) {
        self.entries.push(name);
        self.target.everything |= functions.is_empty();
        for function in functions {
            self.add_path(&fixed_path(function.key_prefix(), name), false);
        }
    }

    /// Adds everything, for it is not known which entry of this function it is.
    pub(crate) fn widen_to_everything_for(&mut self, entry: &'static str, reason: &Error) {
        self.entries.push(entry);
        self.widen_to_everything(reason);
    }

    fn widen_to_everything(&mut self, reason: impl Display) {
        let (function, entries, tags) = (self.function, &self.entries, &self.tags);
        tracing::warn!(target: LOG, function, ?entries, ?tags, error = %reason, "invalidating more than asked for");
        self.target.everything = true;
    }

    /// Invalidates after an `Err` too: for writers that may have committed all the same.
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Runs the body, then invalidates, unless it failed; inside a [`defer`](crate::defer) block the
    /// invalidation is left to that.
    ///
    /// If the future is dropped while the body runs, or the body panics, nobody knows whether it
    /// wrote: the invalidation is done at once, and again when the outcome must have settled.
    ///
    /// What the store does not acknowledge in time stays pending, and the answer is the body's all
    /// the same.
    pub async fn after<R, S: Shape<R> + Settled>(
        self,
        shape: S,
        body: impl AsyncFnOnce() -> R,
    ) -> R {
        rehearsal::stop_writer(self.function).await;
        #[cfg(mutants)]
        if active(Mutant::InvalidatedBeforeBody) {
            Guard::new(self).succeeded().await;
            return body().await;
        }
        let guard = Guard::new(self);
        let answer = body().await;
        // From here on no `R` may be held across an await: its error need not be `Send`.
        let kept = match shape.take(answer) {
            Ok(kept) => kept,
            Err(failure) => {
                guard.failed();
                return failure;
            }
        };
        guard.succeeded().await;
        let answer = shape.restore(kept);
        answer.expect("a shape has a place for what it was taken apart into")
    }

    /// Like [`after`](Self::after), for a synchronous function.
    pub fn after_blocking<R>(self, shape: impl Shape<R> + Settled, body: impl FnOnce() -> R) -> R {
        block_on(rehearsal::stop_writer(self.function));
        let guard = Guard::new(self);
        let answer = body();
        match shape.outcome(&answer) {
            Outcome::Failure => guard.failed(),
            _ => block_on(guard.succeeded()),
        }
        answer
    }
}

/// Invalidates when it is dropped, unless it was told the outcome before.
pub(crate) struct Guard {
    invalidation: Option<Invalidation>,
    /// The block that the writer started in.
    deferral: Option<Arc<Deferral>>,
}

impl Guard {
    pub(crate) fn new(invalidation: Invalidation) -> Self {
        Self {
            invalidation: Some(invalidation),
            deferral: deferral::current(),
        }
    }

    /// What to invalidate. An entry may be that of a function that nobody knew when its call was
    /// looked up, and that has been called since.
    fn take(&mut self) -> Option<Invalidation> {
        let mut invalidation = self.invalidation.take()?;
        if !invalidation.entries.is_empty() && registry::is_partial() {
            // In silence: a subscriber is foreign code, and nothing was invalidated yet.
            invalidation.target.everything = true;
        }
        Some(invalidation)
    }

    /// Leaves the invalidation to the block, if there is one that is not over.
    fn deferred(&self, invalidation: &Invalidation) -> bool {
        let deferral = self.deferral.as_ref();
        let deferral = deferral.filter(|_| !active(Mutant::InvalidatedBeforeCommit));
        let deferred = deferral.is_some_and(|deferral| deferral.collect(invalidation));
        if deferred {
            let function = invalidation.function;
            tracing::debug!(target: LOG, function, "the invalidation is deferred");
        }
        deferred
    }

    /// The body wrote.
    pub(crate) async fn succeeded(mut self) {
        if let Some(invalidation) = self.take()
            && !self.deferred(&invalidation)
        {
            let inner = invalidation.cache.inner();
            inner.invalidate_locally(&invalidation.target);
            inner.invalidate_in_store(&invalidation.target).await;
            // Last: a subscriber or a recorder is foreign code, and may panic.
            invalidation.note();
        }
    }

    /// The body wrote, and what it returned stands in memory in the place of what was outdated. A store
    /// may hold something for programs that keep it there.
    pub(crate) async fn written_to_memory(mut self) {
        if let Some(invalidation) = self.invalidation.take() {
            let inner = invalidation.cache.inner();
            inner.statistics.invalidations.fetch_add(1, Relaxed);
            inner.invalidate_in_store(&invalidation.target).await;
            invalidation.note();
        }
    }

    /// The body wrote, and a store has acknowledged that what was there is outdated.
    pub(crate) fn written_to_store(mut self) {
        if let Some(invalidation) = self.invalidation.take() {
            let inner = invalidation.cache.inner();
            inner.invalidate_locally(&invalidation.target);
            invalidation.note();
        }
    }

    /// The body says that it did not write. Who does not believe it must not wait for the store: a
    /// failure can't be held across an await.
    pub(crate) fn failed(mut self) {
        let believed = |invalidation: &mut Invalidation| !invalidation.always;
        drop(self.invalidation.take_if(believed));
        if let Some(invalidation) = self.take()
            && !self.deferred(&invalidation)
        {
            invalidation.cache.inner().invalidate(&invalidation.target);
            invalidation.note();
        }
    }
}

impl Invalidation {
    /// The patterns, the functions that are named and the tags, as they are written.
    pub(crate) fn covered(&self) -> impl Iterator<Item = &'static str> {
        let patterns_and_entries = self.patterns.iter().chain(&self.entries);
        patterns_and_entries.chain(&self.tags).copied()
    }

    /// Logs and meters what was done.
    fn note(&self) {
        let (function, patterns) = (self.function, &self.patterns);
        let (entries, tags) = (&self.entries, &self.tags);
        for covered in self.covered() {
            self.cache.inner().meter_invalidation(covered, function);
        }
        tracing::debug!(target: LOG, function, ?patterns, ?entries, ?tags, "invalidated");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let invalidation = self.take();
        let Some(invalidation) = invalidation.filter(|_| !active(Mutant::NoGuard)) else {
            return;
        };
        let inner = invalidation.cache.inner();
        let function = invalidation.function;
        inner.invalidate(&invalidation.target);
        inner.invalidate_again(invalidation.target.clone());
        // Also when the block commits, which may be after the outcome was thought to have settled.
        self.deferred(&invalidation);
        tracing::debug!(target: LOG, function, "the outcome was never known: will be invalidated again");
        invalidation.note();
    }
}

impl Inner {
    /// Invalidates here, and as soon as can be in the store.
    pub(crate) fn invalidate(&self, target: &Target) {
        self.invalidate_locally(target);
        if let Some(shared) = &self.shared {
            shared.invalidate_later(target.regions());
        }
    }

    pub(crate) fn invalidate_locally(&self, target: &Target) {
        let invalidations = &self.memory.invalidations;
        if target.everything {
            invalidations.invalidate_all();
        } else {
            invalidations.invalidate(&target.slots);
        }
        self.statistics.invalidations.fetch_add(1, Relaxed);
    }

    /// Invalidates in the store, if there is one. What it does not acknowledge in time is pending.
    pub(crate) async fn invalidate_in_store(&self, target: &Target) {
        let Some(shared) = &self.shared else {
            return;
        };
        let mut budget = shared.budget();
        if target.everything {
            let _ = shared.invalidate_all(Allowance::Budget(&mut budget)).await;
        } else {
            let _ = shared.invalidate(target.regions(), None, &mut budget).await;
        }
    }

    /// Has `target` invalidated once more when the outcome of a dropped writer has settled.
    pub(crate) fn invalidate_again(&self, target: Target) {
        if active(Mutant::GuardFiresOnce) {
            return;
        }
        if let Some(when) = self.settling.add(target, self.clock.after(self.settle)) {
            self.later(when, |inner| inner.settle(inner.clock.now()));
        }
    }

    fn settle(&self, now: Tick) {
        self.settling.settle(now, |target| self.invalidate(target));
    }

    /// Does once more what would be done when the outcomes of dropped writers have settled.
    pub(crate) fn settle_now(&self) {
        self.settle(Tick::MAX);
    }
}
