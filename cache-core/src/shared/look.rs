//! Reading an entry with its fence, and filling it.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::{Budget, Shared};
use crate::entry::{Body, Draft, Entry, Envelope, Expected, Fingerprint, Head, Stamp};
use crate::error::{Error, LOG};
use crate::fence::{Fence, Nonce, Observed};
use crate::freshness::Use;
use crate::handling::{Coding, Unstored};
use crate::layout::EntryKeys;
use crate::mutants::{Mutant, active};
use crate::policy::Policy;
use crate::stats::Series;
use crate::store::{Mint, Swap, Written};
use crate::tag::Tags;
use crate::traffic::{ErrorClass, MissReason, Operation};

/// A generation lives this many times as long as the entry that it was minted or prolonged for, so
/// that other entries below the same node find it still there.
const OUTLIVES: u32 = 4;
const SHORTEST_GENERATION: Duration = Duration::from_secs(4 * 60 * 60);

/// Entries that live as long as this prolong their generations whenever they are filled.
pub(super) const LONG: Duration = Duration::from_secs(60 * 60);

/// An entry that is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) keys: &'a EntryKeys,
    /// The rendered prefix, or the whole of a plain key.
    pub(crate) path: &'a str,
    /// Empty for a plain key.
    pub(crate) function: &'a str,
    pub(crate) tags: &'a Tags,
    pub(crate) series: &'a Series,
    pub(crate) policy: &'a Policy,
    /// How long the entry would live if it had to be computed.
    pub(crate) ttl: Duration,
    /// Whether it is for a call. What replaces a value beside the calls is neither hit nor miss.
    pub(crate) counts: bool,
}

impl Look<'_> {
    fn hit(&self) {
        if self.counts {
            self.series.shared_hits.fetch_add(1, Relaxed);
        }
    }

    fn missed(&self, reason: MissReason) {
        if self.counts {
            self.series.missed_shared(reason);
        }
    }
}

/// What is to be stored: a value or an absence, how long it lives and how long it took to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made<'a, V> {
    pub(crate) kept: Option<&'a V>,
    pub(crate) ttl: Duration,
    pub(crate) cost: Duration,
}

/// What looking came to.
#[derive(Debug)]
pub(crate) enum Found<V> {
    /// A valid entry; `None` is a kept absence. With its [id](Entry::id).
    Entry(Option<V>, Observed, u64),
    /// A valid entry that is not as fresh as could be, which is counted by whoever uses it.
    Aged(Aged<V>, Observed),
    /// Nothing that may answer.
    Nothing(Observed),
    /// An invalidation that is pending covers it: the store must not be asked.
    Barred,
}

/// A value that is not as fresh as could be.
#[derive(Debug, Clone)]
pub(crate) struct Aged<V> {
    pub(crate) value: V,
    pub(crate) usable: Use,
    /// The [id](Entry::id) of its entry; zero in memory.
    pub(crate) id: u64,
}

impl Shared {
    /// Whether an invalidation that is pending covers an entry.
    pub(crate) fn bars(&self, look: Look<'_>) -> bool {
        let leaf = look.keys.bucket();
        self.pending
            .covers(look.path, look.function, leaf, look.tags)
    }

    /// Reads an entry.
    pub(crate) async fn look<V>(
        &self,
        look: Look<'_>,
        coding: &Coding<'_, V>,
        budget: &mut Budget,
    ) -> Result<Found<V>, Error> {
        if !active(Mutant::PendingLookedAtLate) && self.bars(look) {
            look.missed(MissReason::Pending);
            return Ok(Found::Barred);
        }
        let (value, observed) = match self.read(look, budget).await {
            Ok(read) => read,
            Err(error) => {
                look.missed(MissReason::Unavailable);
                return Err(error);
            }
        };
        if active(Mutant::PendingLookedAtLate) && self.bars(look) {
            return Ok(Found::Barred);
        }
        Ok(self.judged(look, value.as_deref(), observed, coding))
    }

