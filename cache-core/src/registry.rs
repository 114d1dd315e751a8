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
/// The section is found by this name in the whole program, so the name has a number: it is
/// counted up with every change of the descriptor, and two versions of this crate never read each
/// other's.
#[linkme::distributed_slice]
pub static CACHEWRIGHT_FUNCTIONS_1: [Function];

/// The functions that invalidate.
#[linkme::distributed_slice]
pub static CACHEWRIGHT_INVALIDATORS_1: [Invalidator];

/// All cached functions, in no particular order.
pub(crate) fn functions() -> &'static [Function] {
    CACHEWRIGHT_FUNCTIONS_1.static_slice()
}

/// All functions that invalidate, in no particular order.
pub(crate) fn invalidators() -> &'static [Invalidator] {
    CACHEWRIGHT_INVALIDATORS_1.static_slice()
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
