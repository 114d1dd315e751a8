//! How a value becomes the bytes of an entry's body, and back.
//!
//! [`Json`] is the default. A cache may have [another](crate::CacheBuilder::codec), and a function
//! one of its own: `#[cached(codec = Postcard)]`.
//!
//! What is read is decoded by the number in the entry's header: a program reads what another has
//! stored with any codec of this module that it is compiled with, so that the codec can be changed
//! by a rolling deploy without a miss. A codec of the program's own reads what it has written itself,
//! and a program that has it reads the entries of this module's codecs, too. If the codec is changed
//! because the old one lost a part of the values, count up the `version` of the function.
//!
//! A codec sees values alone. Whether an entry holds a value at all is said by a flag of the
//! [entry](crate::entry)'s header, so no encoding of `None`, `null` or `()` is ever taken for an
//! absent value, or the other way round.

#[cfg(any(feature = "postcard", feature = "messagepack"))]
mod bounded;
mod built_in;
mod coder;
pub(crate) mod compression;
#[cfg(feature = "own-codec")]
mod erased;
mod json;
#[cfg(feature = "messagepack")]
mod messagepack;
#[cfg(feature = "postcard")]
mod postcard;
mod whole;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

pub(crate) use coder::{Coder, decode, of_function, reads};
pub use compression::Compression;
pub use json::Json;
#[cfg(feature = "messagepack")]
pub use messagepack::MessagePack;
#[cfg(feature = "postcard")]
pub use postcard::Postcard;
pub(crate) use whole::Choice;
pub use whole::{CacheCodec, Chosen};

/// An encoding of values.
///
/// A value must come back equal to what went in. In debug builds the first value that each annotated
/// function keeps is encoded, decoded and compared, and one that does not come back is logged as an
/// error that names its field; values of direct operations (`set`, `get_or_set`) are not checked. The
/// same value need not give the same bytes each time.
///
/// Codecs of your own are said on functions, `#[cached(codec = Sealed::new(…))]`, or, with the feature
/// `own-codec`, for a [whole cache](crate::CacheBuilder::codec). The expression is evaluated on a miss;
/// let what is dear to make be behind an `Arc`. Both methods run on the thread of the call that stores
/// or reads, several at once, and must not wait.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec",
    label = "does not implement `Codec`",
    note = "use `cachewright::codec::Json`, `Postcard` or `MessagePack` (features `postcard` and `messagepack`), or implement `cachewright::codec::Codec`"
)]
pub trait Codec: Send + Sync + 'static {
    /// The number that stands in the header of each entry that it has encoded, and says who can
    /// decode it. An entry with the number of another codec of users is a miss.
    ///
    /// 0 is for entries without a value, 1 for [`Json`], 2 for Postcard and 3 for MessagePack; up to
    /// 127 is kept for the project, and 128 to 255 are for codecs of users. With a number of the
    /// project's no cache is built, and a function stores nothing: the first value is logged as a
    /// warning.
    ///
    /// It stands for what the bytes mean: give a codec that writes otherwise than before, or with
    /// another key, another number.
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
