//! Policies together: each pair of them, and a sample of more, in asynchronous and synchronous
//! functions, in memory and in a store, against the rules of `docs/policies.md`.

#[path = "policies/model.rs"]
mod model;
#[path = "policies/policy.rs"]
mod policy;
#[path = "policies/rules.rs"]
mod rules;
#[path = "policies/script.rs"]
mod script;
#[path = "policies/service.rs"]
mod service;
#[path = "policies/spans.rs"]
mod spans;
#[path = "policies/world.rs"]
mod world;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use model::{Course, Model, Seen, TIMEOUT, Where};
use policy::{Policy, SEED, combinations, source};
use script::Step;
use service::{Call, ROWS, Row};
use world::{Mode, World};

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_functions_are_those_of_the_combinations() {
    const FILE: &str = "tests/policies/combinations.rs";
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE), source()).unwrap();
    }
    assert!(
        text(FILE) == source(),
        "write {FILE} anew, with `UPDATE_SNAPSHOTS=1`"
    );
}

#[test]
fn every_pair_is_tested_or_refused() {
    let tested: HashSet<_> = ROWS.iter().map(|row| row.policies).collect();
    for (at, a) in Policy::ALL.iter().enumerate() {
        for b in &Policy::ALL[at + 1..] {
            let is_tested = tested.contains([*a, *b].as_slice());
            assert_ne!(
                is_tested,
                policy::refused(*a, *b).is_some(),
                "{a:?} and {b:?}"
            );
        }
    }
    assert_eq!(ROWS.len(), combinations().len());
    for (_, _, case) in policy::REFUSED {
        text(&format!("tests/ui/fail/{case}.stderr"));
    }
}

#[test]
fn the_page_about_policies_has_every_pair() {
    const PAGE: &str = "docs/policies.md";
    let (page, tables) = (text(PAGE), format!("\n{}", rules::tables()));
    let (before, rest) = page.split_once("<!-- pairs -->\n").expect("a beginning");
    let (written, after) = rest.split_once("<!-- end of pairs -->").expect("an end");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let page = format!("{before}<!-- pairs -->\n{tables}\n<!-- end of pairs -->{after}");
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), page).unwrap();
        return;
    }
    assert!(
        written.trim() == tables.trim(),
        "write the tables of {PAGE} anew, with `UPDATE_SNAPSHOTS=1`"
    );
}

#[test]
fn the_page_about_policies_has_every_policy_and_no_case_that_does_not_exist() {
    let page = text("docs/policies.md");
    for policy in Policy::ALL {
        let key = policy.name().split([' ', '(']).next().unwrap_or_default();
        let promises = page.split("## Which decides").next().unwrap();
        assert!(
            promises.contains(&format!("`{key}")),
            "{key} has no promise"
        );
    }
    for named in page
        .split("(`")
        .skip(1)
        .filter_map(|rest| rest.split("`)").next())
    {
        if named.contains('/') {
            text(&format!("tests/ui/fail/{named}.stderr"));
        }
    }
}

/// How often each course was taken by functions with each policy.
type Coverage = HashMap<(Option<Policy>, Course), u32>;

/// One function, in one world, against the model.
struct Trial {
    row: &'static Row,
    mode: Mode,
    world: World,
    model: Model,
    history: Vec<Step>,
}

impl Trial {
    fn new(row: &'static Row, mode: Mode) -> Self {
        Self {
            row,
            mode,
            world: World::new(row, mode),
            model: Model::new(row.policies),
            history: Vec::new(),
        }
    }

    fn step(&mut self, step: Step, coverage: &mut Coverage) {
        if matches!(step, Step::Write(..)) && !self.mode.is_async {
            // What is written through is that of the asynchronous functions.
            return;
        }
        self.history.push(step);
        match step {
            Step::Advance(seconds) => self.advance(seconds),
            Step::Database(state) => {
                self.world.database().set(state);
                self.model.state = state;
            }
            Step::Call(call, place) => {
                self.come_to_a_certain_moment(call, Duration::ZERO);
                self.cover(call, place, coverage);
                let expected = self.model.call(call, place);
                let seen = self.world.call(call, place);
                self.judge(&seen, &expected);
            }
            Step::Slow {
                call,
                is_invalidated,
            } => {
                self.come_to_a_certain_moment(call, TIMEOUT);
                self.cover(call, Where::Outside, coverage);
                let expected = self.model.call_slow(call, is_invalidated);
                let meanwhile = |world: &World| {
                    if is_invalidated {
                        world.invalidate_elsewhere();
                    }
                };
                let seen = self.world.call_slow(&[call], meanwhile, &expected[0]);
                self.judge(&seen, &expected);
            }
            Step::Twice(call) => self.call_twice(call, coverage),
            Step::Write(call, place) => {
                let is_stored =
                    self.mode.is_stored && !self.row.policies.contains(&Policy::MemoryOnly);
                let expected = self.model.write(call, place, is_stored);
                assert_eq!(self.world.write(call, place), expected);
            }
            Step::Invalidate => {
                self.world.invalidate();
                self.model.invalidate();
            }
            Step::InvalidateTag => {
                self.world.invalidate_tag();
                self.model.invalidate_tag();
            }
        }
    }

