//! The attribute macros of cachewright, which re-exports them.
//!
//! An annotation goes through four phases: its arguments are read (`args`), the function is looked at (`signature`),
//! the rules across both are applied (`check`), and the plan that comes out is put into tokens (`expand`). Mistakes of
//! all phases are reported together, and the function is then left as it was written (`fallback`).
//!
//! `#[cache_defaults]` (`defaults`) writes its arguments into the annotations of its block, which read them in phase one.

mod args;
mod check;
mod defaults;
mod duration;
mod errors;
mod expand;
mod fallback;
mod signature;
mod template;

use errors::Errors;
use proc_macro2::TokenStream;
use signature::Function;

#[doc = include_str!("cached.md")]
#[proc_macro_attribute]
pub fn cached(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    annotate("cached", arguments.into(), item.into(), expand_cached).into()
}

#[doc = include_str!("invalidate_cache.md")]
#[proc_macro_attribute]
pub fn invalidate_cache(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    annotate(
        "invalidate_cache",
        arguments.into(),
        item.into(),
        expand_invalidate,
    )
    .into()
}

#[doc = include_str!("update_cache.md")]
#[proc_macro_attribute]
pub fn update_cache(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    annotate("update_cache", arguments.into(), item.into(), expand_update).into()
}

#[doc = include_str!("cache_defaults.md")]
#[proc_macro_attribute]
pub fn cache_defaults(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let (arguments, item) = (TokenStream::from(arguments), TokenStream::from(item));
    let block = item.clone();
    fallback::unless_expanded(item, move || Ok(defaults::expand(arguments, block))).into()
}

/// What a macro makes of a function and its arguments.
type Expand = fn(TokenStream, Function) -> syn::Result<TokenStream>;

fn annotate(name: &str, arguments: TokenStream, item: TokenStream, expand: Expand) -> TokenStream {
    let annotated = item.clone();
    fallback::unless_expanded(item, move || {
        expand(arguments, signature::function(name, annotated)?)
    })
}

fn expand_cached(arguments: TokenStream, function: Function) -> syn::Result<TokenStream> {
    let mut errors = Errors::new();
    let args = args::cached(arguments, &mut errors);
    let facts = signature::facts(&function, args.generics.as_deref());
    let plan = check::cached(args, &function, &facts, &mut errors);
    errors.finish()?;
    Ok(expand::cached(&plan, function, &facts))
}

fn expand_invalidate(arguments: TokenStream, function: Function) -> syn::Result<TokenStream> {
    let mut errors = Errors::new();
    let args = args::invalidate(arguments, &mut errors);
    let facts = signature::facts(&function, None);
    let plan = check::invalidate(args, &function, &facts, &mut errors);
    errors.finish()?;
    Ok(expand::invalidate(&plan, function, &facts))
}

fn expand_update(arguments: TokenStream, function: Function) -> syn::Result<TokenStream> {
    let mut errors = Errors::new();
    let args = args::update(arguments, &mut errors);
    let facts = signature::facts(&function, None);
    let plan = check::update(args, &function, &facts, &mut errors);
    errors.finish()?;
    Ok(expand::update(&plan, function, &facts))
}
