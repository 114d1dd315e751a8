//! Small histories, each with a verdict that anybody can see.

use std::collections::BTreeMap;
use std::ops::Range;

use super::*;
use crate::clock::MILLISECOND;
use crate::keys::{Family, Scope};
use crate::record::{Journal, Promise};
use Promise::{Acknowledged, Pending, Unsettled};

const PROFILE: Key = key(Family::Profile, 7);
const TITLE: Key = key(Family::Title, 7);
const LOCAL: Key = key(Family::Local, 7);
const CART: Key = key(Family::Cart, 7);
const SETTLE: u64 = 100;

const fn key(family: Family, id: u16) -> Key {
    Key {
        family,
        id,
        page: 0,
    }
}

/// A history to be written; all times are in milliseconds.
struct World(History);

impl World {
    fn new() -> Self {
        Self(History {
            facts: Facts {
                store: true,
                settle: SETTLE * MILLISECOND,
                patience: SECOND,
                store_timeout: 250 * MILLISECOND,
                ..Facts::default()
            },
            ..History::default()
        })
    }

    fn alone() -> Self {
        let mut world = Self::new();
        world.0.facts.store = false;
        world
    }

    fn note(mut self, number: u16, at: Range<u64>, event: Event) -> Self {
        let workers = &mut self.0.workers;
        let place = workers.iter().position(|worker| worker.number == number);
        let place = place.unwrap_or_else(|| {
            let notes = Notes::Held(Vec::new());
            workers.push(Worker { number, notes });
            workers.len() - 1
        });
        let Notes::Held(records) = &mut workers[place].notes else {
            unreachable!()
        };
        records.push(Record {
            event,
            task: 1,
            start: at.start * MILLISECOND,
            end: at.end * MILLISECOND,
        });
        self
    }

    fn commit(mut self, key: Key, version: u64, at: u64) -> Self {
        self.0.commits.push(Commit {
            register: key.register(),
            version,
            at: at * MILLISECOND,
        });
        self
    }

    fn read(self, worker: u16, at: Range<u64>, key: Key, version: u64, born: u64) -> Self {
        let shown = Shown::Value {
            of: key.pack(),
            version,
            born: born * MILLISECOND,
        };
        self.note(worker, at, Event::Read { key, shown })
    }

    fn shown(self, worker: u16, at: Range<u64>, key: Key, shown: Shown) -> Self {
        self.note(worker, at, Event::Read { key, shown })
    }

    fn invalidated(self, worker: u16, at: Range<u64>, scope: Scope, promise: Promise) -> Self {
        self.note(worker, at, Event::Invalidated { scope, promise })
    }

    fn set(self, worker: u16, at: Range<u64>, version: u64, promise: Promise) -> Self {
        let set = Event::Set {
            key: CART,
            version,
            promise,
        };
        self.commit(CART, version, at.start).note(worker, at, set)
    }

    fn verdict(&self) -> Verdict {
        let verdict = judge(&self.0).unwrap();
        let (accused, constrained) = naive::judge(&self.0);
        let about_values = |(rule, _): &(&Rule, &u64)| {
            !matches!(rule, Rule::Overdue | Rule::TooManyBodies | Rule::Hang)
        };
        let fast: BTreeMap<_, _> = verdict.accused.iter().filter(about_values).collect();
        assert_eq!(fast, accused.iter().collect(), "{:#?}", self.0);
        assert_eq!(verdict.constrained, constrained, "{:#?}", self.0);
        verdict
    }

    #[track_caller]
    fn accuses_nobody(self) {
        let verdict = self.verdict();
        assert!(verdict.is_clean(), "{verdict}");
    }

    #[track_caller]
    fn breaks(self, rule: Rule) {
        let verdict = self.verdict();
        assert_eq!(verdict.accused, BTreeMap::from([(rule, 1)]), "{verdict}");
        assert_eq!(verdict.violations.len(), 1);
    }
}

#[test]
fn a_computation_from_before_an_acknowledged_invalidation_is_accused_in_every_process() {
    for reader in [1, 2] {
        for scope in PROFILE.covered_by() {
            let world = World::new().invalidated(1, 10..20, scope, Acknowledged);
            world
                .read(reader, 21..22, PROFILE, 1, 9)
                .breaks(Rule::OlderComputation);
        }
        let world = World::new().invalidated(1, 10..20, Scope::User(8), Acknowledged);
        world.read(reader, 21..22, PROFILE, 1, 9).accuses_nobody();
    }
}

