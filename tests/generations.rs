//! The generation protocol, built from the public pieces, over a store that forgets, fails and is
//! late: no read that begins after an invalidation was acknowledged yields an older version. Each
//! broken variant of the protocol is caught by the same schedules.

#[path = "generations/command.rs"]
mod command;
#[path = "generations/reader.rs"]
mod reader;
#[path = "support/ready.rs"]
mod ready;
#[path = "generations/world.rs"]
mod world;
#[path = "generations/writer.rs"]
mod writer;

use world::{Mutant, World};

const SCHEDULES: u64 = 6_000;

/// The first schedule in which somebody reads what an invalidation had promised away.
fn violation(mutant: Option<Mutant>) -> Option<u64> {
    (0..SCHEDULES).find(|&seed| World::new(mutant, seed).run().stale)
}

#[test]
fn no_read_after_an_acknowledged_invalidation_is_older() {
    let (mut reads, mut hits, mut invalidations, mut puts) = (0, 0, 0, 0);
    for seed in 0..SCHEDULES {
        let report = World::new(None, seed).run();
        assert!(!report.stale, "schedule {seed}");
        reads += report.reads;
        hits += report.hits;
        invalidations += report.invalidations;
        puts += report.puts;
    }
    // Safety is cheap to have by never answering from the cache.
    assert!(hits * 10 > reads, "{hits} hits of {reads} reads");
    assert!(invalidations > SCHEDULES, "{invalidations} invalidations");
    assert!(puts * 10 > SCHEDULES, "{puts} values written through");
}

macro_rules! caught {
    ($($test:ident: $mutant:ident,)*) => {
        $(#[test]
        fn $test() {
            let seed = violation(Some(Mutant::$mutant));
            assert!(seed.is_some(), "{SCHEDULES} schedules do not tell it from the protocol");
        })*
    };
}

caught! {
    missing_taken_for_zero_is_caught: MissingIsZero,
    fence_read_after_the_body_is_caught: LateFence,
    counters_instead_of_nonces_are_caught: Counter,
    deleting_the_value_instead_of_the_generation_is_caught: DeleteValue,
    nonce_sent_twice_is_caught: ResentNonce,
    fence_with_an_unanswered_nonce_is_caught: AssumedMint,
    invalidation_that_is_not_retried_is_caught: UnprovenAck,
    write_through_without_a_swap_is_caught: BlindPut,
    write_through_that_ignores_the_previous_leaf_is_caught: UncomparedPut,
    clear_that_ends_with_an_empty_page_is_caught: HastyClear,
}
