//! The link of one runtime to the server: a connection, the attempt to make one, or the pause after
//! one that failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cache_core::fence::Nonce;
use cache_core::store::Deadline;
use tokio::sync::watch;
use tokio::time::timeout_at;

use crate::command::Command;
use crate::connection::Connection;
use crate::events::Events;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::introduction;
use crate::place::Origin;
use crate::reply::Reply;
use crate::settings::Settings;

/// After a failed attempt nobody tries for so long, and twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What is to be sent, and, if it continues a scan, over which connection alone.
pub(crate) struct Request {
    pub(crate) commands: Vec<Command>,
    pub(crate) continues: Option<Origin>,
    pub(crate) deadline: Deadline,
}

/// The replies, and the connection that they came over: who finds that they are not ours gives it
/// up.
pub(crate) struct Answer {
    pub(crate) replies: Vec<Reply>,
    pub(crate) connection: Arc<Connection>,
}

impl Answer {
    /// The error that a fault of these replies is, after its consequences for the connection.
    pub(crate) fn fault(&self, fault: Fault) -> cache_core::Error {
        if fault.ends_connection() {
            self.connection.give_up(match fault {
                Fault::NotOurs { .. } => "a reply was not that of its request",
                Fault::Refused { .. } => "the server is another than it was",
            });
        }
        fault.into_error(self.connection.place())
    }
}

type Outcome = Result<Arc<Connection>, Failure>;

/// One for each runtime, because a connection is driven by the runtime that made it.
pub(crate) struct Link {
    settings: Arc<Settings>,
    events: Arc<Events>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// Resolves to what becomes of the attempt under way; its sender is gone if the runtime is.
    attempt: Option<watch::Receiver<Option<Outcome>>>,
    pause: Option<Pause>,
    /// Attempts in a row that came to nothing.
    failures: u32,
}

struct Pause {
    until: Instant,
    failure: Failure,
}

impl State {
    fn fail(&mut self, failure: Failure) {
        let pause = pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.pause = Some(Pause {
            until: Instant::now() + pause,
            failure,
        });
    }

    /// Lets go of a connection that is over. One that had never been of use counts as a failed
    /// attempt: a server that takes connections and closes them would else be asked without end.
    fn bury(&mut self) {
        let Some(over) = self.connection.take_if(|connection| connection.is_over()) else {
            return;
        };
        if over.was_of_use() {
            self.failures = 0;
        } else {
            self.fail(Failure::outage(format!(
                "the connection to Redis at {} was lost",
                over.place()
            )));
        }
    }
}

/// Between half of the time and all of it, so that many processes do not come back at one moment.
fn pause(failures: u32) -> Duration {
    let longest = (FIRST_PAUSE * 2_u32.pow(failures.min(8))).min(LONGEST_PAUSE);
    let chance = Nonce::random().map_or(0, |nonce| nonce.to_bytes()[0]);
    longest / 2 + longest * u32::from(chance) / 512
}

impl Link {
    pub(crate) fn new(settings: &Arc<Settings>, events: &Arc<Events>) -> Arc<Self> {
        Arc::new(Self {
            settings: Arc::clone(settings),
            events: Arc::clone(events),
            state: Mutex::default(),
        })
    }

    /// Whether nothing of it is alive: its runtime may be gone.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.lock();
        let connected = state.connection.as_ref().is_some_and(|c| !c.is_over());
        let attempting = state.attempt.as_ref().is_some_and(is_going_on);
        !connected && !attempting
    }

    /// Sends a request once and waits for its answer until its deadline. To be polled on the
    /// runtime that the link is for.
    pub(crate) async fn ask(self: Arc<Self>, request: Request) -> Result<Answer, Failure> {
        let connection = self.connection(request.deadline).await?;
        if let Some(origin) = &request.continues
            && origin != connection.origin()
        {
            return Err(Failure::outage(format!(
                "the scan of Redis at {} can't go on over another connection: begin it anew",
                connection.place()
            )));
        }
        let replies = connection.send(request.commands, request.deadline).await?;
        Ok(Answer {
            replies,
            connection,
        })
    }

    async fn connection(self: &Arc<Self>, deadline: Deadline) -> Outcome {
        let mut attempt = {
            let mut state = self.lock();
            state.bury();
            if let Some(connection) = &state.connection {
                return Ok(Arc::clone(connection));
            }
            match state.attempt.clone().filter(is_going_on) {
                Some(attempt) => attempt,
                None => match &state.pause {
                    Some(pause) if Instant::now() < pause.until => {
                        return Err(pause.failure.clone());
                    }
                    _ => self.attempt(&mut state),
                },
            }
        };
        let finished = attempt.wait_for(Option::is_some);
        let failed = |why: &str| {
            let place = self.settings.place();
            Err(Failure::outage(format!(
                "no connection to Redis at {place}: {why}"
            )))
        };
        match timeout_at(deadline.instant().into(), finished).await {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| failed("it was not made")),
            Ok(Err(_)) => failed("the runtime that was making it is gone"),
            Err(_) => failed("it was not made in time"),
        }
    }

    /// Begins an attempt beside the callers: who gives up waiting ends it for nobody.
    fn attempt(self: &Arc<Self>, state: &mut State) -> watch::Receiver<Option<Outcome>> {
        let (tell, told) = watch::channel(None);
        state.attempt = Some(told.clone());
        let link = Arc::downgrade(self);
        let (settings, events) = (Arc::clone(&self.settings), Arc::clone(&self.events));
        tokio::spawn(async move {
            let outcome = introduction::open(&settings, &events).await.map(Arc::new);
            let Some(link) = link.upgrade() else {
                return;
            };
            link.finish(&outcome);
            tell.send_replace(Some(outcome));
        });
        told
    }

    fn finish(&self, outcome: &Outcome) {
        if let Err(failure) = outcome {
            self.events.failed(failure);
        }
        let mut state = self.lock();
        state.attempt = None;
        match outcome {
            Ok(connection) => {
                state.pause = None;
                state.connection = Some(Arc::clone(connection));
            }
            Err(failure) => state.fail(failure.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_going_on(attempt: &watch::Receiver<Option<Outcome>>) -> bool {
    attempt.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_second_and_are_never_nothing() {
        for failures in [0, 1, 2, 3, 4, 100, u32::MAX] {
            let longest = Duration::from_millis(50 << failures.min(4)).min(LONGEST_PAUSE);
            let pause = pause(failures);
            assert!(
                pause >= longest / 2 && pause <= longest,
                "{failures}: {pause:?}"
            );
        }
    }
}
