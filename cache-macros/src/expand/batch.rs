//! A call of a batch function: its elements are looked up each by itself, and the body is given those that are missing.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Pat, Type};

use super::{Runtime, body, key, local, ours_at};
use crate::args::Tier;
use crate::check::{Batch, CachedPlan, element};
use crate::signature::{Facts, Function};

/// The shape of the answer to one element, as the compiler sees it.
pub(super) fn outcome(runtime: &Runtime, returned: &Type) -> TokenStream {
    let place = ours_at(returned.span());
    let returns = runtime.name_at("BatchReturns", place);
    quote_spanned!(place=> #returns::<#returned>::new().outcome())
}

/// What looks the elements up, reported where it can't be done for what the function returns.
pub(super) fn lookup(runtime: &Runtime, tier: Option<Tier>, returned: &Type) -> TokenStream {
    let name = match tier {
        Some(Tier::Memory) => "lookup_batch_local",
        _ => "lookup_batch",
    };
    runtime.name_at(name, ours_at(returned.span()))
}

/// The argument, and the closures that write the key of an element and fill its prefix.
pub(super) fn looked_up(plan: &CachedPlan, batch: &Batch) -> TokenStream {
    let (variable, place) = (&batch.variable, ours_at(batch.blame));
    let argument = quote_spanned!(place=> &#variable);
    let of_element = Some(element());
    let key = key::key(plan, of_element.as_ref());
    let prefix = key::segments(&plan.segments, of_element.as_ref());
    quote!(#argument, #key, #prefix)
}

/// `|missing| -> T { … }`: the body as it was written, in which the argument is what is missing of it.
pub(super) fn body(
    batch: &Batch,
    function: &Function,
    facts: &Facts,
    returned: &Type,
) -> TokenStream {
    let missing = local("missing");
    let Batch {
        variable, inner, ..
    } = batch;
    let place = ours_at(batch.blame);
    let part = quote_spanned!(place=> #missing.of(&#variable));
    let allow = allow_underscore(batch);
    let rebound = quote! {
        #allow
        let #variable = #part;
        #allow
        let #inner = #variable.argument();
    };
    let (brace, statements) = body::written(function, facts);
    let block = body::block(facts, brace, &rebound, &statements);
    quote!(|#missing| -> #returned #block)
}

/// An argument with a leading underscore may be unused in the body and is looked at all the same.
pub(super) fn allow_underscore(batch: &Batch) -> Option<TokenStream> {
    key::allow_underscore(&batch.variable.to_token_stream())
}

/// The function, whose argument only the body may change.
pub(super) fn unchanged(mut function: Function, batch: &Batch) -> Function {
    for input in &mut function.signature.inputs {
        if let FnArg::Typed(argument) = input
            && let Pat::Ident(name) = &mut *argument.pat
            && name.ident == batch.variable
        {
            name.mutability = None;
        }
    }
    function
}
