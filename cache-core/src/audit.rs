//! Finds the mistakes that show only when all annotated functions of a program are seen together.
//!
//! [`audit()`](fn@crate::audit) looks at every function of the linked program that the attributes annotate,
//! generic ones, those in impls of traits and those that nobody calls among them: at their attributes,
//! and not at what they do. It costs nothing unless it is called, and needs no cache.
//!
//! ```no_run
//! # use cache_core as cachewright;
//! // In a test of the program.
//! cachewright::audit().assert_clean();
//! ```
//!
//! # What it can't see
//!
//! - `cache.invalidate("booking:*")`, `cache.invalidate_tag("team:7")`, `cache.set(…)` and the other direct calls: what they invalidate
//!   looks as if nothing did, and a pattern for what they set looks as if it covered nothing.
//!   [Allow](Audit::allow) these, and say why.
//! - Other programs that share a store.
//! - What is not compiled (`#[cfg]`), and crates of which nothing is used: the linker leaves them out. In a
//!   crate's own tests all of it is there.
//! - Values: whether the `{user_id}` of a writer is the `{id}` of a reader, whether a reader's answers
//!   depend on something that no key prefix shows, whether a `ttl` that is an expression is too long.

mod allowance;
mod coverage;
mod encoding;
mod finding;
mod lifetime;
mod naming;
mod nearest;
mod place;
mod program;
mod report;
mod sharing;
mod tags;
mod template;

use std::panic::Location;
use std::time::Duration;

use allowance::Allowance;
use lifetime::Limit;
use program::Program;

pub use allowance::Allowed;
pub use finding::{Finding, FindingKind};
pub use place::Place;
pub use report::{CachedFunction, Report};

/// Begins an audit of all annotated functions of the program: one line in its tests,
/// `audit().assert_clean()`.
///
/// What is found, and what can't be, is told in the [module](mod@crate::audit).
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::audit;
/// use cachewright::audit::FindingKind;
/// use std::time::Duration;
///
/// let report = audit()
///     .within("shop::billing")
///     .allow(FindingKind::NeverInvalidated, "shop::billing::currencies", "change with a release")
///     .ttl_limit("session", Duration::from_secs(900))
///     .deny(FindingKind::MissingScope)
///     .report();
/// # // Nothing is annotated here.
/// # assert!(!report.is_clean());
/// println!("{report}");
/// ```
#[must_use = "an audit does nothing until it is asked for its report"]
#[track_caller]
pub fn audit() -> Audit {
    Audit {
        modules: Vec::new(),
        allowances: Vec::new(),
        denied: Vec::new(),
        limits: Vec::new(),
        begun: Location::caller(),
    }
}

/// What is to be looked at and what is meant. Made by [`audit()`](fn@crate::audit).
#[derive(Debug, Clone)]
#[must_use = "an audit does nothing until it is asked for its report"]
pub struct Audit {
    modules: Vec<(String, &'static Location<'static>)>,
    allowances: Vec<Allowance>,
    denied: Vec<FindingKind>,
    limits: Vec<Limit>,
    begun: &'static Location<'static>,
}

impl Audit {
    /// Looks at the functions of this module and those below it, and nowhere else; said again, at those
    /// of both. The patterns of all others, and their prefixes, count all the same.
    ///
    /// Without it everything is looked at, in the program's dependencies, too.
    #[track_caller]
    pub fn within(mut self, module: impl Into<String>) -> Self {
        self.modules.push((module.into(), Location::caller()));
        self
    }

    /// Takes findings of this kind, at this function or in this module, for meant. `path` is written
    /// as in the report, `shop::users::get` for a method as well; the reason is printed with it.
    ///
    /// An allowance for nothing that is found is itself [found](FindingKind::UnusedSetting).
    ///
    /// # Panics
    ///
    /// Without a reason: if it is blank.
    #[track_caller]
    pub fn allow(
        mut self,
        kind: FindingKind,
        path: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let (path, reason) = (path.into(), reason.into());
        assert!(
            !reason.trim().is_empty(),
            "`{kind:?}` is allowed at `{path}` without a reason: say why"
        );
        self.allowances.push(Allowance {
            kind,
            path,
            reason,
            set: Location::caller(),
        });
        self
    }

