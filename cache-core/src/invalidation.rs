//! What an annotated writer does after its body, however its body ends.

use std::sync::atomic::Ordering::Relaxed;

use crate::cache::{Cache, Inner};
use crate::error::LOG;
use crate::outcome::{Outcome, Settled, Shape};
use crate::pattern::Pattern;
use crate::pending::Target;
use crate::segment::{SegmentWriter, render, render_widened};

/// The invalidation of a writer, rendered before its body runs.
#[must_use = "an invalidation does nothing until `after` is awaited"]
#[derive(Debug)]
pub struct Invalidation {
    cache: Cache,
    function: &'static str,
    /// As they are written, for the log.
    patterns: Vec<&'static str>,
    target: Target,
    always: bool,
}

/// Begins the invalidation of a writer.
pub fn invalidation(cache: &Cache, function: &'static str) -> Invalidation {
    Invalidation {
        cache: cache.clone(),
        function,
        patterns: Vec::new(),
        target: Target::default(),
        always: false,
    }
}

impl Invalidation {
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
        match Pattern::from_rendered(&rendered) {
            Ok(pattern) => {
                let invalidations = &self.cache.inner().memory.invalidations;
                let slots = invalidations.slots_of_pattern(pattern.node());
                self.target.slots.extend(slots);
            }
            Err(_) => self.target.everything = true,
        }
        self
    }

    /// Invalidates after an `Err` too: for writers that may have committed all the same.
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Runs the body, then invalidates, unless it failed.
    ///
    /// If the future is dropped while the body runs, or the body panics, nobody knows whether it
    /// wrote: the invalidation is done at once, and again when the outcome must have settled.
    pub async fn after<R>(
        self,
        shape: impl Shape<R> + Settled,
        body: impl AsyncFnOnce() -> R,
    ) -> R {
        let guard = Guard(Some(self));
        let answer = body().await;
        guard.end(shape.outcome(&answer));
        answer
    }

    /// Like [`after`](Self::after), for a synchronous function.
    pub fn after_blocking<R>(self, shape: impl Shape<R> + Settled, body: impl FnOnce() -> R) -> R {
        let guard = Guard(Some(self));
        let answer = body();
        guard.end(shape.outcome(&answer));
        answer
    }
}

/// Invalidates when it is dropped, unless it was told the outcome before.
struct Guard(Option<Invalidation>);

impl Guard {
    fn end<T>(mut self, outcome: Outcome<T>) {
        if let Some(invalidation) = self.0.take()
            && (invalidation.always || !matches!(outcome, Outcome::Failure))
        {
            invalidation.cache.inner().invalidate(&invalidation.target);
            let Invalidation {
                function, patterns, ..
            } = invalidation;
            tracing::debug!(target: LOG, function, ?patterns, "invalidated");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(invalidation) = self.0.take() else {
            return;
        };
        let inner = invalidation.cache.inner();
        inner.invalidate(&invalidation.target);
        inner.invalidate_again(invalidation.target);
        tracing::debug!(
            target: LOG,
            function = invalidation.function,
            "dropped before its outcome was known: invalidated now, and again later"
        );
    }
}

impl Inner {
    fn invalidate(&self, target: &Target) {
        let invalidations = &self.memory.invalidations;
        if target.everything {
            invalidations.invalidate_all();
        } else {
            invalidations.invalidate(&target.slots);
        }
        self.statistics.invalidations.fetch_add(1, Relaxed);
    }

    /// Has `target` invalidated once more when the outcome of a dropped writer has settled.
    fn invalidate_again(&self, target: Target) {
        if let Some(when) = self.pending.add(target, self.clock.after(self.settle)) {
            self.later(when, |inner| {
                for target in inner.pending.take(inner.clock.now()) {
                    inner.invalidate(&target);
                }
            });
        }
    }
}
