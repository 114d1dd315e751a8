//! What an audit came to.

use std::fmt;

use super::allowance::Allowed;
use super::coverage::writers_of;
use super::finding::{Finding, FindingKind};
use super::place::Place;
use super::program::{Program, Reader};

/// What an audit came to.
///
/// Displayed as an overview and the findings by kind, each with its place as `file:line`, then the
/// notes, then what is allowed and why. The alternate form, `{report:#}`, begins with all functions
/// that were looked at. Equal programs have equal reports.
#[derive(Debug, Clone)]
pub struct Report {
    functions: Vec<CachedFunction>,
    invalidators: Vec<Place>,
    findings: Vec<Finding>,
    allowed: Vec<Allowed>,
}

/// A cached function of the program.
#[derive(Debug, Clone)]
pub struct CachedFunction {
    place: Place,
    visible_prefix: String,
    value_type: Option<&'static str>,
    tags: &'static [&'static str],
    invalidated_by: Vec<Place>,
}

impl CachedFunction {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What its visible keys begin with behind the namespace, as it stands in the source:
    /// `user:{id}:get_profile`.
    #[must_use]
    pub fn visible_prefix(&self) -> &str {
        &self.visible_prefix
    }

    /// The type of its values, where that can be told without a call: not if it has a parameter of a
    /// surrounding `impl` in it or never leaves the process.
    #[must_use]
    pub fn value_type(&self) -> Option<&'static str> {
        self.value_type
    }

    /// The tags that its entries carry, as they stand in the source: `team:{team_id}`.
    #[must_use]
    pub fn tags(&self) -> &[&'static str] {
        self.tags
    }

    /// The annotated functions of the whole program that have a pattern for it, name its entries by
    /// a call, or invalidate one of its tags.
    #[must_use]
    pub fn invalidated_by(&self) -> &[Place] {
        &self.invalidated_by
    }

    fn of(whole: &Program, reader: &Reader) -> Self {
        let writers = writers_of(whole, reader);
        Self {
            place: reader.place.clone(),
            visible_prefix: reader.visible(),
            value_type: reader.function.value_type().map(|value| value.name),
            tags: reader.function.written_tags(),
            invalidated_by: writers.map(|writer| writer.place.clone()).collect(),
        }
    }
}

impl Report {
    pub(super) fn new(
        whole: &Program,
        audited: &Program,
        mut findings: Vec<Finding>,
        mut allowed: Vec<Allowed>,
    ) -> Self {
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        allowed.sort_by(|a, b| order(a.finding()).cmp(&order(b.finding())));
        let readers = audited.readers.iter();
        let writers = audited.writers.iter();
        Self {
            functions: readers
                .map(|reader| CachedFunction::of(whole, reader))
                .collect(),
            invalidators: writers.map(|writer| writer.place.clone()).collect(),
            findings,
            allowed,
        }
    }

    /// The cached functions that were looked at, by file and line.
    #[must_use]
    pub fn functions(&self) -> &[CachedFunction] {
        &self.functions
    }

    /// The functions with `#[invalidate_cache]` that were looked at, by file and
    /// line: several attributes on one function are several.
    #[must_use]
    pub fn invalidators(&self) -> &[Place] {
        &self.invalidators
    }

    /// What was found and is not allowed: first what fails [`assert_clean`](Self::assert_clean), by
    /// kind, file and line, then the notes.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was found and is allowed.
    #[must_use]
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// Whether there are no findings but notes.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(Finding::is_note)
    }

    /// Does nothing if the report is [clean](Self::is_clean).
    ///
    /// # Panics
    ///
    /// With the whole report, if it is not.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "the audit of the cache found\n\n{self}");
    }

    fn group(&self, kind: FindingKind, is_note: bool) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |finding| finding.kind == kind && finding.is_note == is_note)
    }
}

/// What decides where a finding stands in the report.
fn order(finding: &Finding) -> (bool, FindingKind, &Place, &str) {
    (
        finding.is_note,
        finding.kind,
        &finding.place,
        finding.problem(),
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes = self
            .findings
            .iter()
            .filter(|finding| finding.is_note)
            .count();
        writeln!(
            f,
            "{}, {}: {}, {}, {} allowed",
            counted(self.functions.len(), "cached function"),
            counted(self.invalidators.len(), "invalidator"),
            counted(self.findings.len() - notes, "finding"),
            counted(notes, "note"),
            self.allowed.len(),
        )?;
        if f.alternate() {
            self.write_functions(f)?;
        }
        let mut last = None;
        for finding in &self.findings {
            let group = (finding.kind, finding.is_note);
            if last.replace(group) != Some(group) {
                self.write_heading(f, group)?;
            }
            let text = finding.to_string();
            writeln!(f, "\n  {}", text.replace('\n', "\n  "))?;
        }
        self.write_allowed(f)
    }
}

impl Report {
    fn write_functions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for function in &self.functions {
            let CachedFunction {
                place,
                visible_prefix,
                value_type,
                tags,
                invalidated_by,
            } = function;
            writeln!(f, "\n  {visible_prefix}\n    kept by {place}")?;
            if let Some(value) = value_type {
                writeln!(f, "    as {value}")?;
            }
            if !tags.is_empty() {
                writeln!(f, "    tagged {}", tags.join(", "))?;
            }
            for writer in invalidated_by {
                writeln!(f, "    invalidated by {writer}")?;
            }
        }
        Ok(())
    }

    fn write_heading(
        &self,
        f: &mut fmt::Formatter<'_>,
        (kind, is_note): (FindingKind, bool),
    ) -> fmt::Result {
        let number = self.group(kind, is_note).count();
        let note = if is_note { "note, " } else { "" };
        writeln!(f, "\n{note}{kind:?}: {kind} ({number})\n{}", kind.why())
    }

    fn write_allowed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.allowed.is_empty() {
            writeln!(f, "\nallowed ({})", self.allowed.len())?;
        }
        for allowed in &self.allowed {
            let (finding, reason) = (allowed.finding(), allowed.reason());
            writeln!(f, "  {:?} at {}: {reason}", finding.kind, finding.place)?;
        }
        Ok(())
    }
}

fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}
