//! How single arguments are read, and the errors of those that are not written as they have to be.

use proc_macro2::TokenStream;
use proc_macro2::{Delimiter, Group, Ident, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, Path, Token};

use super::{Argument, Keyed};
use crate::errors::{Errors, error, nearest, quoted};
use crate::template::{self, Template};

/// The arguments of a macro, each as it is written.
pub(super) type Known = &'static [(&'static str, &'static str)];

const TAGS: &str = "tags(\"team:{team_id}\")";

pub(super) const CACHED: Known = &[
    ("key_prefix", "key_prefix = \"user:{user_id}\""),
    ("ttl", "ttl = 300"),
    ("none_ttl", "none_ttl = 30"),
    ("ttl_with", "ttl_with = |value| value.lifetime()"),
    ("jitter", "jitter = 0.1"),
    ("bypass_if", BYPASS_IF),
    ("store_if", "store_if = |value| !value.is_empty()"),
    ("verify", "verify = 0.001"),
    ("key", "key(user_id, filter.city)"),
    ("skip", "skip(db)"),
    ("scope", "scope = self.tenant_id"),
    ("tags", TAGS),
    ("batch", "batch = user_ids"),
    ("version", "version = 2"),
    ("cache", "cache = self.cache"),
    ("tier", "tier = \"memory\""),
    ("single_flight", "single_flight = \"off\""),
    ("outcome", "outcome = \"result\""),
    ("stale_while_revalidate", "stale_while_revalidate = \"10m\""),
    ("stale_if_error", "stale_if_error = \"1h\""),
    ("refresh_ahead", "refresh_ahead = 0.1"),
    ("timeout", "timeout = \"200ms\""),
    ("codec", "codec = cachewright::codec::Postcard"),
    ("crate", "crate = my_reexport::cachewright"),
];

const BYPASS_IF: &str = "bypass_if = filter.is_admin";

pub(super) const INVALIDATE: Known = &[
    ("pattern", "pattern = \"booking:*\""),
    ("entry", "entry = self.get_profile(user_id)"),
    ("tags", TAGS),
    ("on", "on = \"always\""),
    ("cache", "cache = self.cache"),
    ("outcome", "outcome = \"result\""),
    ("crate", "crate = my_reexport::cachewright"),
];

pub(super) const UPDATE: Known = &[
    ("entry", "entry = self.get_profile(user_id)"),
    ("on", "on = \"always\""),
    ("outcome", "outcome = \"result\""),
    ("crate", "crate = my_reexport::cachewright"),
];

pub(super) const DEFAULTS: Known = &[
    ("key_prefix", "key_prefix = \"user\""),
    ("ttl", "ttl = 300"),
    ("none_ttl", "none_ttl = 30"),
    ("jitter", "jitter = 0.1"),
    ("verify", "verify = 0.001"),
    ("scope", "scope = self.tenant_id"),
    ("tags", TAGS),
    ("version", "version = 2"),
    ("cache", "cache = self.cache"),
    ("tier", "tier = \"memory\""),
    ("single_flight", "single_flight = \"off\""),
    ("stale_while_revalidate", "stale_while_revalidate = \"10m\""),
    ("stale_if_error", "stale_if_error = \"1h\""),
    ("refresh_ahead", "refresh_ahead = 0.1"),
    ("timeout", "timeout = \"200ms\""),
    ("on", "on = \"always\""),
    ("codec", "codec = cachewright::codec::Postcard"),
    ("crate", "crate = my_reexport::cachewright"),
];

/// Reads one argument after the other, going on behind the next comma when one is mistaken.
pub(super) fn each(
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
pub(super) fn set<T>(
    argument: &mut Argument<T>,
    key: Ident,
    errors: &mut Errors,
    read: impl FnOnce(&Ident) -> syn::Result<T>,
) -> syn::Result<()> {
    if argument.is_some() {
        errors.at(
            &key,
            format!("`{key}` is given a second time"),
            "keep one of the two",
        );
    }
    let value = read(&key)?;
    argument.get_or_insert(Keyed {
        key,
        value,
        inherited: false,
    });
    Ok(())
}

pub(super) fn key(input: ParseStream, form: &str) -> syn::Result<Ident> {
    if input.peek(syn::Ident::peek_any) {
        return input.call(Ident::parse_any);
    }
    let next: TokenTree = input.fork().parse()?;
    Err(error(&next, format!("`{next}` is no argument"), form))
}

pub(super) fn unknown(attribute: &str, key: &Ident, known: Known) -> syn::Error {
    let (other, others) = match attribute {
        "cached" => ("invalidate_cache", INVALIDATE),
        _ => ("cached", CACHED),
    };
    if others.iter().any(|(name, _)| key == name) {
        return error(
            key,
            format!("`#[{attribute}]` has no argument `{key}`: it is one of `#[{other}]`"),
            format!(
                "leave it out here; known are {}",
                quoted(known.iter().map(|(name, _)| *name))
            ),
        );
    }
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
fn form(key: &Ident, culprit: impl ToTokens) -> syn::Error {
    error(
        culprit,
        format!("`{key}` is not written like this"),
        format!("write `{}`", example(key)),
    )
}

/// An argument as it is written.
pub(super) fn example(key: &Ident) -> &'static str {
    let mut known = CACHED.iter().chain(INVALIDATE);
    known
        .find(|(name, _)| key == name)
        .map_or("", |(_, example)| example)
}

/// `= value`.
pub(super) fn value(input: ParseStream, key: &Ident) -> syn::Result<Expr> {
    if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() || input.peek(Token![,]) {
        return Err(form(key, key));
    }
    // What is behind a key that can't be read was not finished: the key tells which, and its form.
    let mut value = input.parse().map_err(|_| form(key, key))?;
    // What went through a `macro_rules` macro, such as a `$ttl:literal`, comes wrapped.
    while let Expr::Group(group) = value {
        value = *group.expr;
    }
    Ok(value)
}

/// `= "text"`.
pub(super) fn text(input: ParseStream, key: &Ident) -> syn::Result<LitStr> {
    match value(input, key)? {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text),
        other => Err(form(key, other)),
    }
}

