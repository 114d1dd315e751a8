//! The tokens of an attribute → its arguments. Nothing is known here about the function.

mod defaults;
mod entry;
mod freshness;
mod read;
mod update;

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Expr, LitStr, Path};

use crate::duration::{self, Ttl};
use crate::errors::Errors;
use crate::template::{self, Template};
pub(crate) use defaults::{Annotation, Defaults, defaults};
pub(crate) use entry::{Callee, EntryCall};
pub(crate) use freshness::{Freshness, Length, SHARE, TOO_EARLY};
use read::{
    CACHED, INVALIDATE, batch, choice, each, judge, key, krate, list, set, share, single_flight,
    tags, text, unknown, value, version,
};
pub(crate) use update::Update;

/// A value together with the key that it was given to, for errors about the argument as a whole.
#[derive(Clone)]
pub(crate) struct Keyed<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
    /// Whether it is a default of the surrounding block, which other functions share.
    pub(crate) inherited: bool,
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
    pub(crate) ttl_with: Argument<Expr>,
    /// In parts per million.
    pub(crate) jitter: Argument<u32>,
    pub(crate) bypass_if: Argument<Expr>,
    pub(crate) store_if: Argument<Expr>,
    /// In parts per million.
    pub(crate) verify: Argument<u32>,
    pub(crate) key: Argument<Vec<Expr>>,
    pub(crate) skip: Argument<Vec<Ident>>,
    pub(crate) scope: Argument<Expr>,
    pub(crate) tags: Argument<Vec<Template>>,
    /// The argument each of whose elements is an entry.
    pub(crate) batch: Argument<Ident>,
    pub(crate) version: Argument<u32>,
    pub(crate) cache: Argument<Expr>,
    pub(crate) tier: Argument<Tier>,
    /// Whether callers that miss together share one computation.
    pub(crate) single_flight: Argument<bool>,
    pub(crate) outcome: Argument<Outcome>,
    pub(crate) freshness: Freshness,
    pub(crate) codec: Argument<Expr>,
    /// Where the facade is, if not at `::cachewright`.
    pub(crate) krate: Argument<Path>,
    /// The parameters of the surrounding block, if it told them.
    pub(crate) generics: Option<Vec<Ident>>,
}

/// Arguments of `#[invalidate_cache]`.
#[derive(Default)]
pub(crate) struct Invalidate {
    pub(crate) patterns: Vec<Template>,
    /// Calls that name entries.
    pub(crate) entries: Vec<EntryCall>,
    pub(crate) tags: Argument<Vec<Template>>,
    /// Whether any pattern, entry or tag was written, mistaken ones included.
    pub(crate) has_patterns: bool,
    /// `on = "always"`: also after an `Err`.
    pub(crate) always: Argument<bool>,
    pub(crate) cache: Argument<Expr>,
    pub(crate) outcome: Argument<Outcome>,
    pub(crate) krate: Argument<Path>,
}

/// Reads the arguments of `#[update_cache]`.
pub(crate) fn update(tokens: TokenStream, errors: &mut Errors) -> Update {
    update::read(tokens, errors)
}

const TIERS: &[(&str, Tier)] = &[("memory", Tier::Memory), ("shared", Tier::Shared)];

const OUTCOMES: &[(&str, Outcome)] = &[
    ("value", Outcome::Value),
    ("option", Outcome::Option),
    ("result", Outcome::Result),
    ("result_option", Outcome::ResultOption),
];

/// Reads the arguments of `#[cached]`.
pub(crate) fn cached(tokens: TokenStream, errors: &mut Errors) -> Cached {
    let (mut args, mut defaults) = (Cached::default(), Cached::default());
    each(tokens, errors, |input, errors| {
        let name = key(
            input,
            "arguments are written `name = value`, such as `ttl = 300` or `key_prefix = \"user\"`",
        )?;
        if name == "defaults" {
            return defaults::of_cached(&mut defaults, &name, input, errors);
        }
        cached_argument(&mut args, name, input, errors)
    });
    args.inherit(defaults);
    args
}

