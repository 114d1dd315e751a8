//! What an annotation with mistakes expands to.

use proc_macro2::TokenStream;

/// The annotated item as it was written, behind the errors.
///
/// Its callers, its types and its editor support stay, so that one mistake is one error and not a hundred.
pub(crate) fn with_errors(item: TokenStream, errors: &syn::Error) -> TokenStream {
    let mut tokens = errors.to_compile_error();
    tokens.extend(item);
    tokens
}
