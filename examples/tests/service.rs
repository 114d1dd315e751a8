//! The service as its clients and its operators see it.

mod program;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use cachewright_test_support::{Proxy, RedisServer, eventually_blocking};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

/// What a failing test takes: generous.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long a call may wait for a server that is expected to fail.
const BRIEF: &str = "250ms";

/// UA 1703 of the 15th leaves Newark for Boston, 8 minutes late.
const FLIGHT: &str = "/flights/UA/1703/15";
const BOARD: &str = "/airports/EWR/departures/15";

/// A running service. It is killed when this is dropped.
struct Service {
    process: Child,
    url: String,
    client: Agent,
}

/// Status and body, which is JSON or text.
type Answer = (u16, Value);

impl Service {
    #[track_caller]
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut process = program::run("service", variables)
            .env("SERVICE_ADDR", "127.0.0.1:0")
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let client = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            .build();
        let service = Self {
            process,
            url: url.trim_end().to_owned(),
            client: client.into(),
        };
        assert!(service.url.starts_with("http://127.0.0.1:"), "{url}");
        service
    }

    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.url);
        read(self.client.get(url).call())
    }

    #[track_caller]
    fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.client.put(format!("{}{path}", self.url));
        read(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url));
        read(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )
    }

    /// Cancels the flight. Without a body: the service reads none, and may close a
    /// connection on which one is still to come.
    #[track_caller]
    fn cancel(&self) -> Answer {
        let request = self.client.post(format!("{}{FLIGHT}/cancel", self.url));
        read(request.send_empty())
    }

    /// The delay of the flight, as three readers tell it: its record, its board and its route.
    #[track_caller]
    fn delays(&self) -> (Value, Value, Value) {
        let (flight, board) = (self.get(FLIGHT), self.get(BOARD));
        assert_eq!((flight.0, board.0), (200, 200), "{flight:?} {board:?}");
        let board = board.1.as_array().unwrap();
        let line = board
            .iter()
            .find(|line| line["carrier"] == "UA" && line["number"] == 1703)
            .unwrap();
        let route = self.get("/routes/EWR/BOS");
        (
            flight.1["departure_delay"].clone(),
            line["delay"].clone(),
            route.1["carrier"].clone(),
        )
    }

    /// The value of the one series with all these parts, if there is any.
    #[track_caller]
    fn metric(&self, parts: &[&str]) -> Option<f64> {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200);
        let text = text.as_str().unwrap();
        let mut lines = text
            .lines()
            .filter(|line| parts.iter().all(|part| line.contains(part)));
        let line = lines.next()?;
        assert_eq!(lines.next(), None, "{text}");
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Waits until a metric has a value: the recorder is told once a second.
    #[track_caller]
    fn await_metric(&self, parts: &[&str], value: f64) {
        eventually_blocking(DEADLINE, || self.metric(parts) == Some(value));
    }

    fn terminate(&self) {
        let pid = self.process.id().to_string();
        let status = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status();
        assert!(status.unwrap().success());
    }

    #[track_caller]
    fn wait(mut self) -> ExitStatus {
        eventually_blocking(DEADLINE, || self.process.try_wait().unwrap().is_some());
        self.process.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[track_caller]
fn read(response: Result<Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (response.status().as_u16(), body)
}

/// A service that takes its time to reach this server, so that a slow machine makes no function
/// run uncached.
#[track_caller]
fn start_over(redis: &RedisServer) -> Service {
    start_with(redis, &redis.url(), "30s")
}

/// A service that waits this long for this server at this URL, and whose database is a file in
/// the server's directory.
#[track_caller]
fn start_with(redis: &RedisServer, url: &str, timeout: &str) -> Service {
    let database = redis.dir().join("flights.db");
    Service::start(&[
        ("REDIS_URL", url),
        ("CACHE_NAMESPACE", "flights"),
        ("CACHE_STORE_TIMEOUT", timeout),
        ("SERVICE_DATABASE", database.to_str().unwrap()),
    ])
}

#[test]
fn every_reader_answers_as_json_and_what_is_not_there_is_404() {
    let service = Service::start(&[]);
    let (status, delays) = service.get("/carriers/UA/delays");
    assert_eq!((status, &delays["flights"]), (200, &json!(4_637)));
    let (status, board) = service.get(BOARD);
    assert_eq!((status, &board[0]["carrier"]), (200, &json!("US")));
    let (status, route) = service.get("/routes/JFK/LAX");
    assert_eq!((status, &route["airline"]), (200, &json!("Virgin America")));
    let (status, flight) = service.get(FLIGHT);
    assert_eq!((status, &flight["departure_delay"]), (200, &json!(8)));

    for path in [
        "/carriers/XX/delays",
        "/routes/LAX/JFK",
        "/flights/UA/1703/32",
    ] {
        let (status, body) = service.get(path);
        assert_eq!(status, 404, "{path}");
        assert!(body["error"].is_string(), "{path}: {body}");
    }
    assert_eq!(service.get("/flights/UA/1703/tomorrow").0, 400);
    assert_eq!(
        service
            .put("/flights/UA/1/32/delay", &json!({ "minutes": 5 }))
            .0,
        404
    );
    let delay = format!("{FLIGHT}/delay");
    assert_eq!(service.put(&delay, &json!({ "minutes": "many" })).0, 422);
}

#[test]
fn a_write_is_in_the_next_answers() {
    let service = Service::start(&[]);
    assert_eq!(service.delays(), (json!(8), json!(8), json!("UA")));
    let late = json!({ "minutes": 600 });
    assert_eq!(
        service.put(&format!("{FLIGHT}/delay"), &late),
        (204, json!(""))
    );
    assert_eq!(service.delays(), (json!(600), json!(600), json!("B6")));
    assert_eq!(service.cancel().0, 204);
    assert_eq!(service.delays(), (Value::Null, Value::Null, json!("UA")));
    assert_eq!(service.put(&format!("{FLIGHT}/delay"), &late).0, 404);
}

#[test]
fn operators_invalidate_by_pattern_and_hear_what_is_wrong_with_a_bad_one() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("operators.db");
    let _ = std::fs::remove_file(&file);
    let service = Service::start(&[("SERVICE_DATABASE", file.to_str().unwrap())]);
    service.get(FLIGHT);
    let database = rusqlite::Connection::open(&file).unwrap();
    database.busy_timeout(DEADLINE).unwrap();
    database
        .execute("UPDATE flights SET departure_delay = 1000", [])
        .unwrap();
    assert_eq!(service.get(FLIGHT).1["departure_delay"], 8);

    let answer = service.post(
        "/cache/invalidate",
        &json!({ "pattern": "flights:record:*" }),
    );
    assert_eq!(answer, (200, json!({ "acknowledged": true })));
    assert_eq!(service.get(FLIGHT).1["departure_delay"], 1_000);
    std::fs::remove_file(&file).unwrap();

    for pattern in ["*", "", "flights*"] {
        let (status, body) = service.post("/cache/invalidate", &json!({ "pattern": pattern }));
        let expected = cachewright::Pattern::parse(pattern).unwrap_err();
        assert_eq!(
            (status, &body["error"]),
            (400, &json!(expected.to_string()))
        );
    }
}

