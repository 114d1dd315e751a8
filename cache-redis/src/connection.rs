//! One live connection: how it is made, what is sent over it, and when it is given up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use cache_core::Error;
use cache_core::store::Deadline;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, RedisError, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::command::{self, Command};
use crate::events::Events;
use crate::fault::Fault;
use crate::place::Origin;
use crate::reply::{self, Reply, Server};
use crate::settings::Settings;
use crate::transport;
#[cfg(feature = "tls")]
use crate::transport::Security;

/// So many requests in a row without an answer, and no other answer in between: the connection is
/// taken for dead, though nobody said so.
const TIMEOUTS: u32 = 3;

/// Why there is no connection or no answer: an [`Error`] that can be remembered and told twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Outage(Arc<str>),
    Configuration(Arc<str>),
}

impl Failure {
    pub(crate) fn outage(message: impl Into<Arc<str>>) -> Self {
        Self::Outage(message.into())
    }

    pub(crate) fn of_fault(fault: Fault, place: &str) -> Self {
        let error = fault.into_error(place);
        if error.is_configuration() {
            Self::Configuration(error.to_string().into())
        } else {
            Self::outage(error.to_string())
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Outage(message) => Self::outage(&*message),
            Failure::Configuration(message) => Self::configuration(&*message),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Outage(message) | Self::Configuration(message)) = self;
        f.write_str(message)
    }
}

/// A connection that many callers send over at once.
///
/// The client library's `MultiplexedConnection` neither connects nor sends anything again by
/// itself. The task that drives it is ours, so that its end is known when it comes and not to the
/// next caller: the server hung up, or the runtime is gone.
pub(crate) struct Connection {
    requests: MultiplexedConnection,
    driver: AbortHandle,
    place: String,
    origin: Origin,
    life: Arc<Life>,
    events: Arc<Events>,
}

/// What is known of a connection while it lives.
#[derive(Default)]
struct Life {
    /// The driver is gone. What it had received before is still good.
    ended: AtomicBool,
    /// Its replies are not believed any more.
    given_up: AtomicBool,
    replies: AtomicU64,
    timeouts: AtomicU32,
}

impl Connection {
    /// Makes a connection and finds out whether the server is one that a cache can use.
    pub(crate) async fn open(settings: &Settings, events: &Arc<Events>) -> Result<Self, Failure> {
        let place = settings.place();
        let within = settings.connect_timeout;
        let stage = Stage::default();
        let connected = timeout(within, Self::connect(settings, events, &stage)).await;
        let connection = connected.unwrap_or_else(|_| {
            let missing = stage.missing();
            Err(Failure::outage(format!(
                "Redis at {place} {missing} within {within:?}"
            )))
        })?;
        events.connected(settings);
        Ok(connection)
    }

    async fn connect(
        settings: &Settings,
        events: &Arc<Events>,
        stage: &Stage,
    ) -> Result<Self, Failure> {
        let place = settings.place();
        let stream = transport::connect(&settings.host, settings.port, settings.connect_timeout)
            .await
            .map_err(|error| {
                Failure::outage(format!("Redis at {place} can't be reached: {error}"))
            })?;
        #[cfg(feature = "tls")]
        if let Security::Tls(connector) = &settings.security {
            stage.enter(Stage::TLS);
            let stream = transport::encrypt(connector, &settings.host, stream)
                .await
                .map_err(|error| not_encrypted(&error, &place))?;
            stage.enter(Stage::INTRODUCTION);
            return Self::introduce(settings, stream, events).await;
        }
        stage.enter(Stage::INTRODUCTION);
        Self::introduce(settings, stream, events).await
    }

    /// Logs in, asks who is there, and chooses the database, in one round trip.
    async fn introduce(
        settings: &Settings,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        events: &Arc<Events>,
    ) -> Result<Self, Failure> {
        let connection = Self::drive(settings, stream, events).await?;
        let login = settings.password.as_deref();
        let login = login.map(|password| command::auth(settings.username.as_deref(), password));
        let select = (settings.database != 0).then(|| command::select(settings.database));
        let commands: Vec<Command> = [login, Some(command::hello()), select]
            .into_iter()
            .flatten()
            .collect();
        let replies = connection.exchange(&commands).await;
        let replies = replies.map_err(|error| broken_off(&error, &connection.place))?;
        let server = judge(settings, &replies)
            .map_err(|fault| Failure::of_fault(fault, &connection.place))?;
        suits(&server, &connection.place)?;
        Ok(connection)
    }

