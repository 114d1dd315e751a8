//! Rendered placeholders: one text for one value whatever its type, and no value that forges.

use std::collections::BTreeMap;
use std::fmt;

use cache_core::private::{SegmentWriter, escape, render, render_widened};
use proptest::prelude::*;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

/// How a value stands in the segment of a placeholder.
fn segment<T: Serialize + ?Sized>(value: &T) -> String {
    render("{value}", |prefix| {
        prefix.segment(value);
    })
    .expect("a scalar")
}

/// The value behind an escaped text that is no hash.
fn unescape(segment: &str) -> String {
    if segment == "%" {
        return String::new();
    }
    let mut bytes = Vec::new();
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()].map(char::from);
            assert!(digits.iter().all(|d| matches!(d, '0'..='9' | 'A'..='F')));
            u8::from_str_radix(&String::from_iter(digits), 16).unwrap()
        } else {
            byte
        });
    }
    String::from_utf8(bytes).unwrap()
}

const HOSTILE: &[&str] = &[
    "", "42:*", "a:b", "{x}", "[", "\\", "\n", "%", "%none", "%h", "%41", "A", "*", "é", "日本",
    "\0", "a b",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        any::<String>(),
        "[ab:*%{]{0,3}",
        "[a-zé]{100,140}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_escaped_text_is_one_plain_short_segment(text in any_text()) {
        let escaped = escape(&text);
        prop_assert!(!escaped.is_empty() && escaped.len() <= 128);
        prop_assert!(
            escaped.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.%-".contains(&b)),
            "{}", escaped
        );
        prop_assert_ne!(&*escaped, segment(&None::<u8>));
    }

    #[test]
    fn an_escaped_text_can_be_read_back_unless_it_is_long(text in any_text()) {
        let escaped = escape(&text);
        if escaped.starts_with("%h") {
            prop_assert!(text.len() > 128 / 3);
            prop_assert_eq!(escaped.len(), 34);
        } else {
            prop_assert_eq!(unescape(&escaped), text);
        }
    }

    #[test]
    fn different_texts_are_different_segments(a in any_text(), b in any_text()) {
        prop_assert_eq!(a == b, escape(&a) == escape(&b));
    }

    #[test]
    fn a_placeholder_shows_what_escaping_shows(text in any_text(), number in any::<i64>()) {
        prop_assert_eq!(segment(&text), escape(&text));
        prop_assert_eq!(segment(&number), segment(&number.to_string()));
        let both = render("a:{x}-{x.y}:b", |prefix| {
            prefix.segment(&text).segment(&number);
        });
        prop_assert_eq!(both.unwrap(), format!("a:{}-{number}:b", escape(&text)));
    }
}

#[test]
fn hostile_values_have_these_segments() {
    let cases = [
        ("42:*", "42%3A%2A"),
        ("", "%"),
        ("%none", "%25none"),
        ("a.b_c-D9", "a.b_c-D9"),
        ("é", "%C3%A9"),
        ("{x}", "%7Bx%7D"),
        ("\n", "%0A"),
    ];
    for (text, expected) in cases {
        assert_eq!(escape(text), expected);
    }
    assert_eq!(segment(&None::<&str>), "%none");
}

#[test]
fn a_long_value_is_its_hash() {
    let border = "x".repeat(128);
    assert_eq!(escape(&border), border);
    assert_eq!(segment(&border), border);
    // BLAKE3 of 129 times "x"; stored, so it never changes.
    assert_eq!(
        escape(&"x".repeat(129)),
        "%hf658d76fd25f1e3dcfe52c4863fbdc06"
    );
    // It is the escaped length that counts: 42 and 43 characters of three bytes each.
    assert_eq!(escape(&":".repeat(42)).len(), 126);
    assert!(escape(&":".repeat(43)).starts_with("%h"));
    let mut megabyte = "y".repeat(1_000_000);
    let first = segment(&megabyte);
    assert_eq!(first.len(), 34);
    megabyte.push('y');
    assert_ne!(segment(&megabyte), first);
}

#[derive(Serialize)]
enum Carrier {
    Jet,
    With(u8),
}
#[derive(Serialize)]
struct UserId(i64);
#[derive(Serialize)]
struct Filter {
    city: &'static str,
}

