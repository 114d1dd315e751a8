//! What is told apart by too little.

use super::finding::{Finding, FindingKind};
use super::program::{Program, Reader};
use super::template::{can_be_equal, is_literal, placeholders};

/// A method whose receiver nothing tells from another.
pub(super) fn missing_scope(reader: &Reader) -> Option<Finding> {
    let function = reader.function;
    (function.has_receiver() && !function.is_scoped()).then(|| {
        Finding::new(
            FindingKind::MissingScope,
            &reader.place,
            "it is a method, and `self` is no part of its key".to_owned(),
            "if there can be two, tell them apart with `scope = self.tenant_id`, or give each its own \
             cache with `cache = self.cache`",
        )
    })
}

/// The functions whose prefixes can be equal to this one's and seem to mean something else.
///
/// Of two, the later is told; the earlier if nobody looks at the later. The bare names behind the
/// prefixes are not asked: functions that share a prefix on purpose are normal.
pub(super) fn colliding(whole: &Program, audited: &Program, reader: &Reader) -> Vec<Finding> {
    let is_audited = |other: &Reader| audited.readers.iter().any(|own| own.place == other.place);
    let is_told = |other: &Reader| {
        other.place < reader.place || (other.place > reader.place && !is_audited(other))
    };
    let others = whole.readers.iter();
    let collisions: Vec<_> = others
        .filter_map(|other| Some((other, collision(reader.prefix(), other.prefix())?)))
        .filter(|(other, _)| is_told(other))
        .collect();
    [true, false]
        .into_iter()
        .filter_map(|with_literal| {
            let mut of_kind = collisions
                .iter()
                .filter(|(_, found)| found.is_with_literal() == with_literal);
            let (other, found) = of_kind.next()?;
            Some(collides(reader, other, found, of_kind.count()))
        })
        .collect()
}

fn collides(reader: &Reader, other: &Reader, found: &Collision, more: usize) -> Finding {
    let Collision(own, others) = found;
    let (prefix, theirs) = (reader.prefix().join(":"), other.prefix().join(":"));
    let more = match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let mut finding = Finding::new(
        FindingKind::CollidingPrefixes,
        &reader.place,
        format!(
            "its `{prefix}` can be the `{theirs}` of {}: `{own}` can be `{others}`{more}",
            other.place
        ),
        "put a segment before one of them that says what it is, as in `user:by_email:{email}`; if they \
         are never equal or the same, allow it and say so",
    );
    finding.is_note = found.is_with_literal();
    finding
}

/// The segments in which two prefixes part, though a value can make them equal.
struct Collision<'s>(&'s str, &'s str);

impl Collision<'_> {
    /// Whether a value has to be a certain literal.
    fn is_with_literal(&self) -> bool {
        is_literal(self.0) || is_literal(self.1)
    }
}

fn collision<'s>(a: &[&'s str], b: &[&'s str]) -> Option<Collision<'s>> {
    let mut before = "";
    for (a, b) in a.iter().zip(b) {
        let same = a == b || (!is_literal(a) && !is_literal(b) && mean_the_same(a, b, before));
        if !same {
            return can_be_equal(a, b).then_some(Collision(a, b));
        }
        before = a;
    }
    None
}

/// Whether two placeholders behind `before` seem to mean one thing: `{id}` and `{user_id}` do,
/// and behind `users` so do `{id}` and `{user}`, but not `{id}` and `{email}`.
fn mean_the_same(a: &str, b: &str, before: &str) -> bool {
    let (a, b, before) = (words_in(a), words_in(b), words(before));
    let share = a.iter().any(|word| b.contains(word));
    let names_parent = |own: &[String]| own.iter().all(|word| before.contains(word));
    share || names_parent(&a) || names_parent(&b)
}

fn words_in(segment: &str) -> Vec<String> {
    placeholders(segment).flat_map(words).collect()
}

/// The words of a name, in the singular.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_ascii_alphabetic());
    let words = words.filter(|word| !word.is_empty() && *word != "self");
    words
        .map(|word| word.trim_end_matches('s').to_ascii_lowercase())
        .collect()
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::collision;

    fn collide(a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|path| path.split(':').collect::<Vec<_>>());
        assert_eq!(collision(&a, &b).is_some(), collision(&b, &a).is_some());
        collision(&a, &b).is_some()
    }

    #[test]
    fn placeholders_of_other_meaning_collide() {
        assert!(collide("user:{id}", "user:{email}"));
        assert!(collide("user:{id}:orders", "user:{email}"));
        assert!(!collide("user:{id}", "user:{user_id}"));
        assert!(!collide("users:{id}", "users:{user}"));
        assert!(!collide("user:{self.id}", "user:{request.id}"));
        assert!(!collide("pair:{pair.0}", "pair:{pair.1}"));
    }

    #[test]
    fn a_literal_collides_with_what_a_placeholder_can_be() {
        assert!(collide("user:{id}", "user:count"));
        assert!(!collide("user:{id}", "user"));
        assert!(!collide("user:v{id}", "user:count"));
        assert!(!collide("user:{id}", "booking:count"));
    }
}
