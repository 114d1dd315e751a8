//! The shape of a type, as its `Deserialize` tells it: by what it asks for.
//!
//! serde's data model has no reflection, but a `Deserialize` that is handed a `Deserializer` says
//! what it wants, and one that has nothing to give can write it down. That takes many
//! [passes](exploration), since a `Deserialize` that is refused one part never asks for the next.
//! What it asks for, names included, makes the [fingerprint](Schema::fingerprint), which stands in
//! the identity of a function and in every entry: whoever adds, drops, renames or retypes a field
//! reads none of the old entries.
//!
//! What can't be seen is a [`Gap`], told and not guessed. A user's code runs here, once for a type:
//! it may panic, ask forever, or answer otherwise each time, and is a gap then.

mod access;
mod anything;
mod ask;
mod description;
mod exploration;
mod fault;
mod fields;
mod focus;
mod gap;
mod likeness;
mod probe;
mod sample;
mod shape;
mod survey;
mod tagged;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::any::{TypeId, type_name};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use serde::de::DeserializeOwned;

use crate::entry::Fingerprint;
use description::Description;
use exploration::Exploration;
use probe::Probe;

pub use gap::{Gap, Reason};

/// The shape of a type: a fingerprint, and what it misses.
#[derive(Debug)]
pub struct Schema {
    fingerprint: Fingerprint,
    gaps: Vec<Gap>,
}

/// A static in a generic function is one for all types, so types are told apart here.
static KNOWN: LazyLock<RwLock<HashMap<TypeId, &'static Schema>>> = LazyLock::new(RwLock::default);

thread_local! {
    /// What this thread has asked for. Each hit in a store asks, and a lock, also for reading, is
    /// written to by all threads.
    static ASKED: RefCell<HashMap<TypeId, &'static Schema>> = RefCell::default();
}

impl Schema {
    /// The schema of a type, computed when it is first asked for. A few microseconds for a small
    /// struct, a few milliseconds for a large one; no lock is held meanwhile, so threads that ask
    /// at the same time each compute it.
    ///
    /// Runs the type's `Deserialize`, often, and outlives whatever that does. It can't outlive an
    /// abort: in a program that aborts on panics, a `Deserialize` must not panic on odd input.
    #[must_use]
    pub fn of<T: DeserializeOwned + 'static>() -> &'static Self {
        let id = TypeId::of::<T>();
        // There is none any more while the thread ends.
        let asked = ASKED.try_with(|asked| asked.borrow().get(&id).copied());
        if let Ok(Some(schema)) = asked {
            return schema;
        }
        let schema = Self::known::<T>(id);
        let _ = ASKED.try_with(|asked| asked.borrow_mut().insert(id, schema));
        schema
    }

    fn known<T: DeserializeOwned + 'static>(id: TypeId) -> &'static Self {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(&id) {
            return schema;
        }
        drop(known);
        let schema = Self::explore::<T>();
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(id)
            .or_insert_with(|| Box::leak(Box::new(schema)))
    }

    fn explore<T: DeserializeOwned>() -> Self {
        let root = |probe: Probe<'_>| {
            let _ = probe.judged(T::deserialize(probe));
        };
        let shape = Exploration::of(type_name::<T>(), &root);
        Self {
            fingerprint: Description::fingerprint(&shape),
            gaps: shape.gaps,
        }
    }

    /// What stands for the shape in identities and entries. Equal on every platform, and in every
    /// build that does not change the type.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The parts of the type of which changes may be missed; empty if there is none.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }
}
