//! Tags: names that entries carry beside their place in the tree of key prefixes.
//!
//! A tag is one name. It is written as segments between colons, so that what fills its placeholders
//! stays apart, but `team` is not above `team:7`. It depends on the arguments alone, not on the
//! version, the type or the shape of the value, so the releases of a rolling deploy invalidate each
//! other's entries.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::error::Error;
use crate::function::Function;
use crate::mutants::{Mutant, active};
use crate::segment::{SegmentWriter, escape_path, render_all};

/// The rendered tags of one entry, in the order in which they are written, none of them twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tags(Vec<Cow<'static, str>>);

impl Tags {
    pub(crate) const NONE: Self = Self(Vec::new());

    /// The rendered key prefix of a call and its tags. `fill` gives the values of the prefix's
    /// placeholders first, and then those of each tag's.
    pub(crate) fn with_prefix(
        function: &'static Function,
        fill: impl FnOnce(&mut SegmentWriter<'_>),
    ) -> Result<(Cow<'static, str>, Self), Error> {
        let (prefix, tags) = (function.key_prefix(), function.written_tags());
        let is_fixed = |template: &&str| !template.contains('{');
        let (prefix, mut tags) = if is_fixed(&prefix) && tags.iter().all(is_fixed) {
            let tags = Self(tags.iter().map(|tag| Cow::Borrowed(*tag)).collect());
            (Cow::Borrowed(prefix), tags)
        } else {
            let (prefix, tags) = render_all(prefix, tags, fill)?;
            (Cow::Owned(prefix), Self::of(tags))
        };
        if active(Mutant::TagLeftOut) {
            tags.0.pop();
        }
        Ok((prefix, tags))
    }

    /// Different templates may be filled alike.
    pub(crate) fn of<T: Into<Cow<'static, str>>>(tags: impl IntoIterator<Item = T>) -> Self {
        let mut unique: Vec<Cow<'static, str>> = Vec::new();
        for tag in tags.into_iter().map(Into::into) {
            if !unique.contains(&tag) {
                unique.push(tag);
            }
        }
        Self(unique)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// As a [`FunctionEntry`](crate::layout::FunctionEntry) takes them.
    pub(crate) fn names(&self) -> SmallVec<[&str; 4]> {
        self.iter().collect()
    }
}

/// The rendered name of a tag that is given as people write it.
pub(crate) fn named(tag: &str) -> Result<String, Error> {
    if tag.is_empty() {
        return Err(Error::invalid_input(
            "the tag is empty; name one that cached functions carry, as in `team:7`, or use \
             `clear()` for everything",
        ));
    }
    if tag.contains('*') {
        return Err(Error::invalid_input(format!(
            "the tag `{tag}` contains `*`, and a tag is one name: give the entries a further tag that \
             all of them carry, or invalidate a pattern of their key prefix; a value with a `*` in it \
             is named by a writer's `tags(…)`"
        )));
    }
    Ok(escape_path(tag))
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    static TAGGED: Function = Function::new("get", "user:{id}", "", "", 0).tags(&[
        "team:{team}",
        "catalog",
        "{a}-{b}",
        "team:{other}",
    ]);
    static FIXED: Function = Function::new("get", "user", "", "", 0).tags(&["catalog"]);
    static PREFIX_ALONE_FIXED: Function =
        Function::new("get", "user", "", "", 0).tags(&["catalog", "team:{team}"]);

    fn rendered(
        function: &'static Function,
        fill: impl FnOnce(&mut SegmentWriter<'_>),
    ) -> (String, Vec<String>) {
        let (prefix, tags) = Tags::with_prefix(function, fill).unwrap();
        (
            prefix.into_owned(),
            tags.iter().map(str::to_owned).collect(),
        )
    }

    #[test]
    fn values_fill_the_prefix_first_and_then_each_tag() {
        let (prefix, tags) = rendered(&TAGGED, |segments| {
            segments.segment(&42).segment("a:b").segment(&1);
            segments.segment(&Some(2)).segment(&8);
        });
        assert_eq!(prefix, "user:42");
        assert_eq!(tags, ["team:a%3Ab", "catalog", "1-2", "team:8"]);
        assert_eq!(
            rendered(&FIXED, |_| {}),
            ("user".into(), vec!["catalog".into()])
        );
        let (prefix, tags) = rendered(&PREFIX_ALONE_FIXED, |segments| {
            segments.segment("x");
        });
        assert_eq!(
            (&*prefix, tags.join(" ")),
            ("user", "catalog team:x".into())
        );
    }

    #[test]
    fn tags_that_are_filled_alike_are_one() {
        let (_, tags) = rendered(&TAGGED, |segments| {
            let segments = segments.segment(&42).segment(&7).segment(&1);
            segments.segment(&2).segment(&7);
        });
        assert_eq!(tags, ["team:7", "catalog", "1-2"]);
    }

    #[test]
    fn what_fills_no_tag_is_an_error_that_names_the_placeholder() {
        let error = Tags::with_prefix(&TAGGED, |segments| {
            segments.segment(&42).segment(&[1, 2]);
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains("`{team}` of `team:{team}`"), "{error}");
        for values in [0, 1, 4, 6] {
            let mismatched = Tags::with_prefix(&TAGGED, |segments| {
                for value in 0..values {
                    segments.segment(&value);
                }
            });
            assert!(mismatched.is_err(), "{values}");
        }
    }

    #[test]
    fn a_tag_as_people_write_it_is_escaped_as_its_placeholders_are() {
        assert_eq!(named("team:7").unwrap(), "team:7");
        assert_eq!(named("team:ä b").unwrap(), "team:%C3%A4%20b");
        assert_eq!(named("team:").unwrap(), "team:%");
        for (tag, told) in [("", "empty"), ("team:*", "one name")] {
            let error = named(tag).unwrap_err();
            assert!(
                error.is_invalid_input() && error.to_string().contains(told),
                "{error}"
            );
        }
    }
}