/// `(a, b)`.
pub(super) fn list<T>(
    input: ParseStream,
    key: &Ident,
    elements: impl FnOnce(ParseStream) -> syn::Result<Punctuated<T, Token![,]>>,
) -> syn::Result<Vec<T>> {
    match input.fork().parse::<TokenTree>() {
        Ok(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            // Read by a parser of its own: what it leaves unread is then its error alone.
            let group: Group = input.parse()?;
            let elements = elements
                .parse2(group.stream())
                .map_err(|_| form(key, &group))?;
            Ok(elements.into_iter().collect())
        }
        _ => Err(form(key, key)),
    }
}

/// `("a", "b:{c}")`.
pub(super) fn tags(key: &Ident, input: ParseStream) -> syn::Result<Vec<Template>> {
    let literals: Vec<LitStr> = list(input, key, Punctuated::parse_terminated)?;
    template::tags(key, &literals)
}

/// One of the texts in `choices`.
pub(super) fn choice<T: Copy>(key: &Ident, text: &LitStr, choices: &[(&str, T)]) -> syn::Result<T> {
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

/// The name of an argument.
pub(super) fn batch(key: &Ident, input: ParseStream) -> syn::Result<Ident> {
    let written = value(input, key)?;
    let name = match &written {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    };
    name.ok_or_else(|| {
        error(
            written,
            "`batch` names one argument of the function: each of its elements is an entry of its own",
            "write its name: `batch = user_ids`",
        )
    })
}

pub(super) fn single_flight(key: &Ident, text: &LitStr) -> syn::Result<bool> {
    if text.value() == "global" {
        return Err(error(
            text,
            "`single_flight = \"global\"` needs a store that several processes share, and is not available yet",
            "use `single_flight = \"process\"`, the default: one computation in each process",
        ));
    }
    choice(key, text, &[("process", true), ("off", false)])
}

/// A share between 0 and 1, both excluded, in parts per million.
pub(super) fn share(key: &Ident, value: &Expr) -> syn::Result<u32> {
    let share: Option<f64> = match value {
        Expr::Lit(ExprLit {
            lit: Lit::Float(share),
            ..
        }) => share.base10_parse().ok(),
        _ => None,
    };
    let ppm = share.map(|share| (share * 1e6).round());
    // Less than a million, so nothing is cut off.
    let ppm = ppm
        .filter(|ppm| (1.0..1e6).contains(ppm))
        .map(|ppm| ppm as u32);
    ppm.ok_or_else(|| {
        error(
            value,
            format!("`{key}` is a share: a number from 0.000001 up to, and without, 1"),
            format!("write `{}`", example(key)),
        )
    })
}

/// A closure over the value, the name of a function, or a block that gives one of the two.
pub(super) fn judge(input: ParseStream, key: &Ident) -> syn::Result<Expr> {
    match value(input, key)? {
        judge @ (Expr::Closure(_) | Expr::Path(_) | Expr::Block(_)) => Ok(judge),
        other => Err(error(
            other,
            format!(
                "`{key}` is asked about each value before it is kept, and this is neither a closure nor the name of a function"
            ),
            format!(
                "write `{}`; a call is judged by its arguments with `{}`",
                example(key),
                BYPASS_IF
            ),
        )),
    }
}

pub(super) fn version(value: &Expr) -> syn::Result<u32> {
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

/// The path of the facade, under whatever name the program knows it.
pub(super) fn krate(key: &Ident, input: ParseStream) -> syn::Result<Path> {
    let written = value(input, key)?;
    match written {
        Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Ok(path.path),
        other => Err(error(
            other,
            "`crate` is the path under which the program knows cachewright",
            "write it as a path: `crate = my_reexport::cachewright`, or `crate = ::renamed`",
        )),
    }
}
