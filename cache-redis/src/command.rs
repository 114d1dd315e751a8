//! The commands: vectors of arguments, the name first.

use std::fmt;
use std::time::Duration;

use cache_core::fence::Nonce;
use cache_core::layout::Key;
use redis::{Arg, Cmd};

use crate::place::Proof;

/// One command to send.
///
/// `Debug` shows its name and the number of its arguments, because keys and values belong in no
/// log.
///
/// # Example
///
/// ```
/// use cache_core::layout::Key;
/// use cache_redis::command;
///
/// let keys = [Key::from("app:f:00".to_owned()), Key::from("app:~l:00ff".to_owned())];
/// let command = command::read(&keys);
/// let arguments: Vec<&[u8]> = command.arguments().collect();
/// assert_eq!(arguments, [&b"MGET"[..], b"app:f:00", b"app:~l:00ff"]);
/// ```
#[derive(Clone)]
pub struct Command(Cmd);

/// Room for the arguments of most commands, so that building one allocates twice and not time and
/// again.
const ARGUMENTS: usize = 8;
const BYTES: usize = 256;

impl Command {
    fn new(name: &str) -> Self {
        Self(Cmd::with_capacity(ARGUMENTS, BYTES)).arg(name)
    }

    fn arg(mut self, argument: impl AsRef<[u8]>) -> Self {
        self.0.arg(argument.as_ref());
        self
    }

    fn keys(self, keys: &[Key]) -> Self {
        keys.iter()
            .fold(self, |command, key| command.arg(key.as_bytes()))
    }

    fn px(self, ttl: Duration) -> Self {
        self.arg("PX").arg(millis(ttl))
    }

    /// The arguments, the name of the command first.
    pub fn arguments(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.args_iter().map(|argument| match argument {
            Arg::Simple(bytes) => bytes,
            // The cursor of the client library's own scans, and whatever else it may come to have.
            _ => unreachable!("only bytes are put in"),
        })
    }

    pub(crate) fn into_cmd(self) -> Cmd {
        self.0
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arguments = self.arguments();
        let name = String::from_utf8_lossy(arguments.next().unwrap_or_default());
        write!(f, "Command({name} with {} arguments)", arguments.len())
    }
}

/// A time to live as Redis takes it: at least a millisecond, because it refuses zero, and at most a
/// century, because it refuses what would overflow its clock.
fn millis(ttl: Duration) -> String {
    const CENTURY: u128 = 100 * 365 * 24 * 60 * 60 * 1000;
    ttl.as_millis().clamp(1, CENTURY).to_string()
}

/// Presents a password, and the user that it belongs to unless it is the default one.
#[must_use]
pub fn auth(username: Option<&str>, password: &str) -> Command {
    let command = Command::new("AUTH");
    match username {
        Some(username) => command.arg(username).arg(password),
        None => command.arg(password),
    }
}

/// Asks who the server is. Unlike `INFO`, no ACL forbids it; before authentication it is refused.
#[must_use]
pub fn hello() -> Command {
    Command::new("HELLO")
}

/// Chooses a database.
#[must_use]
pub fn select(database: i64) -> Command {
    Command::new("SELECT").arg(database.to_string())
}

/// Reads several keys at once. `MGET` answers nothing for what is no string, instead of refusing.
#[must_use]
pub fn read(keys: &[Key]) -> Command {
    Command::new("MGET").keys(keys)
}

/// Reads what a value begins with: at least one byte, for Redis has no way to ask for none.
#[must_use]
pub fn head(value: &Key, length: usize) -> Command {
    Command::new("GETRANGE")
        .arg(value.as_bytes())
        .arg("0")
        .arg((length.max(1) - 1).to_string())
}

/// Sets a generation if there is none, and shows the one that stood there.
///
/// Not to be sent again, whatever becomes of it: give the next attempt another nonce.
#[must_use]
pub fn mint(key: &Key, nonce: &Nonce, ttl: Duration) -> Command {
    set(key, nonce.to_bytes()).arg("NX").arg("GET").px(ttl)
}

