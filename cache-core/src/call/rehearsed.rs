//! A call that is made only to learn which entry it is of.

use std::any::type_name;
use std::sync::Arc;
use std::time::Duration;

use super::{Call, LocalValue};
use crate::cache::Cache;
use crate::codec::Coder;
use crate::function::Function;
use crate::handling::Handling;
use crate::key::KeyWriter;
use crate::outcome::Shape;
use crate::rehearsal::{self, Rehearsal, Rehearsed};
use crate::segment::SegmentWriter;
use crate::subject::Subject;

/// What a call has to do with the rehearsal that it is part of.
pub(crate) struct Part {
    rehearsal: Arc<Rehearsal>,
    known: Box<Rehearsed>,
}

/// Finds out what a call is about, without reading what is kept, and counts nothing.
#[cold]
#[inline(never)]
pub(super) fn look_up<R, S, K>(
    cache: &Cache,
    function: &'static Function,
    _: S,
    key: K,
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
    handling: Handling<S::Value>,
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: LocalValue,
    K: FnOnce(&mut KeyWriter),
{
    let rehearsal = rehearsal::claim().expect("whoever comes here has found one");
    let inner = cache.inner();
    let instance = function.instance::<K, S::Value>(handling.schema());
    let mut writer = KeyWriter::with_seed(inner.memory.seed(instance));
    key(&mut writer);
    let may_be_bypassed = inner.rollout.is_restricted() || writer.is_bypassed();
    let is_bypassed = may_be_bypassed && inner.leaves_out(function, &writer);
    let hash = writer.hash();
    let subject = Subject::known(cache, instance, hash, &mut writer, prefix);
    let known = Rehearsed {
        cache: cache.clone(),
        function,
        subject,
        is_bypassed,
        ttl: None,
        none_ttl: None,
        codec: None,
        is_conditional: false,
        has_absence: S::HAS_ABSENCE,
        value_type: type_name::<S::Value>(),
        handling: Box::new(handling),
        #[cfg(feature = "testing")]
        coded: handling
            .encodable
            .map(|_| crate::testing::Coded::of::<S::Value>()),
    };
    Call::rehearsed(Part {
        rehearsal,
        known: Box::new(known),
    })
}

impl Part {
    pub(super) fn ttl(&mut self, ttl: Duration) {
        self.known.ttl = Some(ttl);
    }

    pub(super) fn none_ttl(&mut self, ttl: Duration) {
        self.known.none_ttl = Some(ttl);
    }

    pub(super) fn codec<V: 'static>(&mut self, codec: Arc<dyn Coder<V>>) {
        self.known.codec = Some(Box::new(codec));
    }

    /// A condition is a closure inside of the call, which knows more than can be handed over.
    pub(super) fn conditional(&mut self) {
        self.known.is_conditional = true;
    }

    /// Hands over what is known, and never goes on; unless there is no way to stop the call: then
    /// what is left of it runs as if it were not cached.
    pub(super) async fn stop(self) {
        self.rehearsal.stop(Ok(self.known)).await;
    }
}
