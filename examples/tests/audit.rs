//! The flight service passes its audit, and the program that shows it prints what it promises.

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../audit.rs"]
mod program;

use cachewright::audit::FindingKind;
use cachewright_examples as _;

// The line that a service needs in its tests.
#[test]
fn the_flight_service_has_nothing_to_mend() {
    cachewright::audit()
        .within("cachewright_examples")
        .allow(
            FindingKind::MissingScope,
            "cachewright_examples::flights",
            "there is one service, over the one database",
        )
        .deny(FindingKind::MissingScope)
        .assert_clean();
}

#[test]
fn all_functions_of_the_service_are_known_though_nobody_calls_them() {
    let report = cachewright::audit().within("cachewright_examples").report();
    let functions = report.functions().iter();
    let known: Vec<_> = functions
        .map(|function| function.visible_prefix())
        .collect();
    assert_eq!(
        known,
        [
            "flights:carrier:{carrier}:carrier_delays",
            "flights:board:{day}:{airport}:departure_board",
            "flights:route:{origin}:{destination}:best_route",
            "flights:record:{carrier}:{number}:{day}:flight",
        ]
    );
    let of_service = |path: &str| path.starts_with("cachewright_examples::");
    for function in report.functions() {
        let place = function.place();
        assert!(place.file().ends_with("examples/src/flights.rs"), "{place}");
        let writers = function.invalidated_by().iter();
        let writers = writers.map(|writer| writer.path());
        let writers: Vec<_> = writers.filter(|path| of_service(path)).collect();
        assert_eq!(writers.len(), 2, "{writers:?}");
    }
    assert_eq!(report.invalidators().len(), 2);
}

#[test]
fn the_mistakes_of_the_program_are_told_at_their_place() {
    let mut out = Vec::new();
    program::report(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    let (service, mistaken) = out.split_once("A mistaken writer").unwrap();
    assert!(
        service.contains("4 cached functions, 2 invalidators: 0 findings, 4 notes"),
        "{service}"
    );
    for text in [
        "`flights:boards:{day}:*` covers no cached function; the nearest is `flights:board:{day}`",
        "`flights:*:{carrier}` covers everything under `flights`",
        "audit.rs:18",
    ] {
        assert!(mistaken.contains(text), "{mistaken}");
    }
}
