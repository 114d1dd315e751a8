//! What the program knows about an annotated function before it is called.

use std::any::{TypeId, type_name};
use std::sync::OnceLock;
use std::time::Duration;

use crate::key::{Identity, function_path};
use crate::policy::{Policy, Tier};

/// The static descriptor of one annotated function.
///
/// Expansions build it in a `static`, so every setter is `const` and takes plain data.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    key_prefix: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    version: Option<u32>,
    policy: Policy,
    instances: OnceLock<Box<Instance>>,
}

impl Function {
    /// A function by its bare name, with its `key_prefix` template (empty for none) and its place.
    #[must_use]
    pub const fn new(
        name: &'static str,
        key_prefix: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name,
            key_prefix,
            module,
            file,
            line,
            version: None,
            policy: Policy::new(),
            instances: OnceLock::new(),
        }
    }

    /// How long a value is kept, in milliseconds.
    #[must_use]
    pub const fn ttl_millis(mut self, millis: u64) -> Self {
        self.policy.ttl = Some(Duration::from_millis(millis));
        self
    }

    /// How long an absence (`None`) is kept, in milliseconds; not at all by default.
    #[must_use]
    pub const fn none_ttl_millis(mut self, millis: u64) -> Self {
        self.policy.none_ttl = Some(Duration::from_millis(millis));
        self
    }

    /// The version of what the function computes, shown as `name.v2` in the visible key.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Entries never leave the process.
    #[must_use]
    pub const fn memory_only(mut self) -> Self {
        self.policy.tier = Tier::MemoryOnly;
        self
    }

    /// Entries are not copied into memory in front of a shared store.
    #[must_use]
    pub const fn shared_only(mut self) -> Self {
        self.policy.tier = Tier::SharedOnly;
        self
    }

    /// Callers that miss together each run the body.
    #[must_use]
    pub const fn uncoalesced(mut self) -> Self {
        self.policy.coalesce = false;
        self
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn key_prefix(&self) -> &'static str {
        self.key_prefix
    }

    /// The segments of its keys as they stand in the source: those of the key prefix, and the name.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &'static str> {
        let prefix = (!self.key_prefix.is_empty()).then_some(self.key_prefix);
        let prefix = prefix.into_iter().flat_map(|prefix| prefix.split(':'));
        prefix.chain([self.name])
    }

    pub(crate) fn version_number(&self) -> Option<u32> {
        self.version
    }

    /// Whether it stands for the entries that are addressed by keys.
    pub(crate) fn is_plain(&self) -> bool {
        self.name.is_empty()
    }

    pub(crate) fn place(&self) -> (&'static str, &'static str, u32) {
        (self.module, self.file, self.line)
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The name as it stands in the visible key.
    pub(crate) fn versioned_name(&self) -> String {
        match self.version {
            Some(version) => format!("{}.v{version}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// The instance of a generic function that the caller is: `K` is the type of a closure
    /// written in the function, one for each set of generic arguments; `V` is the type of the
    /// value.
    ///
    /// Nearly every function has one instance, found by comparing a type id. Others are found by
    /// walking a list that only ever grows at its end.
    #[inline]
    pub(crate) fn instance<K, V>(&'static self) -> &'static Instance {
        let caller = typeid::of::<K>();
        let mut next = &self.instances;
        loop {
            let instance = next.get_or_init(|| Box::new(Instance::new::<K, V>(self)));
            if instance.caller == caller {
                return instance;
            }
            next = &instance.next;
        }
    }
}

/// One instance of a (perhaps generic) annotated function.
#[derive(Debug)]
pub(crate) struct Instance {
    function: &'static Function,
    /// The type of the closure by which the instance is known. Its name would not do: two types
    /// that are declared in two blocks of one function have one name.
    caller: TypeId,
    identity: Identity,
    next: OnceLock<Box<Instance>>,
}

impl Instance {
    fn new<K, V>(function: &'static Function) -> Self {
        const NO_FINGERPRINT: [u8; 16] = [0; 16];
        let (path, value) = (function_path(type_name::<K>()), type_name::<V>());
        Self {
            function,
            caller: typeid::of::<K>(),
            identity: Identity::new(path, value, NO_FINGERPRINT, function.version),
            next: OnceLock::new(),
        }
    }

    pub(crate) fn function(&self) -> &'static Function {
        self.function
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    static GENERIC: Function = Function::new("generic", "", "", "", 0);

    fn instance<T>() -> &'static Instance {
        fn named<K, V>(_: K) -> &'static Instance {
            GENERIC.instance::<K, V>()
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
