//! Programs that are put together by hand: what the audit finds in them, and what not.

use std::time::Duration;

use super::program::Program;
use super::{Audit, Finding, FindingKind, Report, audit};
use crate::function::Function;
use crate::invalidator::{CalledEntry, Invalidator};

const FILE: &str = "src/shop.rs";

/// What is annotated, each thing a line below the one before.
#[derive(Default)]
struct Source {
    functions: Vec<&'static Function>,
    invalidators: Vec<&'static Invalidator>,
}

impl Source {
    fn line(&self) -> u32 {
        u32::try_from(self.functions.len() + self.invalidators.len()).unwrap() + 1
    }

    fn cached(self, name: &'static str, key_prefix: &'static str) -> Self {
        self.cached_as(name, key_prefix, |function| function.arguments(1))
    }

    fn cached_as(
        mut self,
        name: &'static str,
        key_prefix: &'static str,
        attribute: impl FnOnce(Function) -> Function,
    ) -> Self {
        let function = Function::new(name, key_prefix, "shop", FILE, self.line());
        self.functions
            .push(Box::leak(Box::new(attribute(function))));
        self
    }

    fn writer(self, name: &'static str, patterns: &'static [&'static str]) -> Self {
        self.calling(name, patterns, &[])
    }

    fn calling(
        mut self,
        name: &'static str,
        patterns: &'static [&'static str],
        calls: &'static [CalledEntry],
    ) -> Self {
        let writer = Invalidator::new(name, "shop", FILE, self.line());
        let writer = writer.patterns(patterns).entries(calls);
        self.invalidators.push(Box::leak(Box::new(writer)));
        self
    }

