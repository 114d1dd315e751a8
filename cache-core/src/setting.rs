//! Settings for a part of the keys, addressed by the segments that the keys begin with.
//!
//! Segments are compared as names of environment variables would have them, without regard to case and
//! with `_` for all that is neither a letter nor a digit, so that `CACHE_ROLLOUT_USER_ROLE` and
//! `rollout_of("user-role", …)` address the same keys and one replaces the other.

use crate::error::Error;

/// The name of a segment, or of several between colons, in the form in which they are compared.
pub(crate) fn folded(segments: &str) -> String {
    let mut folded = String::with_capacity(segments.len());
    fold(segments, &mut folded);
    folded
}

/// Appends segments in the form in which they are compared.
pub(crate) fn fold(segments: &str, folded: &mut String) {
    folded.extend(segments.chars().map(|c| match c {
        ':' => ':',
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    }));
}

/// Refuses what can't be the beginning of keys.
pub(crate) fn check_prefix(setting: &str, prefix: &str) -> Result<(), Error> {
    let problem = if prefix.is_empty() {
        "the prefix is empty"
    } else if prefix.split(':').any(str::is_empty) {
        "the prefix has an empty segment"
    } else if prefix.contains('*') {
        "the prefix contains a `*`, which is for patterns"
    } else {
        return Ok(());
    };
    Err(Error::configuration(format!(
        "{setting} of {prefix:?}: {problem}; name segments that keys begin with, such as `user` or \
         `booking:stats`"
    )))
}
