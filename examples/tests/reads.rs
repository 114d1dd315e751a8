//! The answers are those of the data, and they are kept. The figures were computed with awk from
//! the CSV file.

mod tier;

use std::sync::{Arc, LazyLock};

use cachewright_examples::{CarrierDelays, Database, Error, Flight, FlightService};

static DATABASE: LazyLock<Database> = LazyLock::new(|| Database::load().unwrap());
static SERVICE: LazyLock<FlightService> = LazyLock::new(|| {
    tier::install();
    FlightService::new(DATABASE.clone())
});

#[tokio::test]
async fn every_row_of_the_data_is_loaded() {
    let database = Database::load().unwrap();
    for (sql, rows) in [
        ("SELECT count(*) FROM flights", 27_004),
        ("SELECT count(*) FROM airlines", 16),
        ("SELECT count(*) FROM airports", 1_458),
        (
            "SELECT count(*) FROM flights WHERE departure_delay IS NULL",
            521,
        ),
        (
            "SELECT count(*) FROM flights WHERE arrival_delay IS NULL",
            521 + 85,
        ),
    ] {
        let counted: Vec<u32> = database.rows(sql, [], |row| row.get(0)).await.unwrap();
        assert_eq!(counted, [rows], "{sql}");
    }
}

#[tokio::test]
async fn carrier_delays_are_those_of_the_data() {
    for (carrier, flights, cancelled, mean, median, p90) in [
        ("UA", 4_637, 32, 8.326_167, 0, 28),
        ("HA", 31, 0, 54.387_097, -1, 101),
        ("OO", 1, 0, 67.0, 67, 67),
    ] {
        let delays = SERVICE.carrier_delays(carrier).await.unwrap();
        assert!((delays.mean - mean).abs() < 1e-6, "{carrier}: {delays:?}");
        let mean = delays.mean;
        assert_eq!(
            delays,
            CarrierDelays {
                flights,
                cancelled,
                mean,
                median,
                p90
            }
        );
    }
}

#[tokio::test]
async fn an_unknown_carrier_is_an_error() {
    let answer = SERVICE.carrier_delays("XX").await;
    assert!(matches!(answer, Err(Error::UnknownCarrier(carrier)) if carrier == "XX"));
}

#[tokio::test]
async fn a_board_lists_the_departures_by_time() {
    let board = SERVICE.departure_board("LGA", 31).await.unwrap();
    assert_eq!(board.len(), 282);
    assert!(board.is_sorted_by_key(|departure| departure.scheduled.clone()));
    let first = &board[0];
    assert_eq!(
        (
            first.scheduled.as_str(),
            first.carrier.as_str(),
            first.number
        ),
        ("05:30", "UA", 650)
    );
    assert_eq!((first.destination.as_str(), first.delay), ("IAH", Some(-6)));
    assert_eq!(first.destination_name, "George Bush Intercontinental");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_that_miss_together_share_one_board() {
    let tasks: Vec<_> = (0..200)
        .map(|_| tokio::spawn(SERVICE.departure_board("JFK", 30)))
        .collect();
    let first = SERVICE.departure_board("JFK", 30).await.unwrap();
    for task in tasks {
        let board = task.await.unwrap().unwrap();
        // From a server, those who come after the computation get copies.
        assert!(Arc::ptr_eq(&board, &first) || tier::is_server() && board == first);
    }
}

#[tokio::test]
async fn the_best_route_has_the_least_mean_arrival_delay() {
    let route = SERVICE.best_route("JFK", "LAX").await.unwrap().unwrap();
    assert_eq!(
        (
            route.carrier.as_str(),
            route.airline.as_str(),
            route.flights
        ),
        ("VX", "Virgin America", 156)
    );
    assert!(
        (route.mean_arrival_delay + 12.942_3).abs() < 1e-4,
        "{route:?}"
    );
    assert_eq!(SERVICE.best_route("LAX", "JFK").await.unwrap(), None);
}

#[tokio::test]
async fn a_flight_is_found_by_carrier_number_and_day() {
    let flight = SERVICE.flight("UA", 1545, 1).await.unwrap();
    let expected = Flight {
        origin: "EWR".to_owned(),
        destination: "IAH".to_owned(),
        scheduled: "05:15".to_owned(),
        departure_delay: Some(2),
        arrival_delay: Some(11),
    };
    assert_eq!(flight, Some(expected));
    assert_eq!(SERVICE.flight("UA", 1545, 32).await.unwrap(), None);
}

/// The database is changed behind the service's back, so that a kept answer can be told from a
/// fresh one.
#[tokio::test]
async fn a_write_refreshes_its_own_carrier_and_a_failed_one_nothing() {
    const OTHERS: [&str; 5] = ["AS", "F9", "FL", "WN", "YV"];

    for carrier in OTHERS.into_iter().chain(["9E"]) {
        SERVICE.carrier_delays(carrier).await.unwrap();
    }
    let change = "UPDATE flights SET departure_delay = 1000
                  WHERE carrier IN ('AS', 'F9', 'FL', 'WN', 'YV', '9E')";
    DATABASE.execute(change, []).await.unwrap();

    let failed = SERVICE.record_delay("9E", 9999, 1, 5).await;
    assert!(matches!(
        failed,
        Err(Error::UnknownFlight { number: 9999, .. })
    ));
    assert!(SERVICE.carrier_delays("9E").await.unwrap().mean < 1000.0);

    SERVICE.record_delay("9E", 3538, 1, 1000).await.unwrap();
    assert_eq!(SERVICE.carrier_delays("9E").await.unwrap().mean, 1000.0);
    let mut kept = 0;
    for carrier in OTHERS {
        kept += usize::from(SERVICE.carrier_delays(carrier).await.unwrap().mean < 1000.0);
    }
    // In memory, two key prefixes may share a slot, which refreshes too much but never too little.
    assert!(kept >= OTHERS.len() - 1, "{kept} kept");
}

#[cfg(feature = "servers")]
#[test]
fn all_this_holds_over_redis() {
    tier::again("all_this_holds_over_redis");
}