    fn tagging(mut self, name: &'static str, tags: &'static [&'static str]) -> Self {
        let writer = Invalidator::new(name, "shop", FILE, self.line()).tags(tags);
        self.invalidators.push(Box::leak(Box::new(writer)));
        self
    }

    fn report(&self, audit: &Audit) -> Report {
        let functions = self.functions.iter().copied();
        audit.report_of(&Program::of(functions, self.invalidators.iter().copied()))
    }

    /// What is found, as kind and name.
    fn found(&self) -> Vec<(FindingKind, String)> {
        found(&self.report(&audit()))
    }
}

fn source() -> Source {
    Source::default()
}

fn found(report: &Report) -> Vec<(FindingKind, String)> {
    let findings = report.findings().iter();
    findings
        .map(|finding| {
            let path = finding.place().path();
            (finding.kind(), path.trim_start_matches("shop::").to_owned())
        })
        .collect()
}

fn one(kind: FindingKind, name: &str) -> Vec<(FindingKind, String)> {
    vec![(kind, name.to_owned())]
}

/// The only finding of a report.
#[track_caller]
fn only(report: &Report) -> &Finding {
    let [finding] = report.findings() else {
        panic!("{report}");
    };
    finding
}

#[test]
fn a_pattern_that_covers_nothing_is_told_with_the_nearest_prefix() {
    let right = source()
        .cached("stats", "booking:stats")
        .writer("book", &["booking:*"]);
    assert_eq!(right.found(), []);

    let wrong = right.writer("cancel", &["booking_stats:*"]);
    assert_eq!(wrong.found(), one(FindingKind::UnmatchedPattern, "cancel"));
    let report = wrong.report(&audit());
    let problem = only(&report).problem();
    assert!(
        problem.contains("`booking:stats`, in `booking:stats:stats`"),
        "{problem}"
    );
    assert!(problem.contains("src/shop.rs:1"), "{problem}");
}

#[test]
fn a_pattern_that_only_a_lucky_value_makes_fit_covers_nothing() {
    let swapped = source()
        .cached("profile", "user:profile:{id}")
        .writer("rename", &["user:{user_id}:*"]);
    let expected = [
        (FindingKind::UnmatchedPattern, "rename".to_owned()),
        (FindingKind::NeverInvalidated, "profile".to_owned()),
    ];
    assert_eq!(swapped.found(), expected);
    let report = swapped.report(&audit());
    let problem = report.findings()[0].problem();
    assert!(problem.contains("`{user_id}` stands where"), "{problem}");
    assert!(problem.contains("has `profile`"), "{problem}");
}

#[test]
fn a_called_entry_must_be_one_of_a_cached_function_with_as_many_arguments() {
    let right = || source().cached("profile", "user:{id}");
    let by_call = right().calling("rename", &[], &[("profile", true, &[true])]);
    assert_eq!(by_call.found(), []);

    let unknown = right().calling("rename", &["user:*"], &[("load", true, &[true])]);
    assert_eq!(unknown.found(), one(FindingKind::UnknownEntry, "rename"));
    let more = right().calling("rename", &["user:*"], &[("profile", true, &[true, true])]);
    assert_eq!(more.found(), one(FindingKind::UnknownEntry, "rename"));
    // Nothing without a receiver is called as a method.
    let method = right().calling("rename", &["user:*"], &[("profile", false, &[true])]);
    assert_eq!(method.found(), one(FindingKind::UnknownEntry, "rename"));
}

#[test]
fn a_path_takes_the_receiver_as_an_argument() {
    let method = |function: Function| function.arguments(1).method().scoped();
    let users = || source().cached_as("profile", "user:{id}", method);
    let call: &[CalledEntry] = &[("profile", true, &[true, true])];
    assert_eq!(users().calling("rename", &[], call).found(), []);
}

#[test]
fn a_function_that_no_writer_reaches_is_told() {
    let countries = source()
        .cached("countries", "countries")
        .cached("cities", "cities:{country}")
        .writer("build", &["cities:{country}"]);
    let expected = one(FindingKind::NeverInvalidated, "countries");
    assert_eq!(countries.found(), expected);
    let by_name = countries.writer("move", &["countries:countries.v2"]);
    assert_eq!(by_name.found(), []);
}

#[test]
fn an_invalidation_that_covers_more_than_it_says_is_told() {
    let users = || source().cached("profile", "user:{id}:profile");
    for precise in [
        &["user:{id}:*"],
        &["user:*"],
        &["user:{id}:profile"],
        &["user:{id}:profile:profile:*"],
    ] {
        assert_eq!(users().writer("rename", precise).found(), []);
    }
    let wide = users().writer("rename", &["user:*:profile"]);
    assert_eq!(wide.found(), one(FindingKind::Widened, "rename"));
    let report = wide.report(&audit());
    assert!(only(&report).problem().contains("everything under `user`"));

    let deep = source()
        .cached("deep", "a:b:c:d:e:f:g:h")
        .writer("write", &["a:b:c:d:e:f:g:h:i"]);
    assert_eq!(deep.found(), one(FindingKind::Widened, "write"));
}

#[test]
fn a_call_from_which_the_key_cannot_be_told_is_told() {
    let chosen = |function: Function| function.chosen_key(1);
    let users = source().cached_as("profile", "user:{id}", chosen);
    let by_call = users.calling("rename", &[], &[("profile", true, &[true])]);
    assert_eq!(by_call.found(), one(FindingKind::Widened, "rename"));

    let some = |function: Function| function.some_arguments(2, &[1]);
    let skipped = |calls| {
        let users = source().cached_as("profile", "user:{id}", some);
        users.calling("rename", &[], calls).found()
    };
    assert_eq!(skipped(&[("profile", true, &[false, true])]), []);
    let missing = skipped(&[("profile", true, &[true, false])]);
    assert_eq!(missing, one(FindingKind::Widened, "rename"));
}

#[test]
fn prefixes_that_can_be_equal_and_mean_different_things_are_told() {
    let users = || {
        let profile = source().cached("profile", "user:{id}");
        profile.writer("rename", &["user:*"])
    };
    let shared = users().cached("orders", "user:{user_id}");
    assert_eq!(shared.found(), []);

    let other = users().cached("by_email", "user:{email}");
    assert_eq!(
        other.found(),
        one(FindingKind::CollidingPrefixes, "by_email")
    );
    assert!(!other.report(&audit()).is_clean());

    let literal = users().cached("count", "user:count");
    assert_eq!(
        literal.found(),
        one(FindingKind::CollidingPrefixes, "count")
    );
    assert!(literal.report(&audit()).is_clean());
}

#[test]
fn key_prefixes_that_are_not_written_like_the_others_are_told() {
    let three = || {
        let one = source()
            .cached("a", "user:{id}")
            .cached("b", "booking:recent_ones:{day}");
        one.cached("c", "session:last_seen:{token}")
            .writer("clear", &["user", "booking", "session"])
    };
    assert_eq!(three().found(), []);
    for (key_prefix, pattern) in [
        ("userProfile:{id}", &["userProfile"]),
        ("booking_stats:{id}", &["booking_stats"]),
        ("room:free-rooms:{id}", &["room:free-rooms"]),
        ("", &["odd"]),
    ] as [(_, &'static [&'static str]); 4]
    {
        let odd = three().cached("odd", key_prefix).writer("write", pattern);
        assert_eq!(
            odd.found(),
            one(FindingKind::UnusualName, "odd"),
            "{key_prefix}"
        );
    }
    let open = three()
        .cached("odd", "{tenant}:orders")
        .writer("write", &["{tenant}:*"]);
    let found = open.found();
    assert!(
        found.contains(&(FindingKind::UnusualName, "odd".to_owned())),
        "{found:?}"
    );
}

