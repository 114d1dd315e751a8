//! Which writer's tags are those of which function.

use super::coverage::{UNSEEN, writers_of};
use super::finding::{Finding, FindingKind};
use super::nearest::nearest_tag;
use super::program::{Program, Reader, Writer};
use super::template::{Meeting, tag_meets};

/// Whether a writer invalidates a tag that a function carries.
pub(super) fn meet(writer: &Writer, reader: &Reader) -> bool {
    let carried = reader.function.written_tags();
    carried.iter().any(|carried| names(writer, carried))
}

/// Whether a writer invalidates this tag.
fn names(writer: &Writer, carried: &str) -> bool {
    let named = writer.invalidator.written_tags();
    { named.iter() }.any(|named| tag_meets(named, carried) == Meeting::Meant)
}

/// The tags of a writer that nobody carries.
pub(super) fn unmatched(whole: &Program, writer: &Writer) -> Vec<Finding> {
    let carried = || {
        let readers = whole.readers.iter();
        readers.flat_map(|reader| {
            let tags = reader.function.written_tags().iter();
            tags.map(move |tag| (*tag, reader))
        })
    };
    let is_carried =
        |named: &str| carried().any(|(carried, _)| tag_meets(named, carried) == Meeting::Meant);
    let named = writer.invalidator.written_tags().iter();
    let uncarried = named.filter(|named| !is_carried(named));
    let finding = |named: &&str| {
        let nearest = nearest_tag(named, carried().map(|(carried, _)| carried));
        let nearest = carried().find(|(carried, _)| Some(*carried) == nearest);
        let (hint, way_out) = match nearest {
            Some((tag, reader)) => (
                format!("; the nearest is `{tag}`, of {}", reader.place),
                "write one of the two like the other",
            ),
            None => (
                String::new(),
                "write `tags(…)` on the cached functions that depend on it, or leave it out",
            ),
        };
        Finding::new(
            FindingKind::UnmatchedTag,
            &writer.place,
            format!("no cached function carries the tag `{named}`{hint}"),
            format!("{way_out}; {UNSEEN}"),
        )
    };
    uncarried.map(finding).collect()
}

/// The tags of a function that nobody invalidates. A function that nothing invalidates at all is
/// another finding, and one of the two is enough.
pub(super) fn never_invalidated(whole: &Program, reader: &Reader) -> Vec<Finding> {
    let carried = reader.function.written_tags();
    if carried.is_empty() || writers_of(whole, reader).next().is_none() {
        return Vec::new();
    }
    let unnamed = carried
        .iter()
        .filter(|carried| !whole.writers.iter().any(|writer| names(writer, carried)));
    let finding = |tag: &&str| {
        Finding::new(
            FindingKind::UnusedTag,
            &reader.place,
            format!("no writer invalidates its tag `{tag}`"),
            format!(
                "write `#[invalidate_cache(tags(\"{tag}\"))]` on what the tag stands for, or leave the \
                 tag out; if it is invalidated by `cache.invalidate_tag(…)`, which no audit sees, or by \
                 another program, allow it and say so"
            ),
        )
    };
    unnamed.map(finding).collect()
}
