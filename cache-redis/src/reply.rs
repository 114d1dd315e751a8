//! What the replies prove.
//!
//! A reply that is not of the form its command has belongs to another request: a [`Fault`], after
//! which the connection must not be used any more.

use std::fmt;

use cache_core::fence::{Generation, Nonce};
use cache_core::layout::Key;
#[cfg(mutants)]
use cache_core::mutants::{Mutant, active};
use cache_core::store::{Page, Swap, Written};

use crate::fault::Fault;
use crate::place::{Origin, Proof};
use crate::refusal::Refusal;

/// One reply, free of the client library that read it.
///
/// `Debug` shows its kind, because values belong in no log.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// There is nothing.
    Nil,
    /// A number.
    Number(i64),
    /// What was asked for has been done: the simple string `OK`.
    Done,
    /// A bulk string: bytes that were stored, or sent to be echoed.
    Bytes(Vec<u8>),
    /// Several.
    Array(Vec<Reply>),
    /// An error reply, without the `-` of the protocol.
    Refused(String),
    /// A kind that no command of this crate is answered with.
    Other,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Number(_) => f.write_str("Number"),
            Self::Done => f.write_str("Done"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Array(replies) => f.debug_list().entries(replies).finish(),
            Self::Refused(text) => write!(f, "Refused({:?})", Refusal::of(text)),
            Self::Other => f.write_str("Other"),
        }
    }
}

/// What a reply of any other form than `command`'s own is.
fn unexpected(reply: &Reply, command: &'static str) -> Fault {
    match reply {
        Reply::Refused(text) => Fault::Refused {
            command,
            text: text.clone(),
        },
        _ => Fault::NotOurs { command },
    }
}

/// Judges the reply to [`command::read`](crate::command::read) of `keys` keys.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn read(reply: Reply, keys: usize) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    let replies = match reply {
        Reply::Array(replies) if replies.len() == keys => replies,
        other => return Err(unexpected(&other, "MGET")),
    };
    let value = |reply| match reply {
        Reply::Nil => Ok(None),
        Reply::Bytes(bytes) => Ok(Some(bytes)),
        other => Err(unexpected(&other, "MGET")),
    };
    replies.into_iter().map(value).collect()
}

/// Judges the reply to [`command::head`](crate::command::head) of `length` bytes. Nothing is no
/// bytes, and so is what is no string.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours, a longer one included.
pub fn head(reply: Reply, length: usize) -> Result<Vec<u8>, Fault> {
    match reply {
        Reply::Bytes(mut bytes) if bytes.len() <= length.max(1) => {
            bytes.truncate(length);
            Ok(bytes)
        }
        Reply::Refused(text) if Refusal::of(&text) == Refusal::WrongType => Ok(Vec::new()),
        other => Err(unexpected(&other, "GETRANGE")),
    }
}

/// What a mint has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The generation that is there since.
    Generation(Generation),
    /// Nothing: the server has no room, and refuses also where a generation exists.
    Full,
    /// Something that is no generation. Unlink it, so that the next mint succeeds.
    Foreign,
}

/// Judges the reply to [`command::mint`](crate::command::mint) of `nonce`.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn minted(reply: &Reply, nonce: Nonce) -> Result<Shown, Fault> {
    match reply {
        // Nothing stood there, so the nonce does now.
        Reply::Nil => Ok(Shown::Generation(nonce.into_generation())),
        Reply::Bytes(bytes) => {
            Ok(Generation::from_bytes(bytes).map_or(Shown::Foreign, Shown::Generation))
        }
        Reply::Refused(text) => match Refusal::of(text) {
            Refusal::Full => Ok(Shown::Full),
            Refusal::WrongType => Ok(Shown::Foreign),
            _ => Err(unexpected(reply, "SET")),
        },
        _ => Err(Fault::NotOurs { command: "SET" }),
    }
}

/// Judges the reply to [`command::write`](crate::command::write).
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn written(reply: &Reply) -> Result<Written, Fault> {
    match reply {
        Reply::Done => Ok(Written::Stored),
        Reply::Refused(text) if Refusal::of(text) == Refusal::Full => Ok(Written::Full),
        other => Err(unexpected(other, "SET")),
    }
}

/// Judges the reply to [`command::prove`](crate::command::prove), on which every other reply to its
/// request depends.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours: then none of them is.
pub fn proven(reply: Option<&Reply>, proof: &Proof) -> Result<(), Fault> {
    match reply {
        Some(Reply::Bytes(bytes)) if bytes == proof.as_bytes() => Ok(()),
        Some(other) => Err(unexpected(other, "ECHO")),
        None => Err(Fault::NotOurs { command: "ECHO" }),
    }
}

/// Judges the reply to [`command::remove`](crate::command::remove) of `keys` keys.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn removed(reply: &Reply, keys: usize) -> Result<(), Fault> {
    #[cfg(mutants)]
    if active(Mutant::RefusalIsOk) && matches!(reply, Reply::Refused(_)) {
        return Ok(());
    }
    match reply {
        Reply::Number(gone) if usize::try_from(*gone).is_ok_and(|gone| gone <= keys) => Ok(()),
        other => Err(unexpected(other, "UNLINK")),
    }
}

/// Judges the reply to [`command::swap`](crate::command::swap) of `nonce`.
///
/// # Errors
///
/// What the server refused with, or replies that are not ours. The caller unlinks the generation.
pub fn swapped(reply: &Reply, nonce: Nonce) -> Result<Swap, Fault> {
    let previous = match reply {
        Reply::Nil => None,
        Reply::Bytes(bytes) => Generation::from_bytes(bytes),
        Reply::Refused(text) if Refusal::of(text) == Refusal::Full => return Ok(Swap::Full),
        other => return Err(unexpected(other, "SET")),
    };
    Ok(Swap::Done {
        previous,
        now: nonce.into_generation(),
    })
}

