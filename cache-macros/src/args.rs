//! The tokens of an attribute → its arguments. Nothing is known here about the function.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, Token};

use crate::duration::{self, Ttl};
use crate::errors::{Errors, error, nearest, quoted};
use crate::template::{self, Template};

/// A value together with the key that it was given to, for errors about the argument as a whole.
#[derive(Clone)]
pub(crate) struct Keyed<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// An argument that may be given once.
pub(crate) type Argument<T> = Option<Keyed<T>>;

/// `tier = "memory" | "shared"`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tier {
    Memory,
    Shared,
}

/// `outcome = …`, for a return type that does not show what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Value,
    Option,
    Result,
    ResultOption,
}

/// Arguments of `#[cached]`.
#[derive(Default)]
pub(crate) struct Cached {
    pub(crate) key_prefix: Argument<Template>,
    pub(crate) ttl: Argument<Ttl>,
    pub(crate) none_ttl: Argument<Ttl>,
    pub(crate) key: Argument<Vec<Expr>>,
    pub(crate) skip: Argument<Vec<Ident>>,
    pub(crate) scope: Argument<Expr>,
    pub(crate) version: Argument<u32>,
    pub(crate) cache: Argument<Expr>,
    pub(crate) tier: Argument<Tier>,
    /// Whether callers that miss together share one computation.
    pub(crate) single_flight: Argument<bool>,
    pub(crate) outcome: Argument<Outcome>,
}

/// Arguments of `#[invalidate_cache]`.
#[derive(Default)]
pub(crate) struct Invalidate {
    pub(crate) patterns: Vec<Template>,
    /// Whether any pattern was written, mistaken ones included.
    pub(crate) has_patterns: bool,
    /// `on = "always"`: also after an `Err`.
    pub(crate) always: Argument<bool>,
    pub(crate) cache: Argument<Expr>,
    pub(crate) outcome: Argument<Outcome>,
}

/// Every known argument as it is written, for errors.
type Known = &'static [(&'static str, &'static str)];

const CACHED: Known = &[
    ("key_prefix", "key_prefix = \"user:{user_id}\""),
    ("ttl", "ttl = 300"),
    ("none_ttl", "none_ttl = 30"),
    ("key", "key(user_id, filter.city)"),
    ("skip", "skip(db)"),
    ("scope", "scope = self.tenant_id"),
    ("version", "version = 2"),
    ("cache", "cache = self.cache"),
    ("tier", "tier = \"memory\""),
    ("single_flight", "single_flight = \"off\""),
    ("outcome", "outcome = \"result\""),
];

const INVALIDATE: Known = &[
    ("pattern", "pattern = \"booking:*\""),
    ("on", "on = \"always\""),
    ("cache", "cache = self.cache"),
    ("outcome", "outcome = \"result\""),
];

const OUTCOMES: &[(&str, Outcome)] = &[
    ("value", Outcome::Value),
    ("option", Outcome::Option),
    ("result", Outcome::Result),
    ("result_option", Outcome::ResultOption),
];

/// Reads the arguments of `#[cached]`.
pub(crate) fn cached(tokens: TokenStream, errors: &mut Errors) -> Cached {
    let mut args = Cached::default();
    each(tokens, errors, |input, errors| {
        let key = key(input)?;
        match key.to_string().as_str() {
            "key_prefix" => {
                let value = text(input, &key, CACHED).and_then(|text| template::key_prefix(&text));
                set(&mut args.key_prefix, key, value, errors)
            }
            "ttl" => {
                let value = value(input, &key, CACHED).and_then(|v| duration::ttl(&key, v));
                set(&mut args.ttl, key, value, errors)
            }
            "none_ttl" => {
                let value = value(input, &key, CACHED).and_then(|v| duration::ttl(&key, v));
                set(&mut args.none_ttl, key, value, errors)
            }
            "key" => {
                let value = list(
                    input,
                    &key,
                    CACHED,
                    Punctuated::<Expr, Token![,]>::parse_terminated,
                );
                set(&mut args.key, key, value, errors)
            }
            "skip" => {
                let value = list(input, &key, CACHED, |input| {
                    Punctuated::parse_terminated_with(input, Ident::parse_any)
                });
                set(&mut args.skip, key, value, errors)
            }
            "scope" => {
                let value = value(input, &key, CACHED);
                set(&mut args.scope, key, value, errors)
            }
            "version" => {
                let value = value(input, &key, CACHED).and_then(|value| version(&value));
                set(&mut args.version, key, value, errors)
            }
            "cache" => {
                let value = value(input, &key, CACHED);
                set(&mut args.cache, key, value, errors)
            }
            "tier" => {
                let tiers = [("memory", Tier::Memory), ("shared", Tier::Shared)];
                let value = text(input, &key, CACHED).and_then(|v| choice(&key, &v, &tiers));
                set(&mut args.tier, key, value, errors)
            }
            "single_flight" => {
                let value = text(input, &key, CACHED).and_then(|value| single_flight(&key, &value));
                set(&mut args.single_flight, key, value, errors)
            }
            "outcome" => {
                let value = text(input, &key, CACHED).and_then(|v| choice(&key, &v, OUTCOMES));
                set(&mut args.outcome, key, value, errors)
            }
            _ => Err(unknown("cached", &key, CACHED)),
        }
    });
    args
}

