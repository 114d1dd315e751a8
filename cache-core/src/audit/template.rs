//! What templates can mean, whatever their placeholders will stand for.

use crate::pattern::{Pattern, named_by, nodes};

/// Whether what a pattern names can be what a function is kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meeting {
    Never,
    /// If a placeholder of the pattern happens to be what the function has as a literal.
    ByChance,
    Meant,
}

/// What a pattern covers, placeholders unfilled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'t> {
    /// The pattern up to its first segment with a `*`. `None` if it covers everything.
    node: Option<&'t str>,
    is_widened: bool,
}

impl<'t> Reach<'t> {
    pub(super) fn of(pattern: &'t str) -> Self {
        // The language itself decides; a placeholder is a segment like any other to it.
        match Pattern::from_rendered(&filled(pattern)) {
            Ok(parsed) => {
                let depth = nodes(parsed.node()).count();
                Self {
                    node: nodes(pattern).nth(depth - 1),
                    is_widened: parsed.is_widened(),
                }
            }
            Err(_) => Self {
                node: None,
                is_widened: true,
            },
        }
    }

    pub(super) fn node(&self) -> Option<&'t str> {
        self.node
    }

    pub(super) fn is_widened(&self) -> bool {
        self.is_widened
    }

    /// Whether it covers a function with these segments, of which the last is its name.
    pub(super) fn meets(&self, function: &[&str]) -> Meeting {
        let Some(node) = self.node else {
            return Meeting::Meant;
        };
        let names = named_by(node).enumerate();
        let meetings = names.map(|(position, name)| {
            let named: Vec<&str> = name.split(':').collect();
            // But for the node itself, what is named is a function, and not what is below it.
            if position > 0 && named.len() != function.len() {
                return Meeting::Never;
            }
            begins(&named, function)
        });
        meetings.max().unwrap_or(Meeting::Never)
    }
}

/// Whether a writer's tag can be one that a function carries. A tag is one name, so all of it counts.
pub(super) fn tag_meets(named: &str, kept: &str) -> Meeting {
    let (named, kept): (Vec<_>, Vec<_>) = (named.split(':').collect(), kept.split(':').collect());
    if named.len() != kept.len() {
        return Meeting::Never;
    }
    begins(&named, &kept)
}

/// Whether `path` can begin with `node`.
fn begins(node: &[&str], path: &[&str]) -> Meeting {
    if node.len() > path.len() {
        return Meeting::Never;
    }
    let segments = node.iter().zip(path);
    let meetings = segments.map(|(named, kept)| segment_meets(named, kept));
    meetings.min().unwrap_or(Meeting::Meant)
}

fn segment_meets(named: &str, kept: &str) -> Meeting {
    if !can_be_equal(named, kept) {
        Meeting::Never
    } else if !is_literal(named) && is_literal(kept) {
        Meeting::ByChance
    } else {
        Meeting::Meant
    }
}

/// Whether no placeholder is in it.
pub(super) fn is_literal(segment: &str) -> bool {
    !segment.contains('{')
}

/// The names in the placeholders of a segment.
pub(super) fn placeholders(segment: &str) -> impl Iterator<Item = &str> {
    let begun = segment.split('{').skip(1);
    begun.filter_map(|rest| rest.split('}').next())
}

/// A template with something in place of each placeholder.
fn filled(template: &str) -> String {
    let mut parts = template.split('{');
    let first = parts.next().unwrap_or_default();
    parts.fold(first.to_owned(), |mut filled, part| {
        filled.push('x');
        filled.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
        filled
    })
}

/// What a segment can consist of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// A placeholder, which renders as one byte at least: this is the first.
    Any,
    /// The others.
    More,
}

/// Whether two segments can be rendered alike.
pub(super) fn can_be_equal(a: &str, b: &str) -> bool {
    if is_literal(a) && is_literal(b) {
        return a == b;
    }
    let (a, b) = (pieces(a), pieces(b));
    // Of the ends of `a`, which can be equal to the end of `b` that is looked at.
    let mut row = ends(&a, None, &vec![false; a.len() + 1]);
    for piece in b.iter().rev() {
        row = ends(&a, Some(*piece), &row);
    }
    row[0]
}

