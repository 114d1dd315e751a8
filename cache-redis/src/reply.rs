//! What the replies prove.
//!
//! A reply that is not of the form its command has belongs to another request: an outage, after
//! which the connection must not be used any more.

use std::fmt;

use cache_core::Error;
use cache_core::fence::{Generation, Nonce};
use cache_core::layout::Key;
use cache_core::store::{Cursor, Page, Swap, Written};

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
    /// A string of bytes, bulk or simple; `OK` and `PONG` are such.
    Bytes(Vec<u8>),
    /// Several.
    Array(Vec<Reply>),
    /// An error reply, without the `-` of the protocol.
    Refused(String),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Number(_) => f.write_str("Number"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Array(replies) => f.debug_list().entries(replies).finish(),
            Self::Refused(text) => write!(f, "Refused({:?})", Refusal::of(text)),
        }
    }
}

fn not_ours(operation: &str) -> Error {
    Error::outage(format!(
        "Redis answered {operation} with a reply that belongs to another request"
    ))
}

fn refused(text: &str) -> Error {
    Refusal::of(text).into_error(text)
}

/// What a reply to anything else than the form expected is.
fn unexpected(reply: &Reply, operation: &str) -> Error {
    match reply {
        Reply::Refused(text) => refused(text),
        _ => not_ours(operation),
    }
}

/// Judges the reply to [`command::ping`](crate::command::ping).
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn ponged(reply: &Reply) -> Result<(), Error> {
    match reply {
        Reply::Bytes(bytes) if bytes == b"PONG" => Ok(()),
        other => Err(unexpected(other, "a ping")),
    }
}

/// Judges the reply to [`command::read`](crate::command::read) of `keys` keys.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn read(reply: Reply, keys: usize) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let replies = match reply {
        Reply::Array(replies) if replies.len() == keys => replies,
        other => return Err(unexpected(&other, "a read")),
    };
    let value = |reply| match reply {
        Reply::Nil => Ok(None),
        Reply::Bytes(bytes) => Ok(Some(bytes)),
        other => Err(unexpected(&other, "a read")),
    };
    replies.into_iter().map(value).collect()
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
pub fn minted(reply: &Reply, nonce: Nonce) -> Result<Shown, Error> {
    match reply {
        // Nothing stood there, so the nonce does now.
        Reply::Nil => Ok(Shown::Generation(nonce.into_generation())),
        // A simple string of two bytes would be the reply to a write.
        Reply::Bytes(bytes) if bytes == b"OK" => Err(not_ours("a mint")),
        Reply::Bytes(bytes) => {
            Ok(Generation::from_bytes(bytes).map_or(Shown::Foreign, Shown::Generation))
        }
        Reply::Refused(text) => match Refusal::of(text) {
            Refusal::Full => Ok(Shown::Full),
            Refusal::WrongType => Ok(Shown::Foreign),
            _ => Err(refused(text)),
        },
        _ => Err(not_ours("a mint")),
    }
}

/// Judges the reply to [`command::write`](crate::command::write).
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn written(reply: &Reply) -> Result<Written, Error> {
    match reply {
        Reply::Bytes(bytes) if bytes == b"OK" => Ok(Written::Stored),
        Reply::Refused(text) if Refusal::of(text) == Refusal::Full => Ok(Written::Full),
        other => Err(unexpected(other, "a write")),
    }
}

/// Judges the replies to [`command::invalidate`](crate::command::invalidate) of `keys` generations
/// with `proof`.
///
/// # Errors
///
/// Whenever the deletion is not proven: what the server refused with, or replies that are not ours.
/// The invalidation then stays pending.
pub fn invalidated(replies: &[Reply], keys: usize, proof: &Nonce) -> Result<(), Error> {
    let [unlink, echo] = replies else {
        return Err(not_ours("an invalidation"));
    };
    removed(unlink, keys)?;
    match echo {
        Reply::Bytes(bytes) if *bytes == proof.to_bytes() => Ok(()),
        other => Err(unexpected(other, "an invalidation")),
    }
}

/// Judges the reply to [`command::remove`](crate::command::remove) of `keys` keys.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours.
pub fn removed(reply: &Reply, keys: usize) -> Result<(), Error> {
    match reply {
        Reply::Number(gone) if usize::try_from(*gone).is_ok_and(|gone| gone <= keys) => Ok(()),
        other => Err(unexpected(other, "a removal")),
    }
}

/// Judges the reply to [`command::swap`](crate::command::swap) of `nonce`.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours. The caller unlinks the generation.
pub fn swapped(reply: &Reply, nonce: Nonce) -> Result<Swap, Error> {
    let previous = match reply {
        Reply::Nil => None,
        Reply::Bytes(bytes) if bytes == b"OK" => return Err(not_ours("a swap")),
        Reply::Bytes(bytes) => Generation::from_bytes(bytes),
        Reply::Refused(text) if Refusal::of(text) == Refusal::Full => return Ok(Swap::Full),
        other => return Err(unexpected(other, "a swap")),
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
pub fn prolonged(reply: &Reply) -> Result<(), Error> {
    match reply {
        Reply::Number(0 | 1) => Ok(()),
        other => Err(unexpected(other, "a prolongation")),
    }
}

/// Judges the reply to [`command::scan`](crate::command::scan) for `beginning`. Names may be no
/// text.
///
/// # Errors
///
/// What the server refused with, or a reply that is not ours, a page with other names included.
pub fn scanned(reply: Reply, beginning: &Key) -> Result<Page, Error> {
    let parts = match reply {
        Reply::Array(parts) => <[Reply; 2]>::try_from(parts).map_err(|_| not_ours("a scan"))?,
        other => return Err(unexpected(&other, "a scan")),
    };
    let [Reply::Bytes(cursor), Reply::Array(names)] = parts else {
        return Err(not_ours("a scan"));
    };
    if cursor.is_empty() || !cursor.iter().all(u8::is_ascii_digit) {
        return Err(not_ours("a scan"));
    }
    let key = |name| match name {
        Reply::Bytes(name) if name.starts_with(beginning.as_bytes()) => Ok(Key::from_bytes(name)),
        _ => Err(not_ours("a scan")),
    };
    let keys = names.into_iter().map(key).collect::<Result<_, _>>()?;
    let next = (cursor != b"0").then(|| Cursor::from_bytes(cursor));
    Ok(Page { keys, next })
}

#[cfg(test)]
mod tests;
