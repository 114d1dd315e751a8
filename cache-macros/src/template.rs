//! The grammar of key prefixes, of invalidation patterns and of tags.
//!
//! Only the shape is checked here: which names a placeholder may use depends on the function and is a rule of
//! [`crate::check`].

use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use crate::errors::error;

/// The deepest key prefix: each segment is a generation that a hit must prove.
const MOST_SEGMENTS: usize = 8;

/// Each tag is one, too. With those of a key prefix, the function and the leaf, there is room for far more.
const MOST_TAGS: usize = 16;

/// A key prefix, a pattern or a tag without mistakes of grammar.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    /// In the order in which they stand.
    pub(crate) placeholders: Vec<Placeholder>,
}

/// `{user_id}`, `{filter.city}`, `{self.region}`, `{pair.0}`.
#[derive(Clone)]
pub(crate) struct Placeholder {
    /// The argument that it begins with, or `self`.
    pub(crate) root: String,
    /// Names or numbers of fields.
    pub(crate) fields: Vec<String>,
}

impl Placeholder {
    /// As it was written, without the braces.
    pub(crate) fn text(&self) -> String {
        let mut text = self.root.clone();
        for field in &self.fields {
            text.push('.');
            text.push_str(field);
        }
        text
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    KeyPrefix,
    Pattern,
    Tag,
}

/// What is wrong with a template and the way out.
struct Mistake(String, String);

/// Reads the value of `key_prefix`.
pub(crate) fn key_prefix(literal: &LitStr) -> syn::Result<Template> {
    let template = read(literal, Language::KeyPrefix)?;
    let segments = segments(&literal.value()).len();
    if segments > MOST_SEGMENTS {
        return Err(error(
            literal,
            format!(
                "the key prefix has {segments} segments: every segment is proved on each hit, so {MOST_SEGMENTS} are the most"
            ),
            "leave to the arguments' hash what nothing invalidates by itself, or join segments: `{a}-{b}`",
        ));
    }
    Ok(template)
}

/// Reads an invalidation pattern.
pub(crate) fn pattern(literal: &LitStr) -> syn::Result<Template> {
    let template = read(literal, Language::Pattern)?;
    let text = literal.value();
    if segments(&text)
        .first()
        .is_some_and(|first| first.contains('*'))
    {
        return Err(error(
            literal,
            format!(
                "the pattern `{text}` covers everything: patterns select whole segments, and its first one is open"
            ),
            "name the first segment, as in `booking:*`; to drop every entry call `clear()` on the cache",
        ));
    }
    Ok(template)
}

/// Reads the values of `tags`.
pub(crate) fn tags(key: &Ident, literals: &[LitStr]) -> syn::Result<Vec<Template>> {
    if literals.is_empty() {
        return Err(error(
            key,
            "`tags()` names no tag",
            "name what the answers depend on, as in `tags(\"team:{team_id}\")`, or leave it out",
        ));
    }
    if let Some(first) = literals.get(MOST_TAGS) {
        return Err(error(
            first,
            format!(
                "there are {} tags: every tag is proved on each hit, so {MOST_TAGS} are the most",
                literals.len()
            ),
            "leave out what nothing invalidates by itself, or give what is invalidated together one tag",
        ));
    }
    for (position, literal) in literals.iter().enumerate() {
        let written = literal.value();
        if literals[..position]
            .iter()
            .any(|other| other.value() == written)
        {
            return Err(error(
                literal,
                format!("the tag `{written}` is given a second time"),
                "keep one of the two",
            ));
        }
    }
    literals
        .iter()
        .map(|literal| read(literal, Language::Tag))
        .collect()
}

fn read(literal: &LitStr, language: Language) -> syn::Result<Template> {
    let text = literal.value();
    let mut placeholders = Vec::new();
    for segment in segments(&text) {
        let found = read_segment(segment, language)
            .map_err(|Mistake(problem, way_out)| error(literal, problem, way_out))?;
        placeholders.extend(found);
    }
    Ok(Template {
        literal: literal.clone(),
        placeholders,
    })
}

/// Cuts at each `:` outside braces.
fn segments(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|c| {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ => {}
        }
        c == ':' && !inside
    })
    .collect()
}