fn cached_argument(
    args: &mut Cached,
    name: Ident,
    input: ParseStream,
    errors: &mut Errors,
) -> syn::Result<()> {
    match name.to_string().as_str() {
        "key_prefix" => set(&mut args.key_prefix, name, errors, |key| {
            template::key_prefix(&text(input, key)?)
        }),
        "ttl" => set(&mut args.ttl, name, errors, |key| {
            duration::ttl(key, value(input, key)?)
        }),
        "none_ttl" => set(&mut args.none_ttl, name, errors, |key| {
            duration::ttl(key, value(input, key)?)
        }),
        "ttl_with" => set(&mut args.ttl_with, name, errors, |key| judge(input, key)),
        "jitter" => set(&mut args.jitter, name, errors, |key| {
            share(key, &value(input, key)?)
        }),
        "bypass_if" => set(&mut args.bypass_if, name, errors, |key| value(input, key)),
        "store_if" => set(&mut args.store_if, name, errors, |key| judge(input, key)),
        "verify" => set(&mut args.verify, name, errors, |key| {
            share(key, &value(input, key)?)
        }),
        "key" => set(&mut args.key, name, errors, |key| {
            list(input, key, Punctuated::parse_terminated)
        }),
        "skip" => set(&mut args.skip, name, errors, |key| {
            list(input, key, |names| {
                Punctuated::parse_terminated_with(names, Ident::parse_any)
            })
        }),
        "scope" => set(&mut args.scope, name, errors, |key| value(input, key)),
        "tags" => set(&mut args.tags, name, errors, |key| tags(key, input)),
        "batch" => set(&mut args.batch, name, errors, |key| batch(key, input)),
        "version" => set(&mut args.version, name, errors, |key| {
            version(&value(input, key)?)
        }),
        "cache" => set(&mut args.cache, name, errors, |key| value(input, key)),
        "tier" => set(&mut args.tier, name, errors, |key| {
            choice(key, &text(input, key)?, TIERS)
        }),
        "single_flight" => set(&mut args.single_flight, name, errors, |key| {
            single_flight(key, &text(input, key)?)
        }),
        "outcome" => set(&mut args.outcome, name, errors, |key| {
            choice(key, &text(input, key)?, OUTCOMES)
        }),
        "stale_while_revalidate" | "stale_if_error" | "refresh_ahead" | "timeout" => {
            args.freshness.read(name, input, errors)
        }
        "codec" => set(&mut args.codec, name, errors, |key| value(input, key)),
        "crate" => set(&mut args.krate, name, errors, |key| krate(key, input)),
        _ => Err(unknown("cached", &name, CACHED)),
    }
}

/// Reads the arguments of `#[invalidate_cache]`.
pub(crate) fn invalidate(tokens: TokenStream, errors: &mut Errors) -> Invalidate {
    let (mut args, mut defaults) = (Invalidate::default(), Invalidate::default());
    each(tokens, errors, |input, errors| {
        if input.peek(LitStr) {
            args.has_patterns = true;
            let pattern = template::pattern(&input.parse()?);
            args.patterns.extend(errors.take(pattern));
            return Ok(());
        }
        // What can't be read may have been meant as a pattern.
        let meant = std::mem::replace(&mut args.has_patterns, true);
        let name = key(
            input,
            "patterns are texts such as `\"booking:*\"`, other arguments are written `name = value`",
        )?;
        if name == "defaults" {
            args.has_patterns = meant;
            return defaults::of_invalidate(&mut defaults, &name, input, errors);
        }
        if INVALIDATE.iter().any(|(known, _)| name == known) {
            args.has_patterns = meant;
        }
        invalidate_argument(&mut args, name, input, errors)
    });
    args.inherit(defaults);
    args
}

fn invalidate_argument(
    args: &mut Invalidate,
    name: Ident,
    input: ParseStream,
    errors: &mut Errors,
) -> syn::Result<()> {
    match name.to_string().as_str() {
        "pattern" => {
            args.has_patterns = true;
            let pattern = template::pattern(&text(input, &name)?)?;
            args.patterns.push(pattern);
            Ok(())
        }
        "entry" => {
            args.has_patterns = true;
            let call = entry::read(value(input, &name)?)?;
            args.entries.push(call);
            Ok(())
        }
        "tags" => {
            args.has_patterns = true;
            set(&mut args.tags, name, errors, |key| tags(key, input))
        }
        "on" => set(&mut args.always, name, errors, |key| {
            choice(key, &text(input, key)?, &[("ok", false), ("always", true)])
        }),
        "cache" => set(&mut args.cache, name, errors, |key| value(input, key)),
        "outcome" => set(&mut args.outcome, name, errors, |key| {
            choice(key, &text(input, key)?, OUTCOMES)
        }),
        "crate" => set(&mut args.krate, name, errors, |key| krate(key, input)),
        _ => Err(unknown("invalidate_cache", &name, INVALIDATE)),
    }
}

