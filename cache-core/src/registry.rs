//! Every annotated function of the linked program, found without calling one.
//!
//! Each expansion puts its descriptor into a section of the object file, and the linker lays those
//! of all crates side by side. That works in generic functions, in impls of traits and for
//! functions that nobody calls, and nothing runs before `main`.

mod descriptor;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::function::Function;
use crate::invalidator::Invalidator;

/// The cached functions.
///
/// The section is found by this name in the whole program, so the version is in it. A program may
/// have two versions of this crate, and under one name linkme refuses both, when they are read.
#[linkme::distributed_slice]
pub static CACHEWRIGHT_FUNCTIONS_0_1: [Function];

/// The functions that invalidate.
#[linkme::distributed_slice]
pub static CACHEWRIGHT_INVALIDATORS_0_1: [Invalidator];

/// All cached functions, in no particular order.
pub(crate) fn functions() -> &'static [Function] {
    CACHEWRIGHT_FUNCTIONS_0_1.static_slice()
}

/// All functions that invalidate, in no particular order.
pub(crate) fn invalidators() -> &'static [Invalidator] {
    CACHEWRIGHT_INVALIDATORS_0_1.static_slice()
}

/// The cached functions of one bare name.
pub(crate) fn named(name: &str) -> &'static [&'static Function] {
    static BY_NAME: OnceLock<HashMap<&'static str, Vec<&'static Function>>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for function in functions() {
            by_name.entry(function.name()).or_default().push(function);
        }
        by_name
    });
    by_name.get(name).map_or(&[], Vec::as_slice)
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn sections_are_named_after_the_version() {
        macro_rules! names {
            ($($slice:ident)*) => {
                [$({ let _ = &$slice; stringify!($slice) }),*]
            };
        }
        let (major, minor) = (
            env!("CARGO_PKG_VERSION_MAJOR"),
            env!("CARGO_PKG_VERSION_MINOR"),
        );
        for name in names!(CACHEWRIGHT_FUNCTIONS_0_1 CACHEWRIGHT_INVALIDATORS_0_1) {
            assert!(name.ends_with(&format!("S_{major}_{minor}")), "{name}");
        }
    }
}