/// A string to people and bytes to machines, as a `Uuid` is.
struct Id;

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("67e55044-10b1")
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&[0x67, 0xe5])
        }
    }
}

#[test]
fn a_value_renders_alike_whatever_its_type() {
    let texts = [
        segment(&42_i64),
        segment(&42_u8),
        segment(&42_i128),
        segment(&42_usize),
        segment("42"),
        segment(&String::from("42")),
        segment(&Some(42)),
        segment(&Some(Some("42"))),
        segment(&UserId(42)),
        segment(&Some(UserId(42))),
        segment(&42.0_f64),
        segment(&std::sync::Arc::new(42)),
    ];
    assert_eq!(texts, [const { "42" }; 12]);
    assert_eq!(segment(&-1.5_f32), "-1.5");
    assert_eq!(segment(&'x'), "x");
    assert_eq!(segment(&true), "true");
    assert_eq!(segment(&Carrier::Jet), "Jet");
    assert_eq!(segment(&Id), segment("67e55044-10b1"));
    assert_eq!(segment(&Some(None::<u8>)), "%none");
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("secret"))
    }
}

fn assert_refused<T: Serialize>(value: &T) {
    let error = render("flights:{filter.city}:x", |prefix| {
        prefix.segment(value);
    });
    let error = error.unwrap_err();
    assert!(error.is_invalid_input());
    let message = error.to_string();
    assert!(message.contains("`{filter.city}`"), "{message}");
    assert!(message.contains("flights:{filter.city}:x"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn what_is_no_scalar_is_an_error_that_names_the_placeholder() {
    assert_refused(&Filter { city: "secret" });
    assert_refused(&("secret", 1));
    assert_refused(&["secret"]);
    assert_refused(&vec!["secret"]);
    assert_refused(&BTreeMap::from([("secret", 1)]));
    assert_refused(&Carrier::With(1));
    assert_refused(&());
    assert_refused(&Some(["secret"]));
    assert_refused(&Refuses);
}

#[test]
fn the_first_failure_is_the_one_told() {
    let error = render("{a}:{b}:{c}", |prefix| {
        prefix.segment(&1).segment(&()).segment(&[0]);
    });
    let message = error.unwrap_err().to_string();
    assert!(message.contains("`{b}`"), "{message}");
    assert!(message.contains("the unit value"), "{message}");
}

#[test]
fn as_many_values_as_placeholders() {
    let two = |prefix: &mut SegmentWriter<'_>| {
        prefix.segment(&1).segment(&2);
    };
    assert_eq!(render("a:b", |_| {}).unwrap(), "a:b");
    assert_eq!(render("", |_| {}).unwrap(), "");
    assert_eq!(render("{a}{b}", two).unwrap(), "12");
    assert!(render("a:{x}", |_| {}).is_err());
    assert!(render("a:{x}", two).is_err());
}

#[test]
fn a_failing_placeholder_widens() {
    let bad = |template| {
        render_widened(template, |pattern| {
            pattern.segment(&());
        })
    };
    assert_eq!(bad("user:{id}:*"), "user");
    assert_eq!(bad("user:x-{id}-y:*"), "user");
    assert_eq!(bad("{id}:*"), "");
    assert_eq!(bad("x{id}"), "");

    let second_bad = |template| {
        render_widened(template, |pattern| {
            pattern.segment("a:b").segment(&()).segment(&3);
        })
    };
    assert_eq!(second_bad("u:{a}:v:{b}:{c}"), "u:a%3Ab:v");
    assert_eq!(second_bad("u:{a}:v{b}:{c}"), "u:a%3Ab");
}

#[test]
fn what_does_not_fail_is_not_widened() {
    assert_eq!(render_widened("booking:*", |_| {}), "booking:*");
    let rendered = render_widened("user:{id}:*", |pattern| {
        pattern.segment(&42);
    });
    assert_eq!(rendered, "user:42:*");
}

/// No expansion does this, so nothing is taken for granted.
#[test]
fn too_few_and_too_many_values_widen() {
    assert_eq!(render_widened("user:{id}:x:*", |_| {}), "user");
    let two = render_widened("user:{id}:*", |pattern| {
        pattern.segment(&1).segment(&2);
    });
    assert_eq!(two, "");
}
