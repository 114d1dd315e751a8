//! Spans of time as people write them, read at run time.
//!
//! The same little language as that of `ttl = "1h30m"` in an attribute, whose reader is in
//! `cache-macros`; both are held to one list of cases, `tests/support/durations.txt`.

use std::time::Duration;

/// The units, largest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads seconds (`300`), or whole numbers with units, largest first and without blanks (`1h30m`,
/// `250ms`). The units are `d`, `h`, `m`, `s` and `ms`.
///
/// ```
/// use cache_core::private::parse_duration;
/// use std::time::Duration;
///
/// assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
/// assert_eq!(parse_duration("300"), Ok(Duration::from_secs(300)));
/// assert_eq!(parse_duration("5x"), Err("`x` is no unit of time".to_owned()));
/// ```
///
/// # Errors
///
/// What is wrong with the text, as a part of a sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let too_long = || "it is too long a time".to_owned();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse().map_err(|_| too_long())?;
        return Ok(Duration::from_secs(seconds));
    }
    let millis = with_units(text)?.ok_or_else(too_long)?;
    Ok(Duration::from_millis(millis))
}

/// Milliseconds; `None` when they overflow.
fn with_units(text: &str) -> Result<Option<u64>, String> {
    let (mut rest, mut total) = (text, Some(0_u64));
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after, |c| !c.is_ascii_digit());
        if digits.is_empty() {
            return Err(format!("`{unit}` has no number before it"));
        }
        if unit.is_empty() {
            return Err(format!("`{digits}` has no unit"));
        }
        let is_a_unit = UNITS.iter().any(|(name, _)| *name == unit);
        let Some((_, millis)) = units.find(|(name, _)| *name == unit) else {
            return Err(if is_a_unit {
                format!("`{unit}` stands behind a smaller unit or a second time")
            } else {
                format!("`{unit}` is no unit of time")
            });
        };
        let number = digits.parse::<u64>().ok();
        let part = number.and_then(|number| number.checked_mul(*millis));
        total = total
            .zip(part)
            .and_then(|(sum, part)| sum.checked_add(part));
        rest = after;
    }
    Ok(total)
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;
    use crate::policy::is_storable;

    #[test]
    fn times_to_live_are_read_as_the_attributes_read_them() {
        let cases = include_str!("../../tests/support/durations.txt").lines();
        let cases: Vec<_> = cases.filter(|line| !line.starts_with('#')).collect();
        assert!(cases.len() > 20);
        for case in cases {
            let (text, millis) = case.split_once(" = ").unwrap();
            let millis = millis.parse().ok().map(Duration::from_millis);
            let read = parse_duration(text).ok().filter(|ttl| is_storable(*ttl));
            assert_eq!(read, millis, "{case}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        for (text, problem) in [
            ("", "it is empty"),
            ("h", "`h` has no number before it"),
            ("1h30", "`30` has no unit"),
            ("1 h", "` h` is no unit of time"),
            ("1m1h", "`h` stands behind a smaller unit or a second time"),
            ("99999999999999999999", "it is too long a time"),
            ("99999999999999999999d", "it is too long a time"),
        ] {
            assert_eq!(parse_duration(text), Err(problem.to_owned()));
        }
    }
}
