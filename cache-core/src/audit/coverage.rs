//! Which writer's invalidation reaches which function.

use super::finding::{Finding, FindingKind};
use super::nearest::{Nearest, nearest};
use super::program::{Called, Program, Reader, Writer};
use super::tags;
use super::template::{Meeting, Reach, is_literal};
use crate::invalidation::call::fixed_path;

/// The patterns that cover nothing, or more than they say.
pub(super) fn patterns(whole: &Program, writer: &Writer) -> Vec<Finding> {
    let mut found = Vec::new();
    for (pattern, reach) in writer.patterns() {
        if reach.is_widened() {
            found.push(widened(writer, pattern, &reach));
        }
        let meetings = whole
            .readers
            .iter()
            .map(|reader| reach.meets(&reader.segments));
        if meetings.max() != Some(Meeting::Meant) {
            found.push(unmatched(whole, writer, pattern, &reach));
        }
    }
    found
}

fn widened(writer: &Writer, pattern: &str, reach: &Reach<'_>) -> Finding {
    let (covered, way_out) = match reach.node() {
        Some(node) => (
            format!("everything under `{node}`"),
            format!(
                "write `{node}:*` if that is meant, or put what the writer knows before what it does not know"
            ),
        ),
        None => (
            "every entry of the cache".to_owned(),
            "write the first segment in full".to_owned(),
        ),
    };
    Finding::new(
        FindingKind::Widened,
        &writer.place,
        format!("`{pattern}` covers {covered}"),
        way_out,
    )
}

pub(super) const UNSEEN: &str =
    "if it is for entries that are set directly or for another program, allow it and say so";

fn unmatched(whole: &Program, writer: &Writer, pattern: &str, reach: &Reach<'_>) -> Finding {
    let chance = whole
        .readers
        .iter()
        .find(|reader| reach.meets(&reader.segments) == Meeting::ByChance);
    let node = reach.node().unwrap_or_default();
    let (hint, way_out) = match (chance, nearest(node, &whole.readers)) {
        (Some(reader), _) => {
            let (named, kept) = by_chance(node, reader);
            let (visible, place) = (reader.visible(), &reader.place);
            (
                format!("; `{named}` stands where `{visible}` of {place} has `{kept}`"),
                "write the pattern's segments in the order of the key prefix".to_owned(),
            )
        }
        (None, Some(Nearest { node, reader })) => {
            let (visible, place) = (reader.visible(), &reader.place);
            (
                format!("; the nearest is `{node}`, in `{visible}` of {place}"),
                format!("write `{node}:*`, or change the key prefix"),
            )
        }
        (None, None) => (
            String::new(),
            "write the key prefix of what is to be invalidated, or leave the pattern out"
                .to_owned(),
        ),
    };
    Finding::new(
        FindingKind::UnmatchedPattern,
        &writer.place,
        format!("`{pattern}` covers no cached function{hint}"),
        format!("{way_out}; {UNSEEN}"),
    )
}

/// Where a placeholder of the pattern meets a literal.
fn by_chance<'n>(node: &'n str, reader: &Reader) -> (&'n str, &'static str) {
    let segments = node.split(':').zip(&reader.segments);
    let mut met = segments.filter(|(named, kept)| !is_literal(named) && is_literal(kept));
    met.next().map_or(("", ""), |(named, kept)| (named, *kept))
}

/// The calls that name entries of nothing, or more than one.
pub(super) fn calls(whole: &Program, writer: &Writer) -> Vec<Finding> {
    let mut found = Vec::new();
    for called in writer.calls() {
        let readers = whole.readers.iter();
        let mut readers = readers.filter(|reader| called.is_of(reader)).peekable();
        if readers.peek().is_none() {
            found.push(unknown(whole, writer, called));
        } else if let Some(reader) = readers.find(|reader| !called.tells_key_of(reader)) {
            found.push(untold_key(writer, called, reader));
        }
    }
    found
}

fn unknown(whole: &Program, writer: &Writer, called: Called) -> Finding {
    let name = called.name();
    let named = |reader: &&Reader| reader.function.name() == name;
    let (problem, way_out) = match whole.readers.iter().find(named) {
        Some(reader) => (
            format!(
                "`{name}` is not called like this: {} takes other arguments, or is no method",
                reader.place
            ),
            "call the cached function itself, with all its arguments".to_owned(),
        ),
        None => (
            format!("no cached function is named `{name}`"),
            format!(
                "annotate `{name}` with `#[cached]`, or call the function that is annotated by its own name"
            ),
        ),
    };
    Finding::new(
        FindingKind::UnknownEntry,
        &writer.place,
        problem,
        format!("{way_out}; {UNSEEN}"),
    )
}

fn untold_key(writer: &Writer, called: Called, reader: &Reader) -> Finding {
    let (name, place) = (called.name(), &reader.place);
    let function = reader.function;
    let covered = match &*fixed_path(function.key_prefix(), function.name()) {
        "" => "every entry of the cache".to_owned(),
        path => format!("everything under `{path}`"),
    };
    Finding::new(
        FindingKind::Widened,
        &writer.place,
        format!(
            "from the call of `{name}` the key of {place} can't be told: an argument of its key is `_`, \
             or its key is made of expressions; the call covers {covered}"
        ),
        "give all arguments of the key and make it of whole arguments, or write a pattern for what is covered",
    )
}

/// The writers that reach a function.
pub(super) fn writers_of<'p>(
    whole: &'p Program,
    reader: &'p Reader,
) -> impl Iterator<Item = &'p Writer> {
    whole.writers.iter().filter(|writer| {
        let covers = |(_, reach): (_, Reach<'_>)| reach.meets(&reader.segments) == Meeting::Meant;
        writer.patterns().any(covers)
            || writer.calls().any(|called| called.is_of(reader))
            || tags::meet(writer, reader)
    })
}

/// A function that no writer reaches.
pub(super) fn never_invalidated(whole: &Program, reader: &Reader) -> Option<Finding> {
    if writers_of(whole, reader).next().is_some() {
        return None;
    }
    let visible = reader.visible();
    let pattern = match reader.function.key_prefix() {
        "" => visible.clone(),
        prefix => format!("{prefix}:*"),
    };
    let or_tags = match reader.function.written_tags() {
        [] => "",
        _ => ", invalidates one of its tags",
    };
    Some(Finding::new(
        FindingKind::NeverInvalidated,
        &reader.place,
        format!("no writer has a pattern for `{visible}`{or_tags} or names its entries by a call"),
        format!(
            "write `#[invalidate_cache(\"{pattern}\")]` on what changes its answers; if it is invalidated \
             by `cache.invalidate(…)`, which no audit sees, by another program, or if its ttl is enough, \
             allow it and say so"
        ),
    ))
}
