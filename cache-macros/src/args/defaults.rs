//! The arguments of `#[cache_defaults]`, and how an annotation takes them over.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::token;

use super::read::{DEFAULTS, each, example, key, list, unknown};
use super::{
    Argument, Cached, Invalidate, Keyed, Update, cached_argument, invalidate_argument, update,
};
use crate::errors::{Errors, error};
use crate::template::Template;

/// The macros that take defaults over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Annotation {
    Cached,
    Invalidate,
    Update,
}

impl Annotation {
    pub(crate) const ALL: [Self; 3] = [Self::Cached, Self::Invalidate, Self::Update];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Invalidate => "invalidate_cache",
            Self::Update => "update_cache",
        }
    }

    fn takes(self, key: &Ident) -> bool {
        match self {
            Self::Cached => key != "on",
            Self::Invalidate => key == "cache" || key == "on" || key == "crate",
            Self::Update => key == "on" || key == "crate",
        }
    }
}

/// The arguments of `#[cache_defaults]` that are written as they have to be.
pub(crate) struct Defaults {
    arguments: Vec<Passed>,
}

/// One of them.
struct Passed {
    key: Ident,
    /// As it was written, to be read again by each annotation.
    written: TokenStream,
}

impl Defaults {
    /// The keys of the defaults that none of `annotations` takes, and the annotation that each is meant for.
    pub(crate) fn without_taker(&self, annotations: &[Annotation]) -> Vec<(&Ident, Annotation)> {
        let untaken = self.arguments.iter().map(|argument| &argument.key);
        let untaken = untaken.filter(|key| !annotations.iter().any(|taker| taker.takes(key)));
        untaken
            .map(|key| {
                let mut meant = Annotation::ALL.into_iter();
                let meant = meant.find(|taker| taker.takes(key));
                (key, meant.unwrap_or(Annotation::Cached))
            })
            .collect()
    }

