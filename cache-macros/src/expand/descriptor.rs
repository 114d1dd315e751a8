//! The descriptors: what a program knows of a function without calling it.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::Expr;
use syn::ext::IdentExt;

use super::Runtime;
use crate::args::{Argument, Callee, EntryCall, Freshness, Length, Tier};
use crate::check::{CachedPlan, InvalidatePlan, KeyParts, UpdatePlan};
use crate::duration::Ttl;
use crate::signature::{Function, Unsure};

/// The descriptor of a cached function.
pub(super) fn function(plan: &CachedPlan, runtime: &Runtime, written: &Function) -> TokenStream {
    let name = bare_name(written);
    let key_prefix = &plan.key_prefix;
    let method = plan.has_receiver.then(|| quote!(, method()));
    let scoped = plan.is_scoped.then(|| quote!(, scoped()));
    let number = |number: &u8| Literal::u8_unsuffixed(*number);
    let arguments = match &plan.key_parts {
        KeyParts::All(count) => {
            let count = number(count);
            quote!(arguments(#count))
        }
        KeyParts::Some(count, positions) => {
            let (count, positions) = (number(count), positions.iter().map(number));
            quote!(some_arguments(#count, &[#(#positions),*]))
        }
        KeyParts::Chosen(count) => {
            let count = number(count);
            quote!(chosen_key(#count))
        }
        KeyParts::Conditional => quote!(conditional_arguments()),
    };
    let batch = plan.batch.as_ref().map(|batch| {
        let position = number(&batch.position);
        quote!(, batch(#position))
    });
    let ttl = millis(&quote!(ttl_millis), plan.ttl.as_ref());
    let none_ttl = millis(&quote!(none_ttl_millis), plan.none_ttl.as_ref());
    let jitter = ppm(&quote!(jitter_ppm), plan.jitter);
    let verify = ppm(&quote!(verify_ppm), plan.verify);
    let version = plan.version.map(Literal::u32_unsuffixed);
    let version = version.map(|version| quote!(, version(#version)));
    let tier = plan.tier.map(|tier| match tier {
        Tier::Memory => quote!(, memory_only()),
        Tier::Shared => quote!(, shared_only()),
    });
    let tags = &plan.tags;
    let tags = (!tags.is_empty()).then(|| quote!(, tags(&[#(#tags),*])));
    let freshness = freshness(&plan.freshness);
    let uncoalesced = (!plan.single_flight).then(|| quote!(, uncoalesced()));
    let value = plan.value.as_ref().map(|value| {
        let returned = &value.returned;
        let each = plan.batch.as_ref().map(|_| quote!(each in));
        let unsure = value.unsure.iter().map(unsure);
        quote!(=> #each #returned #(, #unsure)*)
    });
    let function = runtime.name("function");
    quote! {
        #function!(
            #name, #key_prefix #method, #arguments #batch #scoped #tags #ttl #none_ttl #jitter #freshness #verify #version
            #tier #uncoalesced #value
        )
    }
}

/// What holds around the expiry of a value.
fn freshness(freshness: &Freshness) -> TokenStream {
    let Freshness {
        stale_while_revalidate,
        stale_if_error,
        refresh_ahead,
        timeout,
    } = freshness;
    let time = |setter: TokenStream, millis: &Argument<u64>| {
        let millis = Literal::u64_unsuffixed(millis.as_ref()?.value);
        Some(quote!(, #setter(#millis)))
    };
    let revalidate = time(
        quote!(stale_while_revalidate_millis),
        stale_while_revalidate,
    );
    let error = time(quote!(stale_if_error_millis), stale_if_error);
    let timeout = time(quote!(timeout_millis), timeout);
    let ahead = refresh_ahead
        .as_ref()
        .map(|ahead| match ahead.value.length {
            Length::Millis(millis) => {
                let millis = Literal::u64_unsuffixed(millis);
                quote!(, refresh_ahead_millis(#millis))
            }
            Length::Share(parts) => {
                let parts = Literal::u32_unsuffixed(parts);
                quote!(, refresh_ahead_ppm(#parts))
            }
        });
    quote!(#revalidate #error #ahead #timeout)
}

/// The descriptor of a writer.
pub(super) fn invalidator(
    plan: &InvalidatePlan,
    runtime: &Runtime,
    written: &Function,
) -> TokenStream {
    let name = bare_name(written);
    let patterns = plan.patterns.iter().map(|pattern| &pattern.text);
    let patterns = (!plan.patterns.is_empty()).then(|| quote!(, patterns(&[#(#patterns),*])));
    let tags = plan.tags.iter().map(|tag| &tag.text);
    let tags = (!plan.tags.is_empty()).then(|| quote!(, tags(&[#(#tags),*])));
    let entries = plan.entries.iter().map(called);
    let entries = (!plan.entries.is_empty()).then(|| quote!(, entries(&[#(#entries),*])));
    let invalidator = runtime.name("invalidator");
    quote!(#invalidator!(#name #patterns #tags #entries))
}

/// The descriptor of a writer that updates: what it names is outdated as well.
pub(super) fn updater(plan: &UpdatePlan, runtime: &Runtime, written: &Function) -> TokenStream {
    let name = bare_name(written);
    let entries = plan.entries.iter().map(called);
    let invalidator = runtime.name("invalidator");
    quote!(#invalidator!(#name, entries(&[#(#entries),*])))
}

/// A call that names an entry: the name, whether it is a path, and which arguments are given.
fn called(entry: &EntryCall) -> TokenStream {
    let name = entry.callee.name().unraw().to_string();
    let by_path = matches!(entry.callee, Callee::Function(..));
    let given = entry.arguments.iter();
    let given = given.map(|argument| !matches!(argument, Expr::Infer(_)));
    quote!((#name, #by_path, &[#(#given),*]))
}

fn bare_name(function: &Function) -> String {
    function.signature.ident.unraw().to_string()
}

fn millis(setter: &TokenStream, ttl: Option<&Ttl>) -> Option<TokenStream> {
    let Some(Ttl::Millis(millis)) = ttl else {
        return None;
    };
    let millis = Literal::u64_unsuffixed(*millis);
    Some(quote!(, #setter(#millis)))
}

fn ppm(setter: &TokenStream, share: Option<u32>) -> Option<TokenStream> {
    let share = Literal::u32_unsuffixed(share?);
    Some(quote!(, #setter(#share)))
}

/// A name with as many parameters as it has arguments.
fn unsure(Unsure { name, arguments }: &Unsure) -> TokenStream {
    if *arguments == 0 {
        return quote!(#name);
    }
    let parameters = (0..*arguments).map(|position| quote::format_ident!("A{position}"));
    quote!(#name<#(#parameters),*>)
}