    /// What stands there, judged and counted.
    pub(super) fn judged<V>(
        &self,
        look: Look<'_>,
        value: Option<&[u8]>,
        observed: Observed,
        coding: &Coding<'_, V>,
    ) -> Found<V> {
        let opened = open(value, look.keys, &observed, coding);
        let judged = |opened: Opened<V>| {
            let id = opened.id;
            Ok((self.judge(look, opened)?, id))
        };
        match opened.and_then(judged) {
            Ok((Judged::Fresh(kept), id)) => {
                look.hit();
                Found::Entry(kept, observed, id)
            }
            Ok((Judged::Aged(aged), _)) => Found::Aged(aged, observed),
            Err(reason) => {
                look.missed(reason);
                Found::Nothing(observed)
            }
        }
    }

    /// Judges an entry by its age. Its end is the store's matter; a clock is looked at only where the
    /// function or the entry's writer makes a difference between fresh and of use.
    fn judge<V>(&self, look: Look<'_>, opened: Opened<V>) -> Result<Judged<V>, MissReason> {
        let Opened { kept, stamp, id } = opened;
        if !look.policy.ages() && !stamp.outlives() {
            return Ok(Judged::Fresh(kept));
        }
        let age = stamp.age(self.clock.wall());
        let usable = look.policy.use_at(age, stamp.fresh(), stamp.cost());
        match (usable, kept) {
            (Use::Fresh, kept) => Ok(Judged::Fresh(kept)),
            // An absence answers until it expires, and is no use afterwards.
            (Use::Ahead, None) => Ok(Judged::Fresh(None)),
            (Use::Expired, _) | (_, None) => Err(MissReason::Expired),
            (usable, Some(value)) => Ok(Judged::Aged(Aged { value, usable, id })),
        }
    }

