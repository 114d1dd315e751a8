//! A plan → tokens. Nothing is decided here.
//!
//! Paths begin with `::`, and locals are `mixed_site`, so nothing of the user's can be taken for ours or the other way
//! round. A `static` is not hygienic: it lives in a block with nothing of the user's in it.

mod batch;
mod body;
mod cached;
mod descriptor;
mod entry;
mod key;
mod owned;
mod update;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Path, ReturnType, Type, TypeInfer, parse_quote};

use crate::args::{Keyed, Outcome};
use crate::check::InvalidatePlan;
use crate::signature::{Facts, Function};

pub(crate) use cached::cached;
pub(crate) use update::update;

/// The expansion of `#[invalidate_cache]`.
pub(crate) fn invalidate(plan: &InvalidatePlan, function: Function, facts: &Facts) -> TokenStream {
    let returned = returned(facts);
    let runtime = Runtime::new(plan.facade.as_ref());
    let begin = runtime.name("invalidation");
    let cache = cache(&runtime, plan.cache.as_ref());
    let descriptor = descriptor::invalidator(plan, &runtime, &function);
    let patterns = plan.patterns.iter().map(|pattern| {
        let text = &pattern.text;
        let segments = key::segments(&pattern.segments, None);
        quote!(.pattern(#text, #segments))
    });
    let tags = plan.tags.iter().map(|tag| {
        let text = &tag.text;
        let segments = key::segments(&tag.segments, None);
        quote!(.tag(#text, #segments))
    });
    let entries = plan.entries.iter().map(entry::call);
    let always = plan.always.then(|| quote!(.always()));
    // What is not kept is compared with nothing, and may have an `==` for some lifetimes only.
    let outcome = outcome(&runtime, plan.outcome.as_ref(), &returned, "bare");
    let (described, invalidation) = (local("writer"), local("invalidation"));
    let unmentioned = body::unmentioned(&function, facts);
    let body = body::body(&function, facts, &returned, &unmentioned);
    let run = if facts.is_async {
        quote!(#invalidation.after(#outcome, async move #body).await)
    } else {
        quote!(#invalidation.after_blocking(#outcome, move #body))
    };
    let statements = quote! {
        let #described = #descriptor;
        let #invalidation = #begin(#cache, #described) #(#patterns)* #(#tags)* #(#entries)* #always;
        #run
    };
    body::with_body(function, facts, statements)
}

/// Where the runtime is found.
struct Runtime {
    facade: Path,
}

impl Runtime {
    /// Below the path of the facade, which is `::cachewright` unless the attribute says otherwise.
    fn new(facade: Option<&Path>) -> Self {
        Self {
            facade: facade
                .cloned()
                .unwrap_or_else(|| parse_quote!(::cachewright)),
        }
    }

    /// The path of something that expansions use.
    fn name(&self, name: &str) -> TokenStream {
        self.name_at(name, Span::call_site())
    }

    /// The same, for an error about it to be reported at `place`.
    fn name_at(&self, name: &str, place: Span) -> TokenStream {
        let name = Ident::new(name, place);
        let facade = self.facade.to_token_stream().into_iter().map(|mut token| {
            token.set_span(token.span().located_at(place));
            token
        });
        let facade: TokenStream = facade.collect();
        quote_spanned!(place=> #facade::__private::#name)
    }
}

/// A local that no name of the user's can clash with.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `place` in the user's source, with names resolved as ours, so that lints take it for generated code.
fn ours_at(place: Span) -> Span {
    place.resolved_at(Span::mixed_site())
}

/// What it returns, `impl Trait` in it left to inference.
fn returned(facts: &Facts) -> Type {
    let mut ty = match &facts.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    Inferred.visit_type_mut(&mut ty);
    ty
}

struct Inferred;

impl VisitMut for Inferred {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = parse_quote!(_);
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

fn cache(runtime: &Runtime, cache: Option<&Expr>) -> TokenStream {
    match cache {
        Some(cache) => key::reference(cache, ours_at(cache.span())),
        None => {
            let installed = runtime.name("installed");
            quote!(#installed())
        }
    }
}

fn outcome(
    runtime: &Runtime,
    outcome: Option<&Keyed<Outcome>>,
    returned: &Type,
    found_by: &str,
) -> TokenStream {
    let Some(Keyed { key, value, .. }) = outcome else {
        // What a value lacks to be kept is the return type's matter, so it is reported there.
        let place = ours_at(returned.span());
        let returns = runtime.name_at("Returns", place);
        let found = Ident::new(found_by, place);
        return quote_spanned!(place=> #returns::<#returned>::new().#found());
    };
    let shape = match value {
        Outcome::Value => "Value",
        Outcome::Option => "OptionOf",
        Outcome::Result => "ResultOf",
        Outcome::ResultOption => "ResultOptionOf",
    };
    let place = ours_at(key.span());
    let shape = runtime.name_at(shape, place);
    if *value == Outcome::Value || is_inferred(returned) {
        return shape;
    }
    let fits = runtime.name_at("Fits", place);
    quote_spanned!(place=> #fits::<#returned>::fitting(#shape))
}

fn is_inferred(returned: &Type) -> bool {
    struct Infers(bool);

    impl Visit<'_> for Infers {
        fn visit_type_infer(&mut self, _: &TypeInfer) {
            self.0 = true;
        }
    }

    let mut infers = Infers(false);
    infers.visit_type(returned);
    infers.0
}

#[cfg(test)]
pub(crate) mod tests;
