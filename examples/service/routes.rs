//! What clients and operators ask for.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use cachewright::{Cache, Health};
use cachewright_examples::{CarrierDelays, Departure, Error, Flight, FlightService, Route};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use serde_json::json;

/// What each request needs. A clone is three pointers.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) flights: Arc<FlightService>,
    pub(crate) cache: Cache,
    pub(crate) metrics: PrometheusHandle,
}

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/airports/{airport}/departures/{day}", get(board))
        .route("/carriers/{carrier}/delays", get(delays))
        .route("/routes/{origin}/{destination}", get(route))
        .route("/flights/{carrier}/{number}/{day}", get(flight))
        .route("/flights/{carrier}/{number}/{day}/delay", put(delay))
        .route("/flights/{carrier}/{number}/{day}/cancel", post(cancel))
        // These are for those who run the service: in production they belong on a port
        // of their own.
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/cache/invalidate", post(invalidate))
        .with_state(app)
}

// Readers: the cache does not show.

async fn board(
    State(app): State<App>,
    Path((airport, day)): Path<(String, u8)>,
) -> Result<Json<Arc<[Departure]>>, Failure> {
    Ok(Json(app.flights.departure_board(&airport, day).await?))
}

async fn delays(
    State(app): State<App>,
    Path(carrier): Path<String>,
) -> Result<Json<CarrierDelays>, Failure> {
    Ok(Json(app.flights.carrier_delays(&carrier).await?))
}

async fn route(
    State(app): State<App>,
    Path((origin, destination)): Path<(String, String)>,
) -> Result<Json<Route>, Failure> {
    let route = app.flights.best_route(&origin, &destination).await?;
    route.map(Json).ok_or(Failure::absent("nobody flies there"))
}

async fn flight(
    State(app): State<App>,
    Path((carrier, number, day)): Path<(String, u32, u8)>,
) -> Result<Json<Flight>, Failure> {
    let flight = app.flights.flight(&carrier, number, day).await?;
    flight.map(Json).ok_or(Failure::absent("no such flight"))
}

// Writers: when one of them has answered, no process gives an answer from before it. A client that
// hangs up drops the writer half-way, and the cache then invalidates what it may have changed.

#[derive(Deserialize)]
struct Delay {
    minutes: i32,
}

async fn delay(
    State(app): State<App>,
    Path((carrier, number, day)): Path<(String, u32, u8)>,
    Json(Delay { minutes }): Json<Delay>,
) -> Result<StatusCode, Failure> {
    let flights = &app.flights;
    flights.record_delay(&carrier, number, day, minutes).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn cancel(
    State(app): State<App>,
    Path((carrier, number, day)): Path<(String, u32, u8)>,
) -> Result<StatusCode, Failure> {
    app.flights.cancel_flight(&carrier, number, day).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 503 when a tier fails. The service answers all the same, only slower: raise an alarm, and take
/// no process out of service for it.
async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let health = app.cache.health().await;
    let status = if health.is_healthy() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health))
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let format = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, format)], app.metrics.render())
}

#[derive(Deserialize)]
struct Invalidation {
    pattern: String,
}

/// 200 when every process is told; 202 when only this one is as yet, and the store will be told as
/// soon as it answers; 400 for a pattern that cannot be.
async fn invalidate(
    State(app): State<App>,
    Json(Invalidation { pattern }): Json<Invalidation>,
) -> Response {
    match app.cache.invalidate(&pattern).await {
        Ok(()) => Json(json!({ "acknowledged": true })).into_response(),
        Err(error) if error.is_invalid_input() => Failure {
            status: StatusCode::BAD_REQUEST,
            message: error.to_string(),
        }
        .into_response(),
        Err(error) => {
            let body = json!({ "acknowledged": false, "error": error.to_string() });
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
    }
}

/// What a client is told instead of an answer.
struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    fn absent(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: what.to_owned(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownCarrier(_) | Error::UnknownFlight { .. } => {
                Self::absent(&error.to_string())
            }
            _ => {
                // What lies behind it is for the log, and not for clients.
                let source = std::error::Error::source(&error);
                tracing::error!(%error, source, "a request failed");
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    message: error.to_string(),
                }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}
