//! A body that may go on after the call: what is lent to the function is cloned for it, and lent to it in turn.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, Pat, Type};

use super::key::allow_underscore;
use super::{Runtime, body, ours_at};
use crate::check::Kept;
use crate::signature::{Argument, Facts, Function, renamed};

/// `move || { let name = Borrowed(name).own(); … }`: makes the body, when it is to be run.
pub(super) fn body(
    kept: &Kept,
    runtime: &Runtime,
    function: &Function,
    facts: &Facts,
    returned: &Type,
) -> TokenStream {
    let (mut clones, mut lent) = (TokenStream::new(), TokenStream::new());
    let (brace, mut statements) = body::written(function, facts);
    if let Some(receiver) = &kept.receiver {
        let place = ours_at(receiver.span());
        let this = Ident::new("this", place);
        let borrowed = runtime.name_at("Borrowed", place);
        clones.extend(quote_spanned!(place=> let #this = #borrowed(#receiver).own();));
        lent.extend(quote_spanned!(place=> let #this = #this.lend();));
        statements = renamed(statements, &this).statements;
    }
    for argument in &kept.arguments {
        let place = ours_at(argument.blame);
        let borrowed = runtime.name_at("Borrowed", place);
        let argument = &facts.arguments[argument.position];
        let Argument {
            conditions,
            variable,
            mutability,
            ..
        } = argument;
        // Another variable than the one that the body knows, which lints would take for shadowed.
        let mut clone = variable.clone();
        clone.set_span(place);
        let allow = allow_underscore(&variable.to_token_stream());
        clones.extend(quote_spanned! {place=>
            #(#conditions)* #allow let #clone = #borrowed(#variable).own();
        });
        lent.extend(quote_spanned! {place=>
            #(#conditions)*
            #[allow(unused_variables, clippy::shadow_unrelated)]
            let #mutability #variable = #clone.lend();
        });
    }
    let body = body::closure(facts, returned, brace, &lent, &statements);
    let body = if facts.is_async {
        let future_of = runtime.name("future_of");
        quote!(#future_of(async move #body))
    } else {
        quote!(move #body)
    };
    if clones.is_empty() {
        quote!(move || #body)
    } else {
        quote!(move || { #clones #body })
    }
}

/// The function without the `mut` of arguments that the body gets a variable of its own for.
pub(super) fn rebound(kept: Option<&Kept>, mut function: Function) -> Function {
    let Some(kept) = kept else {
        return function;
    };
    let inputs = function.signature.inputs.iter_mut();
    let typed = inputs.filter_map(|input| match input {
        FnArg::Typed(argument) => Some(&mut *argument.pat),
        FnArg::Receiver(_) => None,
    });
    for (position, pattern) in typed.enumerate() {
        let is_lent = kept.arguments.iter().any(|lent| lent.position == position);
        if let (Pat::Ident(pattern), true) = (pattern, is_lent) {
            pattern.mutability = None;
        }
    }
    function
}
