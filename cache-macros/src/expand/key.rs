//! What the key and its prefix are made of.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::{local, ours_at};
use crate::check::{CachedPlan, KeyPart};

/// The closure that writes the key, perhaps that of one element.
pub(super) fn key(plan: &CachedPlan, element: Option<&Ident>) -> TokenStream {
    if plan.arguments.is_empty() && plan.scopes.is_empty() && plan.bypass_if.is_none() {
        return quote!(|_| {});
    }
    let key = local("key");
    let bypass = plan.bypass_if.as_ref().map(|condition| {
        let place = ours_at(condition.span());
        quote_spanned!(place=> #key.bypass_if(#condition);)
    });
    let arguments = plan.arguments.iter().map(|part| {
        let KeyPart {
            expression,
            conditions,
            blame,
        } = part;
        // A type that can't be a part of a key is the user's, so the bound is reported there.
        let place = ours_at(*blame);
        let is_element = element.is_some_and(|element| matches!(expression, Expr::Verbatim(written) if begins_with(written, element)));
        let expression = match is_element {
            // It is lent already.
            true => expression.to_token_stream(),
            false => reference(expression, place),
        };
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
    let element = element.map(|element| quote!(, #element));
    quote!(|#key #element| { #bypass #(#arguments)* #(#scopes)* })
}

/// The closure that fills the placeholders of a template, perhaps of that of one element.
pub(super) fn segments(segments: &[TokenStream], element: Option<&Ident>) -> TokenStream {
    if segments.is_empty() {
        let element = element.map(|_| quote!(, _));
        return quote!(|_ #element| {});
    }
    let prefix = local("prefix");
    let shown = segments
        .iter()
        .any(|segment| element.is_some_and(|element| begins_with(segment, element)));
    let element = element.map(|element| match shown {
        true => quote!(, #element),
        false => quote!(, _),
    });
    let segments = segments.iter().map(|segment| {
        let place = ours_at(segment.span());
        let allow = allow_underscore(segment);
        quote_spanned!(place=> #allow #prefix.segment(&#segment);)
    });
    quote!(|#prefix #element| { #(#segments)* })
}

fn begins_with(expression: &TokenStream, name: &Ident) -> bool {
    let first = expression.clone().into_iter().next();
    matches!(first, Some(TokenTree::Ident(first)) if first == *name)
}

/// An argument with a leading underscore may be unused in the body and still be part of the key.
pub(super) fn allow_underscore(expression: &TokenStream) -> Option<TokenStream> {
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

/// `&expression`, in parentheses where they are needed.
pub(super) fn reference(expression: &Expr, place: Span) -> TokenStream {
    match expression {
        Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Assign(_) | Expr::Closure(_) => {
            quote_spanned!(place=> &(#expression))
        }
        _ => quote_spanned!(place=> &#expression),
    }
}
