//! Limits for how long values live.

use std::panic::Location;
use std::time::Duration;

use super::finding::{Finding, FindingKind};
use super::place::Place;
use super::program::{Program, Reader};
use super::template::{Meeting, Reach};

/// The longest that values below a prefix may live.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) prefix: String,
    pub(super) longest: Duration,
    pub(super) set: &'static Location<'static>,
}

impl Limit {
    fn concerns(&self, reader: &Reader) -> bool {
        Reach::of(&self.prefix).meets(&reader.segments) == Meeting::Meant
    }

    /// Those who are above the limit, and a finding if it concerns nobody.
    pub(super) fn check(&self, audited: &Program) -> Vec<Finding> {
        let mut concerned = audited
            .readers
            .iter()
            .filter(|reader| self.concerns(reader))
            .peekable();
        if concerned.peek().is_none() {
            let place = Place::of_setting("ttl_limit", self.set);
            let problem = format!("no function that is looked at is under `{}`", self.prefix);
            let way_out = "write the prefix as the functions do, or leave the limit out";
            return vec![Finding::new(
                FindingKind::UnusedSetting,
                &place,
                problem,
                way_out,
            )];
        }
        concerned.filter_map(|reader| self.above(reader)).collect()
    }

    fn above(&self, reader: &Reader) -> Option<Finding> {
        let (prefix, longest) = (&self.prefix, in_units(self.longest));
        let policy = reader.function.policy();
        let problem = match (policy.ttl, policy.none_ttl) {
            (None, _) => format!(
                "its ttl is the cache's default or an expression, so nobody can tell that it is within the \
                 {longest} for `{prefix}`"
            ),
            (Some(ttl), _) if ttl > self.longest => {
                format!(
                    "its ttl is {}, and the limit for `{prefix}` is {longest}",
                    in_units(ttl)
                )
            }
            (_, Some(ttl)) if ttl > self.longest => {
                format!(
                    "its none_ttl is {}, and the limit for `{prefix}` is {longest}",
                    in_units(ttl)
                )
            }
            _ => return None,
        };
        let way_out = format!("write `ttl = \"{longest}\"` or less, or allow it and say so");
        Some(Finding::new(
            FindingKind::TtlAboveLimit,
            &reader.place,
            problem,
            way_out,
        ))
    }
}

/// As an attribute writes it: `1h30m`.
fn in_units(span: Duration) -> String {
    let mut millis = span.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, length) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ] {
        if millis >= length {
            text.push_str(&format!("{}{unit}", millis / length));
            millis %= length;
        }
    }
    text
}