#[test]
fn what_is_concurrent_or_at_one_moment_accuses_nobody() {
    for (read, born) in [(20, 9), (15, 9), (21, 10), (21, 11)] {
        let world = World::new().commit(PROFILE, 2, 10);
        let world = world.invalidated(1, 10..20, Scope::Users, Acknowledged);
        world.read(2, read..30, PROFILE, 1, born).accuses_nobody();
    }
}

#[test]
fn a_version_older_than_what_was_committed_before_the_invalidation_is_accused() {
    let world = || {
        let world = World::new().commit(PROFILE, 2, 9).commit(PROFILE, 3, 10);
        world.invalidated(1, 10..20, Scope::Users, Acknowledged)
    };
    // Also when it claims to be from later, as a value loaded from somewhere stale would.
    world()
        .read(2, 21..22, PROFILE, 1, 11)
        .breaks(Rule::StaleVersion);
    world().read(2, 21..22, PROFILE, 2, 11).accuses_nobody();
    world().read(2, 21..22, PROFILE, 3, 11).accuses_nobody();
    world().read(2, 20..22, PROFILE, 1, 9).accuses_nobody();
}

#[test]
fn a_later_invalidation_that_ends_earlier_counts_as_well() {
    let world = World::new()
        .invalidated(1, 10..50, Scope::Users, Acknowledged)
        .invalidated(1, 20..30, Scope::User(7), Acknowledged);
    world
        .read(2, 60..61, PROFILE, 1, 15)
        .breaks(Rule::OlderComputation);
}

#[test]
fn a_pending_invalidation_binds_its_own_process_at_once_and_others_when_it_is_drained() {
    let world = || World::new().invalidated(1, 10..20, Scope::Users, Pending);
    world()
        .read(1, 21..22, PROFILE, 1, 9)
        .breaks(Rule::OlderComputation);
    world().read(2, 21..22, PROFILE, 1, 9).accuses_nobody();
    // A note that began before the invalidation returned does not speak of it.
    let drained = || {
        world()
            .note(1, 19..25, Event::Drained)
            .note(1, 20..40, Event::Drained)
    };
    drained().read(2, 40..42, PROFILE, 1, 9).accuses_nobody();
    drained()
        .read(2, 41..42, PROFILE, 1, 9)
        .breaks(Rule::OlderComputation);
    let settled = || world().note(1, 20..40, Event::Settled);
    settled()
        .read(2, 41..42, PROFILE, 1, 9)
        .breaks(Rule::OlderComputation);
    // Another's note neither.
    let other = world().note(3, 20..40, Event::Drained);
    other.read(2, 41..42, PROFILE, 1, 9).accuses_nobody();
}

#[test]
fn a_dropped_writers_second_invalidation_binds_when_it_has_settled() {
    let world = || {
        // It commits after it was dropped.
        let world = World::new().commit(PROFILE, 2, 30);
        world.invalidated(1, 10..20, Scope::Users, Unsettled)
    };
    for reader in [1, 2] {
        world()
            .read(reader, 300..301, PROFILE, 1, 25)
            .accuses_nobody();
        let drained = world().note(1, 150..200, Event::Drained);
        drained
            .read(reader, 300..301, PROFILE, 1, 25)
            .accuses_nobody();
        let settled = || world().note(1, 150..200, Event::Settled);
        settled()
            .read(reader, 200..301, PROFILE, 1, 25)
            .accuses_nobody();
        settled()
            .read(reader, 201..301, PROFILE, 1, 25)
            .breaks(Rule::StaleVersion);
        settled()
            .read(reader, 201..301, PROFILE, 2, 99)
            .breaks(Rule::OlderComputation);
        // The cache's clock may have run behind by a few milliseconds.
        settled()
            .read(reader, 201..301, PROFILE, 2, 100)
            .accuses_nobody();
    }
    world()
        .read(1, 21..22, PROFILE, 1, 9)
        .breaks(Rule::OlderComputation);
    let drained = world().note(1, 21..25, Event::Drained);
    drained
        .read(2, 26..27, PROFILE, 1, 9)
        .breaks(Rule::OlderComputation);
}

#[test]
fn what_is_in_memory_is_bound_by_its_own_process_alone() {
    for promise in [Acknowledged, Pending, Unsettled] {
        let world = || World::new().invalidated(1, 10..20, Scope::Locals, promise);
        world()
            .read(1, 21..22, LOCAL, 1, 9)
            .breaks(Rule::OlderComputation);
        world().read(2, 21..22, LOCAL, 1, 9).accuses_nobody();
        let world = || World::alone().invalidated(1, 10..20, Scope::Users, promise);
        world()
            .read(1, 21..22, PROFILE, 1, 9)
            .breaks(Rule::OlderComputation);
        world().read(2, 21..22, PROFILE, 1, 9).accuses_nobody();
    }
}