fn read_segment(segment: &str, language: Language) -> Result<Vec<Placeholder>, Mistake> {
    if segment.is_empty() {
        let example = match language {
            Language::Tag => "team:{team_id}",
            _ => "user:{user_id}:profile",
        };
        return Err(Mistake(
            "a segment is empty: segments are the parts between `:`".to_owned(),
            format!("write something between two `:`, and no `:` at either end: `{example}`"),
        ));
    }
    let mut placeholders = Vec::new();
    let mut rest = segment;
    while let Some(c) = rest.chars().next() {
        let read = match c {
            '{' => {
                let (placeholder, read) = read_placeholder(rest)?;
                placeholders.push(placeholder);
                read
            }
            '*' if language == Language::Pattern => 1,
            '%' if language == Language::Pattern => read_escape(rest)?,
            _ if is_literal(c) => 1,
            _ => return Err(stray(c, language)),
        };
        rest = &rest[read..];
    }
    Ok(placeholders)
}

fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

fn read_escape(rest: &str) -> Result<usize, Mistake> {
    let digits = rest.as_bytes().get(1..3).unwrap_or_default();
    if digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) {
        return Ok(3);
    }
    Err(Mistake(
        "`%` is not followed by two hexadecimal digits: it begins an escaped byte".to_owned(),
        "write the byte, such as `%20` for a blank, or use a placeholder, which escapes its value by itself".to_owned(),
    ))
}

fn stray(c: char, language: Language) -> Mistake {
    match c {
        '}' => Mistake(
            "a `}` closes no placeholder".to_owned(),
            "write placeholders as `{user_id}`".to_owned(),
        ),
        '*' if language == Language::Tag => Mistake(
            "a tag cannot contain `*`: it is one name, and nothing is below it".to_owned(),
            "give all entries that are meant a further tag, such as `\"teams\"`; only patterns of key prefixes select several"
                .to_owned(),
        ),
        '*' => Mistake(
            "a key prefix cannot contain `*`: it names one place, only patterns select several"
                .to_owned(),
            "use a placeholder such as `{user_id}` for a part that varies".to_owned(),
        ),
        _ => {
            let what = match language {
                Language::KeyPrefix => "a key prefix",
                Language::Pattern => "a pattern",
                Language::Tag => "a tag",
            };
            let shown = if c.is_whitespace() {
                "a blank".to_owned()
            } else {
                format!("`{}`", c.escape_default())
            };
            Mistake(
                format!("{what} cannot contain {shown}: it is made of segments between `:`"),
                "use ASCII letters, digits, `_`, `.` and `-`; for other text a placeholder, which escapes its value"
                    .to_owned(),
            )
        }
    }
}

/// The placeholder at the beginning of `rest`, and how many bytes it takes.
fn read_placeholder(rest: &str) -> Result<(Placeholder, usize), Mistake> {
    let Some(end) = rest.find('}') else {
        return Err(Mistake(
            "a `{` is never closed".to_owned(),
            "write placeholders as `{user_id}`".to_owned(),
        ));
    };
    let inner = &rest[1..end];
    if inner.is_empty() {
        return Err(Mistake(
            "a placeholder `{}` names nothing".to_owned(),
            "name an argument, as in `{user_id}`".to_owned(),
        ));
    }
    // `r#type` and `type` name the same.
    let mut parts = inner
        .split('.')
        .map(|part| part.strip_prefix("r#").unwrap_or(part));
    let root = parts.next().unwrap_or_default();
    let fields: Vec<String> = parts.map(str::to_owned).collect();
    if !is_name(root) || !fields.iter().all(|field| is_field(field)) {
        return Err(Mistake(
            format!("`{{{inner}}}` is no placeholder: it is neither an argument nor a field of one"),
            "write `{user_id}`, `{filter.city}`, `{pair.0}` or `{self.region}`; compute other values in an argument of their own"
                .to_owned(),
        ));
    }
    let placeholder = Placeholder {
        root: root.to_owned(),
        fields,
    };
    Ok((placeholder, end + 1))
}

/// Whether `text` can name an argument; keywords can, as `r#type` does.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic())
        && text.chars().all(|c| c == '_' || c.is_alphanumeric())
}

/// Whether `text` can name a field. It becomes a token, so it must be one.
fn is_field(text: &str) -> bool {
    let is_index = text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u32>().is_ok();
    let is_name = text != "_" && Ident::parse_any.parse_str(text).is_ok();
    is_index || (is_name && !matches!(text, "self" | "Self" | "super" | "crate"))
}

#[cfg(test)]
mod tests;
