//! What is bound to the connection it came from: places in a scan, and the proofs of replies.

use cache_core::Error;
use cache_core::fence::{Generation, Nonce};
use cache_core::store::Cursor;

/// What tells one connection from every other: a random name, drawn when it is made.
///
/// A server's cursor means something to this server alone, and to another one, or to the same one
/// after a restart, it is a valid number too, whose scan would leave keys out. Behind one connection
/// is one server's one life, so a cursor carries the name of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin([u8; Generation::LEN]);

impl Origin {
    /// A new one.
    ///
    /// # Errors
    ///
    /// Configuration when the operating system has no random source to offer.
    pub fn random() -> Result<Self, Error> {
        Ok(Self(Nonce::random()?.to_bytes()))
    }

    /// The origin and the server's own cursor that `cursor` was made of; none of both for the start
    /// of a scan, which any server can make.
    ///
    /// # Errors
    ///
    /// Outage for bytes that no store of this crate has made.
    pub fn of(cursor: &Cursor) -> Result<(Option<Self>, &[u8]), Error> {
        if cursor.is_start() {
            return Ok((None, b"0"));
        }
        match cursor.as_bytes().split_first_chunk() {
            Some((origin, place)) if place.iter().all(u8::is_ascii_digit) && !place.is_empty() => {
                Ok((Some(Self(*origin)), place))
            }
            _ => Err(Error::outage(
                "the cursor is of another store: begin the scan anew",
            )),
        }
    }

    /// What the request with this number asks the server to echo.
    #[must_use]
    pub fn proof(&self, number: u64) -> Proof {
        let mut proof = self.0;
        proof[8..].copy_from_slice(&number.to_le_bytes());
        Proof(proof)
    }

    pub(crate) fn cursor(&self, place: &[u8]) -> Cursor {
        Cursor::from_bytes([&self.0, place].concat())
    }
}

/// What a server echoes behind the replies to one request: half of its connection's name, and the
/// request's number. No other request asks for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof([u8; Generation::LEN]);

impl Proof {
    /// The bytes to send, and to get back.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_gives_back_its_origin_and_place() {
        let origin = Origin::random().unwrap();
        let cursor = origin.cursor(b"17");
        assert_eq!(Origin::of(&cursor).unwrap(), (Some(origin), &b"17"[..]));
        assert_ne!(Origin::random().unwrap(), origin);
    }

    #[test]
    fn start_has_no_origin() {
        assert_eq!(Origin::of(&Cursor::start()).unwrap(), (None, &b"0"[..]));
    }

    #[test]
    fn foreign_cursor_is_refused() {
        for bytes in [&b"17"[..], &[0; 16], &[b'x'; 20]] {
            let cursor = Cursor::from_bytes(bytes);
            assert!(Origin::of(&cursor).unwrap_err().is_outage());
        }
    }
}
