//! Settings for a part of the keys, addressed by the segments that the keys begin with.
//!
//! Segments are compared as names of environment variables would have them, without regard to case and
//! with `_` for all that is neither a letter nor a digit, so that `CACHE_TTL_USER_ROLE` and
//! `ttl_of("user-role", …)` address the same keys and one replaces the other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Error;
use crate::policy::{MAX_TTL, is_storable};

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

/// Times to live by first segment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ttls(BTreeMap<String, Duration>);

impl Ttls {
    /// The setting as it was written. `Err` if it can't work.
    pub(crate) fn read(written: &[(String, Duration)]) -> Result<Self, Error> {
        let mut ttls = BTreeMap::new();
        for (segment, ttl) in written {
            check_prefix("ttl_of", segment)?;
            if segment.contains(':') {
                return Err(Error::configuration(format!(
                    "ttl_of {segment:?}: a time to live is set for a first segment alone, such as \
                     `user`"
                )));
            }
            if !is_storable(*ttl) {
                return Err(Error::configuration(format!(
                    "ttl_of {segment:?} is {ttl:?}: it must be above zero and at most {} days",
                    MAX_TTL.as_secs() / 86_400
                )));
            }
            ttls.insert(folded(segment), *ttl);
        }
        Ok(Self(ttls))
    }

    /// What is set for keys that begin with this segment.
    pub(crate) fn of(&self, segment: &str) -> Option<Duration> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&folded(segment)).copied()
    }
}
