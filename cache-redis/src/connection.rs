//! One live connection: what is sent over it, and when it is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

#[cfg(mutants)]
use cache_core::mutants::{Mutant, active};
use cache_core::store::Deadline;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, RedisConnectionInfo, RedisError, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::command::{self, Command};
use crate::events::Events;
use crate::failure::Failure;
use crate::place::{Origin, Proof};
use crate::reply::{self, Reply};
use crate::settings::Settings;

/// So many requests in a row without an answer, and no other answer in between: the connection is
/// taken for dead, though nobody said so.
const TIMEOUTS: u32 = 3;

/// A request that waited for less than this does not count.
const SILENCE: Duration = Duration::from_millis(100);

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
    /// The number of the next request.
    requested: AtomicU64,
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
    /// Those of the introduction not counted.
    replies: AtomicU64,
    timeouts: AtomicU32,
}

impl Connection {
    /// Puts a connection over a stream, with nothing said yet.
    pub(crate) async fn drive(
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
            requested: AtomicU64::new(0),
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
        self.life.replies.load(Ordering::Relaxed) > 0
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

    /// Sends commands in one go, once, and waits for their replies until the deadline. They are
    /// proven to be those of this request: an echo that nobody else asks for came behind them.
    pub(crate) async fn send(
        &self,
        mut commands: Vec<Command>,
        deadline: Deadline,
    ) -> Result<Vec<Reply>, Failure> {
        let before = self.life.replies.load(Ordering::Relaxed);
        let began = Instant::now();
        let proof = self
            .origin
            .proof(self.requested.fetch_add(1, Ordering::Relaxed));
        commands.push(command::prove(&proof));
        #[cfg(mutants)]
        if active(Mutant::ProofIgnored) {
            commands.pop();
        }
        let until = Instant::from_std(deadline.instant());
        match timeout_at(until, self.exchange(commands)).await {
            Ok(Ok(replies)) if !self.is_given_up() => self.prove(replies, &proof),
            Ok(_) => Err(Failure::outage(format!(
                "the connection to Redis at {} was lost",
                self.place
            ))),
            Err(_) => {
                // Who had next to no time is no witness against the connection.
                if began.elapsed() >= SILENCE {
                    self.missed(before);
                }
                Err(Failure::outage(format!(
                    "Redis at {} did not answer in time",
                    self.place
                )))
            }
        }
    }

    fn prove(&self, mut replies: Vec<Reply>, proof: &Proof) -> Result<Vec<Reply>, Failure> {
        #[cfg(mutants)]
        if active(Mutant::ProofIgnored) {
            return Ok(replies);
        }
        match reply::proven(replies.pop().as_ref(), proof) {
            Ok(()) => Ok(replies),
            Err(fault) => {
                if fault.ends_connection() {
                    self.give_up("a reply was not that of its request");
                }
                Err(Failure::of_fault(fault, &self.place))
            }
        }
    }

    async fn exchange(&self, commands: Vec<Command>) -> Result<Vec<Reply>, RedisError> {
        let count = commands.len();
        let mut pipeline = Pipeline::with_capacity(count);
        for command in commands {
            pipeline.add_command(command.into_cmd());
        }
        let mut requests = self.requests.clone();
        let sent = requests.send_packed_commands(&pipeline, 0, count).await;
        let values = self.note_end(sent)?;
        debug_assert_eq!(values.len(), count);
        self.life.replies.fetch_add(1, Ordering::Relaxed);
        self.life.timeouts.store(0, Ordering::Relaxed);
        Ok(values.into_iter().map(received).collect())
    }

    /// Sends one command without a proof, to a server that may not let anybody ask for one yet. Of
    /// a single command the library also tells what the connection died of.
    pub(crate) async fn introduce(&self, command: Command) -> Result<Reply, RedisError> {
        let mut requests = self.requests.clone();
        let sent = requests.send_packed_command(&command.into_cmd()).await;
        self.note_end(sent).map(received)
    }

    /// What the server refuses is a value; an error is the connection's end.
    fn note_end<T>(&self, sent: Result<T, RedisError>) -> Result<T, RedisError> {
        if sent.is_err() {
            self.life.ended.store(true, Ordering::Release);
        }
        sent
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