#[test]
fn another_keys_value_is_accused() {
    let shown = Shown::Value {
        of: key(Family::Profile, 8).pack(),
        version: 1,
        born: 0,
    };
    World::new()
        .shown(1, 1..2, PROFILE, shown)
        .breaks(Rule::AnothersValue);
}

#[test]
fn a_version_that_nobody_had_committed_by_the_end_of_the_read_is_accused() {
    let world = || World::new().commit(PROFILE, 2, 10);
    world().read(1, 5..10, PROFILE, 2, 5).accuses_nobody();
    world()
        .read(1, 5..9, PROFILE, 2, 5)
        .breaks(Rule::NeverCommitted);
    world()
        .read(1, 5..20, PROFILE, 3, 5)
        .breaks(Rule::NeverCommitted);
    world()
        .read(1, 5..20, PROFILE, 0, 5)
        .breaks(Rule::NeverCommitted);
}

#[test]
fn nothing_shown_is_never_stale() {
    for shown in [Shown::Missing, Shown::Failed, Shown::Dropped] {
        let world = World::new().commit(CART, 2, 5);
        let world = world.invalidated(1, 10..20, Scope::Everything, Acknowledged);
        world.shown(1, 21..22, CART, shown).accuses_nobody();
    }
}

#[test]
fn an_absent_title_says_that_the_version_was_even() {
    let absent = Shown::Absent;
    World::new()
        .shown(1, 1..2, TITLE, absent)
        .breaks(Rule::StaleVersion);
    let world = || {
        let world = World::new().commit(TITLE, 2, 5).commit(TITLE, 3, 9);
        world.invalidated(1, 10..20, Scope::User(7), Acknowledged)
    };
    world()
        .shown(2, 21..22, TITLE, absent)
        .breaks(Rule::StaleVersion);
    world().shown(2, 20..22, TITLE, absent).accuses_nobody();
    world()
        .commit(TITLE, 4, 22)
        .shown(2, 21..22, TITLE, absent)
        .accuses_nobody();
    world()
        .commit(TITLE, 4, 23)
        .shown(2, 21..22, TITLE, absent)
        .breaks(Rule::StaleVersion);
    let even = World::new().commit(TITLE, 2, 5);
    let even = even.invalidated(1, 10..20, Scope::User(7), Acknowledged);
    even.shown(2, 21..22, TITLE, absent).accuses_nobody();
}

#[test]
fn a_cart_is_superseded_by_a_later_set_and_by_an_invalidation() {
    let world = || World::new().set(1, 10..20, 2, Acknowledged);
    world().read(2, 41..42, CART, 2, 10).accuses_nobody();
    let later = || world().set(2, 30..40, 3, Acknowledged);
    later()
        .read(3, 41..42, CART, 2, 10)
        .breaks(Rule::SupersededCart);
    later().read(3, 40..42, CART, 2, 10).accuses_nobody();
    later().read(3, 41..42, CART, 3, 30).accuses_nobody();
    // Of two at once either may be the last, whatever their versions.
    let at_once = || world().set(2, 20..40, 3, Acknowledged);
    at_once().read(3, 41..42, CART, 2, 10).accuses_nobody();
    at_once().read(3, 41..42, CART, 3, 20).accuses_nobody();
    for scope in CART.covered_by() {
        let invalidated = world().invalidated(2, 30..40, scope, Acknowledged);
        invalidated
            .read(3, 41..42, CART, 2, 10)
            .breaks(Rule::SupersededCart);
    }
    World::new()
        .read(3, 41..42, CART, 1, 0)
        .breaks(Rule::NeverCommitted);
}

#[test]
fn a_cart_whose_set_nobody_lived_to_note_is_not_accused() {
    let world = World::new().commit(CART, 2, 10);
    let world = world.set(1, 30..40, 3, Acknowledged);
    world.read(2, 41..42, CART, 2, 10).accuses_nobody();
}

#[test]
fn a_pending_set_supersedes_as_a_pending_invalidation_does() {
    for promise in [Pending, Unsettled] {
        let world = || {
            World::new()
                .set(1, 10..20, 2, Acknowledged)
                .set(1, 30..40, 3, promise)
        };
        world()
            .read(1, 41..42, CART, 2, 10)
            .breaks(Rule::SupersededCart);
        world().read(2, 41..42, CART, 2, 10).accuses_nobody();
        let drained = world().note(1, 40..50, Event::Drained);
        drained
            .read(2, 51..52, CART, 2, 10)
            .breaks(Rule::SupersededCart);
    }
}