#[test]
fn metrics_tell_hits_misses_and_invalidations_by_template_and_function_and_no_argument() {
    let service = Service::start(&[]);
    for _ in 0..3 {
        service.get(FLIGHT);
    }
    service.cancel();
    service.get(FLIGHT);

    let record = [
        "function=\"flight\"",
        "key_prefix=\"flights:record:{carrier}:{number}:{day}\"",
        "tier=\"memory\"",
    ];
    let series = |name| [&[name], &record[..]].concat();
    service.await_metric(&series("cache_hits_total{"), 2.0);
    service.await_metric(&series("cache_misses_total{"), 2.0);
    let writer = "function=\"cancel_flight\"";
    service.await_metric(&["cache_invalidations_total{", writer, record[1]], 1.0);

    let (_, text) = service.get("/metrics");
    for argument in ["UA", "1703"] {
        assert!(!text.as_str().unwrap().contains(argument), "{text}");
    }
}

#[test]
fn a_write_through_one_process_is_in_the_next_answers_of_another() {
    let redis = RedisServer::start();
    let (one, other) = (start_over(&redis), start_over(&redis));
    for minutes in [600, 20, 601, 21] {
        for service in [&one, &other] {
            service.delays();
        }
        let delay = format!("{FLIGHT}/delay");
        assert_eq!(one.put(&delay, &json!({ "minutes": minutes })).0, 204);
        let (flight, board, _) = other.delays();
        assert_eq!((flight, board), (json!(minutes), json!(minutes)));
        assert_eq!(one.delays(), other.delays());
    }
    // What one computed, the other was given.
    let hits = [
        "cache_hits_total{",
        "function=\"flight\"",
        "tier=\"shared\"",
    ];
    eventually_blocking(DEADLINE, || other.metric(&hits) >= Some(4.0));
    assert!(
        other.metric(&[
            "cache_operation_seconds_count{",
            "operation=\"read\"",
            "function=\"flight\""
        ]) >= Some(8.0)
    );
}

