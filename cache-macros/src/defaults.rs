//! `#[cache_defaults]`: its arguments, put into the annotations of a block.
//!
//! The block stays tokens but for these annotations: nothing here can fail on what stands inside, and its other
//! attributes, macros and bodies are none of our business.

mod annotations;
mod block;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;

use crate::args::{self, Annotation, Defaults};
use crate::errors::Errors;
use crate::fallback;
use block::Block;

/// The expansion of `#[cache_defaults]`.
///
/// The defaults without mistakes are passed on even when others have some: without its `cache` or `crate`, each
/// function would be a mistake of its own.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let says_something = !arguments.is_empty();
    let defaults = args::defaults(arguments, &mut errors);
    let expanded = match block::block(item.clone()) {
        Err(error) => {
            errors.push(error);
            item
        }
        Ok(block) if is_alone(&block, &mut errors) => {
            let (items, seen) = annotations::extend(&block, &defaults);
            if says_something {
                are_taken(&defaults, &seen, &mut errors);
            }
            block.with_items(items)
        }
        Ok(_) => item,
    };
    match errors.finish() {
        Ok(()) => expanded,
        Err(errors) => fallback::with_errors(expanded, &errors),
    }
}

/// The block has no second `#[cache_defaults]`: which of the two would win?
fn is_alone(block: &Block, errors: &mut Errors) -> bool {
    let second = block.attributes.iter().find_map(last_of_path);
    if let Some(second) = &second {
        errors.at(
            second,
            "a block has its defaults once",
            "keep one `#[cache_defaults]` with all arguments",
        );
    }
    second.is_none()
}

fn last_of_path(attribute: &TokenStream) -> Option<Ident> {
    let (path, _) = annotations::path(attribute);
    path.last()
        .filter(|last| *last == "cache_defaults")
        .cloned()
}

/// Somebody takes each default over: what has no effect was meant for somebody else.
fn are_taken(defaults: &Defaults, seen: &[Annotation], errors: &mut Errors) {
    const UNSEEN: &str = "an attribute under another name (`use cachewright::cached as memo`) and what macros in the \
                          block expand to are not seen";
    if seen.is_empty() {
        errors.at(
            TokenStream::new(),
            "no function in this block is annotated, so there is nobody to take these defaults over",
            format!("annotate the functions with `#[cached]` or `#[invalidate_cache]`; {UNSEEN}"),
        );
        return;
    }
    for (key, annotation) in defaults.without_taker(seen) {
        let name = annotation.name();
        errors.at(
            key.to_token_stream(),
            format!(
                "no function in this block has `#[{name}]`, so there is nobody to take `{key}` over"
            ),
            format!("leave it out, or annotate the function that it is meant for; {UNSEEN}"),
        );
    }
}

#[cfg(test)]
mod tests;