#[test]
fn a_call_may_take_as_long_as_its_parts_and_as_its_process_was_stopped() {
    let limit = (World::new().0.facts.longest_call() + SLACK) / MILLISECOND;
    World::new()
        .read(1, 0..limit, PROFILE, 1, 0)
        .accuses_nobody();
    World::new()
        .read(1, 0..limit + 1, PROFILE, 1, 0)
        .breaks(Rule::Overdue);
    let world = || World::new().invalidated(1, 0..limit + 10, Scope::Users, Acknowledged);
    world().breaks(Rule::Overdue);
    for (who, stopped) in [
        (Who::Worker(1), true),
        (Who::Worker(2), false),
        (Who::Redis, false),
    ] {
        let mut world = world();
        world.0.facts.absences.push(Absence {
            who,
            start: 10 * MILLISECOND,
            end: 20 * MILLISECOND,
        });
        if stopped {
            world.accuses_nobody();
        } else {
            world.breaks(Rule::Overdue);
        }
    }
    // Waiting for the store to come back is not a call.
    World::new()
        .note(1, 0..10 * limit, Event::Drained)
        .accuses_nobody();
}

#[test]
fn bodies_without_a_reason_are_accused_in_calm_worlds() {
    let world = |bodies: u64, calm: bool| {
        let mut world = World::new().invalidated(2, 1..2, Scope::Users, Acknowledged);
        world.0.facts.calm = calm;
        for at in 0..bodies {
            let (key, finished) = (PROFILE, true);
            world = world.note(2, at..at + 1, Event::Body { key, finished });
        }
        world
    };
    // Two fences, and one process that may overwrite.
    world(4, true).accuses_nobody();
    world(5, true).breaks(Rule::TooManyBodies);
    world(5, false).accuses_nobody();
    let failed = Event::Body {
        key: PROFILE,
        finished: false,
    };
    world(5, true).note(2, 1..2, failed).accuses_nobody();
    // A store that did not answer in time explains any number.
    world(5, true)
        .shown(2, 1..251, PROFILE, Shown::Missing)
        .accuses_nobody();
}

#[test]
fn whoever_hangs_is_accused() {
    let mut world = World::new();
    world.0.facts.hangs.push(Hang {
        worker: 3,
        moment: 5,
        what: "did not answer `drain`".into(),
    });
    world.breaks(Rule::Hang);
}

#[test]
fn a_story_tells_all_that_is_to_be_known() {
    let mut world = World::new().commit(PROFILE, 2, 1_009);
    world.0.facts.began = SECOND;
    world
        .0
        .facts
        .log
        .push((1_012 * MILLISECOND, "redis was stopped".into()));
    world
        .0
        .facts
        .log
        .push((9_000 * MILLISECOND, "far away".into()));
    let (key, finished) = (PROFILE, true);
    let world = world
        .note(3, 1_004..1_030, Event::Body { key, finished })
        .invalidated(1, 1_010..1_020, Scope::User(7), Pending)
        .note(1, 1_020..1_025, Event::Drained)
        .read(2, 1_026..1_027, PROFILE, 1, 1_005);
    let verdict = world.verdict();
    let story = "stale version, worker 2\n\
        \x20     0.000000               version 1 is committed\n";
    // The first version is there from the beginning, which is before the world's.
    let story = story.replace("    0.000000", "   -1.000000");
    let story = story
        + "      0.004000     0.030000  worker 3 ran the body of Profile 7, to its end\n"
        + "      0.009000               version 2 is committed\n"
        + "      0.010000     0.020000  worker 1 invalidated User(7): Pending\n"
        + "      0.012000               # redis was stopped\n"
        + "      0.025000               it binds the read since then\n"
        + "      0.026000     0.027000  worker 2 (task 1) READ Profile 7: version 1, born 0.005000\n";
    assert_eq!(verdict.violations[0].to_string(), story);
}

#[test]
fn counts_are_of_all_rules_and_stories_of_the_first() {
    let mut world = World::new().invalidated(1, 10..20, Scope::Users, Acknowledged);
    for at in 0..25 {
        world = world.read(2, 30 + at..40 + at, PROFILE, 1, 9);
    }
    let verdict = world.verdict();
    assert_eq!(verdict.accused[&Rule::OlderComputation], 25);
    assert_eq!(verdict.violations.len(), 10);
    assert_eq!(
        (verdict.reads(), verdict.constrained, verdict.kept),
        (25, 25, 25)
    );
}