/// Which ends of `a` can be what begins with `piece` and goes on with that for which `behind` holds
/// them; what is empty where there is no piece.
fn ends(a: &[Piece], piece: Option<Piece>, behind: &[bool]) -> Vec<bool> {
    let mut row = vec![false; a.len() + 1];
    row[a.len()] = match piece {
        None => true,
        Some(Piece::More) => behind[a.len()],
        Some(_) => false,
    };
    for at in (0..a.len()).rev() {
        row[at] = match (a[at], piece) {
            (Piece::More, None) => row[at + 1],
            (_, None) => false,
            (Piece::More, Some(_)) => row[at + 1] || behind[at],
            (_, Some(Piece::More)) => behind[at] || row[at + 1],
            (mine, Some(other)) => {
                let alike = mine == Piece::Any || other == Piece::Any || mine == other;
                alike && behind[at + 1]
            }
        };
    }
    row
}

fn pieces(segment: &str) -> Vec<Piece> {
    let mut parts = segment.split('{');
    let bytes = |text: &str| text.bytes().map(Piece::Byte).collect::<Vec<_>>();
    let mut pieces = bytes(parts.next().unwrap_or_default());
    for part in parts {
        let literal = part.split_once('}').map_or("", |(_, rest)| rest);
        pieces.extend([Piece::Any, Piece::More]);
        pieces.extend(bytes(literal));
    }
    pieces
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn meets(pattern: &str, function: &str) -> Meeting {
        Reach::of(pattern).meets(&function.split(':').collect::<Vec<_>>())
    }

    #[test]
    fn a_pattern_meets_what_begins_with_its_node() {
        use Meeting::{ByChance, Meant, Never};
        for (pattern, function, meeting) in [
            ("booking:*", "booking:stats:daily", Meant),
            ("booking", "booking", Meant),
            ("booking:*", "booking_stats:daily", Never),
            ("user:{user_id}:*", "user:{id}:profile", Meant),
            ("user:{user_id}:*", "user:profile:{id}", ByChance),
            ("user:{id}:profile", "user:{id}:{kind}:get", Meant),
            ("user:*:profile", "user:{id}:orders", Meant),
            ("user:4*", "user:{id}:get", Meant),
            ("user:{id}:profile", "user:get", Never),
            ("report:v2-{day}", "report:v1-{day}:get", Never),
            ("report:{day}", "report:v1-{day}:get", Meant),
            ("a:b:c:d:e:f:g:h:i", "a:b:c:d:e:f:g:h:get", Meant),
        ] {
            assert_eq!(meets(pattern, function), meeting, "{pattern} {function}");
        }
    }

    #[test]
    fn a_tag_meets_what_is_all_of_it() {
        use Meeting::{ByChance, Meant, Never};
        for (named, kept, meeting) in [
            ("team:{team_id}", "team:{id}", Meant),
            ("team:7", "team:{id}", Meant),
            ("team:{id}", "team:all", ByChance),
            ("team", "team:{id}", Never),
            ("team:{id}:x", "team:{id}", Never),
            ("catalog", "catalog", Meant),
            ("catalog", "catalogs", Never),
        ] {
            assert_eq!(tag_meets(named, kept), meeting, "{named} {kept}");
        }
    }

    #[test]
    fn a_pattern_may_end_in_a_version_or_a_hash() {
        let hash = "0123456789abcdef0123456789abcdef";
        assert_eq!(meets("user:get.v2", "user:get"), Meeting::Meant);
        assert_eq!(
            meets(&format!("user:get:{hash}"), "user:get"),
            Meeting::Meant
        );
        assert_eq!(meets("user:get.v2", "user:get:other"), Meeting::Never);
    }

    #[test]
    fn segments_can_be_equal_if_some_value_makes_them() {
        for (a, b, equal) in [
            ("{id}", "profile", true),
            ("{id}", "{name}", true),
            ("v{n}", "v1", true),
            ("v{n}", "v", false),
            ("v{n}", "x{n}", false),
            ("{a}-{b}", "x-y-z", true),
            ("{a}-{b}", "x", false),
            ("{a}x", "y{b}", true),
            ("a", "a", true),
            ("a", "b", false),
        ] {
            assert_eq!(can_be_equal(a, b), equal, "{a} {b}");
            assert_eq!(can_be_equal(b, a), equal, "{b} {a}");
        }
    }
}
