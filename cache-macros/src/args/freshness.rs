//! The arguments about the time around an expiry. They are literals, since they are data of the descriptor.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use super::read::{example, set, share, value};
use super::{Argument, Cached, Keyed, defaults};
use crate::duration::{self, Ttl};
use crate::errors::{Errors, error};

/// What is said about values that are about to expire or have expired.
#[derive(Default)]
pub(crate) struct Freshness {
    /// In milliseconds, as all of them: within (0, 30 days].
    pub(crate) stale_while_revalidate: Argument<u64>,
    pub(crate) stale_if_error: Argument<u64>,
    pub(crate) refresh_ahead: Argument<Ahead>,
    pub(crate) timeout: Argument<u64>,
}

/// How long before its expiry a value is computed anew.
pub(crate) struct Ahead {
    /// For errors about it.
    pub(crate) written: Expr,
    pub(crate) length: Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Millis(u64),
    /// A share of the ttl in parts per million, within (0, 1,000,000).
    Share(u32),
}

impl Freshness {
    /// Reads one of them.
    pub(super) fn read(
        &mut self,
        name: Ident,
        input: ParseStream,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let time = |key: &Ident| millis(key, &value(input, key)?);
        match name.to_string().as_str() {
            "stale_while_revalidate" => set(&mut self.stale_while_revalidate, name, errors, time),
            "stale_if_error" => set(&mut self.stale_if_error, name, errors, time),
            "timeout" => set(&mut self.timeout, name, errors, time),
            _ => set(&mut self.refresh_ahead, name, errors, |key| {
                ahead(key, value(input, key)?)
            }),
        }
    }

    /// Takes over what it does not say itself.
    pub(super) fn inherit(&mut self, defaults: Self) {
        let Self {
            stale_while_revalidate,
            stale_if_error,
            refresh_ahead,
            timeout,
        } = defaults;
        defaults::inherit(&mut self.stale_while_revalidate, stale_while_revalidate);
        defaults::inherit(&mut self.stale_if_error, stale_if_error);
        defaults::inherit(&mut self.refresh_ahead, refresh_ahead);
        defaults::inherit(&mut self.timeout, timeout);
    }

    /// The argument for whose sake the body may go on after the call.
    pub(crate) fn outlives_the_call(&self) -> Option<(&Ident, bool)> {
        fn told<T>(argument: &Argument<T>) -> Option<(&Ident, bool)> {
            let Keyed { key, inherited, .. } = argument.as_ref()?;
            Some((key, *inherited))
        }
        told(&self.stale_while_revalidate)
            .or_else(|| told(&self.refresh_ahead))
            .or_else(|| told(&self.timeout))
    }
}

impl Cached {
    /// A value is computed anew while it lives. A mistake of a block is told on the block.
    pub(super) fn refreshes_within_ttl(&self) -> syn::Result<()> {
        match (&self.freshness.refresh_ahead, self.refreshes_too_early()) {
            (Some(ahead), true) => Err(error(&ahead.value.written, TOO_EARLY, SHARE)),
            _ => Ok(()),
        }
    }

    /// Whether a value would be computed anew from the beginning.
    pub(crate) fn refreshes_too_early(&self) -> bool {
        let ahead = self.freshness.refresh_ahead.as_ref();
        match (ahead.map(|ahead| ahead.value.length), &self.ttl) {
            (Some(Length::Millis(ahead)), Some(ttl)) => match ttl.value {
                Ttl::Millis(ttl) => ahead >= ttl,
                Ttl::Expression(_) => false,
            },
            _ => false,
        }
    }
}

pub(crate) const TOO_EARLY: &str =
    "`refresh_ahead` is not shorter than `ttl`: every hit would compute the value anew";

pub(crate) const SHARE: &str =
    "write less than `ttl`, or a share of it: `refresh_ahead = 0.1` is its last tenth";