#[test]
fn a_method_without_a_scope_is_a_note_unless_it_is_denied() {
    let method = |function: Function| function.arguments(1).method();
    let users = || source().writer("rename", &["user:*"]);
    let unscoped = users().cached_as("profile", "user:{id}", method);
    assert_eq!(unscoped.found(), one(FindingKind::MissingScope, "profile"));
    assert!(unscoped.report(&audit()).is_clean());
    let strict = audit().deny(FindingKind::MissingScope);
    assert!(!unscoped.report(&strict).is_clean());

    let scoped = users().cached_as("profile", "user:{id}", |function| method(function).scoped());
    assert_eq!(scoped.found(), []);
}

#[test]
fn a_ttl_above_the_limit_or_unknown_is_told() {
    let sessions = |attribute: fn(Function) -> Function| {
        let session = source().cached_as("session", "session:{id}", attribute);
        session.writer("leave", &["session:*"])
    };
    let limit = audit().ttl_limit("session", Duration::from_secs(900));
    let found = |attribute| found(&sessions(attribute).report(&limit));
    assert_eq!(found(|function| function.ttl_millis(900_000)), []);
    let above = one(FindingKind::TtlAboveLimit, "session");
    assert_eq!(found(|function| function.ttl_millis(900_001)), above);
    assert_eq!(
        found(|function| function.ttl_millis(1).none_ttl_millis(900_001)),
        above
    );
    assert_eq!(found(|function| function), above);

    let report = sessions(|function| function.ttl_millis(5_400_000)).report(&limit);
    let problem = "its ttl is 1h30m, and the limit for `session` is 15m";
    assert_eq!(only(&report).problem(), problem);
}

#[test]
fn what_is_allowed_is_told_with_its_reason_and_fails_nothing() {
    let countries = source().cached("countries", "countries");
    let reason = "change with a release";
    for path in ["shop::countries", "shop"] {
        let allowing = audit().allow(FindingKind::NeverInvalidated, path, reason);
        let report = countries.report(&allowing);
        assert_eq!(report.findings(), []);
        assert_eq!(report.allowed()[0].reason(), reason);
        assert!(report.to_string().contains(reason));
    }
}

#[test]
fn a_setting_that_concerns_nothing_is_told_where_it_is_written() {
    let countries = source()
        .cached("countries", "countries")
        .writer("move", &["countries"]);
    let path = "shop::countries";
    let line = line!() + 2;
    let strict = audit()
        .allow(FindingKind::NeverInvalidated, path, "reference data")
        .ttl_limit("session", Duration::from_secs(1));
    let report = countries.report(&strict);
    let unused: Vec<_> = report.findings().iter().collect();
    assert!(
        unused
            .iter()
            .all(|finding| finding.kind() == FindingKind::UnusedSetting)
    );
    let lines: Vec<_> = unused
        .iter()
        .map(|finding| finding.place().line())
        .collect();
    assert_eq!(lines, [line, line + 1]);
    assert!(unused[0].place().file().ends_with("audit/tests.rs"));

    let of_half_a_name = audit().allow(FindingKind::NeverInvalidated, "shop::count", "no border");
    assert!(!countries.report(&of_half_a_name).is_clean());
}

