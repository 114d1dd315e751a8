//! Hashes that name a function, an entry and a leaf. They are stored, so they never change.

use std::fmt;

use blake3::Hasher;

/// Tells the hashes of this module apart from each other and from any later format.
const IDENTITY: &[u8] = b"cachewright identity 1";
const LEAF: &[u8] = b"cachewright leaf 1";

/// What one instance of a cached function is, apart from its arguments: its path, the type and
/// the shape of its value, and its version.
///
/// Functions of one name in two modules, two instances of a generic function and two shapes of one
/// value type have different identities and so never share an entry. Computed once per function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Identity([u8; 32]);

impl Identity {
    /// The identity of the function at `path` (see [`function_path`]) that returns `value_type`.
    ///
    /// `fingerprint` stands for the shape of the value type; `version` is what the attribute says.
    #[must_use]
    pub fn new(path: &str, value_type: &str, fingerprint: [u8; 16], version: Option<u32>) -> Self {
        let mut hasher = Hasher::new();
        part(&mut hasher, IDENTITY);
        part(&mut hasher, path.as_bytes());
        part(&mut hasher, value_type.as_bytes());
        part(&mut hasher, &fingerprint);
        match version {
            Some(version) => part(&mut hasher, &version.to_le_bytes()),
            None => part(&mut hasher, &[]),
        }
        Self(hasher.finalize().into())
    }

    /// The 128 bits that stand for one call's canonical bytes: BLAKE3 of the identity followed by
    /// `bytes`, its first half.
    #[must_use]
    pub fn args_hash(&self, bytes: &[u8]) -> ArgsHash {
        let mut hasher = Hasher::new();
        hasher.update(&self.0);
        hasher.update(bytes);
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        ArgsHash(half)
    }
}

/// The last part of a visible key. Displayed as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArgsHash([u8; 16]);

impl ArgsHash {
    /// The 128 bits, in the order in which they are displayed.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ArgsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex(&self.0, &mut [0; 32]))
    }
}

impl fmt::Debug for ArgsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The leaf of a call: one of 65,536 buckets of the function's bare name and its argument bytes.
///
/// Path, type, version and scope are left out on purpose: old and new processes of a rolling
/// deploy must invalidate each other's entries. Two calls in one bucket are invalidated together,
/// which costs a computation and nothing else.
#[must_use]
pub fn leaf_bucket(function: &str, argument_bytes: &[u8]) -> u16 {
    let mut hasher = Hasher::new();
    part(&mut hasher, LEAF);
    part(&mut hasher, function.as_bytes());
    hasher.update(argument_bytes);
    let digest = hasher.finalize();
    u16::from_le_bytes([digest.as_bytes()[0], digest.as_bytes()[1]])
}

/// The path of the function in which a closure was written, from the name of the closure's type.
///
/// The body of an async function is a closure to the compiler, so several may follow each other.
///
/// ```
/// use cache_core::private::function_path;
///
/// assert_eq!(
///     function_path("x::m::A<u32>::aget<u8>::{{closure}}::{{closure}}"),
///     "x::m::A<u32>::aget<u8>",
/// );
/// ```
#[must_use]
pub fn function_path(type_name: &str) -> &str {
    type_name.trim_end_matches("::{{closure}}")
}

/// `bytes` (16) as lower-case hexadecimal digits in `text`.
pub(crate) fn hex<'a>(bytes: &[u8; 16], text: &'a mut [u8; 32]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
    std::str::from_utf8(text).expect("hexadecimal digits are ASCII")
}

/// Feeds one part, its length first, so that no two lists of parts are the same bytes.
fn part(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
