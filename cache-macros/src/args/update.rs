//! The arguments of `#[update_cache]`.

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::{LitStr, Path};

use super::defaults::of_update;
use super::read::{UPDATE, choice, each, key, krate, set, text, unknown, value};
use super::{Argument, EntryCall, OUTCOMES, Outcome, entry};
use crate::errors::{Errors, error};

/// Arguments of `#[update_cache]`.
#[derive(Default)]
pub(crate) struct Update {
    /// The calls whose entries are updated.
    pub(crate) entries: Vec<EntryCall>,
    /// Whether any was written, mistaken ones included.
    pub(crate) has_entries: bool,
    /// `on = "always"`: invalidates after an `Err`.
    pub(crate) always: Argument<bool>,
    pub(crate) outcome: Argument<Outcome>,
    pub(crate) krate: Argument<Path>,
}

pub(super) fn read(tokens: TokenStream, errors: &mut Errors) -> Update {
    let (mut args, mut defaults) = (Update::default(), Update::default());
    each(tokens, errors, |input, errors| {
        if input.peek(LitStr) {
            args.has_entries = true;
            return Err(no_pattern(&input.parse::<LitStr>()?));
        }
        let name = key(
            input,
            "an entry is named by a call of its function, `entry = self.get_profile(user_id)`",
        )?;
        if name == "defaults" {
            return of_update(&mut defaults, &name, input, errors);
        }
        argument(&mut args, name, input, errors)
    });
    args.inherit(defaults);
    args
}

pub(super) fn argument(
    args: &mut Update,
    name: Ident,
    input: ParseStream,
    errors: &mut Errors,
) -> syn::Result<()> {
    match name.to_string().as_str() {
        "entry" => {
            args.has_entries = true;
            let call = entry::read(value(input, &name)?)?;
            args.entries.push(call);
            Ok(())
        }
        "on" => set(&mut args.always, name, errors, |key| {
            choice(key, &text(input, key)?, &[("ok", false), ("always", true)])
        }),
        "outcome" => set(&mut args.outcome, name, errors, |key| {
            choice(key, &text(input, key)?, OUTCOMES)
        }),
        "crate" => set(&mut args.krate, name, errors, |key| krate(key, input)),
        "cache" => Err(error(
            &name,
            "`#[update_cache]` has no argument `cache`: the value goes to where the cached function keeps it",
            "leave it out",
        )),
        "pattern" => {
            args.has_entries = true;
            Err(no_pattern(&name))
        }
        _ => Err(unknown("update_cache", &name, UPDATE)),
    }
}

fn no_pattern(written: &impl quote::ToTokens) -> syn::Error {
    error(
        written,
        "`#[update_cache]` stores one value, and a pattern names many entries",
        "name the entry by a call of its function, `entry = self.get_profile(user_id)`; \
         what else this function changes, `#[invalidate_cache(\"…\")]` says beside it",
    )
}