#[test]
#[should_panic(expected = "without a reason")]
fn an_allowance_needs_a_reason() {
    let _ = audit().allow(FindingKind::NeverInvalidated, "shop", " ");
}

#[test]
fn an_audit_of_nothing_is_not_clean() {
    let nothing = source().report(&audit());
    assert_eq!(only(&nothing).kind(), FindingKind::NothingAudited);

    let users = source()
        .cached("profile", "user:{id}")
        .writer("rename", &["user:*"]);
    assert!(users.report(&audit().within("shop")).is_clean());
    let elsewhere = users.report(&audit().within("shop").within("sho"));
    assert_eq!(found(&elsewhere), one(FindingKind::NothingAudited, "sho"));
}

#[test]
fn what_is_linked_twice_is_told_once_and_the_order_of_linking_does_not_matter() {
    let build = || {
        source()
            .cached("countries", "countries")
            .cached("cities", "cities")
            .writer("a", &["town:*"])
            .writer("b", &["village:*"])
    };
    let (mut once, twice) = (build(), build());
    let report = once.report(&audit());
    once.functions.extend(twice.functions);
    once.invalidators.extend(twice.invalidators);
    once.functions.reverse();
    once.invalidators.reverse();
    let again = once.report(&audit());
    assert_eq!(format!("{again:#}"), format!("{report:#}"));
    assert_eq!(
        (again.functions().len(), again.invalidators().len()),
        (2, 2)
    );
}

fn tagged(tags: &'static [&'static str]) -> impl FnOnce(Function) -> Function {
    move |function| function.arguments(1).tags(tags)
}

#[test]
fn a_tag_that_a_writer_invalidates_is_enough() {
    let source = source()
        .cached_as("get", "", tagged(&["team:{team}", "catalog"]))
        .tagging("rename", &["team:{id}", "catalog"]);
    assert_eq!(source.found(), []);
    let report = source.report(&audit());
    let function = &report.functions()[0];
    assert_eq!(function.tags(), ["team:{team}", "catalog"]);
    assert_eq!(function.invalidated_by()[0].path(), "shop::rename");
    assert!(format!("{report:#}").contains("    tagged team:{team}, catalog\n"));
}

#[test]
fn a_writers_tag_that_no_function_carries_is_told_with_the_nearest() {
    let source = source()
        .cached_as("get", "user:{id}", tagged(&["team:{team}"]))
        .tagging("rename", &["team:{id}"])
        .tagging("move_all", &["teams:{id}"]);
    assert_eq!(source.found(), one(FindingKind::UnmatchedTag, "move_all"));
    let report = source.report(&audit());
    let problem = only(&report).problem();
    assert!(
        problem.contains("`team:{team}`, of shop::get (src/shop.rs:1)"),
        "{problem}"
    );
    assert_eq!(only(&report).place().line(), 3);
    let allowed = audit().allow(
        FindingKind::UnmatchedTag,
        "shop::move_all",
        "another program's",
    );
    assert!(source.report(&allowed).is_clean());
}

#[test]
fn a_tag_that_no_writer_invalidates_is_found_once() {
    let lost = source()
        .cached_as("get", "user:{id}", tagged(&["team:{team}", "catalog"]))
        .writer("save", &["user:{id}"])
        .tagging("rename", &["team:{id}"]);
    assert_eq!(lost.found(), one(FindingKind::UnusedTag, "get"));
    let report = lost.report(&audit());
    assert!(only(&report).problem().contains("`catalog`"));
    // That nothing invalidates the function at all is the greater mistake.
    let never = source().cached_as("get", "user:{id}", tagged(&["catalog"]));
    assert_eq!(never.found(), one(FindingKind::NeverInvalidated, "get"));
    assert!(
        only(&never.report(&audit()))
            .problem()
            .contains("one of its tags")
    );
}
