//! Rules about what the key is made of.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Member, Type, TypePath};

use super::batch::{element, is_batch};
use super::names::{Names, find_self};
use super::{KeyPart, KeyParts};
use crate::args::{Cached, Keyed};
use crate::errors::Errors;
use crate::signature::{Argument, Facts};
use crate::template::{Placeholder, Template};

/// What the key is made of: the arguments that `key(…)` chose, or all but those that `skip(…)` left out.
pub(super) fn parts(
    args: &Cached,
    facts: &Facts,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Vec<KeyPart> {
    not_both(args, errors);
    names_something(args, facts, errors);
    if let Some(skip) = &args.skip {
        skipped_exist(skip, names, errors);
        no_placeholder_shows(skip, args, errors);
    }
    if let Some(chosen) = &args.key {
        return chosen
            .value
            .iter()
            .map(|part| chosen_part(part, names, errors))
            .collect();
    }
    let kept = facts
        .arguments
        .iter()
        .filter(|argument| !is_skipped(args, argument));
    let part = |argument: &Argument| {
        let mut part = argument_part(argument, errors);
        if is_batch(args, argument) {
            let mut element = element();
            element.set_span(part.blame.resolved_at(element.span()));
            part.expression = Expr::Verbatim(element.to_token_stream());
        }
        part
    };
    kept.map(part).collect()
}

/// What separates entries beside the arguments: `scope`, and placeholders that no argument of the key covers: an entry
/// has the tags of the call that computed it, which have to be those of every call that it answers.
pub(super) fn scopes(args: &Cached, facts: &Facts, names: &Names<'_>) -> Vec<Expr> {
    let mut scopes = Vec::new();
    let mut covered = covered_texts(args, facts);
    if let Some(scope) = &args.scope {
        covered.extend(place(&scope.value));
        scopes.push(scope.value.clone());
    }
    for template in args.templates() {
        for placeholder in &template.placeholders {
            let text = placeholder.text();
            // A field is not covered by what it is a field of, whose `Serialize` may leave it out.
            if !covered.contains(&text) {
                let scope = names.resolve(placeholder, template);
                scopes.extend(scope.map(Expr::Verbatim));
                covered.push(text);
            }
        }
    }
    scopes
}

/// The parts of the key as a placeholder would write them.
fn covered_texts(args: &Cached, facts: &Facts) -> Vec<String> {
    if let Some(chosen) = &args.key {
        return chosen.value.iter().filter_map(place).collect();
    }
    let kept = facts
        .arguments
        .iter()
        .filter(|argument| !is_skipped(args, argument));
    let named = kept.filter_map(Argument::name);
    named.map(|name| name.unraw().to_string()).collect()
}

/// `a`, `a.b`, `a.0` as a placeholder would write it; other expressions are no places.
fn place(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Path(ExprPath { path, .. }) => path.get_ident().map(|name| name.unraw().to_string()),
        Expr::Field(field) => {
            let member = match &field.member {
                Member::Named(name) => name.unraw().to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            };
            place(&field.base).map(|base| format!("{base}.{member}"))
        }
        Expr::Reference(reference) => place(&reference.expr),
        Expr::Paren(paren) => place(&paren.expr),
        Expr::Group(group) => place(&group.expr),
        _ => None,
    }
}

/// Which arguments the key is made of, for writers that name an entry by a call.
pub(super) fn positions(args: &Cached, facts: &Facts) -> KeyParts {
    let count = u8::try_from(facts.arguments.len()).unwrap_or(u8::MAX);
    // Which of them there are, nobody knows yet.
    if facts
        .arguments
        .iter()
        .any(|argument| !argument.conditions.is_empty())
    {
        return KeyParts::Conditional;
    }
    let position_of = |name: &str| {
        let is_it = |argument: &Argument| argument.name().is_some_and(|own| own.unraw() == name);
        let position = facts.arguments.iter().position(is_it);
        position.and_then(|position| u8::try_from(position).ok())
    };
    if let Some(chosen) = &args.key {
        let positions = chosen.value.iter().map(|part| position_of(&place(part)?));
        let positions: Option<Vec<u8>> = positions.collect();
        return positions.map_or(KeyParts::Chosen(count), |positions| {
            KeyParts::Some(count, positions)
        });
    }
    if args.skip.is_none() {
        return KeyParts::All(count);
    }
    let kept = (0_u8..).zip(&facts.arguments);
    let kept = kept.filter(|(_, argument)| !is_skipped(args, argument));
    KeyParts::Some(count, kept.map(|(position, _)| position).collect())
}

/// Whether something of `self` tells entries apart, or the cache that they are in.
pub(super) fn is_scoped(args: &Cached) -> bool {
    let own_cache = args.cache.as_ref();
    let own_cache =
        own_cache.is_some_and(|cache| find_self(cache.value.to_token_stream()).is_some());
    let mut placeholders = args.templates().flat_map(|template| &template.placeholders);
    let chosen = args.key.iter().flat_map(|key| &key.value);
    args.scope.is_some()
        || own_cache
        || placeholders.any(|placeholder| placeholder.root == "self")
        || chosen
            .into_iter()
            .any(|part| root(part).is_some_and(|root| root == "self"))
}

