//! Every annotated function of the linked program, found without calling one.
//!
//! Each expansion puts its descriptor into a section of the object file, and the linker lays those
//! of all crates side by side. That works in generic functions, in impls of traits and for
//! functions that nobody calls, and nothing runs before `main`.
//!
//! A linker sees one executable or library. In a program of several that share this crate, which is
//! what Rust's `dylib`s make of it, those of the one that holds it are found, and of the others one
//! can only be met when it is called.

mod descriptor;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::from_ref;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use linkme::DistributedSlice;

use crate::function::{Function, KeyParts};
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
    static LINKED: OnceLock<&[Function]> = OnceLock::new();
    LINKED.get_or_init(|| linked(&CACHEWRIGHT_FUNCTIONS_0_1))
}

/// All functions that invalidate, in no particular order.
pub(crate) fn invalidators() -> &'static [Invalidator] {
    static LINKED: OnceLock<&[Invalidator]> = OnceLock::new();
    LINKED.get_or_init(|| linked(&CACHEWRIGHT_INVALIDATORS_0_1))
}

/// What the linker has gathered.
///
/// That is refused, by a panic, where a program contains this very version from two sources, whose
/// descriptors it would mix up. Such a program has none then, and is told why by that panic's
/// message; its cached functions have to work all the same.
fn linked<T>(slice: &DistributedSlice<[T]>) -> &'static [T] {
    catch_unwind(AssertUnwindSafe(|| slice.static_slice())).unwrap_or_else(|_| {
        IS_PARTIAL.store(true, Relaxed);
        &[]
    })
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

/// Whether a descriptor was met that the linker had put elsewhere: then more may be there.
static IS_PARTIAL: AtomicBool = AtomicBool::new(false);

/// Whether the program is known to have annotated functions that are not found here.
pub(crate) fn is_partial() -> bool {
    IS_PARTIAL.load(Relaxed)
}

/// Takes note of a cached function at its first call.
pub(crate) fn meet_function(function: &'static Function) {
    // One that no macro wrote is nowhere.
    if function.key_parts() != KeyParts::Unknown
        && !functions().as_ptr_range().contains(&from_ref(function))
    {
        IS_PARTIAL.store(true, Relaxed);
    }
}

/// Takes note of a writer. The functions whose entries it names may be where it is.
pub(crate) fn meet_writer(writer: &'static Invalidator) {
    if !writer.called().is_empty() && !invalidators().as_ptr_range().contains(&from_ref(writer)) {
        IS_PARTIAL.store(true, Relaxed);
    }
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