    /// `defaults(…)`: what `annotation` takes over, and, for a cached function, the block's parameters.
    pub(crate) fn argument_of(
        &self,
        annotation: Annotation,
        generics: Option<&[Ident]>,
    ) -> TokenStream {
        let here = Span::call_site();
        let taken = self.arguments.iter();
        let taken = taken.filter(|argument| annotation.takes(&argument.key));
        let mut arguments: Vec<TokenStream> =
            taken.map(|argument| argument.written.clone()).collect();
        if let (Annotation::Cached, Some(generics)) = (annotation, generics) {
            arguments.push(quote_spanned!(here=> generics(#(#generics),*)));
        }
        quote_spanned!(here=> defaults(#(#arguments),*))
    }
}

/// Reads the arguments of `#[cache_defaults]`.
pub(crate) fn defaults(tokens: TokenStream, errors: &mut Errors) -> Defaults {
    if tokens.is_empty() {
        errors.at(
            TokenStream::new(),
            "`#[cache_defaults]` says no default",
            "say what the functions in the block share, as in `#[cache_defaults(key_prefix = \"user\", ttl = \"10m\")]`",
        );
    }
    let (mut cached, mut invalidate) = (Cached::default(), Invalidate::default());
    let mut arguments: Vec<Passed> = Vec::new();
    each(tokens, errors, |input, errors| {
        let begin = input.fork();
        let name = key(
            input,
            "defaults are written `name = value`, such as `ttl = 300`; what is invalidated, each function says itself",
        )?;
        own_alone(&name)?;
        if !DEFAULTS.iter().any(|(known, _)| name == known) {
            return Err(unknown("cache_defaults", &name, DEFAULTS));
        }
        if Annotation::Cached.takes(&name) {
            cached_argument(&mut cached, name.clone(), input, errors)?;
        } else {
            invalidate_argument(&mut invalidate, name.clone(), input, errors)?;
        }
        if name == "key_prefix" {
            names_fields_of_self(cached.key_prefix.iter().map(|prefix| &prefix.value))?;
        } else if name == "tags" {
            names_fields_of_self(cached.tags.iter().flat_map(|tags| &tags.value))?;
        }
        if name == "ttl" || name == "refresh_ahead" {
            cached.refreshes_within_ttl()?;
        }
        if arguments.iter().all(|known| known.key != name) {
            arguments.push(Passed {
                key: name,
                written: between(&begin, input)?,
            });
        }
        Ok(())
    });
    Defaults { arguments }
}

/// What stands from `begin` to where `end` has come.
fn between(begin: ParseStream, end: ParseStream) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while begin.cursor() != end.cursor() {
        begin.parse::<TokenTree>()?.to_tokens(&mut tokens);
    }
    Ok(tokens)
}

/// Arguments that functions do not share.
fn own_alone(key: &Ident) -> syn::Result<()> {
    let (problem, attribute) = match key.to_string().as_str() {
        "key" | "skip" | "batch" => ("it names arguments of one function", "cached"),
        "ttl_with" | "store_if" => ("it judges the values of one function", "cached"),
        "bypass_if" => ("it judges the arguments of one function", "cached"),
        "outcome" => ("it says what the return type of one function is", "cached"),
        "pattern" | "entry" => (
            "what is invalidated depends on what one function writes",
            "invalidate_cache",
        ),
        _ => return Ok(()),
    };
    Err(error(
        key,
        format!("`{key}` cannot be a default: {problem}"),
        format!(
            "write it on the functions themselves: `#[{attribute}({})]`",
            example(key)
        ),
    ))
}

/// A mistake that does not depend on the function is told once.
fn names_fields_of_self<'t>(mut templates: impl Iterator<Item = &'t Template>) -> syn::Result<()> {
    let is_self = |placeholder: &crate::template::Placeholder| {
        placeholder.root == "self" && placeholder.fields.is_empty()
    };
    let shows_self = |template: &&Template| template.placeholders.iter().any(is_self);
    if let Some(template) = templates.find(shows_self) {
        return Err(error(
            &template.literal,
            "`{self}` is the receiver as a whole, and a placeholder stands for one scalar value",
            "name a field of it, as in `{self.region}`",
        ));
    }
    Ok(())
}

/// Reads `defaults(…)` in a `#[cached]`.
pub(super) fn of_cached(
    defaults: &mut Cached,
    name: &Ident,
    input: ParseStream,
    errors: &mut Errors,
) -> syn::Result<()> {
    passed(Annotation::Cached, name, input, errors, |input, errors| {
        let key = key(input, "defaults are written `name = value`")?;
        if key == "generics" {
            let generics = list(input, &key, Punctuated::parse_terminated)?;
            defaults.generics = Some(generics);
            return Ok(());
        }
        cached_argument(defaults, key, input, errors)
    })
}

/// Reads `defaults(…)` in an `#[invalidate_cache]`.
pub(super) fn of_invalidate(
    defaults: &mut Invalidate,
    name: &Ident,
    input: ParseStream,
    errors: &mut Errors,
) -> syn::Result<()> {
    let annotation = Annotation::Invalidate;
    passed(annotation, name, input, errors, |input, errors| {
        let key = key(input, "defaults are written `name = value`")?;
        invalidate_argument(defaults, key, input, errors)
    })
}

/// Reads `defaults(…)` in an `#[update_cache]`.
pub(super) fn of_update(
    defaults: &mut Update,
    name: &Ident,
    input: ParseStream,
    errors: &mut Errors,
) -> syn::Result<()> {
    passed(Annotation::Update, name, input, errors, |input, errors| {
        let key = key(input, "defaults are written `name = value`")?;
        update::argument(defaults, key, input, errors)
    })
}

fn passed(
    annotation: Annotation,
    name: &Ident,
    input: ParseStream,
    errors: &mut Errors,
    read: impl FnMut(ParseStream, &mut Errors) -> syn::Result<()>,
) -> syn::Result<()> {
    if !input.peek(token::Paren) {
        return Err(error(
            name,
            format!("`#[{}]` has no argument `defaults`", annotation.name()),
            "what the functions of a block share is said on the block: `#[cache_defaults(ttl = 300)]`",
        ));
    }
    let passed: Group = input.parse()?;
    each(passed.stream(), errors, read);
    Ok(())
}

impl Cached {
    /// The key prefix and the tags: what shows values.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let key_prefix = self.key_prefix.iter().map(|key_prefix| &key_prefix.value);
        key_prefix.chain(self.tags.iter().flat_map(|tags| &tags.value))
    }

    /// Takes over what it does not say itself.
    pub(super) fn inherit(&mut self, defaults: Self) {
        inherit(&mut self.key_prefix, defaults.key_prefix);
        inherit(&mut self.ttl, defaults.ttl);
        inherit(&mut self.none_ttl, defaults.none_ttl);
        inherit(&mut self.jitter, defaults.jitter);
        inherit(&mut self.verify, defaults.verify);
        inherit(&mut self.scope, defaults.scope);
        inherit(&mut self.tags, defaults.tags);
        inherit(&mut self.version, defaults.version);
        inherit(&mut self.cache, defaults.cache);
        inherit(&mut self.tier, defaults.tier);
        inherit(&mut self.single_flight, defaults.single_flight);
        self.freshness.inherit(defaults.freshness);
        inherit(&mut self.codec, defaults.codec);
        inherit(&mut self.krate, defaults.krate);
        self.generics = defaults.generics;
    }
}

impl Invalidate {
    /// Takes over what it does not say itself.
    pub(super) fn inherit(&mut self, defaults: Self) {
        inherit(&mut self.always, defaults.always);
        inherit(&mut self.cache, defaults.cache);
        inherit(&mut self.krate, defaults.krate);
    }
}

impl Update {
    /// Takes over what it does not say itself.
    pub(super) fn inherit(&mut self, defaults: Self) {
        inherit(&mut self.always, defaults.always);
        inherit(&mut self.krate, defaults.krate);
    }
}

pub(super) fn inherit<T>(own: &mut Argument<T>, default: Argument<T>) {
    if let (None, Some(default)) = (&own, default) {
        *own = Some(Keyed {
            inherited: true,
            ..default
        });
    }
}