/// Stores an entry.
#[must_use]
pub fn write(key: &Key, value: &[u8], ttl: Duration) -> Command {
    set(key, value).px(ttl)
}

/// Sets a generation whatever stands there, and shows what did.
///
/// Not to be sent again, whatever becomes of it.
#[must_use]
pub fn swap(key: &Key, nonce: &Nonce, ttl: Duration) -> Command {
    set(key, nonce.to_bytes()).arg("GET").px(ttl)
}

fn set(key: &Key, value: impl AsRef<[u8]>) -> Command {
    Command::new("SET").arg(key.as_bytes()).arg(value)
}

/// Asks for an echo. Behind each request, in the same pipeline, the server is asked for one that no
/// other request asks for: it proves that the replies before it are this request's, and not those
/// of another one, shifted.
#[must_use]
pub fn prove(proof: &Proof) -> Command {
    Command::new("ECHO").arg(proof.as_bytes())
}

/// Lets a generation live longer. `GT`, so that a process with a shorter time to live than
/// another's cuts nothing off.
#[must_use]
pub fn prolong(generation: &Key, ttl: Duration) -> Command {
    Command::new("PEXPIRE")
        .arg(generation.as_bytes())
        .arg(millis(ttl))
        .arg("GT")
}

/// Deletes values or generations.
///
/// `UNLINK` and not `DEL`: it is allowed when the server is full, and frees in the background.
#[must_use]
pub fn remove(keys: &[Key]) -> Command {
    Command::new("UNLINK").keys(keys)
}

/// One step of a scan for the keys that begin with `beginning`, from the server's own `cursor`.
#[must_use]
pub fn scan(beginning: &Key, cursor: &[u8], limit: usize) -> Command {
    Command::new("SCAN")
        .arg(cursor)
        .arg("MATCH")
        .arg(glob(beginning.as_bytes()))
        .arg("COUNT")
        .arg(limit.max(1).to_string())
}

/// Adds to a counter. With a window, a counter that is absent or has no time to live gets this one.
///
/// No transaction around them: each command is a step that harms nobody if the next one is lost,
/// because the next addition mends it. Not to be sent again, whatever becomes of it.
#[must_use]
pub fn add(counter: &Key, by: i64, window: Option<Duration>) -> Vec<Command> {
    let add = Command::new("INCRBY")
        .arg(counter.as_bytes())
        .arg(by.to_string());
    let Some(window) = window else {
        return vec![add];
    };
    vec![
        set(counter, *b"0").arg("NX").px(window),
        add,
        expire(counter, window).arg("NX"),
    ]
}

/// Gives a counter a time to live.
#[must_use]
pub fn expire(counter: &Key, ttl: Duration) -> Command {
    Command::new("PEXPIRE")
        .arg(counter.as_bytes())
        .arg(millis(ttl))
}

/// How long what a probe leaves may stay, should its deletion be lost.
const CANARY_TTL: Duration = Duration::from_secs(10);

/// Does to `canary` everything that a cache does to its keys, and deletes it last.
#[must_use]
pub fn probe(canary: &Key, nonce: &Nonce) -> Vec<Command> {
    let keys = std::slice::from_ref(canary);
    vec![
        mint(canary, nonce, CANARY_TTL),
        write(canary, b"canary", CANARY_TTL),
        read(keys),
        prolong(canary, CANARY_TTL),
        scan(canary, b"0", 1),
        remove(keys),
    ]
}

