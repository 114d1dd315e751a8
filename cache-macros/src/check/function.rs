//! Rules about the function itself.

use quote::ToTokens;
use syn::{ReturnType, Safety, Signature};

use crate::args::{Cached, Keyed, Outcome, Tier};
use crate::errors::Errors;
use crate::signature::{Facts, Function, Held, Returns};

/// Not `const`, `unsafe`, `extern` or variadic.
pub(super) fn is_plain(written: &Function, errors: &mut Errors) {
    let Signature {
        constness,
        safety,
        abi,
        variadic,
        ..
    } = &written.signature;
    if constness.is_some() {
        errors.at(
            constness,
            "a `const fn` cannot use a cache: it may run in the compiler",
            "remove `const`, or annotate a function that calls this one",
        );
    }
    if matches!(safety, Safety::Unsafe(_)) {
        errors.at(
            safety,
            "an `unsafe fn` cannot be annotated: its body moves into a closure, which promises nothing to its caller",
            "annotate a safe function that calls this one",
        );
    }
    if let Some(variadic) = variadic {
        errors.at(
            variadic,
            "a variadic function cannot be annotated: its arguments cannot be enumerated",
            "annotate a function that calls this one",
        );
    } else if let Some(abi) = abi {
        errors.at(
            abi,
            "an `extern` function cannot be annotated: its foreign callers know neither panics nor futures",
            "annotate a Rust function that this one calls",
        );
    }
}

pub(super) fn has_a_body(written: &Function, errors: &mut Errors) {
    if written.body.is_none() {
        errors.at(
            &written.signature.ident,
            "a required method of a trait has no body to run on a miss",
            "annotate the method in the `impl` blocks, or give it a default body here",
        );
    }
}

pub(super) fn holds_its_receiver_shared(written: &Function, facts: &Facts, errors: &mut Errors) {
    let (problem, way_out) = match facts.receiver {
        None | Some(Held::Shared) => return,
        Some(Held::Mutably) => (
            "a cached method cannot take `&mut self`: a hit does not run the body, so nothing would be changed",
            "take `&self`; for a method that writes use `#[invalidate_cache]`",
        ),
        Some(Held::ByValue) => (
            "a cached method cannot take `self` by value: a hit would consume it for nothing",
            "take `&self` or `self: Arc<Self>`",
        ),
    };
    errors.at(written.signature.receiver(), problem, way_out);
}

/// Not annotated a second time in a way that contradicts the first.
///
/// The attribute that stands last would be the outer one. With `#[cached]` there, a hit would skip the invalidation;
/// which of the two was meant, nobody can tell.
pub(super) fn is_cached_alone(written: &Function, errors: &mut Errors, others: &[&str]) {
    for attribute in &written.attributes {
        let other = attribute.path().segments.last().map(|last| &last.ident);
        if let Some(other) = other.filter(|other| others.iter().any(|name| other == name)) {
            let (problem, way_out) = if other == "cached" && others.len() > 1 {
                (
                    "a function is cached once",
                    "keep one `#[cached]` with all arguments",
                )
            } else if other == "update_cache" {
                (
                    "a cached function cannot update entries as well: a hit does not run what writes",
                    "split it: a function with `#[update_cache]` that writes, and one with `#[cached]` that reads",
                )
            } else {
                (
                    "a cached function cannot invalidate as well: a hit does not run what writes",
                    "split it: a function with `#[invalidate_cache]` that writes, and one with `#[cached]` that reads",
                )
            };
            errors.at(other, problem, way_out);
        }
    }
}

/// What neither macro can work with.
pub(super) fn returns(written: &Function, facts: &Facts, errors: &mut Errors) {
    let (problem, way_out) = match facts.returns {
        Returns::Never => (
            "a function that never returns leaves nothing to do after it",
            "annotate the function that does the work inside",
        ),
        Returns::BoxedFuture if facts.is_async => (
            "what this returns once it is awaited is another future, which has done nothing yet",
            "await it in the body, and return what it gives",
        ),
        Returns::BoxedFuture => (
            "a function that returns a boxed future has to be that future as a whole: what it does before, or has done \
             elsewhere, would be no part of the computation",
            "write `Box::pin(async move { … })` around all that it does, as `#[async_trait]` does, or write an \
             `async fn`",
        ),
        _ => return,
    };
    errors.at(return_type(written, facts), problem, way_out);
}

/// A writer does not return a future, which only writes when it is awaited: after the invalidation.
///
/// Futures that have a name are found by their type when the expansion is compiled.
pub(super) fn is_done_when_it_returns(
    written: &Function,
    facts: &Facts,
    outcome: Option<&Keyed<Outcome>>,
    errors: &mut Errors,
) {
    if matches!(facts.returns, Returns::Opaque { future: true, .. }) && outcome.is_none() {
        errors.at(
            return_type(written, facts),
            "this function returns before the future has written anything, so it would invalidate too early",
            "write `async fn` and `-> T`, which fits a trait's `-> impl Future<Output = T> + Send` as well; if all is \
             written when the function returns, say so with `outcome = \"value\"`",
        );
    }
}

pub(super) fn returns_a_value_to_keep(
    written: &Function,
    facts: &Facts,
    args: &Cached,
    errors: &mut Errors,
) {
    let in_memory = matches!(&args.tier, Some(tier) if matches!(tier.value, Tier::Memory));
    // What is kept of a batch are its values; the keys that they are returned with may be borrowed.
    let may_borrow = |for_ever| args.batch.is_some() || for_ever && in_memory;
    let (problem, way_out) = match facts.returns {
        // That it has no body has been told.
        Returns::Nothing if written.body.is_none() => return,
        Returns::Nothing => {
            // `#[async_trait]` makes a `()` of nothing.
            let culprit = match &written.signature.output {
                output @ ReturnType::Type(..) if facts.boxed.is_none() => output.to_token_stream(),
                _ => written.signature.ident.to_token_stream(),
            };
            errors.at(
                culprit,
                "a cached function must return a value: this one returns nothing to keep",
                "return what it computes, or remove `#[cached]`; for a function that writes use `#[invalidate_cache]`",
            );
            return;
        }
        Returns::Opaque { .. } => (
            "a cached value needs a type that can be named: `impl Trait` hides it",
            "write the type; instead of `-> impl Future<Output = T>` write `async fn` and `-> T`",
        ),
        Returns::Borrowed { for_ever } if !may_borrow(for_ever) => (
            "a cached value outlives the call, so it cannot be borrowed",
            "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`, `Arc<T>` for `&T`",
        ),
        _ => return returns(written, facts, errors),
    };
    errors.at(return_type(written, facts), problem, way_out);
}

pub(super) fn shows_its_outcome(
    written: &Function,
    facts: &Facts,
    outcome: Option<&Keyed<Outcome>>,
    errors: &mut Errors,
) {
    if matches!(facts.returns, Returns::Hidden) && outcome.is_none() {
        errors.at(
            return_type(written, facts),
            "this return type does not show whether it is a plain value, an `Option` or a `Result`, and `Err` and \
             `None` must not be kept as values",
            "say what it is: `outcome = \"value\"`, `\"option\"`, `\"result\"` or `\"result_option\"`",
        );
    }
}

fn return_type<'a>(written: &'a Function, facts: &'a Facts) -> impl ToTokens + 'a {
    match &facts.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => written.signature.ident.to_token_stream(),
    }
}
