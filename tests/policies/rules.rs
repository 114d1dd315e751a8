//! What two policies mean together, in words: the table of pairs in `docs/policies.md`.

use std::fmt::Write as _;

use super::policy::Policy::{self, *};
use super::policy::refused;

/// Policies, others, and what holds for each of the one with each of the other.
type Rule = (&'static [Policy], &'static [Policy], &'static str);

const WINDOWS: &[Policy] = &[RefreshAhead, StaleWhileRevalidate, StaleIfError, Timeout];

const RULES: &[Rule] = &[
    (
        &[BypassIf],
        &[
            Scope,
            Version,
            Key,
            Skip,
            Tags,
            MemoryOnly,
            SharedOnly,
            StoreIf,
            Ttl,
            TtlWith,
            NoneTtl,
            Jitter,
            RefreshAhead,
            StaleWhileRevalidate,
            StaleIfError,
            Timeout,
            Verify,
            Uncoalesced,
            Codec,
        ],
        "a bypassed call has no other policy",
    ),
    (
        &[BypassIf],
        &[Batch],
        "decided once, for the whole of a batch",
    ),
    (
        &[StoreIf],
        &[Ttl, TtlWith, Jitter],
        "what is refused is not kept, however long it would be",
    ),
    (
        &[StoreIf, TtlWith],
        WINDOWS,
        "what is refused, or has a time of zero, has no windows, and removes the value that it was to replace",
    ),
    (
        &[StoreIf, TtlWith, Ttl],
        &[NoneTtl],
        "a `None` is asked nothing but `none_ttl`, and a value nothing of it",
    ),
    (&[Ttl], &[TtlWith], "the shorter one"),
    (
        &[Ttl, TtlWith, NoneTtl],
        &[Jitter],
        "shortened, never prolonged",
    ),
    (
        &[Ttl],
        &[RefreshAhead],
        "`refresh_ahead` is the shorter one: a compile error where both are literals, else half of the time",
    ),
    (
        &[Ttl],
        &[StaleWhileRevalidate, StaleIfError, Timeout],
        "counted from the end of the `ttl`",
    ),
    (
        &[NoneTtl],
        WINDOWS,
        "a `None` is no use once it has expired, and is not refreshed ahead; it replaces a value that had windows",
    ),
    (
        &[Jitter],
        WINDOWS,
        "counted from the expiry that `jitter` leaves",
    ),
    (
        &[RefreshAhead],
        &[StaleWhileRevalidate, StaleIfError],
        "each in its turn, by the age of the value; no more than one body in the background",
    ),
    (
        &[StaleWhileRevalidate],
        &[StaleIfError],
        "as long as `stale_while_revalidate` lasts nobody waits and an error is seen by nobody; then `stale_if_error`",
    ),
    (
        &[RefreshAhead, StaleWhileRevalidate],
        &[Timeout],
        "nobody waits for the body, so there is nothing to time",
    ),
    (
        &[StaleIfError],
        &[Timeout],
        "`timeout` needs it: without it a compile error (`freshness/combinations`)",
    ),
    (
        WINDOWS,
        &[Verify],
        "fresh hits alone are verified: no stale answer, and none that is refreshed ahead; the body of one that is verified is waited for",
    ),
    (
        &[StoreIf, Ttl, TtlWith, NoneTtl, Jitter],
        &[Verify],
        "what a verifying body gives is the answer, and never kept",
    ),
    (
        &[RefreshAhead, StaleWhileRevalidate, Timeout],
        &[Uncoalesced],
        "in the background there is one body for each entry nevertheless",
    ),
    (
        &[Verify],
        &[Uncoalesced],
        "the body of a verified hit is never shared",
    ),
    (
        &[Scope, Version],
        &[Tags],
        "a tag reaches the entries of every scope and version",
    ),
    (
        &[Key, Skip],
        &[Tags],
        "an argument that a tag names is a part of the key, whatever is left out",
    ),
    (
        &[Key, Skip],
        &[Scope],
        "the scope is a part of the key, whatever is left out",
    ),
    (
        &[StoreIf, TtlWith, NoneTtl, Jitter],
        &[Batch],
        "for each element by itself",
    ),
    (
        &[Skip],
        &[Batch],
        "anything but the elements can be left out (`arguments/batch`)",
    ),
    (
        &[Uncoalesced],
        &[Batch],
        "no element is shared with another call",
    ),
];

fn rule(a: Policy, b: Policy) -> Option<&'static str> {
    let is_it = |ones: &[Policy], others: &[Policy]| {
        (ones.contains(&a) && others.contains(&b)) || (ones.contains(&b) && others.contains(&a))
    };
    let mut found = RULES.iter().filter(|(ones, others, _)| is_it(ones, others));
    let rule = found.next().map(|(.., text)| *text);
    assert!(found.next().is_none(), "{a:?} and {b:?} have two rules");
    rule
}

/// Both tables of the page.
pub(crate) fn tables() -> String {
    let mut ruled = String::from("| policy | with | what holds |\n| --- | --- | --- |\n");
    let mut alone = String::from("| policy | with |\n| --- | --- |\n");
    for (at, a) in Policy::ALL.iter().enumerate() {
        let mut lines: Vec<(String, Vec<String>)> = Vec::new();
        let mut free = Vec::new();
        for b in &Policy::ALL[at + 1..] {
            let name = format!("`{}`", b.name());
            let text = match (refused(*a, *b), rule(*a, *b)) {
                (Some(case), None) => format!("a compile error (`{case}`)"),
                (None, Some(text)) => text.to_owned(),
                (None, None) => {
                    free.push(name);
                    continue;
                }
                (Some(_), Some(_)) => panic!("{a:?} and {b:?} are refused, and have a rule"),
            };
            match lines.iter_mut().find(|(line, _)| *line == text) {
                Some((_, others)) => others.push(name),
                None => lines.push((text, vec![name])),
            }
        }
        for (text, others) in lines {
            writeln!(ruled, "| `{}` | {} | {text} |", a.name(), others.join(", ")).unwrap();
        }
        if !free.is_empty() {
            writeln!(alone, "| `{}` | {} |", a.name(), free.join(", ")).unwrap();
        }
    }
    format!(
        "{ruled}\nThe pairs that are left have nothing to do with each other: each of the two does what it does alone.\n\n{alone}"
    )
}
