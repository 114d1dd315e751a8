//! The expansion of `#[update_cache]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Token};

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
    let mut made = Made::default();
    match &mut written {
        Expr::MethodCall(call) => {
            if let Expr::MethodCall(_) | Expr::Call(_) = *call.receiver {
                made.receiver(&mut call.receiver);
            }
            call.args = made.arguments(entry);
        }
        Expr::Call(call) => call.args = made.arguments(entry),
        _ => {}
    }
    let (caller, answer) = (local("call"), local("answer"));
    let call = quote_spanned! {place=>
        |#caller| match #written {
            #answer => #caller.came_to(#caller.answered(&#answer).mode(), #answer).bare(),
        }
    };
    let Made { values, names } = made;
    if values.is_empty() {
        return quote_spanned!(place=> .entry(#name, #call));
    }
    quote_spanned! {place=>
        .entry_with(#name, |#caller| match (#(#values,)*) {
            (#(#names,)*) => #caller.begin(#call),
        })
    }
}

/// What is made before the call is begun, under the names by which the call is given it. A cached function that is
/// called for it is no part of the call, and a lock in it is not poisoned where the call is stopped by unwinding.
#[derive(Default)]
struct Made {
    values: Vec<Expr>,
    names: Vec<TokenStream>,
}

impl Made {
    fn receiver(&mut self, receiver: &mut Expr) {
        let name = Ident::new("receiver", ours_at(receiver.span()));
        // It may be called by a mutable reference.
        self.names.push(quote!(mut #name));
        let value = std::mem::replace(receiver, Expr::Verbatim(quote!(#name)));
        self.values.push(value);
    }

    fn arguments(&mut self, entry: &EntryCall) -> Punctuated<Expr, Token![,]> {
        let arguments = (0..).zip(&entry.arguments);
        let arguments = arguments.map(|(position, argument)| {
            if is_at_hand(argument) {
                return given(argument);
            }
            let name = entry::parameter(position, argument);
            self.values.push(given(argument));
            self.names.push(quote!(#name));
            Expr::Verbatim(quote!(#name))
        });
        arguments.collect()
    }
}

/// Whether an expression calls nothing but operators.
fn is_at_hand(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Field(field) => is_at_hand(&field.base),
        Expr::Index(index) => is_at_hand(&index.expr) && is_at_hand(&index.index),
        Expr::Reference(reference) => is_at_hand(&reference.expr),
        Expr::Unary(unary) => is_at_hand(&unary.expr),
        Expr::Binary(binary) => is_at_hand(&binary.left) && is_at_hand(&binary.right),
        Expr::Cast(cast) => is_at_hand(&cast.expr),
        Expr::Paren(paren) => is_at_hand(&paren.expr),
        Expr::Group(group) => is_at_hand(&group.expr),
        _ => false,
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