    /// What `see` makes of an entry that may answer, whatever the shape of its value is, without
    /// decoding it. Counts as neither hit nor miss.
    pub(crate) async fn inspect<V, T>(
        &self,
        look: Look<'_>,
        coding: &Coding<'_, V>,
        budget: &mut Budget,
        see: impl FnOnce(Entry<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        if self.bars(look) {
            return Ok(None);
        }
        let (value, observed) = self.read(look, budget).await?;
        let entry = prove(value.as_deref(), look.keys, &observed, coding, None);
        Ok(entry.ok().map(see))
    }

    /// The entry, or why there is none that may answer, whatever its age. Counts as neither hit nor
    /// miss.
    #[cfg(feature = "testing")]
    pub(crate) async fn examine<V>(
        &self,
        look: Look<'_>,
        coding: &Coding<'_, V>,
    ) -> Result<Result<Opened<V>, MissReason>, Error> {
        if self.bars(look) {
            return Ok(Err(MissReason::Pending));
        }
        let (value, observed) = self.read(look, &mut self.budget()).await?;
        Ok(open(value.as_deref(), look.keys, &observed, coding))
    }

    /// Whether an entry still stands that was found, and may answer.
    pub(crate) async fn still_stands<V>(
        &self,
        look: Look<'_>,
        coding: &Coding<'_, V>,
        id: u64,
    ) -> bool {
        let see = |entry: Entry<'_>| entry.id() == id;
        let stands = self.inspect(look, coding, &mut self.budget(), see).await;
        stands.is_ok_and(|stands| stands == Some(true))
    }

    pub(super) async fn read(
        &self,
        look: Look<'_>,
        budget: &mut Budget,
    ) -> Result<(Option<Vec<u8>>, Observed), Error> {
        let read = |deadline| self.store.read(look.keys.read(), deadline);
        let reply = self
            .ask(Operation::Read, Some(look.series), budget, read)
            .await?;
        look.keys.receive(reply)
    }

    /// Every generation of an entry, minting what is missing. `None` if the store would not: then
    /// what is computed may be neither stored nor shared.
    pub(crate) async fn complete(
        &self,
        look: Look<'_>,
        observed: Observed,
        budget: &mut Budget,
    ) -> Option<Fence> {
        let observed = match observed.complete() {
            Ok(fence) => return Some(fence),
            Err(observed) => observed,
        };
        let mints = look.keys.mints(&observed).ok()?;
        #[cfg(mutants)]
        if super::broken::mints_otherwise() {
            return self.mint_otherwise(look, observed, mints, budget).await;
        }
        let ttl = generation_ttl(look.ttl);
        let mint = |deadline| self.store.mint(mints, ttl, deadline);
        let shown = self
            .ask(Operation::Mint, Some(look.series), budget, mint)
            .await
            .ok()?;
        if shown.contains(&None) {
            look.series.errors.count(ErrorClass::Full);
        }
        observed.with_minted(&shown).complete().ok()
    }

    /// What is there now, apart from the value.
    pub(crate) async fn observe(
        &self,
        look: Look<'_>,
        budget: &mut Budget,
    ) -> Result<Observed, Error> {
        Ok(self.read(look, budget).await?.1)
    }

    /// Gives an entry's leaf a new generation, whatever it had, if there is room for it.
    pub(crate) async fn swap(
        &self,
        look: Look<'_>,
        nonce: Nonce,
        budget: &mut Budget,
    ) -> Result<Swap, Error> {
        #[cfg(mutants)]
        if super::broken::swaps_otherwise() {
            return self.swap_otherwise(look, nonce, budget).await;
        }
        let key = look.keys.leaf().clone();
        let ttl = generation_ttl(look.ttl);
        let swap = |deadline| self.store.swap(Mint { key, nonce }, ttl, deadline);
        let swapped = self
            .ask(Operation::Swap, Some(look.series), budget, swap)
            .await?;
        if swapped == Swap::Full {
            look.series.errors.count(ErrorClass::Full);
        }
        Ok(swapped)
    }

    /// Stores what was made under its fence. That it fails is counted, and costs a computation.
    pub(crate) async fn keep<V>(
        &self,
        look: Look<'_>,
        coding: &Coding<'_, V>,
        fence: &Fence,
        made: Made<'_, V>,
        budget: &mut Budget,
    ) {
        let Made { kept, ttl, cost } = made;
        let (mut stamp, mut kept_for) = (self.stamp(ttl, cost), ttl);
        let stale = look.policy.longest_stale();
        // An absence is no use once it has expired.
        if kept.is_some() && !stale.is_zero() {
            (stamp, kept_for) = (stamp.outliving(), ttl + stale);
        }
        match coding.encode_entry(look.keys, fence, kept, stamp) {
            Ok(bytes) => {
                let _ = self.fill(look, bytes, kept_for, budget).await;
            }
            Err(reason) => look.series.unstored(&reason),
        }
    }

    /// Stores an entry under its fence. It may be lost: that costs a computation.
    pub(crate) async fn fill(
        &self,
        look: Look<'_>,
        entry: Vec<u8>,
        ttl: Duration,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        self.write(look, entry, ttl, budget).await.map(drop)
    }

    /// Removes a value that has not been invalidated. If that is lost, it answers for as long as it would
    /// have anyhow.
    pub(crate) async fn remove(&self, look: Look<'_>, budget: &mut Budget) {
        let values = std::slice::from_ref(look.keys.value());
        let remove = |deadline| self.store.remove(values, deadline);
        let _ = self
            .ask(Operation::Remove, Some(look.series), budget, remove)
            .await;
    }

    /// Like [`fill`](Self::fill), for an entry of a size that was stored already.
    pub(crate) async fn write(
        &self,
        look: Look<'_>,
        entry: Vec<u8>,
        ttl: Duration,
        budget: &mut Budget,
    ) -> Result<Written, Error> {
        let write = |deadline| self.store.write(look.keys.value(), entry, ttl, deadline);
        let written = self
            .ask(Operation::Write, Some(look.series), budget, write)
            .await?;
        match written {
            Written::Full => {
                look.series.errors.count(ErrorClass::Full);
            }
            Written::Stored if ttl >= LONG || one_in_eight() => {
                let generations = look.keys.generations();
                let ttl = generation_ttl(ttl);
                let prolong = |deadline| self.store.prolong(generations, ttl, deadline);
                // The entry is stored whatever becomes of this; that it may be lost costs a
                // computation, and is counted.
                let _ = self
                    .ask(Operation::Prolong, Some(look.series), budget, prolong)
                    .await;
            }
            Written::Stored => {}
        }
        Ok(written)
    }
}

/// A valid entry, judged by its age.
enum Judged<V> {
    Fresh(Option<V>),
    Aged(Aged<V>),
}

/// What stands there, if it may answer; without a fingerprint, whatever its shape is.
fn prove<'a, V>(
    value: Option<&'a [u8]>,
    keys: &EntryKeys,
    observed: &Observed,
    coding: &Coding<'_, V>,
    fingerprint: Option<Fingerprint>,
) -> Result<Entry<'a>, MissReason> {
    let value = value.ok_or(MissReason::Absent)?;
    let largest = Head::length(usize::from(u8::MAX)).saturating_add(coding.largest_value());
    let envelope = Envelope::parse(value, largest).map_err(MissReason::Rejected)?;
    let expected = Expected {
        echo: keys.echo(),
        fingerprint: fingerprint.unwrap_or(envelope.fingerprint()),
        codec: coding.codec(),
        observed,
    };
    envelope.prove(&expected).map_err(MissReason::Rejected)
}

