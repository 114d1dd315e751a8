//! The tests' own store does with random operations what a map does.

#[path = "store_model/mod.rs"]
mod model;

use cache_core::testing::{ScriptedStore, SteppedClock};

use model::Clients;

#[test]
fn two_clients_of_the_tests_own_store_see_what_the_model_has() {
    model::check(file!(), 500, || {
        let clock = SteppedClock::new();
        let store = ScriptedStore::with_clock(clock.clone());
        let looked_into = store.clone();
        Clients {
            time_left: Box::new(move |key| looked_into.time_to_live(key)),
            stores: [store.clone(), store],
            advance: Some(Box::new(move |span| clock.advance(span))),
        }
    });
}
