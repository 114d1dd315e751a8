//! What was found and is meant.

use std::panic::Location;

use super::finding::{Finding, FindingKind};
use super::place::Place;

/// What may be found at a function or in a module, and why.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    pub(super) kind: FindingKind,
    pub(super) path: String,
    pub(super) reason: String,
    pub(super) set: &'static Location<'static>,
}

impl Allowance {
    fn fits(&self, finding: &Finding) -> bool {
        self.kind == finding.kind && finding.place.is_within(&self.path)
    }

    fn unused(&self) -> Finding {
        let (kind, path) = (self.kind, &self.path);
        Finding::new(
            FindingKind::UnusedSetting,
            &Place::of_setting(path, self.set),
            format!("`{kind:?}` is allowed at `{path}` and was not found there"),
            "leave the allowance out, or write the path as the report does: module and function, without the type of a method",
        )
    }
}

/// A finding that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    finding: Finding,
    reason: String,
}

impl Allowed {
    /// What was found.
    #[must_use]
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// Why it is allowed.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Takes out what is allowed; an allowance of nothing is found itself.
pub(super) fn apply(allowances: &[Allowance], found: Vec<Finding>) -> (Vec<Finding>, Vec<Allowed>) {
    let unused = allowances.iter().filter(|allowance| {
        let mut findings = found.iter();
        !findings.any(|finding| allowance.fits(finding))
    });
    let unused: Vec<_> = unused.map(Allowance::unused).collect();
    let (mut findings, mut allowed) = (unused, Vec::new());
    for finding in found {
        match allowances.iter().find(|allowance| allowance.fits(&finding)) {
            Some(allowance) => allowed.push(Allowed {
                finding,
                reason: allowance.reason.clone(),
            }),
            None => findings.push(finding),
        }
    }
    (findings, allowed)
}
