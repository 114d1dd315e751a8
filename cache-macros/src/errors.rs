//! Mistakes found in an annotation, collected until they are reported together.

use std::fmt::Display;

use quote::ToTokens;

/// An error on `culprit`: what is wrong and why, then the way out.
pub(crate) fn error(
    culprit: impl ToTokens,
    problem: impl Display,
    way_out: impl Display,
) -> syn::Error {
    syn::Error::new_spanned(culprit, format!("{problem}\n\nhelp: {way_out}"))
}

/// Every mistake found so far.
///
/// Compiling with a mistake that was found and not reported would be worse than not looking for it, so dropping
/// collected errors without [`Errors::finish`] panics.
#[derive(Debug)]
pub(crate) struct Errors {
    collected: Option<Vec<syn::Error>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self {
            collected: Some(Vec::new()),
        }
    }

    /// Collects an error made of its parts.
    pub(crate) fn at(
        &mut self,
        culprit: impl ToTokens,
        problem: impl Display,
        way_out: impl Display,
    ) {
        self.push(error(culprit, problem, way_out));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        if let Some(collected) = &mut self.collected {
            collected.push(error);
        }
    }

    /// The value of `result`, its error collected.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// All errors as one, in the order in which they were found.
    pub(crate) fn finish(mut self) -> syn::Result<()> {
        let mut collected = self.collected.take().unwrap_or_default().into_iter();
        let Some(mut all) = collected.next() else {
            return Ok(());
        };
        all.extend(collected);
        Err(all)
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        let unreported = self
            .collected
            .as_ref()
            .is_some_and(|errors| !errors.is_empty());
        assert!(
            !unreported || std::thread::panicking(),
            "errors were collected and not reported"
        );
    }
}

/// The known name that `unknown` was probably meant to be.
pub(crate) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (distance(unknown, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4 || alike(unknown, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Whether one name is a part of the other, as `prefix` is of `key_prefix`.
fn alike(unknown: &str, name: &str) -> bool {
    unknown.len() >= 3 && name.len() >= 3 && (name.contains(unknown) || unknown.contains(name))
}

/// How many letters must be inserted, dropped or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Names as a list for an error: `` `a`, `b` ``.
pub(crate) fn quoted<S: Display>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Errors, nearest};
    use quote::quote;

    #[test]
    fn every_error_is_reported_in_order() {
        let mut errors = Errors::new();
        errors.at(quote!(a), "first", "do this");
        errors.at(quote!(b), "second", "do that");
        let texts: Vec<String> = errors
            .finish()
            .unwrap_err()
            .into_iter()
            .map(|error| error.to_string())
            .collect();
        assert_eq!(texts, ["first\n\nhelp: do this", "second\n\nhelp: do that"]);
    }

    #[test]
    #[should_panic(expected = "not reported")]
    fn an_error_cannot_be_lost() {
        let mut errors = Errors::new();
        errors.at(quote!(a), "problem", "way out");
        drop(errors);
    }

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["key_prefix", "ttl", "none_ttl", "version"];
        assert_eq!(nearest("tll", known), Some("ttl"));
        assert_eq!(nearest("prefix", known), Some("key_prefix"));
        assert_eq!(nearest("verison", known), Some("version"));
        assert_eq!(nearest("banana", known), None);
    }
}
