//! A call that names an entry.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprUnary, Token, UnOp};

use super::{key, ours_at};
use crate::args::{Callee, EntryCall};

/// A closure that is never called, in which the compiler checks the call and learns the types of its parameters; then
/// the values, each coerced to that of its own.
///
/// The answer is not returned: a method's future would borrow from the receiver in `Arc::clone(&self.users).get(id)`.
pub(super) fn call(entry: &EntryCall) -> TokenStream {
    let names: Vec<Ident> = (0..)
        .zip(&entry.arguments)
        .map(|(position, argument)| parameter(position, argument))
        .collect();
    let parameters = names.iter().rev();
    let parameters = parameters.fold(quote!(()), |rest, name| quote!((#name, #rest)));
    let name = entry.callee.name().unraw().to_string();
    let begin = match &entry.callee {
        Callee::Method(call) => {
            let mut call = (**call).clone();
            call.args = passed(names);
            quote!(.call(#name, |#parameters| _ = #call))
        }
        Callee::Function(call, _) => {
            let ExprCall { func, .. } = call;
            let function = format_ident!("function", span = ours_at(entry.callee.name().span()));
            let mut call = call.clone();
            *call.func = Expr::Verbatim(quote!(#function));
            call.args = passed(names);
            quote!(.call_of(#name, #func, |#function, #parameters| _ = #call))
        }
    };
    let given = entry.arguments.iter().map(given);
    quote!(#begin #(#given)* .named())
}

pub(super) fn parameter(position: usize, argument: &Expr) -> Ident {
    format_ident!("argument_{position}", span = ours_at(argument.span()))
}

fn passed(names: Vec<Ident>) -> Punctuated<Expr, Token![,]> {
    let names = names.into_iter().map(|name| Expr::Verbatim(quote!(#name)));
    names.collect()
}

fn given(argument: &Expr) -> TokenStream {
    let place = ours_at(argument.span());
    if let Expr::Infer(_) = argument {
        return quote!(.skipped());
    }
    if is_place(argument) {
        let argument = key::reference(argument, place);
        return quote_spanned!(place=> .place(#argument));
    }
    quote_spanned!(place=> .value(#argument))
}

/// Whether an expression names what is somewhere already, and might be moved from there.
pub(super) fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(ExprUnary { op, .. }) => matches!(op, UnOp::Deref(_)),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        _ => false,
    }
}