/// Whether an argument as a whole is a part of the key because nobody said otherwise.
pub(super) fn is_in_the_key(args: &Cached, argument: &Argument) -> bool {
    args.key.is_none() && !is_skipped(args, argument)
}

fn is_skipped(args: &Cached, argument: &Argument) -> bool {
    let skipped = args.skip.iter().flat_map(|skip| &skip.value);
    skipped
        .map(IdentExt::unraw)
        .any(|name| argument.name().is_some_and(|own| own.unraw() == name))
}

fn not_both(args: &Cached, errors: &mut Errors) {
    if let (Some(_), Some(skip)) = (&args.key, &args.skip) {
        errors.at(
            &skip.key,
            "`key(…)` and `skip(…)` cannot stand together: the one names all that the key is made of, the other all that it is not",
            "keep one of the two; what `key(…)` does not name is left out anyway",
        );
    }
}

/// An empty list was not finished, or it says something else than it looks like.
fn names_something(args: &Cached, facts: &Facts, errors: &mut Errors) {
    if let Some(key) = &args.key
        && key.value.is_empty()
        && !facts.arguments.is_empty()
    {
        errors.at(
            &key.key,
            "`key()` names nothing, so all calls would have one answer",
            "name what the answer depends on: `key(user_id)`; if it is no argument, leave them all out with `skip(…)`",
        );
    }
    if let Some(skip) = &args.skip
        && skip.value.is_empty()
    {
        errors.at(
            &skip.key,
            "`skip()` names nothing",
            "name the arguments that are no part of the key, `skip(db)`, or leave it out",
        );
    }
}

/// What is shown in the prefix or a tag tells entries apart.
fn no_placeholder_shows(skip: &Keyed<Vec<Ident>>, args: &Cached, errors: &mut Errors) {
    for name in &skip.value {
        let shows = |placeholder: &Placeholder| {
            placeholder.fields.is_empty() && name.unraw() == placeholder.root
        };
        let shows = |template: &Template| template.placeholders.iter().any(shows);
        let by_prefix = args
            .key_prefix
            .as_ref()
            .is_some_and(|prefix| shows(&prefix.value));
        if by_prefix || args.templates().any(shows) {
            let shown = if by_prefix { "its prefix" } else { "a tag" };
            errors.at(
                name,
                format!(
                    "`{name}` is left out of the key and shown in {shown} by `{{{name}}}`, which makes it a part of the key"
                ),
                "keep one of the two",
            );
        }
    }
}

fn skipped_exist(skip: &Keyed<Vec<Ident>>, names: &Names<'_>, errors: &mut Errors) {
    for (position, name) in skip.value.iter().enumerate() {
        if skip.value[..position].contains(name) {
            errors.at(
                name,
                format!("`{name}` is skipped a second time"),
                "keep one of the two",
            );
        } else if name == "self" {
            errors.at(
                name,
                "`self` is never a part of the key",
                "leave it out; `scope = self.tenant_id` adds what separates instances",
            );
        } else if names.find(&name.unraw().to_string()).is_none() {
            names.unknown_argument(name, errors);
        }
    }
}

fn chosen_part(part: &Expr, names: &Names<'_>, errors: &mut Errors) -> KeyPart {
    match root(part) {
        Some(root) if root == "self" => names.need_receiver(part, errors),
        Some(root) if names.find(&root.unraw().to_string()).is_none() => {
            names.unknown_argument(root, errors);
        }
        _ => {}
    }
    KeyPart {
        expression: part.clone(),
        conditions: Vec::new(),
        blame: part.span(),
    }
}

/// The name with which `a`, `a.b`, `a[0]`, `a.b()` begin.
fn root(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Path(ExprPath { path, .. }) => path.get_ident(),
        Expr::Field(field) => root(&field.base),
        Expr::Index(index) => root(&index.expr),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        _ => None,
    }
}

fn argument_part(argument: &Argument, errors: &mut Errors) -> KeyPart {
    if argument.is_mutable_reference() {
        let way_out = argument.name().map_or_else(
            || "give it a name and leave it out of the key with `skip(…)`".to_owned(),
            |name| format!("leave it out of the key with `skip({name})`, or take `&T`"),
        );
        errors.at(
            &argument.ty,
            "a `&mut` argument cannot be a part of the key: a hit does not run the body, so nothing would be changed",
            way_out,
        );
    }
    KeyPart {
        expression: Expr::Verbatim(argument.variable.to_token_stream()),
        conditions: argument.conditions.clone(),
        blame: telling_token(&argument.ty),
    }
}

/// The token of a type that names it best: a span of several tokens can't be made on stable compilers.
pub(super) fn telling_token(ty: &Type) -> Span {
    match ty {
        Type::Reference(reference) => telling_token(&reference.elem),
        Type::Path(TypePath { path, .. }) => path
            .segments
            .last()
            .map_or_else(Span::call_site, |last| last.ident.span()),
        _ => ty
            .to_token_stream()
            .into_iter()
            .next()
            .map_or_else(Span::call_site, |first| first.span()),
    }
}
