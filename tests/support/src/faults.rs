//! What becomes of the frames that pass a proxy.

use std::time::Duration;

/// A number of commands, or of replies to them, that something befalls.
#[derive(Debug)]
struct Quota {
    /// Any, if there is none.
    command: Option<String>,
    left: usize,
}

/// Quotas of one fault, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Quotas(Vec<Quota>);

impl Quotas {
    pub(crate) fn add(&mut self, command: Option<&str>, count: usize) {
        self.0.push(Quota {
            command: command.map(str::to_ascii_uppercase),
            left: count,
        });
    }

    /// Whether this one is among those.
    fn take(&mut self, command: &str) -> bool {
        self.0.retain(|quota| quota.left > 0);
        let quota = self
            .0
            .iter_mut()
            .find(|quota| quota.command.as_deref().is_none_or(|name| name == command));
        quota.is_some_and(|quota| {
            quota.left -= 1;
            true
        })
    }
}

/// A frame from the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// The command that it answers, in capitals; `None` for a push.
    pub(crate) command: Option<String>,
}

/// Where frames wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Gate {
    #[default]
    Open,
    Shut,
    /// Shut for one command.
    ShutFor(String),
}

impl Gate {
    pub(crate) fn holds(&self, command: Option<&str>) -> bool {
        match self {
            Gate::Open => false,
            Gate::Shut => true,
            Gate::ShutFor(name) => command == Some(name),
        }
    }
}

/// The faults of a proxy. None by default.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) delay: Duration,
    pub(crate) replies: Gate,
    pub(crate) requests: Gate,
    /// Those that may pass a shut gate.
    pub(crate) passes: usize,
    pub(crate) swallow_replies: bool,
    pub(crate) swallow_pushes: bool,
    pub(crate) dropped: Quotas,
    pub(crate) duplicated: Quotas,
    pub(crate) lost: Quotas,
    /// Bytes to be sent before the next reply.
    pub(crate) inserted: Vec<u8>,
}

impl Faults {
    /// Whether the server shall never see this request.
    pub(crate) fn loses(&mut self, command: &str) -> bool {
        self.lost.take(command)
    }

    /// What the client gets for this answer, and whether the answer itself is in it.
    pub(crate) fn deform(&mut self, answer: &Answer) -> (Vec<u8>, bool) {
        let Some(command) = &answer.command else {
            let swallowed = self.swallow_replies || self.swallow_pushes;
            return if swallowed {
                (Vec::new(), false)
            } else {
                (answer.bytes.clone(), true)
            };
        };
        if self.swallow_replies {
            return (Vec::new(), false);
        }
        let mut bytes = std::mem::take(&mut self.inserted);
        if self.dropped.take(command) {
            return (bytes, false);
        }
        bytes.extend_from_slice(&answer.bytes);
        if self.duplicated.take(command) {
            bytes.extend_from_slice(&answer.bytes);
        }
        (bytes, true)
    }
}
