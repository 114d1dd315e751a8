//! How a value becomes the bytes of an entry's body, and back.
//!
//! A codec sees values alone. Whether an entry holds a value at all is said by a flag of the
//! [entry](crate::entry)'s header, so no encoding of `None`, `null` or `()` is ever taken for an
//! absent value, or the other way round.

mod json;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

pub use json::Json;

/// An encoding of values.
///
/// A value must come back equal to what went in. In debug builds the first value that each annotated
/// function keeps is encoded, decoded and compared, and one that does not come back is logged as an
/// error that names its field; values of direct operations (`set`, `get_or_set`) are not checked. The
/// same value need not give the same bytes each time.
///
/// # Example
///
/// ```
/// use cache_core::codec::{Codec, Json};
///
/// let mut bytes = Vec::new();
/// Json.encode(&("EWR", 5.5), &mut bytes).unwrap();
/// assert_eq!(bytes, br#"["EWR",5.5]"#);
/// let back: (String, f64) = Json.decode(&bytes).unwrap();
/// assert_eq!(back, ("EWR".to_owned(), 5.5));
/// ```
pub trait Codec: Send + Sync + 'static {
    /// The number that stands in each entry's header. An entry with another number is a miss, so a
    /// program that changes its codec reads none of its old entries.
    ///
    /// 0 is for entries without a value, 1 for [`Json`]; up to 127 is kept for the project, and
    /// 128 to 255 are for codecs of users.
    fn id(&self) -> u8;

    /// Appends the encoded value to `into`.
    ///
    /// # Errors
    ///
    /// A data error for a value that this encoding can't express, without any part of the value in
    /// its text. `into` may then hold a part of the encoding.
    fn encode<T: Serialize + ?Sized>(&self, value: &T, into: &mut Vec<u8>) -> Result<(), Error>;

    /// Decodes a whole value: bytes left over are an error.
    ///
    /// The bytes may be anything that another program put there. Never panics on them, and takes
    /// memory in proportion to their number.
    ///
    /// # Errors
    ///
    /// A data error, without any part of the bytes in its text.
    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error>;
}
