//! What the flight service answers: plain serde types, for the cache asks no more of a value.

use rusqlite::Row;
use serde::{Deserialize, Serialize};

/// How punctually a carrier's flights departed. Times are minutes after schedule, negative when
/// early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CarrierDelays {
    /// All scheduled flights.
    pub flights: usize,
    /// Those that did not depart, which the delays leave out.
    pub cancelled: usize,
    /// The mean delay. When all flights were cancelled, this and the next two are 0.
    pub mean: f64,
    /// At least half of the flights left with at most this delay.
    pub median: i32,
    /// At least nine in ten flights left with at most this delay.
    pub p90: i32,
}

impl CarrierDelays {
    /// The statistics of `delays` in ascending order, where cancelled flights are `None`; of no
    /// flights, none.
    pub(crate) fn of(delays: &[Option<i32>]) -> Option<Self> {
        if delays.is_empty() {
            return None;
        }
        let departed: Vec<i32> = delays.iter().copied().flatten().collect();
        let total: i64 = departed.iter().copied().map(i64::from).sum();
        let percentile = |percent: usize| {
            let rank = (departed.len() * percent).div_ceil(100);
            departed.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Some(Self {
            flights: delays.len(),
            cancelled: delays.len() - departed.len(),
            mean: total as f64 / departed.len().max(1) as f64,
            median: percentile(50),
            p90: percentile(90),
        })
    }
}

/// One line of a departure board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Departure {
    /// The scheduled time, local: `05:15`.
    pub scheduled: String,
    /// The carrier's code: `UA`.
    pub carrier: String,
    /// The flight number.
    pub number: u32,
    /// The destination's code: `IAH`.
    pub destination: String,
    /// The destination's name, or its code where the name is not known.
    pub destination_name: String,
    /// Minutes after schedule; `None` when cancelled.
    pub delay: Option<i32>,
}

impl Departure {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            scheduled: row.get("scheduled")?,
            carrier: row.get("carrier")?,
            number: row.get("number")?,
            destination: row.get("destination")?,
            destination_name: row.get("destination_name")?,
            delay: row.get("departure_delay")?,
        })
    }
}

/// The most punctual carrier between two airports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The carrier's code.
    pub carrier: String,
    /// The carrier's name.
    pub airline: String,
    /// How many of its flights arrived.
    pub flights: u32,
    /// Their mean delay at arrival, in minutes.
    pub mean_arrival_delay: f64,
}

impl Route {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            carrier: row.get("carrier")?,
            airline: row.get("name")?,
            flights: row.get("flights")?,
            mean_arrival_delay: row.get("mean")?,
        })
    }
}

/// One flight's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flight {
    /// Where it departs.
    pub origin: String,
    /// Where it goes.
    pub destination: String,
    /// The scheduled time of departure, local: `05:15`.
    pub scheduled: String,
    /// Minutes after schedule at departure; `None` when cancelled.
    pub departure_delay: Option<i32>,
    /// Minutes after schedule at arrival; `None` when cancelled, diverted or not recorded.
    pub arrival_delay: Option<i32>,
}

impl Flight {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            origin: row.get("origin")?,
            destination: row.get("destination")?,
            scheduled: row.get("scheduled")?,
            departure_delay: row.get("departure_delay")?,
            arrival_delay: row.get("arrival_delay")?,
        })
    }
}
