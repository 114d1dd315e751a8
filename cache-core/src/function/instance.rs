//! One instance of an annotated function: a generic one has one for each set of its arguments.

use std::any::{TypeId, type_name};
use std::sync::OnceLock;

use super::Function;
use crate::call::Told;
use crate::entry::Fingerprint;
#[cfg(debug_assertions)]
use crate::error::LOG;
use crate::key::{Identity, function_path};
use crate::registry;
#[cfg(debug_assertions)]
use crate::round_trip::Difference;
use crate::round_trip::{Record, RoundTrip};
use crate::schema::Schema;

/// One instance of a (perhaps generic) annotated function.
#[derive(Debug)]
pub(crate) struct Instance {
    function: &'static Function,
    /// The type of the closure by which the instance is known. Its name would not do: two types
    /// that are declared in two blocks of one function have one name.
    pub(super) caller: TypeId,
    /// The path of the function, the type of the value.
    names: (&'static str, &'static str),
    schema: Option<fn() -> &'static Schema>,
    identity: OnceLock<Identity>,
    round_trip: Record,
    /// What has been said about its batches.
    told: Told,
    pub(super) next: OnceLock<Box<Instance>>,
}

impl Instance {
    pub(super) fn new<K, V>(
        function: &'static Function,
        schema: Option<fn() -> &'static Schema>,
    ) -> Self {
        registry::meet_function(function);
        Self {
            function,
            caller: typeid::of::<K>(),
            names: (function_path(type_name::<K>()), type_name::<V>()),
            schema,
            identity: OnceLock::new(),
            round_trip: Record::new(),
            told: Told::default(),
            next: OnceLock::new(),
        }
    }

    pub(crate) fn function(&self) -> &'static Function {
        self.function
    }

    /// What names the function in stored keys. A hit in memory does without, and a program without
    /// a store never looks at the shape of its types.
    pub(crate) fn identity(&self) -> &Identity {
        if let Some(identity) = self.identity.get() {
            return identity;
        }
        // It runs a user's code, which may come by here again.
        let fingerprint = self.schema().map(Schema::fingerprint);
        let fingerprint = *fingerprint.unwrap_or(Fingerprint::NONE).as_bytes();
        let (path, value) = self.names;
        let identity = Identity::new(path, value, fingerprint, self.function.version);
        self.identity.get_or_init(|| identity)
    }

    /// The shape of the value; `None` if it never leaves the process.
    pub(crate) fn schema(&self) -> Option<&'static Schema> {
        self.schema.map(|schema| schema())
    }

    pub(crate) fn told(&self) -> &Told {
        &self.told
    }

    /// As in `shop::Users::get<u8>`.
    pub(crate) fn path(&self) -> &'static str {
        self.names.0
    }

    /// Whether the first value that it kept came back equal from its encoding; none before that, in
    /// release builds, and where values are never encoded.
    pub(crate) fn round_trip(&self) -> Option<&RoundTrip> {
        self.round_trip.outcome()
    }

    /// Checks the first value, of type `V`, that it keeps, and logs what does not come back.
    #[cfg(debug_assertions)]
    pub(crate) fn check_round_trip<V>(&self, check: impl FnOnce() -> RoundTrip) {
        // Nearly every fill ends here, and writes nothing.
        if self.round_trip().is_some() {
            return;
        }
        if let Some(RoundTrip::Differs(difference)) = self.round_trip.settle(check) {
            self.log_difference(type_name::<V>(), difference);
        }
    }

    #[cfg(debug_assertions)]
    fn log_difference(&self, value_type: &'static str, difference: &Difference) {
        let Difference { field, what } = difference;
        let (_, file, line) = self.function.place();
        tracing::error!(
            target: LOG,
            function = self.path(),
            place = format_args!("{file}:{line}"),
            value_type,
            field = field.as_deref(),
            %what,
            "a value does not come back equal from its encoding, so a hit in a store would be \
             another answer than that of the function: change how the type is serialized, or keep \
             its values in the process with `tier = \"memory\"`"
        );
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    static GENERIC: Function = Function::new("generic", "", "", "", 0);

    fn instance<T>() -> &'static Instance {
        fn named<K, V>(_: K) -> &'static Instance {
            GENERIC.instance::<K, V>(None)
        }
        named::<_, T>(|_: &T| ())
    }

    #[test]
    fn every_instance_of_a_generic_function_is_found_again() {
        let (a, b, c) = (instance::<u8>(), instance::<u16>(), instance::<Vec<u8>>());
        assert!(!std::ptr::eq(a, b) && !std::ptr::eq(b, c) && !std::ptr::eq(a, c));
        assert!(std::ptr::eq(a, instance::<u8>()));
        assert!(std::ptr::eq(b, instance::<u16>()));
        assert!(std::ptr::eq(c, instance::<Vec<u8>>()));
        let all: Vec<_> = GENERIC.instances().collect();
        let is_there = |one: &Instance| all.iter().any(|other| std::ptr::eq(*other, one));
        assert!([a, b, c].into_iter().all(is_there));
    }

    #[test]
    fn types_of_one_name_are_different_instances() {
        let first = {
            struct Local;
            (type_name::<Local>(), instance::<Local>())
        };
        let second = {
            struct Local;
            (type_name::<Local>(), instance::<Local>())
        };
        assert_eq!(first.0, second.0);
        assert!(!std::ptr::eq(first.1, second.1));
    }
}
