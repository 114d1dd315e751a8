//! Filling the placeholders of a key prefix or a pattern.
//!
//! A value is rendered as the text that its type shows to people, so that 42 of an `i64` and of a
//! `String` name the same entries, and then escaped, so that no value forges a segment, a wildcard
//! or a slot tag. What the same template yields for two values is equal only if the values render
//! alike (or both are longer than 128 bytes and BLAKE3 collides).

mod scalar;

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use crate::Error;
use crate::key::hex;
use scalar::{Refusal, Rendered, Scalar};

/// The longest escaped value, in bytes, that stands in a key as it is.
const LONGEST: usize = 128;

/// Stands for the empty string.
const EMPTY: &str = "%";
/// Stands for `None`.
const NONE: &str = "%none";
/// Begins the hash that stands for a long value. Like [`EMPTY`] and [`NONE`] it is no escape:
/// those are a `%` with two upper-case hexadecimal digits.
const HASH: &str = "%h";

/// Takes the values of a template's placeholders, in order.
pub struct SegmentWriter<'t> {
    template: &'t str,
    /// The templates behind it, which the same values fill.
    following: &'t [&'t str],
    /// The templates before it, rendered.
    done: Vec<String>,
    /// What of the template is not in `out` yet.
    rest: &'t str,
    out: String,
    /// The text of one value before it is escaped; kept for its buffer.
    text: String,
    outcome: Outcome,
}

/// Every state but the first ends the rendering: later values are not looked at.
enum Outcome {
    Filling,
    /// A value that can't stand in a segment, and how many bytes of `out` are before that segment.
    Failed(Error, usize),
    /// More values than placeholders.
    TooMany,
}