    /// Has the notes of this kind fail [`assert_clean`](Self::assert_clean) too.
    pub fn deny(mut self, kind: FindingKind) -> Self {
        self.denied.push(kind);
        self
    }

    /// Finds functions below a prefix whose values may live longer than `longest`. The prefix is written as a
    /// pattern: `session`, `user:{id}:token`.
    ///
    /// Only `ttl` and `none_ttl` that are literals are known. A function without a literal `ttl` is
    /// found as well: its ttl is the cache's default, or an expression. What
    /// [`ttl_of`](crate::CacheBuilder::ttl_of) sets in their place is not known at all.
    #[track_caller]
    pub fn ttl_limit(mut self, prefix: impl Into<String>, longest: Duration) -> Self {
        self.limits.push(Limit {
            prefix: prefix.into(),
            longest,
            set: Location::caller(),
        });
        self
    }

    /// Looks, and tells everything.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report_of(&Program::linked())
    }

    /// Looks, and does nothing if there are no findings but notes.
    ///
    /// # Panics
    ///
    /// With the whole report, if there are.
    #[track_caller]
    pub fn assert_clean(&self) {
        self.report().assert_clean();
    }

    fn report_of(&self, whole: &Program) -> Report {
        let modules: Vec<&str> = self.modules.iter().map(|(module, _)| &**module).collect();
        let audited = whole.within(&modules);
        let mut found = check(whole, &audited);
        found.extend(self.limits.iter().flat_map(|limit| limit.check(&audited)));
        for finding in &mut found {
            finding.is_note &= !self.denied.contains(&finding.kind);
        }
        let (mut findings, allowed) = allowance::apply(&self.allowances, found);
        findings.extend(self.nothing_audited(whole));
        findings.extend(self.linked_in_parts(whole));
        Report::new(whole, &audited, findings, allowed)
    }

    fn linked_in_parts(&self, whole: &Program) -> Option<Finding> {
        whole.is_partial.then(|| {
            Finding::new(
                FindingKind::LinkedInParts,
                &Place::of_setting("the whole program", self.begun),
                "functions were called that the linker has put elsewhere".to_owned(),
                "audit each part in its own tests, or link the crates statically",
            )
        })
    }

    /// The modules, or the whole program, in which nothing is annotated.
    fn nothing_audited(&self, whole: &Program) -> Vec<Finding> {
        let way_out = "write the module as `module_path!()` has it, and use something of its crate";
        let nothing = |path: &str, set| {
            Finding::new(
                FindingKind::NothingAudited,
                &Place::of_setting(path, set),
                "no function is annotated here".to_owned(),
                way_out,
            )
        };
        if whole.is_empty() {
            return vec![nothing("the whole program", self.begun)];
        }
        let empty = |(module, _): &&(String, _)| whole.within(&[module]).is_empty();
        let modules = self.modules.iter().filter(empty);
        modules.map(|(module, set)| nothing(module, set)).collect()
    }
}

/// All that can be found without settings.
fn check(whole: &Program, audited: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for writer in &audited.writers {
        found.extend(coverage::patterns(whole, writer));
        found.extend(coverage::calls(whole, writer));
        found.extend(tags::unmatched(whole, writer));
    }
    for reader in &audited.readers {
        found.extend(coverage::never_invalidated(whole, reader));
        found.extend(tags::never_invalidated(whole, reader));
        found.extend(encoding::unequal(reader));
        found.extend(encoding::hidden_shape(reader));
        found.extend(sharing::missing_scope(reader));
        found.extend(sharing::colliding(whole, audited, reader));
        found.extend(naming::unusual(audited, reader));
    }
    found
}

#[cfg(all(test, not(shuttle)))]
mod tests;
