//! The commands: vectors of arguments, the name first.

use std::fmt;
use std::time::Duration;

use cache_core::fence::Nonce;
use cache_core::layout::Key;
use cache_core::store::Cursor;

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
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Vec<Vec<u8>>);

impl Command {
    fn new(name: &str) -> Self {
        Self(vec![name.into()])
    }

    fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.0.push(argument.into());
        self
    }

    fn keys(mut self, keys: &[Key]) -> Self {
        self.0
            .extend(keys.iter().map(|key| key.as_bytes().to_vec()));
        self
    }

    fn px(self, ttl: Duration) -> Self {
        self.arg("PX").arg(millis(ttl))
    }

    /// The arguments, the name of the command first.
    pub fn arguments(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.0[0]);
        write!(f, "Command({name} with {} arguments)", self.0.len() - 1)
    }
}

/// A time to live as Redis takes it: at least a millisecond, because it refuses zero, and at most a
/// century, because it refuses what would overflow its clock.
fn millis(ttl: Duration) -> String {
    const CENTURY: u128 = 100 * 365 * 24 * 60 * 60 * 1000;
    ttl.as_millis().clamp(1, CENTURY).to_string()
}

/// Asks whether the server answers.
#[must_use]
pub fn ping() -> Command {
    Command::new("PING")
}

/// Reads several keys at once. `MGET` answers nothing for what is no string, instead of refusing.
#[must_use]
pub fn read(keys: &[Key]) -> Command {
    Command::new("MGET").keys(keys)
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
pub fn write(key: &Key, value: Vec<u8>, ttl: Duration) -> Command {
    set(key, value).px(ttl)
}

/// Sets a generation whatever stands there, and shows what did.
///
/// Not to be sent again, whatever becomes of it.
#[must_use]
pub fn swap(key: &Key, nonce: &Nonce, ttl: Duration) -> Command {
    set(key, nonce.to_bytes()).arg("GET").px(ttl)
}

fn set(key: &Key, value: impl Into<Vec<u8>>) -> Command {
    Command::new("SET").arg(key.as_bytes()).arg(value)
}

/// Deletes generations. Behind the deletion, in the same pipeline, the server is asked for an echo
/// of a nonce drawn for this one request: its reply proves that the one before it is the
/// deletion's, and not that of another request whose reply was shifted.
///
/// `UNLINK` and not `DEL`: it is allowed when the server is full, and frees in the background.
#[must_use]
pub fn invalidate(generations: &[Key], proof: &Nonce) -> [Command; 2] {
    [
        remove(generations),
        Command::new("ECHO").arg(proof.to_bytes()),
    ]
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

/// Deletes values.
#[must_use]
pub fn remove(values: &[Key]) -> Command {
    Command::new("UNLINK").keys(values)
}

/// One step of a scan for the keys that begin with `beginning`.
#[must_use]
pub fn scan(beginning: &Key, cursor: &Cursor, limit: usize) -> Command {
    let cursor = if cursor.is_start() {
        b"0"
    } else {
        cursor.as_bytes()
    };
    Command::new("SCAN")
        .arg(cursor)
        .arg("MATCH")
        .arg(glob(beginning.as_bytes()))
        .arg("COUNT")
        .arg(limit.max(1).to_string())
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
    use super::*;

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
        let proof = nonce();
        let [unlink, echo] = invalidate(&keys, &proof);
        for (command, expected) in [
            (ping(), "PING"),
            (read(&keys), "MGET v g"),
            (
                mint(&keys[1], &nonce(), TTL),
                "SET g (nonce) NX GET PX 1500",
            ),
            (
                write(&keys[0], b"bytes".to_vec(), TTL),
                "SET v bytes PX 1500",
            ),
            (swap(&keys[1], &nonce(), TTL), "SET g (nonce) GET PX 1500"),
            (unlink, "UNLINK v g"),
            (echo, "ECHO (nonce)"),
            (prolong(&keys[1], TTL), "PEXPIRE g 1500 GT"),
            (remove(&keys), "UNLINK v g"),
            (
                scan(&key("app:~"), &Cursor::start(), 100),
                "SCAN 0 MATCH app:~* COUNT 100",
            ),
            (
                scan(&key("app:"), &Cursor::from_bytes(*b"17"), 0),
                "SCAN 17 MATCH app:* COUNT 1",
            ),
        ] {
            assert_eq!(words(&command).join(" "), expected);
        }
    }

    #[test]
    fn each_command_sends_its_own_nonce() {
        let nonce = nonce();
        for command in [mint(&key("g"), &nonce, TTL), swap(&key("g"), &nonce, TTL)] {
            assert_eq!(command.arguments().nth(2), Some(&nonce.to_bytes()[..]));
        }
        let [_, echo] = invalidate(&[key("g")], &nonce);
        assert_eq!(echo.arguments().nth(1), Some(&nonce.to_bytes()[..]));
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
        let command = write(&key("user:42"), b"secret".to_vec(), TTL);
        assert_eq!(format!("{command:?}"), "Command(SET with 4 arguments)");
    }
}
