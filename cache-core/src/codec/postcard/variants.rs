//! Whether the variants of enums are read as what was written.
//!
//! serde's derive numbers all variants where it writes, and those that are not skipped where it reads.
//! By its number, a variant behind a `#[serde(skip)]` is taken for the one after it. The names are
//! known where it is written, and nobody knows the numbers of the reader but the reader. So the first
//! value of a type that has a variant is read back, and has to have the same ones. Nor does anything
//! that is written tell which fields a struct is asked for, so the first with a struct is read back as well.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{LazyLock, PoisonError, RwLock};

/// A variant that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub(super) index: u32,
    pub(super) name: &'static str,
    /// The enum; empty for a struct, whose number is that of its fields.
    pub(super) of: &'static str,
}

/// Those of one value, each once.
#[derive(Debug, Default)]
pub(super) struct Variants(RefCell<Vec<Variant>>);

/// Those that come back, of each type that was written.
static SOUND: LazyLock<RwLock<HashSet<(TypeId, Variant)>>> = LazyLock::new(RwLock::default);

impl Variants {
    /// Notes a struct of which so many fields were written.
    pub(super) fn note_struct(&self, name: &'static str, fields: usize) {
        self.note("", u32::try_from(fields).unwrap_or(u32::MAX), name);
    }

    pub(super) fn note(&self, of: &'static str, index: u32, name: &'static str) {
        let variant = Variant { index, name, of };
        let mut all = self.0.borrow_mut();
        if !all.contains(&variant) {
            all.push(variant);
        }
    }

    /// Whether all of them are known to come back in a value of the type `V`.
    pub(super) fn are_sound<V: 'static>(&self) -> bool {
        let all = self.0.borrow();
        if all.is_empty() {
            return true;
        }
        let sound = SOUND.read().unwrap_or_else(PoisonError::into_inner);
        let is_sound = |variant: &Variant| sound.contains(&(TypeId::of::<V>(), *variant));
        all.iter().all(is_sound)
    }

    /// Notes that they do, if `back` has the same, or gives one that has not come back.
    ///
    /// Numbers are taken for higher ones or for their own, so what is another set is not the same.
    pub(super) fn compare<V: 'static>(&self, back: &Self) -> Option<Variant> {
        let (all, back) = (self.0.borrow(), back.0.borrow());
        if let Some(lost) = all
            .iter()
            .find(|variant| !variant.of.is_empty() && !back.contains(variant))
        {
            return Some(*lost);
        }
        let mut sound = SOUND.write().unwrap_or_else(PoisonError::into_inner);
        sound.extend(all.iter().map(|variant| (TypeId::of::<V>(), *variant)));
        None
    }
}
