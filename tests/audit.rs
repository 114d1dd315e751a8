//! What the audit knows of this very program, which has clean modules and broken ones.

#[allow(dead_code, reason = "what nobody calls is known all the same")]
#[path = "audit/broken.rs"]
mod broken;
#[allow(dead_code, reason = "what nobody calls is known all the same")]
#[path = "audit/clean.rs"]
mod clean;

use std::time::Duration;

use cachewright::audit::{Audit, CachedFunction, FindingKind, Report};

/// An audit of one module of this program.
fn audit_of(module: &str) -> Audit {
    cachewright::audit().within(format!("audit::{module}"))
}

/// What is found in a module, as kind and path below it.
fn found(module: &str) -> Vec<(FindingKind, String)> {
    let report = audit_of(module).report();
    let own = format!("audit::{module}::");
    let findings = report.findings().iter();
    findings
        .map(|finding| {
            let path = finding.place().path();
            (finding.kind(), path.replace(&own, ""))
        })
        .collect()
}

#[track_caller]
fn assert_found(module: &str, kind: FindingKind, name: &str) {
    assert_eq!(found(module), [(kind, name.to_owned())]);
}

/// The line of `tests/audit/clean.rs` behind the only one that contains `text`.
fn line_after(text: &str) -> u32 {
    let source = include_str!("audit/clean.rs");
    let at = source.lines().position(|line| line.contains(text));
    u32::try_from(at.unwrap()).unwrap() + 2
}

fn function<'r>(report: &'r Report, path: &str) -> &'r CachedFunction {
    let mut functions = report.functions().iter();
    let is_it = |function: &&CachedFunction| function.place().path() == path;
    let found = functions.find(is_it);
    found.unwrap_or_else(|| panic!("{report:#}"))
}

#[test]
fn clean_modules_are_clean_one_by_one_and_together() {
    for module in [
        "bookings",
        "generics",
        "calls",
        "clean_sessions",
        "shapes",
        "updates",
    ] {
        audit_of(&format!("clean::{module}")).assert_clean();
    }
    audit_of("clean").assert_clean();
    assert_eq!(audit_of("clean").report().findings(), []);
}

#[test]
fn functions_that_nobody_calls_are_known_with_file_and_line() {
    let report = audit_of("clean").report();
    for (path, before) in [
        ("audit::clean::bookings::stats", "// stats"),
        ("audit::clean::generics::find", "// generic impl"),
        ("audit::clean::generics::load", "// trait"),
        ("audit::clean::generics::sum", "// generic function"),
    ] {
        let place = function(&report, path).place();
        assert_eq!(place.file(), "tests/audit/clean.rs");
        assert_eq!(place.line(), line_after(before), "{path}");
    }
}

#[test]
fn a_generic_function_with_many_instances_is_one() {
    clean::generics::call_several();
    let report = audit_of("clean::generics").report();
    let names = report
        .functions()
        .iter()
        .map(|function| function.visible_prefix());
    let sums = names.filter(|name| *name == "sum:{day}:sum");
    assert_eq!(sums.count(), 1, "{report:#}");
}

#[test]
fn each_function_is_told_with_who_invalidates_it() {
    let report = audit_of("clean::bookings").report();
    let stats = function(&report, "audit::clean::bookings::stats");
    assert_eq!(stats.visible_prefix(), "booking:stats:{day}:stats");
    assert_eq!(stats.value_type(), Some("u64"));
    let writers: Vec<_> = stats
        .invalidated_by()
        .iter()
        .map(|writer| writer.path())
        .collect();
    assert_eq!(writers, ["audit::clean::bookings::book"]);
}

#[test]
fn a_writer_that_updates_an_entry_is_told_as_one_that_invalidates_it() {
    let report = audit_of("clean::updates").report();
    let counted = function(&report, "audit::clean::updates::counted");
    let writers = counted.invalidated_by().iter();
    let writers: Vec<_> = writers.map(|writer| writer.path()).collect();
    assert_eq!(writers, ["audit::clean::updates::count"]);
}

