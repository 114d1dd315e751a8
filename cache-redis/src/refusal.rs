//! What the server means by refusing.

/// The class of an error reply, by its first word and, where that is only `ERR`, by its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No room: reads and invalidations go on.
    Full,
    /// Something that is no string stands under the key.
    WrongType,
    /// Something that is no whole number stands where one is counted.
    NoNumber,
    /// The sum would leave the range of `i64`.
    Overflow,
    /// Credentials, permissions, or a command or option that this server lacks: trying again can't
    /// help.
    Configuration(&'static str),
    /// The server is down for our purposes, reads included: it could not take an invalidation
    /// either.
    Outage,
}

const NO_AUTH: &str = "the server wants a user and password: put them into the URL";
const WRONG_PASS: &str = "the server does not know this user and password: check the URL";
const NO_PERM: &str = "the ACL user lacks a permission: it needs MGET, SET, UNLINK, ECHO, PEXPIRE and \
                       SCAN on the keys of the namespace, GETRANGE for the removal of what is \
                       unreachable, INCRBY for counters, and SELECT for a database other than 0";
const TOO_OLD: &str = "the server does not know a command or option: Redis 7.0 or later is needed, \
                       with no command renamed";
const NO_DATABASE: &str = "the server has no database of this number: check the URL";
const PROTECTED: &str = "the server is in protected mode and takes local connections alone: give it \
                         a password, or bind it to an address";

impl Refusal {
    /// Classes the text of an error reply, without the `-` of the protocol.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        match code {
            "OOM" => Self::Full,
            "WRONGTYPE" => Self::WrongType,
            "NOAUTH" => Self::Configuration(NO_AUTH),
            "WRONGPASS" => Self::Configuration(WRONG_PASS),
            "NOPERM" => Self::Configuration(NO_PERM),
            "NOPROTO" => Self::Configuration(TOO_OLD),
            "DENIED" => Self::Configuration(PROTECTED),
            "ERR" => Self::of_unnamed(rest),
            // LOADING, MISCONF, READONLY, NOREPLICAS, MASTERDOWN, BUSY, CLUSTERDOWN, TRYAGAIN, and
            // whatever a later server invents.
            _ => Self::Outage,
        }
    }

    /// `ERR` stands before all that has no code of its own.
    fn of_unnamed(text: &str) -> Self {
        let begins = |beginnings: &[&str]| beginnings.iter().any(|b| text.starts_with(b));
        if begins(&[
            "unknown command",
            "unknown subcommand",
            "syntax error",
            "Unsupported option",
        ]) {
            Self::Configuration(TOO_OLD)
        } else if begins(&["invalid password", "AUTH ", "Client sent AUTH"]) {
            Self::Configuration(WRONG_PASS)
        } else if begins(&[
            "DB index is out of range",
            "invalid DB index",
            "SELECT is not allowed",
        ]) {
            Self::Configuration(NO_DATABASE)
        } else if begins(&["value is not an integer"]) {
            Self::NoNumber
        } else if begins(&["increment or decrement would overflow"]) {
            Self::Overflow
        } else {
            Self::Outage
        }
    }
}

/// The code of an error reply, if it has the form of one. Its text may hold keys and arguments and
/// is shown to nobody.
pub(crate) fn code(text: &str) -> &str {
    let code = text.split_once(' ').map_or(text, |(code, _)| code);
    let named = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if named { code } else { "an unknown code" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_not_down() {
        let text = "OOM command not allowed when used memory > 'maxmemory'.";
        assert_eq!(Refusal::of(text), Refusal::Full);
    }

    #[test]
    fn server_that_can_take_no_invalidation_is_down() {
        for text in [
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
            "READONLY You can't write against a read only replica.",
            "NOREPLICAS Not enough good replicas to write.",
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down",
            "BUSY Redis is busy running a script.",
            "CLUSTERDOWN The cluster is down",
            "ERR max number of clients reached",
            "NEWCODE of a later server",
            "",
        ] {
            assert_eq!(Refusal::of(text), Refusal::Outage, "{text}");
        }
    }

    #[test]
    fn what_only_an_operator_can_mend_is_configuration() {
        for (text, way_out) in [
            ("NOAUTH Authentication required.", "password"),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                "password",
            ),
            (
                "NOPERM User app has no permissions to run the 'echo' command",
                "ECHO",
            ),
            (
                "ERR unknown command 'UNLINK', with args beginning with: ",
                "7.0",
            ),
            ("ERR syntax error", "7.0"),
            ("ERR invalid password", "password"),
            (
                "DENIED Redis is running in protected mode",
                "protected mode",
            ),
            ("ERR DB index is out of range", "database"),
        ] {
            let Refusal::Configuration(told) = Refusal::of(text) else {
                panic!("{text}");
            };
            assert!(told.contains(way_out), "{told}");
        }
    }

    #[test]
    fn what_no_number_can_hold_is_told_apart() {
        let text = "ERR value is not an integer or out of range";
        assert_eq!(Refusal::of(text), Refusal::NoNumber);
        let text = "ERR increment or decrement would overflow";
        assert_eq!(Refusal::of(text), Refusal::Overflow);
    }

    #[test]
    fn code_is_quoted_only_if_it_is_one() {
        assert_eq!(code("NOPERM User app"), "NOPERM");
        for text in ["secret", "x secret", ""] {
            assert_eq!(code(text), "an unknown code");
        }
    }
}
