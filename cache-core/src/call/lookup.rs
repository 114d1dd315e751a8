//! Where a call begins: the look-up in memory, which a hit does not leave.

use super::rehearsed;
use super::verification::{Sample, Sampled};
use super::{CacheValue, Call, LocalValue, Miss};
use crate::ambient::{Ambient, Ambients};
use crate::cache::Cache;
use crate::deferral;
use crate::function::{Function, Instance};
use crate::handling::Handling;
use crate::key::KeyWriter;
use crate::observation;
use crate::outcome::Shape;
use crate::rehearsal;
use crate::segment::SegmentWriter;
use crate::subject::Subject;

/// Looks a call up in the cache. Never waits, never allocates on a hit.
#[inline]
pub fn lookup<R, S>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    key: impl FnOnce(&mut KeyWriter),
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: CacheValue,
{
    look_up(cache, function, shape, key, prefix, Handling::shared())
}

/// Like [`lookup`], for values that never leave the process.
#[inline]
pub fn lookup_local<R, S>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    key: impl FnOnce(&mut KeyWriter),
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: LocalValue,
{
    look_up(cache, function, shape, key, prefix, Handling::local())
}

#[inline]
fn look_up<R, S, K>(
    cache: &Cache,
    function: &'static Function,
    shape: S,
    key: K,
    prefix: impl FnOnce(&mut SegmentWriter<'_>),
    handling: Handling<S::Value>,
) -> Call<R, S>
where
    S: Shape<R>,
    S::Value: LocalValue,
    K: FnOnce(&mut KeyWriter),
{
    let ambients = Ambients::ever();
    if ambients.have(Ambient::Rehearsal) && rehearsal::is_on() {
        return rehearsed::look_up(cache, function, shape, key, prefix, handling);
    }
    let instance = function.instance::<K, S::Value>(handling.schema());
    let memory = &cache.inner().memory;
    let mut writer = KeyWriter::with_seed(memory.seed(instance));
    key(&mut writer);
    if (cache.inner().rollout.is_restricted() || writer.is_bypassed())
        && cache.inner().bypasses(function, &writer)
    {
        return Call::bypassed();
    }
    let hash = writer.hash();
    let found = memory.get(hash, instance, writer.bytes(), cache.inner().clock.now());
    let found = deferral::unless_covered(ambients, cache.inner(), found);
    let mut sampled = None;
    if let Some(entry) = found {
        let kept: Option<Option<S::Value>> = entry.value();
        let kept = kept.filter(|kept| kept.is_some() || S::HAS_ABSENCE);
        if let (Some(kept), None) = (kept, writer.error()) {
            if !function.is_sampled() {
                if ambients.have(Ambient::Observation) {
                    observation::answered();
                }
                entry.series.hit();
                return Call::hit(shape, kept);
            }
            let entry = Sampled::InMemory(entry);
            sampled = Some(Sample { kept, entry });
        }
    }
    let missed = Missed {
        instance,
        hash,
        writer,
        sampled,
    };
    missed.call(cache, shape, prefix, handling)
}

/// A look-up that did not end with an answer.
struct Missed<V> {
    instance: &'static Instance,
    hash: u64,
    writer: KeyWriter,
    /// An answer that is to be verified.
    sampled: Option<Sample<V>>,
}

impl<V: LocalValue> Missed<V> {
    /// Out of the way of a hit, which is inlined into its callers.
    #[cold]
    #[inline(never)]
    fn call<R, S>(
        mut self,
        cache: &Cache,
        shape: S,
        prefix: impl FnOnce(&mut SegmentWriter<'_>),
        handling: Handling<V>,
    ) -> Call<R, S>
    where
        S: Shape<R, Value = V>,
    {
        let (instance, hash) = (self.instance, self.hash);
        let subject = Subject::of_call(cache, instance, hash, &mut self.writer, prefix);
        Call::miss(Miss {
            cache: cache.clone(),
            subject,
            shape,
            ttl: None,
            none_ttl: None,
            handling,
            codec: None,
            replaces: None,
            sampled: self.sampled,
        })
    }
}