/// A time that is known here.
fn millis(key: &Ident, value: &Expr) -> syn::Result<u64> {
    let millis = match value {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Int(seconds) => duration::whole_seconds(key, seconds)?,
            Lit::Str(text) => duration::text_form(key, text)?,
            _ => return Err(no_literal(key, value)),
        },
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_), ..
        }) => {
            return Err(error(
                value,
                format!("`{key}` is negative, and it is a length of time"),
                format!("write a positive time, such as `{}`", example(key)),
            ));
        }
        _ => return Err(no_literal(key, value)),
    };
    match millis {
        Some(0) => Err(error(
            value,
            format!("`{key}` is 0, which is no time at all"),
            format!("leave it out, or write a time such as `{}`", example(key)),
        )),
        Some(millis) if millis <= duration::LONGEST_MILLIS => Ok(millis),
        _ => Err(error(
            value,
            format!("`{key}` is over 30 days, the longest time for which a value is kept"),
            format!("write at most `{key} = \"30d\"`"),
        )),
    }
}

fn no_literal(key: &Ident, value: &Expr) -> syn::Error {
    error(
        value,
        format!(
            "`{key}` is whole seconds (`30`) or a text (`\"10m\"`): the program knows it before any call"
        ),
        format!("write `{}`", example(key)),
    )
}

fn ahead(key: &Ident, written: Expr) -> syn::Result<Ahead> {
    let length = match &written {
        Expr::Lit(ExprLit {
            lit: Lit::Float(_), ..
        }) => Length::Share(share(key, &written)?),
        _ => Length::Millis(millis(key, &written)?),
    };
    Ok(Ahead { written, length })
}

#[cfg(test)]
mod tests {
    use super::{Length, ahead, millis};
    use quote::format_ident;

    fn time(value: &str) -> Result<u64, String> {
        let value = syn::parse_str(value).unwrap();
        millis(&format_ident!("timeout"), &value).map_err(|error| error.to_string())
    }

    fn length(value: &str) -> Result<Length, String> {
        let value = syn::parse_str(value).unwrap();
        ahead(&format_ident!("refresh_ahead"), value)
            .map(|ahead| ahead.length)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn times_and_shares_are_read() {
        assert_eq!(time("\"200ms\""), Ok(200));
        assert_eq!(time("90"), Ok(90_000));
        assert_eq!(time("\"30d\""), Ok(2_592_000_000));
        assert_eq!(length("\"30s\""), Ok(Length::Millis(30_000)));
        assert_eq!(length("1"), Ok(Length::Millis(1_000)));
        assert_eq!(length("0.1"), Ok(Length::Share(100_000)));
        assert_eq!(length("0.5f64"), Ok(Length::Share(500_000)));
        assert_eq!(length("1e-6"), Ok(Length::Share(1)));
        assert_eq!(length("0.999_999"), Ok(Length::Share(999_999)));
    }

    #[test]
    fn every_mistake_is_told_with_the_way_out() {
        for (value, problem) in [
            ("0", "is 0"),
            ("\"0ms\"", "is 0"),
            ("-5", "negative"),
            ("\"31d\"", "over 30 days"),
            ("99999999999999999999", "over 30 days"),
            ("\"99999999999999999999s\"", "over 30 days"),
            ("\"5\"", "no unit"),
            ("5s", "no number of seconds"),
            ("0.5", "whole seconds"),
            ("true", "whole seconds"),
            ("60 * 5", "whole seconds"),
            ("self.timeout", "whole seconds"),
        ] {
            let told = time(value).expect_err(value);
            assert!(told.contains(problem), "{value}: {told}");
            assert!(told.contains("\n\nhelp: "), "{value}: {told}");
        }
        for value in ["0.0", "1.0", "1.5", "1e-7", "0.999_999_9", "1e400"] {
            let told = length(value).expect_err(value);
            assert!(told.contains("a number from 0.000001"), "{value}: {told}");
        }
        assert!(length("-0.1").expect_err("negative").contains("negative"));
    }
}