/// A glob that matches what begins so. No name of a layout has a special character; should one
/// ever, it must not widen what is deleted.
fn glob(beginning: &[u8]) -> Vec<u8> {
    let mut glob = Vec::with_capacity(beginning.len() + 1);
    for &byte in beginning {
        if br"*?[]^\".contains(&byte) {
            glob.push(b'\\');
        }
        glob.push(byte);
    }
    glob.push(b'*');
    glob
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::place::Origin;

    fn key(name: &str) -> Key {
        Key::from(name.to_owned())
    }

    fn words(command: &Command) -> Vec<&str> {
        let words = command.arguments().map(std::str::from_utf8);
        words.map(|word| word.unwrap_or("(nonce)")).collect()
    }

    fn nonce() -> Nonce {
        // Drawn until it is no text, which 16 random bytes almost never are.
        loop {
            let nonce = Nonce::random().unwrap();
            if std::str::from_utf8(&nonce.to_bytes()).is_err() {
                return nonce;
            }
        }
    }

    const TTL: Duration = Duration::from_millis(1500);

    #[test]
    fn commands_are_golden() {
        let keys = [key("v"), key("g")];
        for (command, expected) in [
            (auth(None, "secret"), "AUTH secret"),
            (auth(Some("app"), "secret"), "AUTH app secret"),
            (hello(), "HELLO"),
            (select(3), "SELECT 3"),
            (read(&keys), "MGET v g"),
            (head(&keys[0], 136), "GETRANGE v 0 135"),
            (head(&keys[0], 0), "GETRANGE v 0 0"),
            (
                mint(&keys[1], &nonce(), TTL),
                "SET g (nonce) NX GET PX 1500",
            ),
            (write(&keys[0], b"bytes", TTL), "SET v bytes PX 1500"),
            (swap(&keys[1], &nonce(), TTL), "SET g (nonce) GET PX 1500"),
            (prolong(&keys[1], TTL), "PEXPIRE g 1500 GT"),
            (remove(&keys), "UNLINK v g"),
            (
                scan(&key("app:~"), b"0", 100),
                "SCAN 0 MATCH app:~* COUNT 100",
            ),
            (scan(&key("app:"), b"17", 0), "SCAN 17 MATCH app:* COUNT 1"),
        ] {
            assert_eq!(words(&command).join(" "), expected);
        }
    }

    fn all_words(commands: &[Command]) -> Vec<String> {
        let joined = commands.iter().map(|command| words(command).join(" "));
        joined.collect()
    }

    #[test]
    fn counting_is_golden() {
        assert_eq!(all_words(&add(&key("c"), -3, None)), ["INCRBY c -3"]);
        assert_eq!(
            all_words(&add(&key("c"), 2, Some(TTL))),
            ["SET c 0 NX PX 1500", "INCRBY c 2", "PEXPIRE c 1500 NX"]
        );
        assert_eq!(words(&expire(&key("c"), TTL)).join(" "), "PEXPIRE c 1500");
    }

    #[test]
    fn probe_does_what_a_cache_does_and_deletes_last() {
        assert_eq!(
            all_words(&probe(&key("c"), &nonce())),
            [
                "SET c (nonce) NX GET PX 10000",
                "SET c canary PX 10000",
                "MGET c",
                "PEXPIRE c 10000 GT",
                "SCAN 0 MATCH c* COUNT 1",
                "UNLINK c",
            ]
        );
    }

    #[test]
    fn each_command_sends_its_own_nonce() {
        let nonce = nonce();
        for command in [mint(&key("g"), &nonce, TTL), swap(&key("g"), &nonce, TTL)] {
            assert_eq!(command.arguments().nth(2), Some(&nonce.to_bytes()[..]));
        }
    }

    #[test]
    fn no_two_requests_ask_for_one_echo() {
        let (one, other) = (Origin::random().unwrap(), Origin::random().unwrap());
        let proofs = [one.proof(1), one.proof(2), other.proof(1), other.proof(2)];
        let asked: HashSet<_> = proofs
            .iter()
            .map(|proof| prove(proof).arguments().nth(1).unwrap().to_vec())
            .collect();
        assert_eq!(asked.len(), 4);
    }

    #[test]
    fn times_to_live_are_what_redis_takes() {
        assert_eq!(millis(Duration::ZERO), "1");
        assert_eq!(millis(Duration::from_nanos(1)), "1");
        assert_eq!(millis(Duration::MAX), "3153600000000");
    }

    #[test]
    fn hostile_beginning_widens_no_scan() {
        assert_eq!(glob(br"a*?[b]^\:"), br"a\*\?\[b\]\^\\:*");
    }

    #[test]
    fn command_shows_its_arguments_to_no_log() {
        let command = write(&key("user:42"), b"secret", TTL);
        assert_eq!(format!("{command:?}"), "Command(SET with 4 arguments)");
    }
}