/// Reads the arguments of `#[invalidate_cache]`.
pub(crate) fn invalidate(tokens: TokenStream, errors: &mut Errors) -> Invalidate {
    let mut args = Invalidate::default();
    each(tokens, errors, |input, errors| {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            args.has_patterns = true;
            args.patterns
                .extend(errors.take(template::pattern(&literal)));
            return Ok(());
        }
        let key = key(input)?;
        match key.to_string().as_str() {
            "pattern" => {
                args.has_patterns = true;
                let literal = text(input, &key, INVALIDATE)?;
                args.patterns
                    .extend(errors.take(template::pattern(&literal)));
                Ok(())
            }
            "on" => {
                let moments = [("ok", false), ("always", true)];
                let value = text(input, &key, INVALIDATE).and_then(|v| choice(&key, &v, &moments));
                set(&mut args.always, key, value, errors)
            }
            "cache" => {
                let value = value(input, &key, INVALIDATE);
                set(&mut args.cache, key, value, errors)
            }
            "outcome" => {
                let value = text(input, &key, INVALIDATE).and_then(|v| choice(&key, &v, OUTCOMES));
                set(&mut args.outcome, key, value, errors)
            }
            _ => Err(unknown("invalidate_cache", &key, INVALIDATE)),
        }
    });
    args
}

/// Reads one argument after the other, going on behind the next comma when one is mistaken.
fn each(
    tokens: TokenStream,
    errors: &mut Errors,
    mut read: impl FnMut(ParseStream, &mut Errors) -> syn::Result<()>,
) {
    let parser = |input: ParseStream| {
        while !input.is_empty() {
            let result = read(input, errors).and_then(|()| {
                if input.is_empty() || input.peek(Token![,]) {
                    return Ok(());
                }
                let next: TokenTree = input.fork().parse()?;
                Err(error(
                    &next,
                    format!("unexpected `{next}` behind an argument"),
                    "separate arguments by `,`",
                ))
            });
            errors.take(result);
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    let result = parser.parse2(tokens);
    errors.take(result);
}

/// Gives an argument its value, once.
fn set<T>(
    argument: &mut Argument<T>,
    key: Ident,
    value: syn::Result<T>,
    errors: &mut Errors,
) -> syn::Result<()> {
    if argument.is_some() {
        errors.at(
            &key,
            format!("`{key}` is given a second time"),
            "keep one of the two",
        );
    }
    let value = value?;
    argument.get_or_insert(Keyed { key, value });
    Ok(())
}

fn key(input: ParseStream) -> syn::Result<Ident> {
    if input.peek(syn::Ident::peek_any) {
        return input.call(Ident::parse_any);
    }
    let next: TokenTree = input.fork().parse()?;
    Err(error(
        &next,
        format!("`{next}` is no argument"),
        "arguments are written `name = value`",
    ))
}

fn unknown(attribute: &str, key: &Ident, known: Known) -> syn::Error {
    let names = || known.iter().map(|(name, _)| *name);
    let guess = nearest(&key.to_string(), names())
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default();
    error(
        key,
        format!("`#[{attribute}]` has no argument `{key}`"),
        format!("{guess}known are {}", quoted(names())),
    )
}

/// The error for an argument that is not written as it has to be.
fn form(key: &Ident, culprit: impl ToTokens, known: Known) -> syn::Error {
    let example = known
        .iter()
        .find(|(name, _)| key == name)
        .map_or("", |(_, example)| example);
    error(
        culprit,
        format!("`{key}` is not written like this"),
        format!("write `{example}`"),
    )
}

/// `= value`.
fn value(input: ParseStream, key: &Ident, known: Known) -> syn::Result<Expr> {
    if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() || input.peek(Token![,]) {
        return Err(form(key, key, known));
    }
    input.parse()
}

/// `= "text"`.
fn text(input: ParseStream, key: &Ident, known: Known) -> syn::Result<LitStr> {
    let mut value = value(input, key, known)?;
    // A literal that went through a `macro_rules` macro comes wrapped.
    while let Expr::Group(group) = value {
        value = *group.expr;
    }
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text),
        other => Err(form(key, other, known)),
    }
}

