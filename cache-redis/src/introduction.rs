//! How a connection is made: reaching the server, logging in, and finding out whether it is one that
//! a cache can use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use redis::RedisError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::command::{self, Command};
use crate::connection::Connection;
use crate::events::Events;
use crate::failure::Failure;
use crate::reply::{self, Reply, Server};
use crate::settings::Settings;
use crate::transport;
#[cfg(feature = "tls")]
use crate::transport::Security;

/// Makes a connection and finds out whether the server is one that a cache can use.
pub(crate) async fn open(settings: &Settings, events: &Arc<Events>) -> Result<Connection, Failure> {
    let place = settings.place();
    let within = settings.connect_timeout;
    let stage = Stage::default();
    let connected = timeout(within, connect(settings, events, &stage)).await;
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
) -> Result<Connection, Failure> {
    let place = settings.place();
    let stream = transport::connect(&settings.host, settings.port, settings.connect_timeout)
        .await
        .map_err(|error| Failure::outage(format!("Redis at {place} can't be reached: {error}")))?;
    #[cfg(feature = "tls")]
    if let Security::Tls(connector) = &settings.security {
        stage.enter(Stage::TLS);
        let stream = transport::encrypt(connector, &settings.host, stream)
            .await
            .map_err(|error| not_encrypted(&error, &place))?;
        stage.enter(Stage::INTRODUCTION);
        return introduce(settings, stream, events).await;
    }
    stage.enter(Stage::INTRODUCTION);
    introduce(settings, stream, events).await
}

/// Logs in, asks who is there, and chooses the database, one after the other.
async fn introduce(
    settings: &Settings,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    events: &Arc<Events>,
) -> Result<Connection, Failure> {
    let connection = Connection::drive(settings, stream, events).await?;
    let place = connection.place();
    let refused = |fault| Failure::of_fault(fault, place);
    if let Some(password) = &settings.password {
        let login = command::auth(settings.username.as_deref(), password);
        reply::accepted(&say(&connection, login).await?, "AUTH").map_err(refused)?;
    }
    let server = reply::greeted(&say(&connection, command::hello()).await?).map_err(refused)?;
    suits(&server, place)?;
    if settings.database != 0 {
        let select = command::select(settings.database);
        reply::accepted(&say(&connection, select).await?, "SELECT").map_err(refused)?;
    }
    Ok(connection)
}

async fn say(connection: &Connection, command: Command) -> Result<Reply, Failure> {
    let reply = connection.introduce(command).await;
    reply.map_err(|error| broken_off(&error, connection.place()))
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
