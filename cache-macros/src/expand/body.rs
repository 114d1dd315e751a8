//! The body as it was written, and the function around what stands in its place.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, Pat, PatType, Type, parse_quote, token};

use super::key::allow_underscore;
use crate::signature::{Argument, Body, Facts, Function, Held};

/// Mentions the arguments that the body may not.
///
/// A closure captures what it mentions, and what it does not capture would be dropped after the invalidation: a guard
/// that commits when it is dropped would commit too late. Last first, since they are dropped in the order of capture.
pub(super) fn unmentioned(function: &Function, facts: &Facts) -> TokenStream {
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
pub(super) fn body(
    function: &Function,
    facts: &Facts,
    returned: &Type,
    unmentioned: &TokenStream,
) -> TokenStream {
    let (brace, statements) = written(function, facts);
    closure(facts, returned, brace, unmentioned, &statements)
}

/// The body as it was written.
pub(super) fn written(function: &Function, facts: &Facts) -> (token::Brace, TokenStream) {
    let (brace, statements) = facts.statements(function).unzip();
    let statements = statements.cloned();
    (brace.unwrap_or_default(), statements.unwrap_or_default())
}

/// `|| -> T { … }`, with something before the patterns.
pub(super) fn closure(
    facts: &Facts,
    returned: &Type,
    brace: token::Brace,
    before: &TokenStream,
    statements: &TokenStream,
) -> TokenStream {
    let block = block(facts, brace, before, statements);
    quote!(|| -> #returned #block)
}

/// `{ … }`: what comes `first`, and then the body.
pub(super) fn block(
    facts: &Facts,
    brace: token::Brace,
    first: &TokenStream,
    statements: &TokenStream,
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
    let mut block = TokenStream::new();
    brace.surround(&mut block, |block| {
        first.to_tokens(block);
        block.extend(patterns);
        statements.to_tokens(block);
    });
    block
}

/// The function with other statements, and with names for arguments that had patterns.
pub(super) fn with_body(function: Function, facts: &Facts, statements: TokenStream) -> TokenStream {
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
    let statements = match &facts.boxed {
        Some(boxed) => boxed.with_statements(&statements),
        None => statements,
    };
    quote! {
        #(#attributes)*
        #visibility #defaultness #signature {
            #(#inner)*
            #statements
        }
    }
}