#[test]
fn patterns_and_calls_of_nothing_are_found() {
    assert_found("broken::patterns", FindingKind::UnmatchedPattern, "cancel");
    assert_found("broken::calls", FindingKind::UnknownEntry, "rename");
    assert_found("broken::updates", FindingKind::UnknownEntry, "replace");
}

#[test]
fn what_nothing_invalidates_is_found() {
    assert_found(
        "broken::forgotten",
        FindingKind::NeverInvalidated,
        "countries",
    );
}

#[test]
fn what_is_widened_is_found() {
    assert_found("broken::wide", FindingKind::Widened, "rename");
    assert_found("broken::wide_calls", FindingKind::Widened, "rename");
}

#[test]
fn colliding_and_unusual_prefixes_are_found() {
    assert_found(
        "broken::colliding",
        FindingKind::CollidingPrefixes,
        "by_email",
    );
    assert_found("broken::unusual", FindingKind::UnusualName, "members");
}

#[test]
fn methods_without_a_scope_are_notes() {
    assert_found("broken::unscoped", FindingKind::MissingScope, "rate");
    audit_of("broken::unscoped").assert_clean();
    let strict = audit_of("broken::unscoped").deny(FindingKind::MissingScope);
    assert!(!strict.report().is_clean());
}

#[test]
fn a_ttl_above_its_limit_is_found() {
    let limit = |audit: Audit| {
        audit
            .ttl_limit("session", Duration::from_secs(900))
            .report()
    };
    let clean = limit(audit_of("clean::clean_sessions"));
    assert_eq!(clean.findings(), []);
    let broken = limit(audit_of("broken::sessions"));
    let kinds: Vec<_> = broken
        .findings()
        .iter()
        .map(|finding| finding.kind())
        .collect();
    assert_eq!(kinds, [FindingKind::TtlAboveLimit; 2], "{broken}");
}

#[cfg(debug_assertions)]
#[test]
fn a_value_that_did_not_come_back_equal_is_found_once_its_function_was_called() {
    assert_eq!(found("broken::unequal"), []);
    broken::unequal::draft(7);
    assert_found("broken::unequal", FindingKind::UnequalValue, "draft");
    let report = audit_of("broken::unequal").report().to_string();
    assert!(
        report.contains("`audit::broken::unequal::draft`"),
        "{report}"
    );
    assert!(!report.contains("to be lost"), "{report}");
}

#[test]
fn a_type_that_hides_a_part_of_its_shape_is_found_without_a_call_where_it_is_named() {
    let hidden = |name: &str| (FindingKind::HiddenShape, name.to_owned());
    let shapes = || {
        let mut found = found("broken::hidden");
        found.retain(|(kind, _)| *kind != FindingKind::MissingScope);
        found
    };
    assert_eq!(shapes(), [hidden("notes")]);
    broken::hidden::Shelf(vec![7_u8]).page().unwrap();
    assert_eq!(shapes(), [hidden("notes"), hidden("page")]);
    let report = audit_of("broken::hidden").report().to_string();
    let told = "`Page<String>` hides its shape (`#[serde(flatten)]`";
    assert!(report.contains(told), "{report}");
}

#[test]
fn an_audit_that_is_not_clean_panics_with_its_report() {
    let failed = std::panic::catch_unwind(|| audit_of("broken::patterns").assert_clean());
    let message = *failed.unwrap_err().downcast::<String>().unwrap();
    let report = audit_of("broken::patterns").report().to_string();
    assert!(message.contains(&report), "{message}");
}

#[test]
fn the_report_is_printed_like_this() {
    let countries = "audit::broken::shop::countries";
    let report = audit_of("broken::shop")
        .allow(
            FindingKind::NeverInvalidated,
            countries,
            "they change with a release",
        )
        .report();
    assert_eq!(report.to_string(), include_str!("audit/report.txt"));
}