#[cfg(test)]
mod tests {
    use super::{cached, invalidate, update};
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

    fn in_update(tokens: &str) -> Vec<String> {
        mistakes(|tokens, errors| drop(update(tokens, errors)), tokens)
    }

    #[test]
    fn what_an_update_takes_over_and_what_it_refuses() {
        let mut errors = Errors::new();
        let tokens = r#"entry = f(a), entry = self.g(), defaults(on = "always", crate = c)"#;
        let args = update(tokens.parse().unwrap(), &mut errors);
        errors.finish().unwrap();
        assert_eq!(args.entries.len(), 2);
        assert!(args.always.unwrap().inherited && args.krate.unwrap().inherited);
        assert!(in_update("cache = self.cache")[0].contains("where the cached function keeps it"));
        assert!(in_update("\"user:*\"")[0].contains("names many entries"));
        assert!(in_update("ttl = 3")[0].contains("it is one of `#[cached]`"));
    }

    #[test]
    fn every_argument_is_read() {
        let tokens = r#"
            key_prefix = "user:{id}", ttl = 300, none_ttl = "30s", key(id, filter.city,), scope = self.tenant,
            tags("team:{filter.team}", "catalog",), batch = id,
            version = 2, cache = f::<A, B>(), tier = "memory", single_flight = "off", outcome = "result_option",
            codec = Postcard,
        "#;
        assert_eq!(in_cached(tokens), [""; 0]);
        let mut errors = Errors::new();
        let args = cached(tokens.parse().unwrap(), &mut errors);
        errors.finish().unwrap();
        assert_eq!(args.key.unwrap().value.len(), 2);
        assert_eq!(args.tags.unwrap().value.len(), 2);
        assert_eq!(args.batch.unwrap().value, "id");
        assert_eq!(args.version.unwrap().value, 2);
        assert!(!args.single_flight.unwrap().value);
        assert_eq!(
            in_invalidate(
                r#""a:*", "b", pattern = "c", tags("d:{id}"), on = "always", cache = self.cache"#
            ),
            [""; 0]
        );
    }

    #[test]
    fn what_is_not_said_is_taken_over_from_the_defaults() {
        let mut errors = Errors::new();
        let tokens = r#"
            defaults(
                key_prefix = "user", ttl = 3, none_ttl = 4, scope = a, tags("e"), version = 5, cache = b, tier = "memory",
                single_flight = "off", codec = e, crate = c, generics(T, N),
            ),
            ttl = 6, cache = d,
        "#;
        let args = cached(tokens.parse().unwrap(), &mut errors);
        let tokens = r#""a", on = "ok", defaults(on = "always", cache = b, crate = c)"#;
        let writer = invalidate(tokens.parse().unwrap(), &mut errors);
        let tokens = "defaults(cache = b)";
        let idle = invalidate(tokens.parse().unwrap(), &mut errors);
        errors.finish().unwrap();

        let inherited = [
            args.key_prefix.map(|argument| argument.inherited),
            args.ttl.map(|argument| argument.inherited),
            args.none_ttl.map(|argument| argument.inherited),
            args.scope.map(|argument| argument.inherited),
            args.tags.map(|argument| argument.inherited),
            args.version.map(|argument| argument.inherited),
            args.cache.map(|argument| argument.inherited),
            args.tier.map(|argument| argument.inherited),
            args.single_flight.map(|argument| argument.inherited),
            args.codec.map(|argument| argument.inherited),
            args.krate.map(|argument| argument.inherited),
        ];
        let mut expected = [Some(true); 11];
        (expected[1], expected[6]) = (Some(false), Some(false));
        assert_eq!(inherited, expected);
        assert_eq!(args.generics.unwrap(), ["T", "N"]);
        assert!(!writer.always.unwrap().value);
        assert!(writer.cache.unwrap().inherited && writer.krate.unwrap().inherited);
        assert!(!idle.has_patterns, "a default is no pattern");
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
