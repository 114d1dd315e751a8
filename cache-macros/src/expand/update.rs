//! The expansion of `#[update_cache]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Token};

use super::{Runtime, body, descriptor, entry, key, local, ours_at, outcome, returned};
use crate::args::{Callee, EntryCall};
use crate::check::UpdatePlan;
use crate::signature::{Facts, Function};

/// The expansion of `#[update_cache]`.
pub(crate) fn update(plan: &UpdatePlan, function: Function, facts: &Facts) -> TokenStream {
    let returned = returned(facts);
    let runtime = Runtime::new(plan.facade.as_ref());
    let begin = runtime.name("update");
    let descriptor = descriptor::updater(plan, &runtime, &function);
    let entries = plan.entries.iter().map(call);
    let always = plan.always.then(|| quote!(.always()));
    let outcome = outcome(&runtime, plan.outcome.as_ref(), &returned, "bare");
    let (described, update) = (local("writer"), local("update"));
    let unmentioned = body::unmentioned(&function, facts);
    let body = body::body(&function, facts, &returned, &unmentioned);
    let run = if facts.is_async {
        quote!(#update.through(async move #body).await)
    } else {
        quote!(#update.through_blocking(move #body))
    };
    let statements = quote! {
        let #described = #descriptor;
        let #update = #begin::<#returned, _>(#described, #outcome) #(#entries)* #always;
        #run
    };
    body::with_body(function, facts, statements)
}

/// A closure that makes the call, whose receiver may be made for it: it lives until the call was begun.
fn call(entry: &EntryCall) -> TokenStream {
    let name = entry.callee.name().unraw().to_string();
    let place = ours_at(entry.callee.name().span());
    let mut written = entry.callee.written();
    let arguments = entry.arguments.iter().map(given);
    let arguments: Punctuated<Expr, Token![,]> = arguments.collect();
    match &mut written {
        Expr::MethodCall(call) => call.args = arguments,
        Expr::Call(call) => call.args = arguments,
        _ => {}
    }
    let (caller, answer) = (local("call"), local("answer"));
    quote_spanned! {place=>
        .entry(#name, |#caller| match #written {
            #answer => #caller.came_to(#caller.answered(&#answer).mode(), #answer).bare(),
        })
    }
}

/// What is somewhere already is left there for the body.
fn given(argument: &Expr) -> Expr {
    if !entry::is_place(argument) {
        return argument.clone();
    }
    let place = ours_at(argument.span());
    let reference = key::reference(argument, place);
    Expr::Verbatim(quote_spanned!(place=> ::core::clone::Clone::clone(#reference)))
}

impl Callee {
    fn written(&self) -> Expr {
        match self {
            Self::Method(call) => Expr::MethodCall((**call).clone()),
            Self::Function(call, _) => Expr::Call(call.clone()),
        }
    }
}
