//! Times to live: seconds, a text such as `"1h30m"`, or an expression of type `Duration`.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{BinOp, Expr, ExprLit, ExprUnary, Lit, LitInt, LitStr, UnOp};

use crate::errors::error;

/// A time to live as it was written.
#[derive(Clone)]
pub(crate) enum Ttl {
    /// Known here, in milliseconds, within (0, 30 days].
    Millis(u64),
    /// Of type `Duration`, evaluated when a value is stored.
    Expression(Expr),
}

/// The units of the text form, largest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// 30 days.
pub(crate) const LONGEST_MILLIS: u64 = 30 * 86_400_000;

const FORMS: &str = "seconds (`300`), a text (`\"1h30m\"`) or an expression of type `Duration`";

/// Reads the value of `ttl` or `none_ttl`.
pub(crate) fn ttl(key: &Ident, value: Expr) -> syn::Result<Ttl> {
    match &value {
        Expr::Lit(ExprLit { lit, .. }) => literal(key, lit).map(Ttl::Millis),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_), ..
        }) => Err(error(
            &value,
            format!("`{key}` is negative: a value can only be kept for a time to come"),
            format!("write a positive number of seconds, such as `{key} = 300`"),
        )),
        _ if is_arithmetic(&value) => Err(arithmetic(key, &value)),
        _ => Ok(Ttl::Expression(value)),
    }
}

fn literal(key: &Ident, literal: &Lit) -> syn::Result<u64> {
    let millis = match literal {
        Lit::Int(seconds) => whole_seconds(key, seconds)?,
        Lit::Str(text) => text_form(key, text)?,
        _ => {
            return Err(error(
                literal,
                format!("`{key}` is {FORMS}"),
                format!("for fractions of a second write milliseconds: `{key} = \"500ms\"`"),
            ));
        }
    };
    match millis {
        Some(0) => Err(error(
            literal,
            format!("`{key}` is 0: the value would expire before it could be used"),
            format!("write at least `{key} = \"1ms\"`, or leave `{key}` out"),
        )),
        Some(millis) if millis <= LONGEST_MILLIS => Ok(millis),
        _ => Err(error(
            literal,
            format!("`{key}` is over 30 days, the longest time for which a value is kept"),
            format!("write at most `{key} = \"30d\"`"),
        )),
    }
}

/// Milliseconds of a bare number; `None` when they overflow.
pub(crate) fn whole_seconds(key: &Ident, seconds: &LitInt) -> syn::Result<Option<u64>> {
    if !seconds.suffix().is_empty() && seconds.suffix().parse::<IntegerType>().is_err() {
        return Err(error(
            seconds,
            format!("`{}` is no number of seconds", seconds.token()),
            format!(
                "write a text to give a unit: `{key} = \"{}\"`",
                seconds.token()
            ),
        ));
    }
    Ok(seconds
        .base10_parse::<u64>()
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000)))
}

/// The suffix of an integer literal that names its type.
struct IntegerType;

impl std::str::FromStr for IntegerType {
    type Err = ();

    fn from_str(suffix: &str) -> Result<Self, ()> {
        const TYPES: [&str; 12] = [
            "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        ];
        TYPES.contains(&suffix).then_some(Self).ok_or(())
    }
}

/// Milliseconds of `"1h30m"`; `None` when they overflow.
pub(crate) fn text_form(key: &Ident, text: &LitStr) -> syn::Result<Option<u64>> {
    let mistake = |problem: String| {
        error(
            text,
            problem,
            format!(
                "write whole numbers with the units `d`, `h`, `m`, `s`, `ms`, largest first and without blanks: \
                 `{key} = \"1h30m\"`"
            ),
        )
    };
    let value = text.value();
    let mut rest = value.as_str();
    if rest.is_empty() {
        return Err(mistake(format!("`{key}` is an empty text")));
    }
    let mut total = Some(0u64);
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after, |c| !c.is_ascii_digit());
        if digits.is_empty() {
            return Err(mistake(format!("`{unit}` has no number before it")));
        }
        if unit.is_empty() {
            return Err(mistake(format!("`{digits}` has no unit")));
        }
        let Some((_, millis)) = units.find(|(name, _)| *name == unit) else {
            return Err(mistake(if UNITS.iter().any(|(name, _)| *name == unit) {
                format!("`{unit}` stands behind a smaller unit or a second time")
            } else {
                format!("`{unit}` is no unit of time")
            }));
        };
        let part = digits
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(*millis));
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

