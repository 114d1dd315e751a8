//! A call that names an entry.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::{Runtime, key, local, ours_at};
use crate::args::{Callee, EntryCall};

/// The arguments by reference, and a closure that is never called: in it the compiler checks the call, and from it it
/// knows the types of literals.
pub(super) fn call(runtime: &Runtime, entry: &EntryCall) -> TokenStream {
    let given = entry.arguments.iter().map(Option::is_some);
    let names: Vec<Ident> = (0..entry.arguments.len())
        .map(|position| local(&format!("argument_{position}")))
        .collect();
    let parameters = names.iter().zip(&entry.arguments);
    let parameters = parameters.filter_map(|(name, argument)| argument.is_some().then_some(name));
    let passed = names.iter().zip(&entry.arguments).map(|(name, argument)| {
        if argument.is_some() {
            return name.to_token_stream();
        }
        let skipped = runtime.name_at("skipped", ours_at(entry.callee.name().span()));
        quote!(#skipped())
    });
    let arguments = entry.arguments.iter().flatten();
    let arguments = arguments.map(reference);
    match &entry.callee {
        Callee::Method(call, name) => {
            let mut call = (**call).clone();
            call.args = passed.map(Expr::Verbatim).collect();
            let name = name.to_string();
            quote!(.call(#name, &[#(#given),*], |(#(#parameters,)*)| #call, (#(#arguments,)*)))
        }
        Callee::Function(path, name) => {
            let function = format_ident!("function", span = ours_at(name.span()));
            let call = quote_spanned!(name.span()=> #function(#(#passed),*));
            quote! {
                .call_of(#path, &[#(#given),*], |#function, (#(#parameters,)*)| #call, (#(#arguments,)*))
            }
        }
    }
}

fn reference(argument: &Expr) -> TokenStream {
    key::reference(argument, ours_at(argument.span()))
}
