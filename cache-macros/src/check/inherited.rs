//! Rules about defaults of the surrounding block. They are fine by themselves, so what does not fit is reported at the
//! function that takes them over.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro};

use super::names::{Names, find_self};
use crate::args::{Argument, Cached, Invalidate, Keyed};
use crate::duration::Ttl;
use crate::errors::{Errors, quoted};
use crate::signature::Function;
use crate::template::Template;

/// Lets `self` in defaults be the receiver, also when a `macro_rules` macro wrote the block around functions that it was
/// given: the one is hygienic, and the defaults are about the receiver of each function.
pub(super) fn resolve(args: &mut Cached, names: &Names<'_>) {
    let expressions = [&mut args.scope, &mut args.cache, &mut args.codec];
    resolve_all(expressions.into_iter().flatten().map(in_place), names);
    let ttls = [&mut args.ttl, &mut args.none_ttl];
    let ttls = ttls
        .into_iter()
        .flatten()
        .filter_map(|ttl| match &mut ttl.value {
            Ttl::Expression(expression) => Some((ttl.inherited, expression)),
            Ttl::Millis(_) => None,
        });
    resolve_all(ttls, names);
}

/// The same for a function that invalidates.
pub(super) fn resolve_cache(cache: &mut Argument<Expr>, names: &Names<'_>) {
    resolve_all(cache.iter_mut().map(in_place), names);
}

fn in_place(argument: &mut Keyed<Expr>) -> (bool, &mut Expr) {
    (argument.inherited, &mut argument.value)
}

fn resolve_all<'a>(expressions: impl Iterator<Item = (bool, &'a mut Expr)>, names: &Names<'_>) {
    let Some(receiver) = names.receiver() else {
        return;
    };
    for (_, expression) in expressions.filter(|(inherited, _)| *inherited) {
        Receiver(receiver).visit_expr_mut(expression);
    }
}

struct Receiver(Span);

impl Receiver {
    fn resolve_in(&self, tokens: TokenStream) -> TokenStream {
        let tokens = tokens.into_iter().map(|token| match token {
            TokenTree::Ident(mut ident) if ident == "self" => {
                ident.set_span(ident.span().resolved_at(self.0));
                ident.into()
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), self.resolve_in(group.stream()));
                inner.set_span(group.span());
                inner.into()
            }
            other => other,
        });
        tokens.collect()
    }
}

impl VisitMut for Receiver {
    fn visit_ident_mut(&mut self, ident: &mut Ident) {
        if ident == "self" {
            ident.set_span(ident.span().resolved_at(self.0));
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        call.tokens = self.resolve_in(std::mem::take(&mut call.tokens));
    }
}

/// Defaults that need a receiver have one.
pub(super) fn fits_cached(
    args: &Cached,
    written: &Function,
    names: &Names<'_>,
    errors: &mut Errors,
) {
    if names.receiver().is_some() {
        return;
    }
    let own = [
        in_templates(&args.key_prefix, std::slice::from_ref).then_some("key_prefix = \"user\""),
        in_templates(&args.tags, Vec::as_slice).then_some("tags(\"users\")"),
        in_expression(&args.scope).then_some("scope = ()"),
        in_expression(&args.cache).then_some("cache = cachewright::installed()"),
        in_expression(&args.codec).then_some("codec = cachewright::codec::Json"),
        in_ttl(&args.ttl).then_some("ttl = 300"),
        in_ttl(&args.none_ttl).then_some("none_ttl = 30"),
    ];
    tell(own.into_iter().flatten().collect(), written, errors);
}

/// The same for a function that invalidates.
pub(super) fn fits_invalidate(
    args: &Invalidate,
    written: &Function,
    names: &Names<'_>,
    errors: &mut Errors,
) {
    if names.receiver().is_none() && in_expression(&args.cache) {
        let own = vec!["cache = cachewright::installed()"];
        tell(own, written, errors);
    }
}

fn in_expression(argument: &Argument<Expr>) -> bool {
    let inherited = argument.as_ref().filter(|argument| argument.inherited);
    inherited.is_some_and(|argument| needs_self(&argument.value))
}

fn in_ttl(argument: &Argument<Ttl>) -> bool {
    let inherited = argument.as_ref().filter(|argument| argument.inherited);
    inherited.is_some_and(|argument| match &argument.value {
        Ttl::Expression(expression) => needs_self(expression),
        Ttl::Millis(_) => false,
    })
}

fn in_templates<T>(argument: &Argument<T>, templates: fn(&T) -> &[Template]) -> bool {
    let inherited = argument.as_ref().filter(|argument| argument.inherited);
    let templates = inherited.map(|argument| templates(&argument.value));
    let mut placeholders = templates
        .into_iter()
        .flatten()
        .flat_map(|template| &template.placeholders);
    placeholders.any(|placeholder| placeholder.root == "self")
}

fn needs_self(expression: &Expr) -> bool {
    find_self(expression.to_token_stream()).is_some()
}

/// One error for all: the mistake is one.
fn tell(own: Vec<&str>, written: &Function, errors: &mut Errors) {
    if own.is_empty() {
        return;
    }
    let function = &written.signature.ident;
    let keys = own.iter().filter_map(|own| own.split([' ', '(']).next());
    errors.at(
        function,
        format!(
            "`{function}` takes no `self`, and defaults of its block need one: {}",
            quoted(keys)
        ),
        format!(
            "give it its own, such as {}, or make it a method: `&self`",
            quoted(&own)
        ),
    );
}

/// What the placeholders of a default key prefix or tag stand for in this function, which can give
/// itself its `own`.
pub(super) fn segments(
    own: &str,
    template: &Template,
    written: &Function,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Vec<TokenStream> {
    let mut segments = Vec::new();
    for placeholder in &template.placeholders {
        if let Some(segment) = names.resolve(placeholder, template) {
            segments.push(segment);
        } else if placeholder.root != "self" {
            let function = &written.signature.ident;
            let what = if own.starts_with("tags") {
                "tag"
            } else {
                "key prefix"
            };
            let written = template.literal.value();
            let (root, text) = (&placeholder.root, placeholder.text());
            let why = if names.is_bound_in_pattern(root) {
                "is bound inside a pattern there"
            } else {
                "is no argument of it"
            };
            errors.at(
                function,
                format!(
                    "`{function}` cannot take over the default {what} `{written}`: `{text}` {why}"
                ),
                format!("give it its own `{own}`; {}", names.known(root)),
            );
        }
    }
    segments
}