impl<'t> SegmentWriter<'t> {
    fn new(template: &'t str, following: &'t [&'t str]) -> Self {
        Self {
            template,
            following,
            done: Vec::new(),
            rest: template,
            out: String::with_capacity(template.len() + 16),
            text: String::new(),
            outcome: Outcome::Filling,
        }
    }

    /// Fills the next placeholder.
    pub fn segment<T: Segment + ?Sized>(&mut self, value: &T) -> &mut Self {
        if matches!(self.outcome, Outcome::Filling) {
            value.write_to(self);
        }
        self
    }

    fn fill<T: Serialize + ?Sized>(&mut self, value: &T) {
        let (literal, placeholder, rest) = loop {
            if let Some(found) = next_placeholder(self.rest) {
                break found;
            }
            if !self.turn_to_next() {
                self.outcome = Outcome::TooMany;
                return;
            }
        };
        self.out.push_str(literal);
        self.text.clear();
        match value.serialize(Scalar(&mut self.text)) {
            Ok(Rendered::Text) => push_escaped(&mut self.out, &self.text),
            Ok(Rendered::None) => self.out.push_str(NONE),
            Err(refusal) => {
                let error = refused(placeholder, self.template, refusal);
                self.outcome = Outcome::Failed(error, border(&self.out));
                return;
            }
        }
        self.rest = rest;
    }

    /// Goes on with the template behind this one. False if there is none, or a placeholder of this
    /// one was not filled.
    fn turn_to_next(&mut self) -> bool {
        let Some((next, following)) = self.following.split_first() else {
            return false;
        };
        if self.rest.contains('{') {
            return false;
        }
        self.out.push_str(self.rest);
        self.done.push(std::mem::take(&mut self.out));
        (self.template, self.rest, self.following) = (next, next, following);
        true
    }

    /// The first template and those behind it, rendered.
    fn finish(mut self) -> Result<(String, Vec<String>), Error> {
        while matches!(self.outcome, Outcome::Filling) && self.turn_to_next() {}
        match self.outcome {
            Outcome::Filling if !self.rest.contains('{') => {
                self.out.push_str(self.rest);
                if self.done.is_empty() {
                    return Ok((self.out, Vec::new()));
                }
                self.done.push(self.out);
                Ok((self.done.remove(0), self.done))
            }
            Outcome::Failed(error, _) => Err(error),
            Outcome::Filling | Outcome::TooMany => Err(Error::invalid_input(format!(
                "internal error: the values do not match the placeholders of `{}`",
                self.template
            ))),
        }
    }

    fn finish_widened(mut self) -> String {
        let end = match self.outcome {
            Outcome::Filling => match next_placeholder(self.rest) {
                Some((literal, ..)) => {
                    self.out.push_str(literal);
                    border(&self.out)
                }
                None => {
                    self.out.push_str(self.rest);
                    self.out.len()
                }
            },
            Outcome::Failed(_, end) => end,
            // Which value belongs where is unknown.
            Outcome::TooMany => 0,
        };
        self.out.truncate(end);
        self.out
    }
}

/// Anything that can fill a placeholder: integers, `bool`, `char`, strings, floats, unit variants,
/// an `Option` or a newtype of these, and what serde shows to people as one of these (a `Uuid`, a
/// date). Whether a [`Serialize`] type is one of them shows when a value is rendered.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't fill a placeholder of a key prefix or pattern",
    label = "not `Serialize`",
    note = "placeholders take numbers, strings, `bool`, `char`, unit variants and an `Option` or newtype of these: name a field, for example `{{filter.city}}`"
)]
pub trait Segment {
    /// Fills the next placeholder of `segments` with `self`.
    fn write_to(&self, segments: &mut SegmentWriter<'_>);
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Segment for T {
    fn write_to(&self, segments: &mut SegmentWriter<'_>) {
        segments.fill(self);
    }
}

/// `template` with its placeholders `{…}` replaced by the values that `fill` gives.
///
/// # Example
///
/// ```
/// use cache_core::private::render;
///
/// let prefix = render("user:{user_id}:profile", |prefix| {
///     prefix.segment("42:*");
/// })?;
/// assert_eq!(prefix, "user:42%3A%2A:profile");
/// # Ok::<(), cache_core::Error>(())
/// ```
///
/// # Errors
///
/// Invalid input that names the placeholder, never the value, if a value is not a scalar or its
/// `Serialize` fails; and if there are not as many values as placeholders.
pub fn render(template: &str, fill: impl FnOnce(&mut SegmentWriter<'_>)) -> Result<String, Error> {
    let (rendered, _) = render_all(template, &[], fill)?;
    Ok(rendered)
}

/// Like [`render`], for a template and those behind it, which `fill` gives the values of one after the
/// other.
pub(crate) fn render_all(
    template: &str,
    following: &[&str],
    fill: impl FnOnce(&mut SegmentWriter<'_>),
) -> Result<(String, Vec<String>), Error> {
    let mut writer = SegmentWriter::new(template, following);
    fill(&mut writer);
    writer.finish()
}

/// Like [`render`], but without failing: what can't be rendered widens the result.
///
/// The template ends before the segment of the first placeholder that can't be filled, and so may
/// be empty, which stands for everything. An invalidation may do too much, never too little.
///
/// ```
/// use cache_core::private::render_widened;
///
/// let not_a_scalar = [1, 2];
/// let pattern = render_widened("user:{ids}:profile", |pattern| {
///     pattern.segment(&not_a_scalar);
/// });
/// assert_eq!(pattern, "user");
/// ```
pub fn render_widened(template: &str, fill: impl FnOnce(&mut SegmentWriter<'_>)) -> String {
    let mut writer = SegmentWriter::new(template, &[]);
    fill(&mut writer);
    writer.finish_widened()
}

/// `text` as one segment: what is outside `[A-Za-z0-9_.-]` as `%XX`, the empty string as `%`, a
/// result longer than 128 bytes as `%h` and the BLAKE3 hash of `text` cut to 128 bits.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    push_escaped(&mut out, text);
    Cow::Owned(out)
}

/// `text` as a path: each of its segments, between colons, [escaped](escape).
pub(crate) fn escape_path(text: &str) -> String {
    text.split(':').map(escape).collect::<Vec<_>>().join(":")
}

fn push_escaped(out: &mut String, text: &str) {
    if text.is_empty() {
        return out.push_str(EMPTY);
    }
    let start = out.len();
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            push_hex(out, byte);
        }
        if out.len() - start > LONGEST {
            out.truncate(start);
            return push_hash(out, text);
        }
    }
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
}

fn push_hash(out: &mut String, text: &str) {
    let digest = blake3::hash(text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    out.push_str(HASH);
    out.push_str(hex(&half, &mut [0; 32]));
}

/// Whether `byte` stands for itself in a segment.
pub(crate) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// What stands before the next placeholder, the placeholder with its braces, what follows.
fn next_placeholder(template: &str) -> Option<(&str, &str, &str)> {
    let open = template.find('{')?;
    let end = open + template[open..].find('}')? + 1;
    Some((&template[..open], &template[open..end], &template[end..]))
}

/// Where the last, unfinished segment of `rendered` begins, less its `:`.
fn border(rendered: &str) -> usize {
    rendered.rfind(':').unwrap_or(0)
}

#[cold]
fn refused(placeholder: &str, template: &str, refusal: Refusal) -> Error {
    let mut message = format!("`{placeholder}` of `{template}` ");
    let (reason, source) = match refusal {
        Refusal::NotScalar(kind) => (format!("is {kind}, but"), None),
        Refusal::Failed(source) => ("can't be rendered:".to_owned(), Some(source)),
    };
    let _ = write!(
        message,
        "{reason} a placeholder takes a number, a string, a bool, a char, a unit variant, or an \
         `Option` or newtype of one of these; name a field of it"
    );
    let error = Error::invalid_input(message);
    match source {
        Some(source) => error.with_source(source),
        None => error,
    }
}
