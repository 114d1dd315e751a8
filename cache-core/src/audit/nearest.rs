//! What an author may have meant by a pattern that covers nothing.

use super::program::Reader;

/// A place in the tree of prefixes, as a function writes it.
#[derive(Debug)]
pub(super) struct Nearest<'p> {
    pub(super) node: String,
    pub(super) reader: &'p Reader,
}

/// The prefix that looks most like `node`, if one looks like it at all.
pub(super) fn nearest<'p>(node: &str, readers: &'p [Reader]) -> Option<Nearest<'p>> {
    let wanted = plain(node);
    let candidates = readers.iter().flat_map(|reader| {
        (1..=reader.segments.len()).map(move |depth| (reader, reader.segments[..depth].join(":")))
    });
    let scored = candidates.filter_map(|(reader, node)| {
        let score = unlikeness(&wanted, &plain(&node))?;
        Some((score, Nearest { node, reader }))
    });
    // The first of those that are equal, so that the order of the functions decides.
    let best = scored.min_by_key(|(score, _)| *score);
    best.map(|(_, nearest)| nearest)
}

/// The one of these tags that looks most like `tag`, if one looks like it at all.
pub(super) fn nearest_tag<'t>(tag: &str, known: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let wanted = plain(tag);
    let scored = known.filter_map(|known| Some((unlikeness(&wanted, &plain(known))?, known)));
    let best = scored.min_by_key(|(score, _)| *score);
    best.map(|(_, known)| known)
}

/// A path without what people mix up: case, separators, and the names of placeholders.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut was_lower = false;
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => {
                inside = true;
                plain.push('#');
            }
            '}' => inside = false,
            _ if inside => {}
            '_' | '-' | '.' => plain.push(':'),
            // `bookingStats` is `booking_stats`.
            _ if c.is_ascii_uppercase() => {
                if was_lower {
                    plain.push(':');
                }
                plain.push(c.to_ascii_lowercase());
            }
            _ => plain.push(c),
        }
        was_lower = c.is_ascii_lowercase();
    }
    plain
}

/// How little `known` looks like `wanted`; nothing if it does not at all. Slips of the pen come
/// before what one of the two lacks at its end.
fn unlikeness(wanted: &str, known: &str) -> Option<usize> {
    const SLIPS: usize = 1_000;
    let distance = distance(wanted, known);
    if distance <= 1 + wanted.len().min(known.len()) / 4 {
        return Some(distance);
    }
    let begins = |whole: &str, beginning: &str| {
        let rest = whole.strip_prefix(beginning);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    (begins(wanted, known) || begins(known, wanted)).then_some(SLIPS + distance)
}

/// How many letters must be inserted, dropped or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::{plain, unlikeness};

    fn best<'k>(wanted: &str, known: &[&'k str]) -> Option<&'k str> {
        let scored = known.iter().filter_map(|known| {
            let score = unlikeness(&plain(wanted), &plain(known))?;
            Some((score, *known))
        });
        scored
            .min_by_key(|(score, _)| *score)
            .map(|(_, known)| known)
    }

    #[test]
    fn the_nearest_prefix_is_found_whatever_separates_its_words() {
        let known = ["user:{id}", "user:{id}:profile", "booking_stats", "catalog"];
        assert_eq!(best("booking:stats", &known), Some("booking_stats"));
        assert_eq!(best("bookingStats", &known), Some("booking_stats"));
        assert_eq!(best("booking", &known), Some("booking_stats"));
        assert_eq!(best("usr:{user_id}", &known), Some("user:{id}"));
        assert_eq!(
            best("user:{user_id}:profiles", &known),
            Some("user:{id}:profile")
        );
        assert_eq!(best("user:{user_id}:settings", &known), Some("user:{id}"));
        assert_eq!(best("weather", &known), None);
    }
}
