//! Patterns against a model that knows only the text of the visible keys.

use cache_core::Pattern;
use cache_core::private::{escape, nodes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Whether `glob`, in which `*` stands for any text, matches all of `key`.
fn glob_matches(glob: &[u8], key: &[u8]) -> bool {
    match glob.split_first() {
        None => key.is_empty(),
        Some((b'*', rest)) => (0..=key.len()).any(|skipped| glob_matches(rest, &key[skipped..])),
        Some((first, rest)) => key.first() == Some(first) && glob_matches(rest, &key[1..]),
    }
}

/// What the author of a pattern expects: the glob, and everything below what it names.
fn expected(pattern: &str, key: &str) -> bool {
    let below = format!("{pattern}:*");
    [pattern, &below]
        .iter()
        .any(|glob| glob_matches(glob.as_bytes(), key.as_bytes()))
}

fn lies_under(node: &str, path: &str) -> bool {
    path == node || path.starts_with(&format!("{node}:"))
}

/// Segments so few that patterns and keys meet often.
fn path(segments: &'static [&'static str], longest: usize) -> impl Strategy<Value = String> {
    vec(select(segments), 1..=longest).prop_map(|path| path.join(":"))
}

fn any_key() -> impl Strategy<Value = String> {
    path(&["a", "b", "ab", "ba", "%", "%3A"], 11)
}

fn any_pattern() -> impl Strategy<Value = String> {
    path(&["a", "a", "b", "ab", "%", "*", "a*", "*b", "a*b"], 10)
}

/// A key that the pattern matches, more likely than not.
fn pattern_and_key() -> impl Strategy<Value = (String, String)> {
    let filled = (any_pattern(), any_key(), any_key()).prop_map(|(pattern, star, below)| {
        let key = format!("{}:{below}", pattern.replace('*', &star));
        (pattern, key)
    });
    prop_oneof![filled, (any_pattern(), any_key())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_pattern_never_covers_less_than_it_says((text, key) in pattern_and_key()) {
        match Pattern::parse(&text) {
            Ok(pattern) if expected(&text, &key) => {
                prop_assert!(lies_under(pattern.node(), &key), "{} {}", text, key);
                // The same by the nodes of a key prefix, which is what is invalidated.
                prop_assert!(nodes(&key).any(|node| node == pattern.node()));
            }
            Ok(_) => {}
            Err(error) => {
                prop_assert!(error.is_invalid_input());
                prop_assert!(text.split(':').next().unwrap().contains('*'), "{}", text);
            }
        }
    }

    #[test]
    fn a_pattern_that_is_not_widened_covers_what_it_says(text in any_pattern(), key in any_key()) {
        if let Ok(pattern) = Pattern::parse(&text)
            && !pattern.is_widened()
        {
            let below = format!("{}:{key}", pattern.node());
            prop_assert!(expected(&text, &below), "{} {}", text, below);
        }
    }

    #[test]
    fn the_nodes_of_a_path_are_its_beginnings(path in any_key()) {
        let segments: Vec<_> = path.split(':').collect();
        let expected: Vec<_> = (1..=segments.len().min(8)).map(|n| segments[..n].join(":")).collect();
        prop_assert_eq!(nodes(&path).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_escaped_value_can_stand_in_a_pattern(value in any::<String>()) {
        let text = format!("user:{}", escape(&value));
        let pattern = Pattern::parse(&text).unwrap();
        prop_assert_eq!(pattern.node(), &text);
        prop_assert!(!pattern.is_widened());
    }
}

#[test]
fn patterns_have_these_nodes() {
    let cases = [
        ("booking", "booking", false),
        ("booking:*", "booking", false),
        ("booking:stats", "booking:stats", false),
        ("booking:stats:*", "booking:stats", false),
        ("booking:*:*", "booking", true),
        ("user:*:profile:*", "user", true),
        ("user:4*", "user", true),
        ("user:*4", "user", true),
        ("user:42%3A%2A:x", "user:42%3A%2A:x", false),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", false),
        ("1:2:3:4:5:6:7:8:*", "1:2:3:4:5:6:7:8", false),
        ("1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8", true),
        ("1:2:3:4:5:6:7:8:9:*", "1:2:3:4:5:6:7:8", true),
    ];
    for (text, node, widened) in cases {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.node(), node);
        assert_eq!(pattern.is_widened(), widened, "{text}");
        assert_eq!(pattern.to_string(), text);
    }
}

#[test]
fn what_can_not_be_meant_is_refused_with_the_way_out() {
    let cases = [
        ("", "clear()"),
        ("*", "clear()"),
        ("booking*", "clear()"),
        ("*:x", "clear()"),
        ("*king:stats", "clear()"),
        (":", "empty segment"),
        ("a:", "empty segment"),
        (":a", "empty segment"),
        ("a::b", "empty segment"),
        ("user:{user_id}", "placeholders"),
        ("user:4?", "%3F"),
        ("user:[12]", "%5B"),
        ("user: 42", "%20"),
        ("user:é", "%C3%A9"),
        // Its low byte is that of `a`.
        ("user:š", "%C5%A1"),
        ("user:a\\*", "%5C"),
        ("user:a\n", "%0A"),
        ("user:42%3a", "%3A"),
    ];
    for (text, way_out) in cases {
        let error = Pattern::parse(text).unwrap_err();
        assert!(error.is_invalid_input(), "{text}");
        assert!(error.to_string().contains(way_out), "{text}: {error}");
    }
}

#[test]
fn a_rendered_pattern_may_look_like_a_lower_case_escape() {
    // `{x}3a` with an empty value.
    let pattern = Pattern::from_rendered("user:%3a").unwrap();
    assert_eq!(pattern.node(), "user:%3a");
    assert!(Pattern::from_rendered("").is_err());
    assert!(Pattern::from_rendered("*").is_err());
}
