//! What the program knows about an annotated function before it is called.

mod instance;

use std::sync::OnceLock;
use std::time::Duration;

use crate::chance;
use crate::policy::{Ahead, Policy, Tier};
use crate::schema::Schema;
use crate::value_type::ValueType;

pub(crate) use instance::Instance;

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
    key: KeyParts,
    /// The argument each of whose elements is an entry.
    batch: Option<u8>,
    /// Whether it is a method, whose receiver is no part of the key.
    has_receiver: bool,
    is_scoped: bool,
    tags: &'static [&'static str],
    returns: Option<fn() -> ValueType>,
    instances: OnceLock<Box<Instance>>,
}

/// What of a function's arguments its key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyParts {
    /// Nothing is known: the descriptor was not written by the macro.
    Unknown,
    /// All of this many.
    All(u8),
    /// Of so many, those at these positions, in the order of the key.
    Some(u8, &'static [u8]),
    /// Expressions over this many.
    Chosen(u8),
    /// Of arguments of which nobody knows how many there are: some are `#[cfg]`.
    Conditional,
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
            key: KeyParts::Unknown,
            batch: None,
            has_receiver: false,
            is_scoped: false,
            tags: &[],
            returns: None,
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

    /// Each ttl is shortened by a random share, of so many parts per million at most.
    #[must_use]
    pub const fn jitter_ppm(mut self, ppm: u32) -> Self {
        self.policy.jitter = ppm;
        self
    }

    /// For so many milliseconds behind its ttl a value is answered while it is computed anew.
    #[must_use]
    pub const fn stale_while_revalidate_millis(mut self, millis: u64) -> Self {
        self.policy.stale_while_revalidate = Duration::from_millis(millis);
        self
    }

    /// For so many milliseconds behind its ttl a value is answered when the body fails.
    #[must_use]
    pub const fn stale_if_error_millis(mut self, millis: u64) -> Self {
        self.policy.stale_if_error = Duration::from_millis(millis);
        self
    }

    /// A value is computed anew so many milliseconds before it expires.
    #[must_use]
    pub const fn refresh_ahead_millis(mut self, millis: u64) -> Self {
        self.policy.refresh_ahead = Some(Ahead::Span(Duration::from_millis(millis)));
        self
    }

    /// A value is computed anew when so many parts per million of its ttl are left.
    #[must_use]
    pub const fn refresh_ahead_ppm(mut self, ppm: u32) -> Self {
        self.policy.refresh_ahead = Some(Ahead::Share(ppm));
        self
    }

    /// A caller waits so many milliseconds for the body, where an expired value may answer.
    #[must_use]
    pub const fn timeout_millis(mut self, millis: u64) -> Self {
        self.policy.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// Of so many hits in a million the body runs too.
    #[must_use]
    pub const fn verify_ppm(mut self, ppm: u32) -> Self {
        self.policy.verify = ppm;
        self
    }

    /// Its key is made of all its arguments, which are this many; the receiver is none.
    #[must_use]
    pub const fn arguments(mut self, count: u8) -> Self {
        self.key = KeyParts::All(count);
        self
    }

    /// Its key is made of the arguments at these positions, out of `count`.
    #[must_use]
    pub const fn some_arguments(mut self, count: u8, positions: &'static [u8]) -> Self {
        self.key = KeyParts::Some(count, positions);
        self
    }

    /// Its key is made of expressions over its arguments, which are this many.
    #[must_use]
    pub const fn chosen_key(mut self, count: u8) -> Self {
        self.key = KeyParts::Chosen(count);
        self
    }

    /// Some of its arguments are there under a condition only.
    #[must_use]
    pub const fn conditional_arguments(mut self) -> Self {
        self.key = KeyParts::Conditional;
        self
    }

    /// Each element of the argument at this position is an entry of its own.
    #[must_use]
    pub const fn batch(mut self, position: u8) -> Self {
        self.batch = Some(position);
        self
    }

    /// It is a method.
    #[must_use]
    pub const fn method(mut self) -> Self {
        self.has_receiver = true;
        self
    }

    /// Something beside the arguments tells its entries apart.
    #[must_use]
    pub const fn scoped(mut self) -> Self {
        self.is_scoped = true;
        self
    }

    /// The templates of the tags that its entries carry.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// The type of the value that is kept.
    #[must_use]
    pub const fn returns(mut self, value: fn() -> ValueType) -> Self {
        self.returns = Some(value);
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

    pub(crate) fn key_parts(&self) -> KeyParts {
        self.key
    }

    pub(crate) fn batch_position(&self) -> Option<u8> {
        self.batch
    }

    pub(crate) fn has_receiver(&self) -> bool {
        self.has_receiver
    }

    pub(crate) fn is_scoped(&self) -> bool {
        self.is_scoped
    }

    pub(crate) fn written_tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// The type of its values, where the descriptor could name it.
    pub(crate) fn value_type(&self) -> Option<ValueType> {
        self.returns
            .map(|returns| returns())
            .filter(ValueType::is_seen)
    }

    /// Whether this hit is one of those of which the body runs too.
    #[inline]
    pub(crate) fn is_sampled(&self) -> bool {
        self.policy.verify > 0 && chance::happens(self.policy.verify)
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
    ///
    /// `schema` is that of the value, unless it never leaves the process.
    #[inline]
    pub(crate) fn instance<K, V>(
        &'static self,
        schema: Option<fn() -> &'static Schema>,
    ) -> &'static Instance {
        let caller = typeid::of::<K>();
        let mut next = &self.instances;
        loop {
            let instance = next.get_or_init(|| Box::new(Instance::new::<K, V>(self, schema)));
            if instance.caller == caller {
                return instance;
            }
            next = &instance.next;
        }
    }

    /// The instances that were called, in the order of their first calls.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        let mut next = &self.instances;
        std::iter::from_fn(move || {
            let instance = next.get()?;
            next = &instance.next;
            Some(&**instance)
        })
    }
}
