//! The checks for stores: a store that keeps the contract passes them, and one that breaks it in a
//! point fails the check of that point.

#[path = "conformance/broken.rs"]
mod broken;

use cachewright::testing::ScriptedStore;
use cachewright::testing::conformance::{self, checks};

use broken::{Broken, Flaw};

#[tokio::test]
async fn the_tests_own_store_keeps_the_contract() {
    conformance::run(|| async { ScriptedStore::new() }).await;
}

#[tokio::test]
async fn the_checks_can_share_one_store_that_is_in_use() {
    let store = ScriptedStore::new();
    for check in checks() {
        let answer = check.run(&store).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
}

#[test]
fn every_check_has_a_name_of_its_own_and_a_reason() {
    let mut names: Vec<_> = checks().iter().map(|check| check.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), checks().len());
    assert!(checks().iter().all(|check| check.why().len() > 20));
}

#[tokio::test]
#[should_panic(
    expected = "the store fails `an_empty_value_is_a_value`: an empty value: expected Some([]), but it was None"
)]
async fn a_run_tells_what_was_expected_of_a_broken_store() {
    conformance::run(|| async { Broken::new(Flaw::EmptyIsAbsent) }).await;
}

#[tokio::test]
async fn two_handles_of_the_tests_own_store_keep_the_contract() {
    let place = ScriptedStore::new();
    conformance::run_shared(|| async { place.clone() }).await;
}

#[tokio::test]
async fn a_mint_that_is_atomic_within_one_handle_passes_the_checks_of_one() {
    let place = ScriptedStore::new();
    let open = || async { Broken::on(place.clone(), Flaw::MintAtomicForItself) };
    conformance::run(open).await;
}

#[tokio::test]
#[should_panic(expected = "the store fails `concurrent_mints_of_many_keys_agree`")]
async fn a_mint_that_is_atomic_within_one_handle_fails_those_of_two() {
    let place = ScriptedStore::new();
    let open = || async { Broken::on(place.clone(), Flaw::MintAtomicForItself) };
    conformance::run_shared(open).await;
}

/// Whether a broken store fails the check of this name.
async fn fails(flaw: Flaw, name: &str) -> bool {
    let checks = checks();
    let check = checks.iter().find(|check| check.name() == name).unwrap();
    let answer = check.run(&Broken::new(flaw)).await;
    answer.is_err_and(|failure| failure.check() == name)
}

#[tokio::test]
async fn a_store_need_not_know_how_to_read_heads_alone() {
    let flaw = Flaw::PatternScan;
    assert!(!fails(flaw, "a_head_is_what_a_value_begins_with").await);
}

#[tokio::test]
async fn a_store_need_not_know_how_to_write_many_at_once() {
    let flaw = Flaw::PatternScan;
    assert!(!fails(flaw, "many_writes_at_once_are_done_as_each_by_itself").await);
}

macro_rules! caught {
    ($($test:ident: $flaw:ident by $check:ident,)*) => {
        $(#[tokio::test]
        async fn $test() {
            assert!(fails(Flaw::$flaw, stringify!($check)).await);
        })*
    };
}

caught! {
    a_mint_that_overwrites_is_caught: MintOverwrites by a_mint_of_what_exists_shows_what_is_there,
    a_mint_in_two_steps_is_caught: MintInTwoSteps by concurrent_mints_of_one_key_agree,
    a_read_from_a_local_copy_is_caught: StaleReads by an_invalidated_generation_is_gone,
    an_acknowledgement_without_an_effect_is_caught: InvalidatesTheFirst by an_invalidation_deletes_every_key_that_it_names,
    absent_and_empty_confused_are_caught: EmptyIsAbsent by an_empty_value_is_a_value,
    a_read_without_its_holes_is_caught: HolesLeftOut by a_read_answers_for_each_key_in_the_order_asked,
    heads_without_their_holes_are_caught: HolesLeftOut by a_head_is_what_a_value_begins_with,
    a_prolongation_that_sets_the_time_is_caught: ProlongShortens by prolonging_shortens_nothing,
    a_prolongation_that_revives_is_caught: ProlongRevives by prolonging_revives_nothing,
    many_writes_that_replace_nothing_are_caught: WritesOnce by many_writes_at_once_are_done_as_each_by_itself,
    a_scan_by_a_pattern_is_caught: PatternScan by the_beginning_of_a_scan_is_taken_literally,
    a_scan_of_one_page_is_caught: FirstPageOnly by a_scan_names_every_key_that_begins_so_and_no_other,
    work_before_the_first_poll_is_caught: Eager by a_future_that_is_not_polled_does_nothing,
    a_deadline_that_is_not_looked_at_is_caught: NoDeadline by a_deadline_that_is_over_is_an_outage_at_once,
    a_swap_in_two_steps_is_caught: SwapInTwoSteps by concurrent_swaps_of_one_key_form_a_chain,
    replies_shifted_by_one_are_caught: ShiftedReplies by dropped_futures_do_not_shift_replies,
    a_counter_in_two_steps_is_caught: CountsInTwoSteps by additions_at_once_are_all_counted,
}
