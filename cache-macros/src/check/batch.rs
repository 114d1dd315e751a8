//! Rules about the argument each of whose elements is an entry.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{FnArg, Pat};

use super::key::telling_token;
use super::names::Names;
use crate::args::{self, Cached, Keyed};
use crate::errors::Errors;
use crate::signature::{Argument, Facts, Function};

/// The argument that `batch` names.
pub(crate) struct Batch {
    /// What the function calls it.
    pub(crate) variable: Ident,
    /// What the body calls it, in which it may be `mut`.
    pub(crate) inner: Pat,
    /// Where it is reported that no batch can be made of it.
    pub(crate) blame: Span,
    /// Which of the arguments it is.
    pub(crate) position: u8,
}

/// What the key and its prefix call an element.
pub(crate) fn element() -> Ident {
    Ident::new("element", Span::mixed_site())
}

/// Whether an argument is the one that `batch` names.
pub(super) fn is_batch(args: &Cached, argument: &Argument) -> bool {
    let named = args.batch.as_ref().map(|batch| batch.value.unraw());
    named.is_some_and(|named| argument.name().is_some_and(|own| own.unraw() == named))
}

pub(super) fn batch(
    args: &Cached,
    written: &Function,
    facts: &Facts,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Option<Batch> {
    let batch = args.batch.as_ref()?;
    suits_the_key(args, &batch.value, errors);
    shows_its_outcome(args, errors);
    let Some(position) = (facts.arguments.iter()).position(|argument| is_batch(args, argument))
    else {
        names.unknown_argument(&batch.value, errors);
        return None;
    };
    let argument = &facts.arguments[position];
    if !argument.conditions.is_empty() {
        errors.at(
            &batch.value,
            format!(
                "`{}` is there under a condition only, and so would be the entries of this function",
                batch.value
            ),
            "write two functions, each under its own condition",
        );
    }
    let mut typed = written
        .signature
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
    Some(Batch {
        variable: argument.variable.clone(),
        blame: telling_token(&argument.ty),
        inner: (*typed.nth(position)?.pat).clone(),
        position: u8::try_from(position).ok()?,
    })
}

fn suits_the_key(args: &Cached, batch: &Ident, errors: &mut Errors) {
    if let Some(key) = &args.key {
        errors.at(
            &key.key,
            "`key(…)` and `batch` cannot stand together: the key of each entry is made of one element and the other arguments",
            "leave the other arguments that are no part of the key out with `skip(…)`",
        );
    }
    let skipped = args.skip.iter().flat_map(|skip| &skip.value);
    for name in skipped.filter(|name| name.unraw() == batch.unraw()) {
        errors.at(
            name,
            format!("`{name}` cannot be left out of the key: each of its elements is an entry of its own, as `batch = {batch}` says"),
            "keep one of the two",
        );
    }
}

fn shows_its_outcome(args: &Cached, errors: &mut Errors) {
    if let Some(outcome) = &args.outcome {
        errors.at(
            &outcome.key,
            "`outcome` and `batch` cannot stand together: the compiler sees what a batch returns, under whatever alias",
            "leave `outcome` out",
        );
    }
}

/// What lets a value answer that is not fresh, or runs a body for one that is, is about one entry. That of the block is
/// for its other functions.
pub(super) fn waits_for_its_body(args: &mut Cached, errors: &mut Errors) {
    if args.batch.is_none() {
        return;
    }
    let freshness = &mut args.freshness;
    drop_argument(&mut freshness.stale_while_revalidate, errors);
    drop_argument(&mut freshness.stale_if_error, errors);
    drop_argument(&mut freshness.refresh_ahead, errors);
    drop_argument(&mut freshness.timeout, errors);
    drop_argument(&mut args.verify, errors);
}

/// Leaves it out, which the function that says it itself is told.
fn drop_argument<T>(argument: &mut args::Argument<T>, errors: &mut Errors) {
    let Some(Keyed {
        key,
        inherited: false,
        ..
    }) = argument.take()
    else {
        return;
    };
    errors.at(
        &key,
        format!("`{key}` and `batch` cannot stand together: a batch runs one body for many entries of different ages"),
        format!("leave `{key}` out, or cache a function of one element"),
    );
}
