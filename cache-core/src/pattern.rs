//! The language of invalidation, over segments.

use std::fmt;

use crate::Error;
use crate::segment::is_plain;

/// The deepest node: a key prefix has no more segments than this.
const DEEPEST: usize = 8;

/// Which entries an invalidation covers: a path of segments, as in `user:42`.
///
/// A segment is made of ASCII letters, digits, `_`, `.`, `-` and the escapes `%XX` that rendered values
/// contain; `*` stands for anything. What is invalidated is the [node](Self::node): everything
/// below the path in front of the first segment with a `*`. A pattern that says more than that is
/// [widened](Self::is_widened): it covers more than it says, never less.
///
/// | pattern | covers everything under | widened |
/// | --- | --- | --- |
/// | `booking:stats`, `booking:stats:*` | `booking:stats` | no |
/// | `user:*:profile` | `user` | yes |
/// | `user:4*` | `user` | yes |
/// | nine segments and more | the first eight | yes |
/// | `*`, `*:profile`, `booking*` | refused: use `clear()` | |
///
/// # Example
///
/// ```
/// # use cache_core as cachewright;
/// use cachewright::Pattern;
///
/// let pattern = Pattern::parse("user:*:profile")?;
/// assert_eq!(pattern.node(), "user");
/// assert!(pattern.is_widened());
/// assert_eq!(pattern.to_string(), "user:*:profile");
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    /// How many bytes of `text` are the node.
    node: usize,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// ```
    /// # use cache_core as cachewright;
    /// use cachewright::Pattern;
    ///
    /// let error = Pattern::parse("*:profile").unwrap_err();
    /// assert!(error.is_invalid_input());
    /// assert!(error.to_string().contains("clear()"));
    /// ```
    ///
    /// # Errors
    ///
    /// Invalid input if the pattern or one of its segments is empty, if it contains a character
    /// outside the language or an escape with lower-case digits, which would match nothing, or if
    /// it would widen to everything.
    pub fn parse(pattern: &str) -> Result<Self, Error> {
        if let Some(escape) = lower_case_escape(pattern) {
            return Err(Error::invalid_input(format!(
                "the pattern `{pattern}` contains `{escape}`, which no key does: write the escape \
                 in upper case, `{}`",
                escape.to_ascii_uppercase()
            )));
        }
        Self::from_rendered(pattern)
    }

    /// Reads a pattern whose placeholders were filled. A value that renders as `%` before literal
    /// digits looks like an escape and is none, so escapes are not checked.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse), escapes apart.
    #[doc(hidden)]
    pub fn from_rendered(pattern: &str) -> Result<Self, Error> {
        check(pattern)?;
        let node = nodes(pattern)
            .take_while(|node| !node.contains('*'))
            .last()
            .ok_or_else(|| covers_everything(pattern))?;
        Ok(Self {
            node: node.len(),
            text: pattern.into(),
        })
    }

    /// The path that the pattern covers: itself and everything below.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.text[..self.node]
    }

    /// What is to be deleted in a store: the node, and the functions that it may mean. Only a pattern
    /// without a `*` may be a visible key in full: an id can look like the hash at its end, and
    /// `user:{id}:*` must not take all of `user` along.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        let node = self.node();
        let hashed = node
            .rsplit_once(':')
            .is_some_and(|(_, last)| is_args_hash(last));
        let alone = hashed && self.node < self.text.len();
        named_by(node).take(if alone { 1 } else { usize::MAX })
    }

    /// Whether the pattern covers more than it says.
    #[must_use]
    pub fn is_widened(&self) -> bool {
        let behind = self.text[self.node..].strip_prefix(':');
        !behind.is_none_or(|tail| tail.bytes().all(|byte| byte == b'*'))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Every prefix of `path` that ends at the border of a segment, the shortest first, at most eight.
///
/// ```
/// use cache_core::private::nodes;
///
/// let all: Vec<_> = nodes("user:42:profile").collect();
/// assert_eq!(all, ["user", "user:42", "user:42:profile"]);
/// assert_eq!(nodes("").count(), 0);
/// ```
pub fn nodes(path: &str) -> impl Iterator<Item = &str> {
    let whole = (!path.is_empty()).then_some(path);
    path.match_indices(':')
        .map(|(border, _)| &path[..border])
        .chain(whole)
        .take(DEEPEST)
}

/// Everything that an invalidation of the node `node` names: the node itself, and the functions that
/// it may mean.
pub(crate) fn named_by(node: &str) -> impl Iterator<Item = &str> {
    let functions = functions_at(node).filter(move |function| *function != node);
    std::iter::once(node).chain(functions)
}

/// The functions that a node may mean, by prefix and bare name: a visible key without its hash of
/// arguments and its version names one, and so may a path whose last segment looks like any other.
pub(crate) fn functions_at(node: &str) -> impl Iterator<Item = &str> {
    let whole_key = node.rsplit_once(':').filter(|(_, last)| is_args_hash(last));
    let of_key = whole_key.map(|(function, _)| function);
    [Some(node), of_key]
        .into_iter()
        .flatten()
        .map(without_version)
}

pub(crate) fn is_args_hash(segment: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    segment.len() == 32 && segment.bytes().all(digit)
}

/// `user:get_profile` of `user:get_profile.v2`.
pub(crate) fn without_version(path: &str) -> &str {
    match path.rsplit_once(".v") {
        Some((bare, version))
            if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            bare
        }
        _ => path,
    }
}

fn check(pattern: &str) -> Result<(), Error> {
    if pattern.is_empty() {
        return Err(Error::invalid_input(
            "the pattern is empty; name what to invalidate, as in `user:42`, or use `clear()` for \
             everything",
        ));
    }
    if pattern.split(':').any(str::is_empty) {
        return Err(Error::invalid_input(format!(
            "the pattern `{pattern}` has an empty segment; remove the extra `:`, write `*` for any \
             segment or `%` for an empty value"
        )));
    }
    let foreign = |c: &char| !c.is_ascii() || !(is_plain(*c as u8) || matches!(c, ':' | '*' | '%'));
    match pattern.chars().find(foreign) {
        None => Ok(()),
        Some(c @ ('{' | '}')) => Err(Error::invalid_input(format!(
            "the pattern `{pattern}` contains `{c}`, but placeholders are for attributes; put the \
             value itself here"
        ))),
        Some(c) => Err(Error::invalid_input(format!(
            "the pattern `{pattern}` contains {c:?}; in a pattern only `*` is special, and \
             everything but letters, digits, `_`, `.` and `-` is written as in the keys: `{}`",
            crate::segment::escape(c.encode_utf8(&mut [0; 4]))
        ))),
    }
}

#[cold]
fn covers_everything(pattern: &str) -> Error {
    let first = pattern.split(':').next().unwrap_or_default();
    Error::invalid_input(format!(
        "the pattern `{pattern}` would cover every entry, because its first segment, `{first}`, is \
         not literal; name that segment in full, or use `clear()` if everything is meant"
    ))
}

/// The first `%` of `pattern` with two hexadecimal digits of which one is lower case.
fn lower_case_escape(pattern: &str) -> Option<&str> {
    pattern
        .match_indices('%')
        .filter_map(|(at, _)| pattern.get(at..at + 3))
        .find(|escape| {
            let digits = &escape.as_bytes()[1..];
            digits.iter().all(u8::is_ascii_hexdigit) && digits.iter().any(u8::is_ascii_lowercase)
        })
}