/// Judges the reply to [`command::prolong`](crate::command::prolong): it is no matter whether the
/// generation was there.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn prolonged(reply: &Reply) -> Result<(), Fault> {
    match reply {
        Reply::Number(0 | 1) => Ok(()),
        other => Err(unexpected(other, "PEXPIRE")),
    }
}

/// Judges the reply to [`command::scan`](crate::command::scan) for `beginning`. Names may be no
/// text. The cursor of the page is one of `origin`.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours, a page with other names included.
pub fn scanned(reply: Reply, beginning: &Key, origin: &Origin) -> Result<Page, Fault> {
    const NOT_OURS: Fault = Fault::NotOurs { command: "SCAN" };
    let parts = match reply {
        Reply::Array(parts) => <[Reply; 2]>::try_from(parts).map_err(|_| NOT_OURS)?,
        other => return Err(unexpected(&other, "SCAN")),
    };
    let [Reply::Bytes(cursor), Reply::Array(names)] = parts else {
        return Err(NOT_OURS);
    };
    if cursor.is_empty() || !cursor.iter().all(u8::is_ascii_digit) {
        return Err(NOT_OURS);
    }
    let key = |name| match name {
        Reply::Bytes(name) if name.starts_with(beginning.as_bytes()) => Ok(Key::from_bytes(name)),
        _ => Err(NOT_OURS),
    };
    let keys = names.into_iter().map(key).collect::<Result<_, _>>()?;
    let next = (cursor != b"0").then(|| origin.cursor(&cursor));
    Ok(Page { keys, next })
}

/// Judges the replies to [`command::add`](crate::command::add): the sum.
///
/// # Errors
///
/// What the server refused with, or replies that are not ours. Only the addition's own refusal
/// says that nothing was added.
pub fn added(replies: &[Reply]) -> Result<i64, Fault> {
    match replies {
        [sum] => summed(sum),
        // The window is set by the one before or the one behind; a counter that has one already
        // is answered with nothing and 0.
        [Reply::Nil, sum, Reply::Number(0 | 1)] => summed(sum),
        [Reply::Done, sum, Reply::Number(0 | 1)] => summed(sum),
        // There was no room, and for the addition there was again.
        [Reply::Refused(set), sum, Reply::Number(0 | 1)] if Refusal::of(set) == Refusal::Full => {
            summed(sum)
        }
        [set, sum, expiry] => {
            // When the addition is refused, it is that which the caller has to know.
            summed(sum)?;
            Err(match (set, expiry) {
                (Reply::Refused(_), _) => unexpected(set, "SET"),
                (_, Reply::Refused(_)) => unexpected(expiry, "PEXPIRE"),
                _ => Fault::NotOurs { command: "INCRBY" },
            })
        }
        _ => Err(Fault::NotOurs { command: "INCRBY" }),
    }
}

fn summed(reply: &Reply) -> Result<i64, Fault> {
    match reply {
        Reply::Number(sum) => Ok(*sum),
        other => Err(unexpected(other, "INCRBY")),
    }
}

/// Judges the reply to [`command::expire`](crate::command::expire): whether there was a counter.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn expired(reply: &Reply) -> Result<bool, Fault> {
    match reply {
        Reply::Number(found @ (0 | 1)) => Ok(*found == 1),
        other => Err(unexpected(other, "PEXPIRE")),
    }
}

/// Judges the replies to [`command::probe`](crate::command::probe) of `nonce`. A server
/// that is full passes.
///
/// # Errors
///
/// The first thing that a cache needs and the server refused, or replies that are not ours.
pub fn probed(
    replies: Vec<Reply>,
    canary: &Key,
    nonce: Nonce,
    origin: &Origin,
) -> Result<(), Fault> {
    let Ok([mint, write, shown, prolongation, page, unlink]) = <[Reply; 6]>::try_from(replies)
    else {
        return Err(Fault::NotOurs { command: "UNLINK" });
    };
    minted(&mint, nonce)?;
    // Full or not, it was answered.
    let _ = written(&write)?;
    read(shown, 1)?;
    prolonged(&prolongation)?;
    scanned(page, canary, origin)?;
    removed(&unlink, 1)
}

/// Who a server says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `redis` or `valkey`.
    pub name: String,
    /// As in `7.2.4`.
    pub version: String,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: String,
    /// `master` or `replica`.
    pub role: String,
}

/// Judges the reply to [`command::hello`](crate::command::hello).
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn greeted(reply: &Reply) -> Result<Server, Fault> {
    let Reply::Array(parts) = reply else {
        return Err(unexpected(reply, "HELLO"));
    };
    let field = |name: &str| {
        let found = parts.chunks_exact(2).find_map(|pair| match pair {
            [Reply::Bytes(field), Reply::Bytes(value)] if field == name.as_bytes() => {
                Some(String::from_utf8_lossy(value).into_owned())
            }
            _ => None,
        });
        found.ok_or(Fault::NotOurs { command: "HELLO" })
    };
    Ok(Server {
        name: field("server")?,
        version: field("version")?,
        mode: field("mode")?,
        role: field("role")?,
    })
}

/// Judges the reply to [`command::auth`](crate::command::auth) or
/// [`command::select`](crate::command::select), whichever `command` names.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn accepted(reply: &Reply, command: &'static str) -> Result<(), Fault> {
    match reply {
        Reply::Done => Ok(()),
        other => Err(unexpected(other, command)),
    }
}

#[cfg(test)]
mod tests;
