//! How key prefixes are written, and who does otherwise.

use super::finding::{Finding, FindingKind};
use super::program::{Program, Reader};
use super::template::is_literal;

/// What is unusual about a key prefix, by the habits of the functions that are looked at.
pub(super) fn unusual(audited: &Program, reader: &Reader) -> Vec<Finding> {
    let readers = &audited.readers;
    [
        without_prefix(readers, reader),
        with_open_beginning(reader),
        with_capitals(readers, reader),
        with_other_joints(readers, reader),
        like_a_hierarchy(readers, reader),
    ]
    .into_iter()
    .flatten()
    .map(|(problem, way_out)| {
        Finding::new(FindingKind::UnusualName, &reader.place, problem, way_out)
    })
    .collect()
}

/// What is wrong, and the way out.
type Unusual = Option<(String, String)>;

fn without_prefix(readers: &[Reader], reader: &Reader) -> Unusual {
    let has_none = |reader: &Reader| reader.prefix().is_empty();
    let is_habit = readers.iter().filter(|reader| !has_none(reader)).count() * 2 > readers.len();
    let name = reader.function.name();
    (has_none(reader) && is_habit).then(|| {
        (
            "it has no key prefix, and most have one: only its own name covers it".to_owned(),
            format!("say where its entries live: `key_prefix = \"…\"`, with `{name}` below it"),
        )
    })
}

fn with_open_beginning(reader: &Reader) -> Unusual {
    let first = reader.prefix().first()?;
    (!is_literal(first)).then(|| {
        (
            format!("its key prefix begins with `{first}`: nothing names all of its entries"),
            "begin with a literal, as in `user:{user_id}`".to_owned(),
        )
    })
}

/// The literal parts of a key prefix.
fn literals(reader: &Reader) -> impl Iterator<Item = &'static str> {
    reader.prefix().iter().flat_map(|segment| {
        let parts = segment.split('{').enumerate();
        parts.map(|(position, part)| match position {
            0 => part,
            _ => part.split_once('}').map_or("", |(_, rest)| rest),
        })
    })
}

fn with_capitals(readers: &[Reader], reader: &Reader) -> Unusual {
    let has_capital = |part: &str| part.contains(|c: char| c.is_ascii_uppercase());
    let culprit = literals(reader).find(|part| has_capital(part))?;
    let with = readers
        .iter()
        .filter(|reader| literals(reader).any(has_capital));
    (with.count() * 2 < readers.len()).then(|| {
        (
            format!("`{culprit}` has capital letters, and most have none: prefixes are told apart by case"),
            "write it in small letters".to_owned(),
        )
    })
}

/// What joins words within a segment.
const JOINTS: [char; 3] = ['_', '-', '.'];

fn with_other_joints(readers: &[Reader], reader: &Reader) -> Unusual {
    let count = |joint: char| {
        let has_it = |reader: &&Reader| literals(reader).any(|part| joined_by(part, joint));
        readers.iter().filter(has_it).count()
    };
    JOINTS.into_iter().find_map(|own| {
        let culprit = literals(reader).find(|part| joined_by(part, own))?;
        let habit = JOINTS.into_iter().max_by_key(|joint| count(*joint))?;
        (count(habit) > count(own)).then(|| {
            (
                format!("`{culprit}` joins its words by `{own}`, and most by `{habit}`"),
                format!(
                    "write `{}`",
                    culprit.replace(own, habit.encode_utf8(&mut [0; 4]))
                ),
            )
        })
    })
}

/// Whether it has a word on both sides of `joint`.
fn joined_by(part: &str, joint: char) -> bool {
    let split = part.split_once(joint);
    split.is_some_and(|(before, behind)| !before.is_empty() && !behind.is_empty())
}

/// `booking_stats` beside `booking:…`.
fn like_a_hierarchy(readers: &[Reader], reader: &Reader) -> Unusual {
    let prefix = reader.prefix();
    (0..prefix.len()).find_map(|depth| {
        let segment = prefix[depth];
        let (head, rest) = segment.split_once(JOINTS)?;
        let is_parent = |other: &&Reader| {
            let other = other.prefix();
            other.get(depth) == Some(&head) && other[..depth] == prefix[..depth]
        };
        let parent = readers.iter().find(is_parent).filter(|_| is_literal(segment))?;
        let place = &parent.place;
        Some((
            format!(
                "`{segment}` looks as if it were below `{head}`, which {place} has, and `{head}:*` does not cover it"
            ),
            format!("write `{head}:{rest}`, or a word that does not begin with `{head}`"),
        ))
    })
}