/// `(a, b)`.
fn list<T>(
    input: ParseStream,
    key: &Ident,
    known: Known,
    elements: impl FnOnce(ParseStream) -> syn::Result<Punctuated<T, Token![,]>>,
) -> syn::Result<Vec<T>> {
    match input.fork().parse::<TokenTree>() {
        Ok(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            // Read by a parser of its own: what it leaves unread is then its error alone.
            let group: Group = input.parse()?;
            let elements = elements
                .parse2(group.stream())
                .map_err(|_| form(key, &group, known))?;
            Ok(elements.into_iter().collect())
        }
        _ => Err(form(key, key, known)),
    }
}

/// One of the texts in `choices`.
fn choice<T: Copy>(key: &Ident, text: &LitStr, choices: &[(&str, T)]) -> syn::Result<T> {
    let given = text.value();
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == given) {
        return Ok(*value);
    }
    let names: Vec<String> = choices
        .iter()
        .map(|(name, _)| format!("{key} = \"{name}\""))
        .collect();
    Err(error(
        text,
        format!("`{key}` cannot be `\"{given}\"`"),
        format!("it is one of {}", quoted(names)),
    ))
}

fn single_flight(key: &Ident, text: &LitStr) -> syn::Result<bool> {
    if text.value() == "global" {
        return Err(error(
            text,
            "`single_flight = \"global\"` needs a store that several processes share, and is not available yet",
            "use `single_flight = \"process\"`, the default: one computation in each process",
        ));
    }
    choice(key, text, &[("process", true), ("off", false)])
}

fn version(value: &Expr) -> syn::Result<u32> {
    let number: Option<u32> = match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => LitInt::base10_parse(number).ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        error(
            value,
            "`version` is a whole number from 0 to 4294967295: it stands in the visible key",
            "write `version = 2`, and count it up when the meaning of the values changes",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{cached, invalidate};
    use crate::errors::Errors;
    use proc_macro2::TokenStream;

    fn mistakes(read: impl FnOnce(TokenStream, &mut Errors), tokens: &str) -> Vec<String> {
        let mut errors = Errors::new();
        read(tokens.parse().unwrap(), &mut errors);
        match errors.finish() {
            Ok(()) => Vec::new(),
            Err(all) => all.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    fn in_cached(tokens: &str) -> Vec<String> {
        mistakes(|tokens, errors| drop(cached(tokens, errors)), tokens)
    }

    fn in_invalidate(tokens: &str) -> Vec<String> {
        mistakes(|tokens, errors| drop(invalidate(tokens, errors)), tokens)
    }

    #[test]
    fn every_argument_is_read() {
        let tokens = r#"
            key_prefix = "user:{id}", ttl = 300, none_ttl = "30s", key(id, filter.city,), scope = self.tenant,
            version = 2, cache = f::<A, B>(), tier = "memory", single_flight = "off", outcome = "result_option",
        "#;
        assert_eq!(in_cached(tokens), [""; 0]);
        let mut errors = Errors::new();
        let args = cached(tokens.parse().unwrap(), &mut errors);
        errors.finish().unwrap();
        assert_eq!(args.key.unwrap().value.len(), 2);
        assert_eq!(args.version.unwrap().value, 2);
        assert!(!args.single_flight.unwrap().value);
        assert_eq!(
            in_invalidate(r#""a:*", "b", pattern = "c", on = "always", cache = self.cache"#),
            [""; 0]
        );
    }

    #[test]
    fn one_mistake_is_one_error_and_all_are_told() {
        let told = in_cached(
            r#"tll = 3, ttl = 0, version = -1, tier = memory, skip = db, key(a b), outcome = "some", scope, ttl"#,
        );
        assert_eq!(told.len(), 9, "{told:#?}");
        assert!(told[0].contains("did you mean `ttl`?"), "{told:#?}");
        assert!(
            told.iter().all(|told| told.contains("\n\nhelp: ")),
            "{told:#?}"
        );
    }

    #[test]
    fn a_repeated_argument_is_told() {
        let told = in_cached("ttl = 3, ttl = 4");
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("`ttl` is given a second time"),
            "{told:#?}"
        );
    }

    #[test]
    fn what_is_no_argument_is_told() {
        assert!(in_cached("\"user\"")[0].contains("is no argument"));
        assert!(in_cached("ttl = 3 none_ttl = 4")[0].contains("separate arguments by `,`"));
        assert!(in_cached("single_flight = \"global\"")[0].contains("not available yet"));
        assert!(in_invalidate("ttl = 3")[0].contains("has no argument `ttl`"));
        assert!(in_invalidate("on = \"commit\"")[0].contains("`on = \"always\"`"));
    }
}