    fn call_twice(&mut self, call: Call, coverage: &mut Coverage) {
        // An error is its caller's alone, and which of two threads comes first is chance.
        if self.model.state.is_down || !self.mode.is_async {
            return;
        }
        self.come_to_a_certain_moment(call, TIMEOUT);
        self.cover(call, Where::Outside, coverage);
        let expected = self.model.call_twice(call);
        let seen = self.world.call_slow(&[call; 2], |_| {}, &expected[0]);
        self.judge(&seen, &expected);
    }

    fn advance(&mut self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        self.world.advance(span);
        self.model.now += span;
    }

    /// What is left to chance is left out.
    fn come_to_a_certain_moment(&mut self, call: Call, takes: Duration) {
        while !self.model.is_certain(call, takes) {
            self.advance(1);
        }
    }

    fn cover(&self, call: Call, place: Where, coverage: &mut Coverage) {
        let (course, _) = self.model.course(call, place);
        let policies = self.row.policies.iter().copied().map(Some);
        for policy in policies.chain([None]) {
            *coverage.entry((policy, course.clone())).or_default() += 1;
        }
    }

    fn judge(&mut self, seen: &Seen, expected: &[Seen]) {
        let (row, mode) = (self.row, self.mode);
        assert!(
            expected.contains(seen),
            "{} {:?}, {mode:?}, {:?} in:\n{:#?}\n--- expected\n{:?}\n--- and seen\n{seen:?}",
            row.name,
            row.policies,
            self.model.now,
            self.history,
            expected[0],
        );
        self.model.bodies = self.world.database().asked();
        let stays_in_memory = row.policies.contains(&Policy::MemoryOnly);
        assert!(
            !(stays_in_memory && self.world.is_written()),
            "{}",
            row.name
        );
    }
}

const MODES: [Mode; 4] = {
    const fn mode(is_async: bool, is_stored: bool) -> Mode {
        Mode {
            is_async,
            is_stored,
        }
    }
    [
        mode(true, false),
        mode(true, true),
        mode(false, false),
        mode(false, true),
    ]
};

/// Runs scripts on every combination.
fn run(mode: Mode) {
    println!("the seed is {SEED:#x}");
    let mut coverage = Coverage::new();
    for (number, row) in ROWS.iter().enumerate() {
        let mut trial = Trial::new(row, mode);
        for step in script::written() {
            trial.step(step, &mut coverage);
        }
        let mut trial = Trial::new(row, mode);
        for step in script::drawn(SEED + number as u64, 150) {
            trial.step(step, &mut coverage);
        }
    }
    every_promise_was_put_to_the_test(&coverage);
}

fn every_promise_was_put_to_the_test(coverage: &Coverage) {
    let promises = [
        (Policy::BypassIf, Course::Uncached),
        (Policy::RefreshAhead, Course::Behind),
        (Policy::StaleWhileRevalidate, Course::Behind),
        (Policy::StaleIfError, Course::OrStale),
        (Policy::Timeout, Course::OrStale),
        (Policy::Verify, Course::Verified),
        (Policy::Verify, Course::Behind),
    ];
    for (policy, course) in promises {
        let times = coverage.get(&(Some(policy), course.clone())).copied();
        assert!(times > Some(50), "{policy:?}: {course:?} {times:?}");
    }
}

#[test]
fn asynchronous_functions_in_memory_keep_the_rules() {
    run(MODES[0]);
}

#[test]
fn asynchronous_functions_in_a_store_keep_the_rules() {
    run(MODES[1]);
}

#[test]
fn synchronous_functions_in_memory_keep_the_rules() {
    run(MODES[2]);
}

#[test]
fn synchronous_functions_in_a_store_keep_the_rules() {
    run(MODES[3]);
}