    async fn drive(
        settings: &Settings,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        events: &Arc<Events>,
    ) -> Result<Self, Failure> {
        // Nothing is sent by the library when it has no user, no database and no name to tell.
        let nothing = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None);
        let made = MultiplexedConnection::new_with_config(&nothing, stream, config).await;
        let (requests, driver) = made.map_err(|error| Failure::outage(error.to_string()))?;
        let origin =
            Origin::random().map_err(|error| Failure::Configuration(error.to_string().into()))?;
        let life = Arc::<Life>::default();
        let ending = Ending(Arc::clone(&life));
        let lost = Failure::outage(format!(
            "the connection to Redis at {} was lost",
            settings.place()
        ));
        let told = Arc::clone(events);
        let driver = tokio::spawn(async move {
            let ending = ending;
            driver.await;
            // Not reached when the runtime ends or the connection is dropped or given up.
            if ending.0.replies.load(Ordering::Relaxed) > 0 {
                told.failed(&lost);
            }
        });
        Ok(Self {
            requests,
            driver: driver.abort_handle(),
            place: settings.place(),
            origin,
            life,
            events: Arc::clone(events),
        })
    }

    /// Whether nothing should be sent over it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.life.ended.load(Ordering::Acquire) || self.is_given_up()
    }

    /// Whether it has answered anything beyond the introduction.
    pub(crate) fn was_of_use(&self) -> bool {
        self.life.replies.load(Ordering::Relaxed) > 1
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn is_given_up(&self) -> bool {
        self.life.given_up.load(Ordering::Acquire)
    }

    /// Believes no reply any more, those to other callers included.
    pub(crate) fn give_up(&self, reason: &str) {
        if !self.life.given_up.swap(true, Ordering::AcqRel) {
            self.driver.abort();
            self.events.failed(&Failure::outage(format!(
                "the connection to Redis at {} was given up: {reason}",
                self.place
            )));
        }
    }

    /// Sends commands in one go, once, and waits for their replies until the deadline.
    pub(crate) async fn send(
        &self,
        commands: &[Command],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, Failure> {
        let before = self.life.replies.load(Ordering::Relaxed);
        let until = Instant::from_std(deadline.instant());
        match timeout_at(until, self.exchange(commands)).await {
            Ok(Ok(replies)) if !self.is_given_up() => Ok(replies),
            Ok(_) => Err(Failure::outage(format!(
                "the connection to Redis at {} was lost",
                self.place
            ))),
            Err(_) => {
                self.missed(before);
                Err(Failure::outage(format!(
                    "Redis at {} did not answer in time",
                    self.place
                )))
            }
        }
    }

    async fn exchange(&self, commands: &[Command]) -> Result<Vec<Reply>, RedisError> {
        let mut requests = self.requests.clone();
        let sent = match commands {
            [command] => requests
                .send_packed_command(&packed(command))
                .await
                .map(|value| vec![value]),
            commands => {
                let mut pipeline = Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(packed(command));
                }
                requests
                    .send_packed_commands(&pipeline, 0, commands.len())
                    .await
            }
        };
        match sent {
            Ok(values) => {
                debug_assert_eq!(values.len(), commands.len());
                self.life.replies.fetch_add(1, Ordering::Relaxed);
                self.life.timeouts.store(0, Ordering::Relaxed);
                Ok(values.into_iter().map(received).collect())
            }
            // What the server refuses is a value; an error is the connection's.
            Err(error) => {
                self.life.ended.store(true, Ordering::Release);
                Err(error)
            }
        }
    }

    /// A request was not answered in time; `before` is how many others were when it was sent.
    fn missed(&self, before: u64) {
        if self.life.replies.load(Ordering::Relaxed) != before {
            return;
        }
        if self.life.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= TIMEOUTS {
            self.give_up("it answers nothing");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Notes the end of the driver, however it comes.
struct Ending(Arc<Life>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

fn judge(settings: &Settings, replies: &[Reply]) -> Result<Server, Fault> {
    let mut replies = replies.iter();
    let mut next = || replies.next().unwrap_or(&Reply::Other);
    if settings.password.is_some() {
        reply::accepted(next(), "AUTH")?;
    }
    let server = reply::greeted(next())?;
    if settings.database != 0 {
        reply::accepted(next(), "SELECT")?;
    }
    Ok(server)
}

/// Whether a cache can keep its promise with this server.
fn suits(server: &Server, place: &str) -> Result<(), Failure> {
    let Server {
        name,
        version,
        mode,
        role,
    } = server;
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < 7) {
        return Err(Failure::Configuration(
            format!("the server at {place} is {name} {version}: Redis 7.0 or later is needed")
                .into(),
        ));
    }
    if mode != "standalone" {
        return Err(Failure::Configuration(
            format!(
                "the server at {place} runs in {mode} mode: a server that stands alone is needed"
            )
            .into(),
        ));
    }
    // It may be made a master at any moment, so this is no matter of configuration.
    if role != "master" {
        return Err(Failure::outage(format!(
            "the server at {place} is a replica: it may show what an invalidation has deleted"
        )));
    }
    Ok(())
}

/// How far an attempt has come: what is missing when its time is over.
#[derive(Default)]
struct Stage(AtomicU32);

impl Stage {
    #[cfg(feature = "tls")]
    const TLS: u32 = 1;
    const INTRODUCTION: u32 = 2;

    fn enter(&self, stage: u32) {
        self.0.store(stage, Ordering::Relaxed);
    }

    fn missing(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            #[cfg(feature = "tls")]
            Self::TLS => "made no TLS handshake (is it a port for redis:// without TLS?)",
            Self::INTRODUCTION => "did not answer a new connection",
            _ => "took no connection",
        }
    }
}

/// The server took the connection and closed it.
fn broken_off(error: &RedisError, place: &str) -> Failure {
    // In TLS 1.3 a server says no to a client's certificate after the handshake.
    #[cfg(feature = "tls")]
    if let Some(error) = transport::beneath(error) {
        return not_encrypted(error, place);
    }
    let _ = error;
    Failure::outage(format!(
        "Redis at {place} closed the connection before it answered: is its port for TLS \
         (rediss://), or are there too many clients?"
    ))
}

#[cfg(feature = "tls")]
fn not_encrypted(error: &std::io::Error, place: &str) -> Failure {
    match transport::refusal(error) {
        Some(refusal) => Failure::Configuration(
            format!("Redis at {place} and this client do not agree on TLS: {refusal}").into(),
        ),
        None => Failure::outage(format!(
            "Redis at {place} broke off the TLS handshake: {error}"
        )),
    }
}

fn packed(command: &Command) -> Cmd {
    let mut packed = Cmd::new();
    for argument in command.arguments() {
        packed.arg(argument);
    }
    packed
}

fn received(value: Value) -> Reply {
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Number(number),
        Value::BulkString(bytes) => Reply::Bytes(bytes),
        Value::Okay => Reply::Done,
        Value::Array(values) => Reply::Array(values.into_iter().map(received).collect()),
        Value::ServerError(error) => Reply::Refused(match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_owned(),
        }),
        _ => Reply::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(version: &str, mode: &str, role: &str) -> Server {
        let owned = str::to_owned;
        Server {
            name: owned("redis"),
            version: owned(version),
            mode: owned(mode),
            role: owned(role),
        }
    }

    #[test]
    fn server_of_another_version_or_mode_is_a_configuration_error_that_says_which() {
        for (version, mode, told) in [
            ("6.2.14", "standalone", "redis 6.2.14: Redis 7.0 or later"),
            ("unstable", "standalone", "redis unstable"),
            ("7.0.15", "cluster", "cluster mode"),
            ("7.0.15", "sentinel", "sentinel mode"),
        ] {
            match suits(&server(version, mode, "master"), "db:6379") {
                Err(Failure::Configuration(why)) => assert!(why.contains(told), "{why}"),
                other => panic!("{other:?}"),
            }
        }
        for version in ["7.0.0", "8.1.2", "10.0.0"] {
            suits(&server(version, "standalone", "master"), "db:6379").unwrap();
        }
    }

    #[test]
    fn replica_is_an_outage() {
        let failure = suits(&server("7.0.15", "standalone", "replica"), "db:6379");
        assert!(matches!(failure, Err(Failure::Outage(_))), "{failure:?}");
    }
}
