//! A service whose readers are cached and whose writers invalidate what they change.
//!
//! The key prefixes are the design: a segment that a writer knows stands before those that it does
//! not know, so that the writer's patterns cover all that a write can change, and little else.

use std::fmt;
use std::sync::Arc;

use cachewright::{cached, invalidate_cache};

use crate::{CarrierDelays, Database, Departure, Flight, Route};

/// Questions about the departures of January 2013, and the corrections that arrive later.
#[derive(Debug)]
pub struct FlightService {
    database: Database,
}

impl FlightService {
    /// A service over `database`. The cache takes a service for a singleton: the answers of two
    /// services with different databases would be kept under the same keys.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// How punctually a carrier's flights departed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCarrier`] when it has no flight.
    #[cached(ttl = "10m", key_prefix = "flights:carrier:{carrier}")]
    pub async fn carrier_delays(&self, carrier: &str) -> Result<CarrierDelays, Error> {
        let sql = "SELECT departure_delay FROM flights WHERE carrier = ?1 ORDER BY departure_delay";
        let delays = self
            .database
            .rows(sql, [carrier.to_owned()], |row| row.get(0))
            .await?;
        CarrierDelays::of(&delays).ok_or_else(|| Error::UnknownCarrier(carrier.to_owned()))
    }

    /// What leaves an airport on a day of the month, by scheduled time. Shared, so that a hit
    /// copies a pointer.
    ///
    /// # Errors
    ///
    /// The database's.
    // The day comes first because a writer knows the day of a flight and not its airport.
    #[cached(ttl = "10m", key_prefix = "flights:board:{day}:{airport}")]
    pub async fn departure_board(&self, airport: &str, day: u8) -> Result<Arc<[Departure]>, Error> {
        let sql = "SELECT scheduled, carrier, number, departure_delay,
                          destination, coalesce(name, destination) AS destination_name
                   FROM flights LEFT JOIN airports ON airport = destination
                   WHERE origin = ?1 AND day = ?2
                   ORDER BY scheduled, carrier, number";
        let board = self
            .database
            .rows(sql, (airport.to_owned(), day), Departure::from_row)
            .await?;
        Ok(board.into())
    }

    /// The carrier that arrives with the least mean delay, or `None` when nobody flies there.
    ///
    /// # Errors
    ///
    /// The database's.
    #[cached(
        ttl = "1h",
        none_ttl = 60,
        key_prefix = "flights:route:{origin}:{destination}"
    )]
    pub async fn best_route(
        &self,
        origin: &str,
        destination: &str,
    ) -> Result<Option<Route>, Error> {
        let sql = "SELECT carrier, name, count(*) AS flights, avg(arrival_delay) AS mean
                   FROM flights JOIN airlines USING (carrier)
                   WHERE origin = ?1 AND destination = ?2 AND arrival_delay IS NOT NULL
                   GROUP BY carrier ORDER BY mean, carrier LIMIT 1";
        let ends = (origin.to_owned(), destination.to_owned());
        let best = self.database.rows(sql, ends, Route::from_row).await?;
        Ok(best.into_iter().next())
    }

    /// One flight's record, or `None` when there is no such flight.
    ///
    /// # Errors
    ///
    /// The database's.
    #[cached(
        ttl = "1h",
        none_ttl = 60,
        key_prefix = "flights:record:{carrier}:{number}:{day}"
    )]
    pub async fn flight(
        &self,
        carrier: &str,
        number: u32,
        day: u8,
    ) -> Result<Option<Flight>, Error> {
        let sql = "SELECT * FROM flights WHERE carrier = ?1 AND number = ?2 AND day = ?3";
        let flight = (carrier.to_owned(), number, day);
        let found = self.database.rows(sql, flight, Flight::from_row).await?;
        Ok(found.into_iter().next())
    }

    /// The codes of all carriers that fly. Not cached: asked once, to know what to warm the cache with.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn carriers(&self) -> Result<Vec<String>, Error> {
        let sql = "SELECT DISTINCT carrier FROM flights ORDER BY carrier";
        Ok(self.database.rows(sql, (), |row| row.get(0)).await?)
    }

    /// Where all flights begin and end. Not cached either.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn routes(&self) -> Result<Vec<(String, String)>, Error> {
        let sql = "SELECT DISTINCT origin, destination FROM flights ORDER BY origin, destination";
        let ends = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.database.rows(sql, (), ends).await?)
    }

    /// Corrects the delay of a departure, in minutes; the arrival moves by as much.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownFlight`] when no such flight departed. Nothing has changed then, and nothing
    /// is invalidated.
    // The route is not known before the flight is read, so all routes are computed afresh.
    #[invalidate_cache(
        "flights:record:{carrier}:{number}:{day}",
        "flights:carrier:{carrier}",
        "flights:board:{day}:*",
        "flights:route:*"
    )]
    pub async fn record_delay(
        &self,
        carrier: &str,
        number: u32,
        day: u8,
        minutes: i32,
    ) -> Result<(), Error> {
        let sql = "UPDATE flights
                   SET arrival_delay = arrival_delay + ?4 - departure_delay, departure_delay = ?4
                   WHERE carrier = ?1 AND number = ?2 AND day = ?3 AND departure_delay IS NOT NULL";
        let flight = (carrier.to_owned(), number, day, minutes);
        let changed = self.database.execute(sql, flight).await?;
        expect_one(changed, carrier, number, day)
    }

    /// Cancels a flight: it has neither departed nor arrived.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownFlight`] when there is no such flight.
    #[invalidate_cache(
        "flights:record:{carrier}:{number}:{day}",
        "flights:carrier:{carrier}",
        "flights:board:{day}:*",
        "flights:route:*"
    )]
    pub async fn cancel_flight(&self, carrier: &str, number: u32, day: u8) -> Result<(), Error> {
        let sql = "UPDATE flights SET departure_delay = NULL, arrival_delay = NULL
                   WHERE carrier = ?1 AND number = ?2 AND day = ?3";
        let flight = (carrier.to_owned(), number, day);
        let changed = self.database.execute(sql, flight).await?;
        expect_one(changed, carrier, number, day)
    }
}

/// An error if no row was changed.
fn expect_one(changed: usize, carrier: &str, number: u32, day: u8) -> Result<(), Error> {
    if changed == 0 {
        let carrier = carrier.to_owned();
        return Err(Error::UnknownFlight {
            carrier,
            number,
            day,
        });
    }
    Ok(())
}

/// Why the service has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No flight has this carrier.
    UnknownCarrier(String),
    /// No such flight, or none that departed.
    UnknownFlight {
        /// The carrier's code.
        carrier: String,
        /// The flight number.
        number: u32,
        /// The day of the month.
        day: u8,
    },
    /// The database failed.
    Database(rusqlite::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCarrier(carrier) => write!(f, "no flight has the carrier {carrier}"),
            Self::UnknownFlight {
                carrier,
                number,
                day,
            } => {
                write!(f, "no flight {carrier} {number} departed on January {day}")
            }
            Self::Database(_) => f.write_str("the database failed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
