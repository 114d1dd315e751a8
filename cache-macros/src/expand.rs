//! A plan → tokens. Nothing is decided here.
//!
//! Paths begin with `::`, and locals are `mixed_site`, so nothing of the user's can be taken for ours or the other way
//! round. A `static` is not hygienic: it lives in a block with nothing of the user's in it.

mod batch;
mod body;
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
use syn::{Expr, Path, ReturnType, Token, Type, TypeInfer, parse_quote};

use crate::args::{Keyed, Outcome, Tier};
use crate::check::{CachedPlan, InvalidatePlan};
use crate::duration::Ttl;
use crate::signature::{Facts, Function};

pub(crate) use update::update;

/// The expansion of `#[cached]`.
pub(crate) fn cached(plan: &CachedPlan, function: Function, facts: &Facts) -> TokenStream {
    let returned = returned(facts);
    let runtime = Runtime::new(plan.facade.as_ref());
    let lookup = match (plan.tier, &plan.batch) {
        (Some(Tier::Memory), None) => runtime.name("lookup_local"),
        (_, None) => runtime.name("lookup"),
        (tier, Some(_)) => batch::lookup(&runtime, tier, &returned),
    };
    let concrete = plan.concrete.as_ref().map(|name| {
        // A nested item can't name a type parameter, so this compiles only if `name` is a type.
        quote!(const _: fn(#name) = |_| {};)
    });
    let cache = cache(&runtime, plan.cache.as_ref());
    let descriptor = descriptor::function(plan, &runtime, &function);
    let outcome = match &plan.batch {
        Some(_) => batch::outcome(&runtime, &returned),
        None => outcome(&runtime, plan.outcome.as_ref(), &returned, "outcome"),
    };
    let with_absence = plan.needs_absence.as_ref().map(|key| {
        // That the function returns no `None` is reported there.
        let place = ours_at(key.span());
        quote_spanned!(place=> .with_absence())
    });
    let looked_up = match &plan.batch {
        Some(batch) => batch::looked_up(plan, batch),
        None => {
            let (key, prefix) = (key::key(plan, None), key::segments(&plan.segments, None));
            quote!(#key, #prefix)
        }
    };
    let ttl = lifetime(&quote!(ttl), plan.ttl.as_ref());
    let none_ttl = lifetime(&quote!(none_ttl), plan.none_ttl.as_ref());
    // What a closure is given has to be known where it stands.
    let is_judged = plan.ttl_with.is_some() || plan.store_if.is_some();
    let of_returned = is_judged.then(|| match &plan.batch {
        Some(_) => quote!(::<#returned, _, _, _, _, _, _, _>),
        None => quote!(::<#returned, _>),
    });
    let ttl_with = judged("ttl_with", plan.ttl_with.as_ref());
    let store_if = judged("store_if", plan.store_if.as_ref());
    let codec = plan.codec.as_ref().map(|codec| {
        // That it is none is reported there.
        let place = ours_at(codec.span());
        quote_spanned!(place=> .codec(|| #codec))
    });
    let (described, call) = (local("function"), local("call"));
    let run = match (&plan.kept, &plan.freshness.stale_if_error) {
        (Some(_), _) => "or_refresh",
        (None, Some(_)) => "or_stale",
        (None, None) => "or_compute",
    };
    let asyncness = facts.is_async.then(|| quote!(async));
    let body = match (&plan.batch, &plan.kept) {
        // It may run more than once, and each time on a copy of what it takes.
        (Some(batch), _) => {
            let body = batch::body(batch, &function, facts, &returned);
            quote!(#asyncness #body)
        }
        (None, Some(kept)) => owned::body(kept, &runtime, &function, facts, &returned),
        (None, None) => {
            let body = body::body(&function, facts, &returned, &TokenStream::new());
            quote!(#asyncness move #body)
        }
    };
    // So is what a condition lacks.
    let judged_at = plan.ttl_with.as_ref().or(plan.store_if.as_ref());
    let judged_at = judged_at.map(|judge| ours_at(judge.span()));
    let run = if facts.is_async {
        // What the future lacks for its value's sake is told where the value's lack is, and so not again.
        let place = judged_at.unwrap_or_else(|| ours_at(returned.span()));
        let (call, run) = (Ident::new("call", place), Ident::new(run, place));
        quote_spanned!(place=> #call #with_absence.#run(#body).await)
    } else {
        let place = judged_at.unwrap_or_else(Span::call_site);
        let run = Ident::new(&format!("{run}_blocking"), place);
        quote!(#call #with_absence.#run(#body))
    };
    let place = match &plan.batch {
        // What it can't return is its return type's matter.
        Some(_) => ours_at(returned.span()),
        None => Span::call_site(),
    };
    let looked_up =
        quote_spanned!(place=> #lookup #of_returned(#cache, #described, #outcome, #looked_up));
    let allow = plan.batch.as_ref().and_then(batch::allow_underscore);
    let statements = quote! {
        #concrete
        let #described = #descriptor;
        #allow
        let #call = #looked_up #ttl #none_ttl #codec #store_if #ttl_with;
        #run
    };
    let function = match &plan.batch {
        Some(batch) => batch::unchanged(function, batch),
        None => owned::rebound(plan.kept.as_ref(), function),
    };
    body::with_body(function, facts, statements)
}

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

fn lifetime(setter: &TokenStream, ttl: Option<&Ttl>) -> Option<TokenStream> {
    let Some(Ttl::Expression(expression)) = ttl else {
        return None;
    };
    Some(quote!(.#setter(|| #expression)))
}

/// A setter that takes a closure over the value.
fn judged(setter: &str, judge: Option<&Expr>) -> Option<TokenStream> {
    let judge = judge?;
    let place = ours_at(judge.span());
    let setter = Ident::new(setter, place);
    let judge = match judge {
        Expr::Closure(closure) => {
            let mut closure = closure.clone();
            // It lives beside the body, which takes the arguments with it.
            closure.capture.get_or_insert(Token![move](place));
            closure.into_token_stream()
        }
        // Called where it is written, it may be given what the value can be coerced to.
        Expr::Path(function) => {
            let value = Ident::new("value", place);
            quote_spanned!(place=> move |#value| #function(#value))
        }
        other => other.into_token_stream(),
    };
    Some(quote_spanned!(place=> .#setter(#judge)))
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
