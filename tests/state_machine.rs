//! Random programs against a model of what a cache may answer, and must.

#[path = "state_machine/mod.rs"]
mod machine;

use std::time::Duration;

use cache_core::testing::{ScriptedStore, SteppedClock};
use cachewright::{Cache, CacheBuilder};

use machine::world::Tier;

/// Entries in memory.
struct Memory;

impl Tier for Memory {
    fn is_shared(&self) -> bool {
        false
    }

    fn builder(&self, clock: &SteppedClock) -> CacheBuilder {
        Cache::builder().clock(clock.clone())
    }

    fn is_stepped(&self) -> bool {
        true
    }

    fn evict(&self, _: Option<usize>) -> bool {
        false
    }
}

/// Entries in a store that fails when it is told to.
struct Scripted(ScriptedStore);

impl Tier for Scripted {
    fn is_shared(&self) -> bool {
        true
    }

    fn builder(&self, clock: &SteppedClock) -> CacheBuilder {
        let builder = Cache::builder().namespace("app").clock(clock.clone());
        let patient = builder.store_timeout(Duration::from_secs(30));
        patient.store(self.0.clone())
    }

    fn is_stepped(&self) -> bool {
        true
    }

    fn script(&self) -> Option<&ScriptedStore> {
        Some(&self.0)
    }

    fn evict(&self, which: Option<usize>) -> bool {
        let keys = self.0.keys();
        match which {
            Some(number) if !keys.is_empty() => {
                let evicted = &keys[number % keys.len()];
                self.0.evict(|key| key == evicted);
            }
            Some(_) => {}
            None => self.0.flush(),
        }
        true
    }
}

#[test]
fn no_program_gets_an_answer_that_the_model_does_not_have() {
    let tally = machine::check(file!(), 400, 150, |_| Memory);
    // Names that share a slot invalidate each other: about one time in ten thousand.
    assert!(
        tally.hits > 1_000 && tally.forgotten * 200 < tally.hits,
        "{tally:?}"
    );
}

#[test]
fn no_program_over_a_store_that_fails_gets_an_answer_that_the_model_does_not_have() {
    let tally = machine::check(file!(), 400, 150, |clock| {
        Scripted(ScriptedStore::with_clock(clock.clone()))
    });
    assert!(tally.hits > 1_000 && tally.forgotten == 0, "{tally:?}");
}