/// Whether only numbers are computed with, so that no `Duration` can come out.
fn is_arithmetic(value: &Expr) -> bool {
    match value {
        Expr::Lit(literal) => matches!(literal.lit, Lit::Int(_) | Lit::Float(_)),
        Expr::Binary(binary) => is_arithmetic(&binary.left) && is_arithmetic(&binary.right),
        Expr::Unary(unary) => is_arithmetic(&unary.expr),
        Expr::Paren(inner) => is_arithmetic(&inner.expr),
        Expr::Group(inner) => is_arithmetic(&inner.expr),
        Expr::Cast(cast) => is_arithmetic(&cast.expr),
        _ => false,
    }
}

fn arithmetic(key: &Ident, value: &Expr) -> syn::Error {
    let text = value.to_token_stream().to_string();
    let seconds = evaluate(value).map_or_else(|| "300".to_owned(), |seconds| seconds.to_string());
    error(
        value,
        format!(
            "`{key} = {text}` does not say what it counts: an expression must be of type `Duration`"
        ),
        format!(
            "write seconds as one number, `{key} = {seconds}`, or a `Duration`, \
             `{key} = Duration::from_secs({text})`"
        ),
    )
}

/// The number that the user computed, to be offered in its place.
fn evaluate(value: &Expr) -> Option<u64> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Paren(inner) => evaluate(&inner.expr),
        Expr::Group(inner) => evaluate(&inner.expr),
        Expr::Cast(cast) => evaluate(&cast.expr),
        Expr::Binary(binary) => {
            let (left, right) = (evaluate(&binary.left)?, evaluate(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => left.checked_add(right),
                BinOp::Sub(_) => left.checked_sub(right),
                BinOp::Mul(_) => left.checked_mul(right),
                BinOp::Div(_) => left.checked_div(right),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ttl, ttl};
    use quote::{ToTokens, format_ident};

    fn read(value: &str) -> Result<u64, String> {
        match ttl(&format_ident!("ttl"), syn::parse_str(value).unwrap()) {
            Ok(Ttl::Millis(millis)) => Ok(millis),
            Ok(Ttl::Expression(expression)) => Err(expression.to_token_stream().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(read("300"), Ok(300_000));
        assert_eq!(read("300u64"), Ok(300_000));
        assert_eq!(read("1_000"), Ok(1_000_000));
        assert_eq!(read("\"1h30m\""), Ok(5_400_000));
        assert_eq!(read("\"1d2h3m4s5ms\""), Ok(93_784_005));
        assert_eq!(read("\"30d\""), Ok(2_592_000_000));
        assert_eq!(read("self.ttl"), Err("self . ttl".into()));
        assert_eq!(read("2 * MINUTE"), Err("2 * MINUTE".into()));
    }

    /// What `cache-core` reads at run time is held to the same list.
    #[test]
    fn times_to_live_are_read_as_the_environment_has_them() {
        let cases = include_str!("../../tests/support/durations.txt").lines();
        for case in cases.filter(|line| !line.starts_with('#')) {
            let (text, millis) = case.split_once(" = ").unwrap();
            let seconds = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let value = if seconds {
                text.to_owned()
            } else {
                format!("{text:?}")
            };
            assert_eq!(read(&value).ok(), millis.parse().ok(), "{case}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        for (value, problem) in [
            ("0", "`ttl` is 0"),
            ("\"0s\"", "`ttl` is 0"),
            ("-5", "negative"),
            ("2_592_001", "over 30 days"),
            ("\"30d1ms\"", "over 30 days"),
            ("18446744073709551615", "over 30 days"),
            ("99999999999999999999", "over 30 days"),
            ("\"99999999999999999999s\"", "over 30 days"),
            ("\"\"", "empty"),
            ("\"300\"", "`300` has no unit"),
            ("\"h\"", "`h` has no number"),
            ("\"1 h\"", "` h` is no unit"),
            ("\"1w\"", "`w` is no unit"),
            ("\"1m1h\"", "`h` stands behind a smaller unit"),
            (
                "\"1m1m\"",
                "`m` stands behind a smaller unit or a second time",
            ),
            ("\"1.5h\"", "`.` is no unit"),
            ("0.5", "seconds (`300`)"),
            ("5s", "`5s` is no number of seconds"),
            ("60 * 5", "`ttl = 300`"),
            ("(2 + 3) * 60", "`ttl = 300`"),
            ("60 / 0", "`ttl = 300`"),
        ] {
            let told = read(value).expect_err(value);
            assert!(told.contains(problem), "{value}: {told}");
            assert!(told.contains("\n\nhelp: "), "{value}: {told}");
        }
    }
}
