//! A plan → tokens. Nothing is decided here.
//!
//! Paths begin with `::`, and locals are `mixed_site`, so nothing of the user's can be taken for ours or the other way
//! round. A `static` is not hygienic: it lives in a block with nothing of the user's in it.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, FnArg, Pat, PatType, ReturnType, Type, parse_quote};

use crate::args::{Keyed, Outcome, Tier};
use crate::check::{CachedPlan, InvalidatePlan, KeyPart};
use crate::duration::Ttl;
use crate::signature::{Argument, Body, Facts, Function, Held};

/// The expansion of `#[cached]`.
pub(crate) fn cached(plan: &CachedPlan, function: Function, facts: &Facts) -> TokenStream {
    let returned = returned(&function);
    let lookup = match plan.tier {
        Some(Tier::Memory) => quote!(lookup_local),
        _ => quote!(lookup),
    };
    let concrete = plan.concrete.as_ref().map(|name| {
        // A nested item can't name a type parameter, so this compiles only if `name` is a type.
        quote!(const _: fn(#name) = |_| {};)
    });
    let cache = cache(plan.cache.as_ref());
    let descriptor = descriptor(plan, &function);
    let outcome = outcome(plan.outcome.as_ref(), &returned);
    let key = key(plan);
    let prefix = segments(&plan.segments);
    let ttl = ttl_expression(&quote!(ttl), plan.ttl.as_ref());
    let none_ttl = ttl_expression(&quote!(none_ttl), plan.none_ttl.as_ref());
    let call = local("call");
    let body = body(&function, facts, &returned, TokenStream::new());
    let run = if facts.is_async {
        quote!(#call.or_compute(async move #body).await)
    } else {
        quote!(#call.or_compute_blocking(move #body))
    };
    let statements = quote! {
        #concrete
        let #call = ::cachewright::__private::#lookup(
            #cache,
            #descriptor,
            #outcome,
            #key,
            #prefix,
        ) #ttl #none_ttl;
        #run
    };
    with_body(function, facts, statements)
}

/// The expansion of `#[invalidate_cache]`.
pub(crate) fn invalidate(plan: &InvalidatePlan, function: Function, facts: &Facts) -> TokenStream {
    let returned = returned(&function);
    let name = bare_name(&function);
    let cache = cache(plan.cache.as_ref());
    let patterns = plan.patterns.iter().map(|pattern| {
        let text = &pattern.text;
        let segments = segments(&pattern.segments);
        quote!(.pattern(#text, #segments))
    });
    let always = plan.always.then(|| quote!(.always()));
    let outcome = outcome(plan.outcome.as_ref(), &returned);
    let invalidation = local("invalidation");
    let body = body(&function, facts, &returned, unmentioned(&function, facts));
    let run = if facts.is_async {
        quote!(#invalidation.after(#outcome, async move #body).await)
    } else {
        quote!(#invalidation.after_blocking(#outcome, move #body))
    };
    let statements = quote! {
        let #invalidation = ::cachewright::__private::invalidation(#cache, #name) #(#patterns)* #always;
        #run
    };
    with_body(function, facts, statements)
}

/// A local that no name of the user's can clash with.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `place` in the user's source, with names resolved as ours, so that lints take it for generated code.
fn ours_at(place: Span) -> Span {
    place.resolved_at(Span::mixed_site())
}

fn bare_name(function: &Function) -> String {
    use syn::ext::IdentExt;
    function.signature.ident.unraw().to_string()
}

/// The return type, `impl Trait` in it left to inference.
fn returned(function: &Function) -> Type {
    let mut ty = match &function.signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    Inferred.visit_type_mut(&mut ty);
    ty
}

struct Inferred;

impl VisitMut for Inferred {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = parse_quote!(_);
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

fn cache(cache: Option<&Expr>) -> TokenStream {
    cache.map_or_else(
        || quote!(::cachewright::__private::installed()),
        |cache| reference(cache, ours_at(cache.span())),
    )
}

/// `&expression`, in parentheses where they are needed.
fn reference(expression: &Expr, place: Span) -> TokenStream {
    match expression {
        Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Assign(_) | Expr::Closure(_) => {
            quote_spanned!(place=> &(#expression))
        }
        _ => quote_spanned!(place=> &#expression),
    }
}

fn descriptor(plan: &CachedPlan, function: &Function) -> TokenStream {
    let name = bare_name(function);
    let key_prefix = &plan.key_prefix;
    let ttl = ttl_literal(&quote!(ttl_millis), plan.ttl.as_ref());
    let none_ttl = ttl_literal(&quote!(none_ttl_millis), plan.none_ttl.as_ref());
    let version = plan.version.map(Literal::u32_unsuffixed);
    let version = version.map(|version| quote!(.version(#version)));
    let tier = plan.tier.map(|tier| match tier {
        Tier::Memory => quote!(.memory_only()),
        Tier::Shared => quote!(.shared_only()),
    });
    let uncoalesced = (!plan.single_flight).then(|| quote!(.uncoalesced()));
    quote!({
        static FUNCTION: ::cachewright::__private::Function = ::cachewright::__private::Function::new(
            #name,
            #key_prefix,
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
        ) #ttl #none_ttl #version #tier #uncoalesced;
        &FUNCTION
    })
}

fn ttl_literal(setter: &TokenStream, ttl: Option<&Ttl>) -> Option<TokenStream> {
    let Some(Ttl::Millis(millis)) = ttl else {
        return None;
    };
    let millis = Literal::u64_unsuffixed(*millis);
    Some(quote!(.#setter(#millis)))
}

fn ttl_expression(setter: &TokenStream, ttl: Option<&Ttl>) -> Option<TokenStream> {
    let Some(Ttl::Expression(expression)) = ttl else {
        return None;
    };
    Some(quote!(.#setter(|| #expression)))
}

fn outcome(outcome: Option<&Keyed<Outcome>>, returned: &Type) -> TokenStream {
    let Some(Keyed { key, value }) = outcome else {
        // What a value lacks to be kept is the return type's matter, so it is reported there.
        let place = ours_at(returned.span());
        return quote_spanned!(place=> ::cachewright::__private::Returns::<#returned>::new().outcome());
    };
    let place = ours_at(key.span());
    match value {
        Outcome::Value => quote_spanned!(place=> ::cachewright::__private::Value),
        Outcome::Option => quote_spanned!(place=> ::cachewright::__private::OptionOf),
        Outcome::Result => quote_spanned!(place=> ::cachewright::__private::ResultOf),
        Outcome::ResultOption => quote_spanned!(place=> ::cachewright::__private::ResultOptionOf),
    }
}

fn key(plan: &CachedPlan) -> TokenStream {
    if plan.arguments.is_empty() && plan.scopes.is_empty() {
        return quote!(|_| {});
    }
    let key = local("key");
    let arguments = plan.arguments.iter().map(|part| {
        let KeyPart {
            expression,
            conditions,
            blame,
        } = part;
        // A type that can't be a part of a key is the user's, so the bound is reported there.
        let place = ours_at(*blame);
        let expression = reference(expression, place);
        let allow = allow_underscore(&expression);
        let argument = quote_spanned!(place=> #key.argument(#expression););
        quote!(#(#conditions)* #allow #argument)
    });
    let scopes = plan.scopes.iter().map(|scope| {
        let place = ours_at(scope.span());
        let scope = reference(scope, place);
        let allow = allow_underscore(&scope);
        quote_spanned!(place=> #allow #key.scope(#scope);)
    });
    quote!(|#key| { #(#arguments)* #(#scopes)* })
}

fn segments(segments: &[TokenStream]) -> TokenStream {
    if segments.is_empty() {
        return quote!(|_| {});
    }
    let prefix = local("prefix");
    let segments = segments.iter().map(|segment| {
        let place = ours_at(segment.span());
        let allow = allow_underscore(segment);
        quote_spanned!(place=> #allow #prefix.segment(&#segment);)
    });
    quote!(|#prefix| { #(#segments)* })
}

/// An argument with a leading underscore may be unused in the body and still be part of the key.
fn allow_underscore(expression: &TokenStream) -> Option<TokenStream> {
    let name = expression
        .clone()
        .into_iter()
        .find_map(|token| match token {
            TokenTree::Ident(name) => Some(name),
            _ => None,
        });
    name.filter(|name| name.to_string().starts_with('_'))
        .map(|_| quote!(#[allow(clippy::used_underscore_binding)]))
}

/// Mentions the arguments that the body may not.
///
/// A closure captures what it mentions, and what it does not capture would be dropped after the invalidation: a guard
/// that commits when it is dropped would commit too late. Last first, since they are dropped in the order of capture.
fn unmentioned(function: &Function, facts: &Facts) -> TokenStream {
    let arguments = facts.arguments.iter().rev().filter(|argument| {
        let unnamed = argument.pattern.is_some() || argument.variable.to_string().starts_with('_');
        unnamed && !matches!(argument.ty, Type::Reference(_))
    });
    let arguments = arguments.map(|argument| {
        let (conditions, variable) = (&argument.conditions, &argument.variable);
        let allow = allow_underscore(&variable.to_token_stream());
        quote!(#(#conditions)* #allow let _ = &#variable;)
    });
    let receiver = match (facts.receiver, function.signature.receiver()) {
        (Some(Held::ByValue), Some(receiver)) => {
            let receiver = receiver.self_token;
            Some(quote!(let _ = &#receiver;))
        }
        _ => None,
    };
    quote!(#(#arguments)* #receiver)
}

/// `|| -> T { … }`: the body as it was written, behind the patterns that take the arguments apart.
fn body(
    function: &Function,
    facts: &Facts,
    returned: &Type,
    unmentioned: TokenStream,
) -> TokenStream {
    let patterns = facts.arguments.iter().filter_map(|argument| {
        let Argument {
            variable,
            pattern,
            conditions,
            ..
        } = argument;
        let pattern = pattern
            .as_ref()
            .filter(|pattern| !matches!(pattern, Pat::Wild(_)))?;
        Some(quote!(#(#conditions)* let #pattern = #variable;))
    });
    let statements = function.body.as_ref().map(|body| &body.statements);
    let mut block = TokenStream::new();
    let brace = function
        .body
        .as_ref()
        .map(|body| body.brace)
        .unwrap_or_default();
    brace.surround(&mut block, |block| {
        block.extend(unmentioned);
        block.extend(patterns);
        statements.to_tokens(block);
    });
    quote!(|| -> #returned #block)
}

/// The function with other statements, and with names for arguments that had patterns.
fn with_body(function: Function, facts: &Facts, statements: TokenStream) -> TokenStream {
    let Function {
        attributes,
        visibility,
        defaultness,
        mut signature,
        body,
    } = function;
    let typed = signature.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    for (
        PatType { pat, .. },
        Argument {
            variable, pattern, ..
        },
    ) in typed.zip(&facts.arguments)
    {
        if pattern.is_some() {
            **pat = parse_quote!(#variable);
        }
    }
    let inner = body
        .map(|Body { attributes, .. }| attributes)
        .unwrap_or_default();
    quote! {
        #(#attributes)*
        #visibility #defaultness #signature {
            #(#inner)*
            #statements
        }
    }
}

#[cfg(test)]
mod tests;
