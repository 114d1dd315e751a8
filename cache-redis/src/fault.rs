//! Why a reply is no answer.

use std::fmt;

use cache_core::Error;

use crate::refusal::{Refusal, code};

/// What is wrong with a reply to `command`.
///
/// `Debug` shows the class of a refusal and not its text, which may hold keys and arguments.
#[derive(Clone, PartialEq, Eq)]
pub enum Fault {
    /// The server refused.
    Refused {
        /// The name of the command that it refused.
        command: &'static str,
        /// The error reply, without the `-` of the protocol.
        text: String,
    },
    /// The reply is not of the form that the command's replies have: it belongs to another
    /// request, and so may every later reply of its connection.
    NotOurs {
        /// The name of the command that it was taken for an answer to.
        command: &'static str,
    },
}

impl Fault {
    /// The class of the refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { text, .. } => Some(Refusal::of(text)),
            Self::NotOurs { .. } => None,
        }
    }

    /// Whether the connection must not be used any more: its replies are shifted, or the server has
    /// become another than it was when the connection was made, a replica for example, whose reads
    /// must not be believed either.
    #[must_use]
    pub fn ends_connection(&self) -> bool {
        match self {
            Self::Refused { text, .. } => matches!(code(text), "READONLY" | "NOAUTH"),
            Self::NotOurs { .. } => true,
        }
    }

    /// The error to hand on: it names the server's `place` and the command, and quotes the code of
    /// a refusal and not its text.
    #[must_use]
    pub fn into_error(self, place: &str) -> Error {
        let (command, text) = match self {
            Self::NotOurs { command } => {
                return Error::outage(format!(
                    "Redis at {place} answered {command} with a reply that belongs to another request"
                ));
            }
            Self::Refused { command, text } => (command, text),
        };
        let code = code(&text);
        match Refusal::of(&text) {
            Refusal::Configuration(way_out) => Error::configuration(format!(
                "Redis at {place} refused {command} with {code}: {way_out}"
            )),
            Refusal::WrongType => Error::data(format!(
                "Redis at {place} holds something other than a string under a key of the cache"
            )),
            Refusal::NoNumber => Error::data(format!(
                "Redis at {place} holds something other than a whole number under a counter's key"
            )),
            Refusal::Overflow => {
                Error::invalid_input("the counter would leave the range of a 64-bit number")
            }
            Refusal::Full => Error::full(format!("Redis at {place} has no room (OOM)")),
            Refusal::Outage => {
                Error::outage(format!("Redis at {place} refused {command} with {code}"))
            }
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { command, text } => {
                write!(f, "Refused({command}, {:?})", Refusal::of(text))
            }
            Self::NotOurs { command } => write!(f, "NotOurs({command})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Fault {
        Fault::Refused {
            command: "SET",
            text: text.to_owned(),
        }
    }

    #[test]
    fn error_names_place_command_and_way_out() {
        let error = refused("NOPERM User app has no permissions").into_error("db:6379");
        assert!(error.is_configuration());
        let shown = error.to_string();
        assert!(
            shown.starts_with("Redis at db:6379 refused SET with NOPERM"),
            "{shown}"
        );
        assert!(shown.contains("INCRBY"), "{shown}");
    }

    #[test]
    fn error_quotes_no_argument() {
        for text in [
            "ERR unknown command 'X', with args beginning with: 'secret'",
            "secret",
            "x secret",
        ] {
            let shown = format!("{:?}", refused(text));
            assert!(!shown.contains("secret"), "{shown}");
            let error = refused(text).into_error("db:6379");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn each_refusal_has_the_class_of_the_contract() {
        assert!(refused("OOM no").into_error("db").is_outage());
        assert!(refused("MISCONF no").into_error("db").is_outage());
        assert!(refused("WRONGTYPE no").into_error("db").is_data());
        assert!(
            refused("ERR value is not an integer")
                .into_error("db")
                .is_data()
        );
        let overflow = "ERR increment or decrement would overflow";
        assert!(refused(overflow).into_error("db").is_invalid_input());
    }

    #[test]
    fn connection_ends_when_its_replies_can_not_be_believed() {
        assert!(Fault::NotOurs { command: "MGET" }.ends_connection());
        assert!(refused("READONLY You can't write").ends_connection());
        assert!(!refused("OOM no").ends_connection());
    }
}
