//! Rules about `codec`.

use crate::args::{Cached, Tier};
use crate::errors::Errors;

/// A function whose values never leave the process needs no codec. One of the block is for those functions that do.
pub(super) fn has_a_store(args: &mut Cached, errors: &mut Errors) {
    let tier = args.tier.as_ref().map(|tier| tier.value);
    let (Some(codec), Some(Tier::Memory)) = (&args.codec, tier) else {
        return;
    };
    if !codec.inherited {
        errors.at(
            &codec.key,
            "`codec` says how values are encoded for a store, and with `tier = \"memory\"` they never leave the process",
            "leave one of the two out",
        );
    }
    args.codec = None;
}
