//! Definitions of types before and after a deploy.

#[macro_use]
#[path = "evolution/case.rs"]
mod case;
#[path = "evolution/adjacent.rs"]
mod adjacent;
#[path = "evolution/fields.rs"]
mod fields;
#[path = "evolution/leaves.rs"]
mod leaves;
#[path = "evolution/nested.rs"]
mod nested;
#[path = "evolution/same.rs"]
mod same;
#[path = "evolution/tagged.rs"]
mod tagged;
#[path = "evolution/untagged.rs"]
mod untagged;
#[path = "evolution/variants.rs"]
mod variants;
#[path = "evolution/wrappers.rs"]
mod wrappers;

use case::Case;

fn cases(lists: &[&'static [Case]]) -> Vec<&'static Case> {
    let cases: Vec<_> = lists.iter().copied().flatten().collect();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn every_change_of_a_type_changes_its_fingerprint() {
    let changes = [
        adjacent::CASES,
        fields::CASES,
        leaves::CASES,
        nested::CASES,
        tagged::CASES,
        variants::CASES,
        wrappers::CASES,
    ];
    for case in cases(&changes) {
        let (old, new) = ((case.old)(), (case.new)());
        assert_ne!(old.fingerprint(), new.fingerprint(), "{}", case.name);
        assert_eq!(
            (old.gaps(), new.gaps()),
            (&[][..], &[][..]),
            "{}",
            case.name
        );
    }
}

#[test]
fn what_is_no_change_of_what_is_stored_changes_no_fingerprint() {
    for case in cases(&[same::CASES]) {
        let (old, new) = ((case.old)(), (case.new)());
        assert_eq!(old.fingerprint(), new.fingerprint(), "{}", case.name);
        assert_eq!(
            (old.gaps(), new.gaps()),
            (&[][..], &[][..]),
            "{}",
            case.name
        );
    }
}

/// What can be heard of an untagged enum is part of its fingerprint, too; that it may not be all, is told.
#[test]
fn many_changes_of_an_untagged_enum_are_seen_and_it_is_told_that_not_all_are() {
    for case in cases(&[untagged::CASES]) {
        let (old, new) = ((case.old)(), (case.new)());
        assert_ne!(old.fingerprint(), new.fingerprint(), "{}", case.name);
        assert!(
            !old.gaps().is_empty() && !new.gaps().is_empty(),
            "{}",
            case.name
        );
    }
}