#[test]
fn health_fails_with_the_server_while_requests_are_served_and_recovers_with_it() {
    let redis = RedisServer::start();
    let [one, other] = [(); 2].map(|()| start_with(&redis, &redis.url(), BRIEF));
    assert_eq!(one.get("/health").0, 200);
    one.delays();
    other.delays();

    for outage in [RedisServer::pause, RedisServer::kill] {
        outage(&redis);
        let (status, health) = one.get("/health");
        assert_eq!(status, 503, "{health}");
        assert!(health["store"]["error"].is_string(), "{health}");
        assert!(health["memory"]["error"].is_null(), "{health}");

        let minutes = json!(if redis.is_running() { 700 } else { 701 });
        let written = one.put(&format!("{FLIGHT}/delay"), &json!({ "minutes": minutes }));
        assert_eq!(written.0, 204);
        assert_eq!(one.delays().0, minutes);
        let (status, body) = one.post("/cache/invalidate", &json!({ "pattern": "flights:board" }));
        assert_eq!((status, &body["acknowledged"]), (202, &json!(false)));
        assert!(body["error"].is_string(), "{body}");

        if redis.is_running() {
            redis.resume();
        } else {
            redis.restart();
        }
        let mut health = Value::Null;
        eventually_blocking(DEADLINE, || {
            let (status, body) = one.get("/health");
            health = body;
            status == 200 && health["store"]["pending_invalidations"] == 0
        });
        let (flight, board, _) = other.delays();
        assert_eq!((&flight, &board), (&minutes, &minutes), "{health}");
    }
}

#[test]
fn sigterm_ends_it_cleanly_in_memory() {
    let service = Service::start(&[]);
    assert_eq!(service.get(FLIGHT).0, 200);
    service.terminate();
    assert!(service.wait().success());
}

#[test]
fn sigterm_ends_it_after_the_server_has_heard_what_it_wrote() {
    let redis = RedisServer::start();
    let proxy = Proxy::start(redis.addr());
    let (one, other) = (start_with(&redis, &proxy.url(), BRIEF), start_over(&redis));
    assert_eq!(other.delays().0, 8);
    proxy.refuse_connections();
    proxy.cut();
    let delay = format!("{FLIGHT}/delay");
    assert_eq!(one.put(&delay, &json!({ "minutes": 600 })).0, 204);
    assert_eq!(other.delays().0, 8);

    one.terminate();
    // It has stopped listening, so it is on its last errands.
    eventually_blocking(DEADLINE, || one.client.get(&one.url).call().is_err());
    proxy.accept_connections();
    assert!(one.wait().success());
    assert_eq!(other.delays().0, 600);
}

#[test]
fn it_starts_without_a_server_and_is_cached_when_there_is_one() {
    let redis = RedisServer::start();
    redis.kill();
    let service = start_with(&redis, &redis.url(), BRIEF);
    assert_eq!(service.delays().0, 8);
    assert_eq!(service.get("/health").0, 503);
    redis.restart();
    eventually_blocking(DEADLINE, || service.get("/health").0 == 200);
    let hits = [
        "cache_hits_total{",
        "function=\"flight\"",
        "tier=\"shared\"",
    ];
    eventually_blocking(DEADLINE, || {
        service.get(FLIGHT);
        service.metric(&hits).is_some()
    });
}

#[test]
fn a_wrong_password_ends_it_at_once_and_is_not_shown() {
    let redis = RedisServer::builder().password("hunter2").start();
    let url = redis.url().replace("hunter2", "hunter3");
    let output = program::run("service", &[("REDIS_URL", &url)])
        .env("CACHE_NAMESPACE", "flights")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said =
        String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("redis://127.0.0.1"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}
