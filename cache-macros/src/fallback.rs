//! What an annotation with mistakes expands to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::{Span, TokenStream};

use crate::errors::error;

/// What `expand` makes of `item`; behind errors the item as it was written.
///
/// Its callers, its types and its editor support stay, so that one mistake is one error and not a hundred. The same
/// holds when the macro itself is mistaken: a panic would take the item away from everybody who uses it.
pub(crate) fn unless_expanded(
    item: TokenStream,
    expand: impl FnOnce() -> syn::Result<TokenStream>,
) -> TokenStream {
    let expanded = catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|_| Err(panicked()));
    expanded.unwrap_or_else(|errors| with_errors(item, &errors))
}

/// An item behind errors.
pub(crate) fn with_errors(item: TokenStream, errors: &syn::Error) -> TokenStream {
    let mut tokens = errors.to_compile_error();
    tokens.extend(item);
    tokens
}

fn panicked() -> syn::Error {
    let place = proc_macro2::Ident::new("cachewright", Span::call_site());
    error(
        place,
        "the macro panicked, which is a mistake of cachewright's and not yours",
        "report it with the function that it stands on; until it is mended, remove the attribute",
    )
}

#[cfg(test)]
mod tests {
    use super::unless_expanded;
    use quote::quote;

    #[test]
    fn a_mistake_of_the_macros_own_leaves_the_item() {
        let item = quote!(
            fn kept() {}
        );
        let expanded = unless_expanded(item.clone(), || panic!("a mistake")).to_string();
        assert!(
            expanded.contains("is a mistake of cachewright's"),
            "{expanded}"
        );
        assert!(expanded.ends_with(&item.to_string()), "{expanded}");
    }
}
