//! A call of a cached function: looked up, with what is said of its value, and answered by its body if need be.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Token, Type};

use super::{
    Runtime, batch, body, cache, descriptor, key, local, ours_at, outcome, owned, returned,
};
use crate::args::Tier;
use crate::check::CachedPlan;
use crate::duration::Ttl;
use crate::signature::{Facts, Function};

/// The expansion of `#[cached]`.
pub(crate) fn cached(plan: &CachedPlan, function: Function, facts: &Facts) -> TokenStream {
    let returned = returned(facts);
    let runtime = Runtime::new(plan.facade.as_ref());
    let concrete = plan.concrete.as_ref().map(|name| {
        // A nested item can't name a type parameter, so this compiles only if `name` is a type.
        quote!(const _: fn(#name) = |_| {};)
    });
    let descriptor = descriptor::function(plan, &runtime, &function);
    let looked_up = looked_up(plan, &runtime, &returned);
    let setters = setters(plan);
    let run = run(plan, &runtime, &function, facts, &returned);
    let allow = plan.batch.as_ref().and_then(batch::allow_underscore);
    let (described, call) = (local("function"), local("call"));
    let statements = quote! {
        #concrete
        let #described = #descriptor;
        #allow
        let #call = #looked_up #setters;
        #run
    };
    let function = match &plan.batch {
        Some(batch) => batch::unchanged(function, batch),
        None => owned::rebound(plan.kept.as_ref(), function),
    };
    body::with_body(function, facts, statements)
}

/// `lookup(cache, function, outcome, key, prefix)`.
fn looked_up(plan: &CachedPlan, runtime: &Runtime, returned: &Type) -> TokenStream {
    let lookup = match (plan.tier, &plan.batch) {
        (Some(Tier::Memory), None) => runtime.name("lookup_local"),
        (_, None) => runtime.name("lookup"),
        (tier, Some(_)) => batch::lookup(runtime, tier, returned),
    };
    // What a closure is given has to be known where it stands.
    let is_judged = plan.ttl_with.is_some() || plan.store_if.is_some();
    let of_returned = is_judged.then(|| match &plan.batch {
        Some(_) => quote!(::<#returned, _, _, _, _, _, _, _>),
        None => quote!(::<#returned, _>),
    });
    let cache = cache(runtime, plan.cache.as_ref());
    let described = local("function");
    let outcome = match &plan.batch {
        Some(_) => batch::outcome(runtime, returned),
        None => outcome(runtime, plan.outcome.as_ref(), returned, "outcome"),
    };
    let looked_up = match &plan.batch {
        Some(batch) => batch::looked_up(plan, batch),
        None => {
            let (key, prefix) = (key::key(plan, None), key::segments(&plan.segments, None));
            quote!(#key, #prefix)
        }
    };
    let place = match &plan.batch {
        // What it can't return is its return type's matter.
        Some(_) => ours_at(returned.span()),
        None => Span::call_site(),
    };
    quote_spanned!(place=> #lookup #of_returned(#cache, #described, #outcome, #looked_up))
}

/// What is said of the value, and is no data for the descriptor.
fn setters(plan: &CachedPlan) -> TokenStream {
    let ttl = lifetime(&quote!(ttl), plan.ttl.as_ref());
    let none_ttl = lifetime(&quote!(none_ttl), plan.none_ttl.as_ref());
    let codec = plan.codec.as_ref().map(|codec| {
        // That it is none is reported there.
        let place = ours_at(codec.span());
        quote_spanned!(place=> .codec(|| #codec))
    });
    let store_if = judged("store_if", plan.store_if.as_ref());
    let ttl_with = judged("ttl_with", plan.ttl_with.as_ref());
    quote!(#ttl #none_ttl #codec #store_if #ttl_with)
}

/// `call.or_compute(body)`.
fn run(
    plan: &CachedPlan,
    runtime: &Runtime,
    function: &Function,
    facts: &Facts,
    returned: &Type,
) -> TokenStream {
    let with_absence = plan.needs_absence.as_ref().map(|key| {
        // That the function returns no `None` is reported there.
        let place = ours_at(key.span());
        quote_spanned!(place=> .with_absence())
    });
    let run = match (&plan.kept, &plan.freshness.stale_if_error) {
        (Some(_), _) => "or_refresh",
        (None, Some(_)) => "or_stale",
        (None, None) => "or_compute",
    };
    let body = computing(plan, runtime, function, facts, returned);
    // What a condition lacks is reported at the condition.
    let judged_at = plan.ttl_with.as_ref().or(plan.store_if.as_ref());
    let judged_at = judged_at.map(|judge| ours_at(judge.span()));
    if facts.is_async {
        // What the future lacks for its value's sake is told where the value's lack is, and so not again.
        let place = judged_at.unwrap_or_else(|| ours_at(returned.span()));
        let (call, run) = (Ident::new("call", place), Ident::new(run, place));
        quote_spanned!(place=> #call #with_absence.#run(#body).await)
    } else {
        let place = judged_at.unwrap_or_else(Span::call_site);
        let (call, run) = (local("call"), Ident::new(&format!("{run}_blocking"), place));
        quote!(#call #with_absence.#run(#body))
    }
}

/// The body, in the form in which the runtime takes it.
fn computing(
    plan: &CachedPlan,
    runtime: &Runtime,
    function: &Function,
    facts: &Facts,
    returned: &Type,
) -> TokenStream {
    let asyncness = facts.is_async.then(|| quote!(async));
    match (&plan.batch, &plan.kept) {
        // It may run more than once, and each time on a copy of what it takes.
        (Some(batch), _) => {
            let body = batch::body(batch, function, facts, returned);
            quote!(#asyncness #body)
        }
        (None, Some(kept)) => owned::body(kept, runtime, function, facts, returned),
        (None, None) => {
            let body = body::body(function, facts, returned, &TokenStream::new());
            quote!(#asyncness move #body)
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