#[test]
fn notes_of_a_file_are_judged_up_to_the_last_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("worker-1.bin");
    let world = World::new()
        .invalidated(1, 10..20, Scope::Users, Acknowledged)
        .read(1, 21..22, PROFILE, 1, 9);
    let mut history = world.0;
    let journal = Journal::create(&path).unwrap();
    history.workers[0]
        .notes
        .each(|record| journal.note(record))
        .unwrap();
    journal.flush();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&[1; 47]);
    std::fs::write(&path, bytes).unwrap();
    history.workers[0].notes = Notes::File(path);
    let verdict = judge(&history).unwrap();
    assert_eq!(
        verdict.accused,
        BTreeMap::from([(Rule::OlderComputation, 1)])
    );
    assert_eq!(verdict.reads(), 1);
}

/// Any history whatever, of a few processes and keys and so short that moments are often equal.
fn any_history(random: &mut fastrand::Rng) -> World {
    let keys = [
        PROFILE,
        TITLE,
        LOCAL,
        CART,
        key(Family::Price, 7),
        key(Family::Listing, 8),
        Key {
            family: Family::Order,
            id: 7,
            page: 1,
        },
    ];
    let scopes: Vec<Scope> = keys.iter().flat_map(|key| key.covered_by()).collect();
    let mut world = if random.u8(..8) == 0 {
        World::alone()
    } else {
        World::new()
    };
    world.0.facts.settle = 20 * MILLISECOND;
    let mut versions: BTreeMap<Key, u64> = BTreeMap::new();
    for at in 0..60 {
        if random.u8(..3) == 0 {
            let key = keys[random.usize(..keys.len())];
            let of_register = keys
                .iter()
                .filter(|other| other.register() == key.register());
            let version = *versions
                .entry(*of_register.min().unwrap())
                .and_modify(|v| *v += 1)
                .or_insert(2);
            world = world.commit(key, version, at);
        }
    }
    for _ in 0..random.usize(..60) {
        let worker = random.u16(1..4);
        let start = random.u64(..60);
        let at = start..start + random.u64(..12);
        let key = keys[random.usize(..keys.len())];
        let promise = [Acknowledged, Acknowledged, Pending, Unsettled][random.usize(..4)];
        let version = random.u64(1..7);
        world = match random.u8(..13) {
            0..=2 => world.invalidated(worker, at, scopes[random.usize(..scopes.len())], promise),
            3 => world.note(worker, at, Event::Drained),
            4 => world.note(worker, at, Event::Settled),
            // Each version of a cart is set once.
            5 if !is_set(&world.0, version) => world.note(
                worker,
                at,
                Event::Set {
                    key: CART,
                    version,
                    promise,
                },
            ),
            6 => world.shown(worker, at, TITLE, Shown::Absent),
            7 => world.shown(worker, at, key, Shown::Missing),
            8 => world.read(worker, at.clone(), key, version, at.start),
            9 => world.read(worker, at, CART, version, 0),
            _ => world.read(worker, at, key, version, random.u64(..60)),
        };
    }
    world
}

fn is_set(history: &History, version: u64) -> bool {
    history.workers.iter().any(|worker| match &worker.notes {
        Notes::Held(records) => records.iter().any(
            |record| matches!(record.event, Event::Set { version: set, .. } if set == version),
        ),
        Notes::File(_) => false,
    })
}

#[test]
fn it_judges_any_history_as_one_does_that_looks_at_everything() {
    let mut seen: BTreeMap<Rule, u64> = BTreeMap::new();
    let mut acquitted = 0;
    for seed in 0..4_000 {
        let verdict = any_history(&mut fastrand::Rng::with_seed(seed)).verdict();
        let accused: u64 = verdict.accused.values().sum();
        acquitted += verdict.constrained.saturating_sub(accused);
        for (rule, count) in verdict.accused {
            *seen.entry(rule).or_default() += count;
        }
    }
    // It was worth it: each rule was both kept and broken.
    for rule in [
        Rule::NeverCommitted,
        Rule::StaleVersion,
        Rule::OlderComputation,
        Rule::SupersededCart,
    ] {
        assert!(
            seen.get(&rule).is_some_and(|count| *count > 150),
            "{seen:?}"
        );
    }
    assert!(acquitted > 5_000, "{acquitted} {seen:?}");
}