/// What stands there, and may answer.
pub(crate) struct Opened<V> {
    /// `None` is a kept absence.
    pub(crate) kept: Option<V>,
    pub(crate) stamp: Stamp,
    id: u64,
}

/// The value that stands there, with its times, if it may answer.
pub(super) fn open<V>(
    value: Option<&[u8]>,
    keys: &EntryKeys,
    observed: &Observed,
    coding: &Coding<'_, V>,
) -> Result<Opened<V>, MissReason> {
    let fingerprint = Some(coding.fingerprint());
    let entry = prove(value, keys, observed, coding, fingerprint)?;
    let opened = |kept| Opened {
        kept,
        stamp: entry.stamp(),
        id: entry.id(),
    };
    let unpacked;
    let body = match entry.body() {
        Body::Absent => return Ok(opened(None)),
        Body::Value(body) => body,
        Body::Compressed(packed) => {
            let value = packed.unpack(coding.largest_value());
            unpacked = value.map_err(MissReason::Rejected)?;
            &unpacked
        }
    };
    match coding.decode(entry.codec(), body) {
        Ok(value) => Ok(opened(Some(value))),
        Err(error) => {
            tracing::debug!(target: LOG, %error, "a stored value can't be read");
            Err(MissReason::Undecodable)
        }
    }
}

impl<V> Coding<'_, V> {
    /// The bytes of an entry.
    pub(crate) fn encode_entry(
        &self,
        keys: &EntryKeys,
        fence: &Fence,
        value: Option<&V>,
        stamp: Stamp,
    ) -> Result<Vec<u8>, Unstored> {
        let draft = Draft {
            echo: keys.echo(),
            fingerprint: self.fingerprint(),
            stamp,
            fence,
        };
        self.encode(&draft, value)
    }
}

/// How long the generations of an entry that lives for `ttl` should live.
pub(super) fn generation_ttl(ttl: Duration) -> Duration {
    ttl.saturating_mul(OUTLIVES).max(SHORTEST_GENERATION)
}

/// True for one call in eight, at random.
pub(super) fn one_in_eight() -> bool {
    RandomState::new().hash_one(()).is_multiple_of(8)
}
