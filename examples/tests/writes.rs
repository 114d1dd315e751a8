//! After a write, no reader gives an answer from before it.

mod tier;

use std::sync::{Arc, LazyLock};

use cachewright_examples::{
    CarrierDelays, Database, Departure, Error, Flight, FlightService, Route,
};

static DATABASE: LazyLock<Database> = LazyLock::new(|| Database::load().unwrap());
static SERVICE: LazyLock<FlightService> = LazyLock::new(|| {
    tier::install();
    FlightService::new(DATABASE.clone())
});

/// What the four readers say about one flight's carrier, airport, route and record.
#[derive(Debug, PartialEq)]
struct Answers {
    delays: CarrierDelays,
    board: Arc<[Departure]>,
    route: Option<Route>,
    record: Option<Flight>,
}

#[derive(Debug)]
struct Id {
    carrier: String,
    number: u32,
    day: u8,
    origin: String,
    destination: String,
}

impl Id {
    fn new(carrier: &str, number: u32, day: u8, origin: &str, destination: &str) -> Self {
        let [carrier, origin, destination] = [carrier, origin, destination].map(str::to_owned);
        Self {
            carrier,
            number,
            day,
            origin,
            destination,
        }
    }

    async fn answers(&self) -> Answers {
        Answers {
            delays: SERVICE.carrier_delays(&self.carrier).await.unwrap(),
            board: SERVICE
                .departure_board(&self.origin, self.day)
                .await
                .unwrap(),
            route: SERVICE
                .best_route(&self.origin, &self.destination)
                .await
                .unwrap(),
            record: SERVICE
                .flight(&self.carrier, self.number, self.day)
                .await
                .unwrap(),
        }
    }

    async fn delay(&self, minutes: i32) -> Result<(), Error> {
        SERVICE
            .record_delay(&self.carrier, self.number, self.day, minutes)
            .await
    }

    async fn cancel(&self) -> Result<(), Error> {
        SERVICE
            .cancel_flight(&self.carrier, self.number, self.day)
            .await
    }

    fn line<'a>(&self, board: &'a [Departure]) -> &'a Departure {
        let is_mine = |departure: &&Departure| {
            departure.carrier == self.carrier && departure.number == self.number
        };
        board.iter().find(is_mine).unwrap()
    }
}

/// HA 51 is the only flight from JFK to Honolulu; on the 15th it left 4 minutes early.
#[tokio::test]
async fn a_recorded_delay_is_in_the_next_answer_of_every_reader() {
    let flight = Id::new("HA", 51, 15, "JFK", "HNL");
    let before = flight.answers().await;
    let record = before.record.unwrap();
    assert_eq!(
        (record.departure_delay, record.arrival_delay),
        (Some(-4), Some(-51))
    );

    flight.delay(400).await.unwrap();
    let after = flight.answers().await;

    let moved = after.record.unwrap();
    assert_eq!(
        (moved.departure_delay, moved.arrival_delay),
        (Some(400), Some(353))
    );
    assert_eq!(flight.line(&after.board).delay, Some(400));
    let mean = before.delays.mean + 404.0 / 31.0;
    assert!((after.delays.mean - mean).abs() < 1e-9);
    let mean = before.route.unwrap().mean_arrival_delay + 404.0 / 31.0;
    assert!((after.route.unwrap().mean_arrival_delay - mean).abs() < 1e-9);
}

/// On the 16th, AA 707 flies from LGA to Dallas, where no other carrier goes.
#[tokio::test]
async fn a_cancelled_flight_is_cancelled_in_the_next_answer_of_every_reader() {
    let flight = Id::new("AA", 707, 16, "LGA", "DFW");
    let before = flight.answers().await;
    assert_ne!(flight.line(&before.board).delay, None);

    flight.cancel().await.unwrap();
    let after = flight.answers().await;

    let record = after.record.unwrap();
    assert_eq!((record.departure_delay, record.arrival_delay), (None, None));
    assert_eq!(flight.line(&after.board).delay, None);
    assert_eq!(after.delays.cancelled, before.delays.cancelled + 1);
    assert_eq!(
        after.route.unwrap().flights,
        before.route.unwrap().flights - 1
    );

    let error = flight.delay(5).await.unwrap_err();
    assert_eq!(error.to_string(), "no flight AA 707 departed on January 16");
}

/// Flights of carriers and days that the other tests leave alone.
const SOME_FLIGHTS: &str = "
    SELECT carrier, number, day, origin, destination FROM flights
    WHERE carrier IN ('DL', 'EV', 'MQ', 'US') AND day NOT IN (15, 16) AND arrival_delay IS NOT NULL
    ORDER BY number * 7919 % 10007, day LIMIT 40";

#[tokio::test]
async fn after_any_write_the_answers_are_those_of_an_empty_cache() {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Id {
            carrier: row.get(0)?,
            number: row.get(1)?,
            day: row.get(2)?,
            origin: row.get(3)?,
            destination: row.get(4)?,
        })
    };
    let flights = DATABASE.rows(SOME_FLIGHTS, [], read).await.unwrap();
    assert_eq!(flights.len(), 40);
    for (round, flight) in flights.iter().enumerate() {
        let before = flight.answers().await;
        if round % 2 == 0 {
            flight.delay(500).await.unwrap();
        } else {
            flight.cancel().await.unwrap();
        }
        let after = flight.answers().await;
        cachewright::installed().clear().await.unwrap();
        assert_eq!(after, flight.answers().await, "{flight:?}");
        assert_ne!(after, before, "{flight:?}");
    }
}

#[cfg(feature = "servers")]
#[test]
fn all_this_holds_over_redis() {
    tier::again("all_this_holds_over_redis");
}
