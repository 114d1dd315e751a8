//! Stores that break the contract in one point.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use cache_core::fence::Generation;
use cache_core::layout::Key;
use cache_core::store::{BoxFuture, Counters, Cursor, Deadline, Mint, Page, Store, Swap, Written};
use cachewright::Error;
use cachewright::testing::{Operation, ScriptedStore};
use tokio::task::yield_now;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// What is there is replaced.
    MintOverwrites,
    /// It reads, and then sets if nothing was there.
    MintInTwoSteps,
    /// The same, under a lock that other handles don't know.
    MintAtomicForItself,
    /// A read remembers what it found.
    StaleReads,
    /// Only the first key is deleted.
    InvalidatesTheFirst,
    EmptyIsAbsent,
    /// A read answers for what it found alone.
    HolesLeftOut,
    /// `prolong` sets the time to live.
    ProlongShortens,
    /// `prolong` brings back what was minted and has expired.
    ProlongRevives,
    /// What is there is not replaced.
    WritesOnce,
    /// A scan takes `*` for anything.
    PatternScan,
    /// A scan ends with its first page.
    FirstPageOnly,
    /// The work is done when the future is made.
    Eager,
    NoDeadline,
    /// It reads, and then sets.
    SwapInTwoSteps,
    /// A reply that nobody waited for is given to the next read.
    ShiftedReplies,
    /// It reads, and then sets.
    CountsInTwoSteps,
}

#[derive(Debug)]
pub(crate) struct Broken {
    store: ScriptedStore,
    flaw: Flaw,
    remembered: Mutex<BTreeMap<Key, Vec<u8>>>,
    replies: Mutex<VecDeque<Vec<Option<Vec<u8>>>>>,
    minting: tokio::sync::Mutex<()>,
}

impl Broken {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self::on(ScriptedStore::new(), flaw)
    }

    /// A handle of a place.
    pub(crate) fn on(store: ScriptedStore, flaw: Flaw) -> Self {
        Self {
            store,
            flaw,
            remembered: Mutex::default(),
            replies: Mutex::default(),
            minting: tokio::sync::Mutex::default(),
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn deadline(&self, deadline: Deadline) -> Deadline {
        if self.is(Flaw::NoDeadline) {
            return Deadline::after(Duration::from_secs(60));
        }
        deadline
    }

    /// What a read with a flaw makes of what was found.
    fn found(&self, keys: &[Key], mut found: Vec<Option<Vec<u8>>>) -> Vec<Option<Vec<u8>>> {
        match self.flaw {
            Flaw::EmptyIsAbsent => {
                for bytes in &mut found {
                    bytes.take_if(|bytes| bytes.is_empty());
                }
            }
            Flaw::HolesLeftOut => found.retain(Option::is_some),
            Flaw::StaleReads => {
                let mut remembered = self.remembered.lock().unwrap();
                for (key, bytes) in keys.iter().zip(&mut found) {
                    if let Some(bytes) = bytes {
                        remembered.insert(key.clone(), bytes.clone());
                    }
                    *bytes = remembered.get(key).cloned();
                }
            }
            _ => {}
        }
        found
    }
}

impl Broken {
    fn revive(
        &self,
        generations: Vec<Key>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<(), Error>> {
        let remembered = self.remembered.lock().unwrap().clone();
        self.store
            .perform(Operation::Prolong, deadline, move |contents| {
                for key in &generations {
                    if let Some(bytes) = remembered.get(key) {
                        contents.set(key, bytes.clone(), ttl);
                    }
                }
            })
    }
}

impl Store for Broken {
    fn describe(&self) -> String {
        format!("broken: {:?}", self.flaw)
    }

    fn probe<'a>(
        &'a self,
        canary: &'a Key,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.store.probe(canary, self.deadline(deadline))
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        Box::pin(async move {
            let found = self.store.read(keys, self.deadline(deadline)).await?;
            let found = self.found(keys, found);
            if self.is(Flaw::ShiftedReplies) {
                self.replies.lock().unwrap().push_back(found);
                yield_now().await;
                return Ok(self.replies.lock().unwrap().pop_front().unwrap());
            }
            Ok(found)
        })
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        let deadline = self.deadline(deadline);
        if self.is(Flaw::ProlongRevives) {
            let mut remembered = self.remembered.lock().unwrap();
            for Mint { key, nonce } in &mints {
                remembered.insert(key.clone(), nonce.to_bytes().into());
            }
        }
        let in_two_steps = self.is(Flaw::MintInTwoSteps) || self.is(Flaw::MintAtomicForItself);
        if !self.is(Flaw::MintOverwrites) && !in_two_steps {
            return self.store.mint(mints, ttl, deadline);
        }
        Box::pin(async move {
            let _alone = match self.is(Flaw::MintAtomicForItself) {
                true => Some(self.minting.lock().await),
                false => None,
            };
            let mut shown = Vec::new();
            for mint in mints {
                let keys = [mint.key.clone()];
                let found = self.store.read(&keys, deadline).await?.remove(0);
                if let Some(found) = found.filter(|_| in_two_steps) {
                    let generation = Generation::from_bytes(&found);
                    if generation.is_none() {
                        self.store.invalidate(&keys, deadline).await?;
                    }
                    shown.push(generation);
                    continue;
                }
                yield_now().await;
                if let Swap::Done { now, .. } = self.store.swap(mint, ttl, deadline).await? {
                    shown.push(Some(now));
                }
            }
            Ok(shown)
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        if self.is(Flaw::Eager) {
            self.store.alter(|contents| contents.set(key, value, ttl));
            return Box::pin(async { Ok(Written::Stored) });
        }
        if self.is(Flaw::WritesOnce) && self.store.peek(key).is_some() {
            return Box::pin(async { Ok(Written::Stored) });
        }
        self.store.write(key, value, ttl, self.deadline(deadline))
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let some = match self.flaw {
            Flaw::InvalidatesTheFirst => &generations[..generations.len().min(1)],
            _ => generations,
        };
        self.store.invalidate(some, self.deadline(deadline))
    }

    fn swap(
        &self,
        mint: Mint,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Swap, Error>> {
        let deadline = self.deadline(deadline);
        if !self.is(Flaw::SwapInTwoSteps) {
            return self.store.swap(mint, ttl, deadline);
        }
        Box::pin(async move {
            let keys = [mint.key.clone()];
            let found = self.store.read(&keys, deadline).await?.remove(0);
            yield_now().await;
            let swapped = self.store.swap(mint, ttl, deadline).await?;
            let previous = found.as_deref().and_then(Generation::from_bytes);
            Ok(match swapped {
                Swap::Done { now, .. } => Swap::Done { previous, now },
                Swap::Full => Swap::Full,
            })
        })
    }

    fn prolong<'a>(
        &'a self,
        generations: &'a [Key],
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let deadline = self.deadline(deadline);
        if self.is(Flaw::ProlongRevives) {
            return self.revive(generations.to_vec(), ttl, deadline);
        }
        if !self.is(Flaw::ProlongShortens) {
            return self.store.prolong(generations, ttl, deadline);
        }
        let generations = generations.to_vec();
        self.store
            .perform(Operation::Prolong, deadline, move |contents| {
                for key in &generations {
                    if let Some(bytes) = contents.remove(key) {
                        contents.set(key, bytes, ttl);
                    }
                }
            })
    }

    fn remove<'a>(
        &'a self,
        values: &'a [Key],
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.store.remove(values, self.deadline(deadline))
    }

    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        Box::pin(async move {
            // What a pattern would let through: everything behind the star.
            let bytes = beginning.as_bytes();
            let star = bytes.iter().position(|byte| *byte == b'*');
            let widened = match star {
                Some(star) if self.is(Flaw::PatternScan) => Key::from_bytes(&bytes[..star]),
                _ => beginning.clone(),
            };
            let deadline = self.deadline(deadline);
            let mut page = self.store.scan(&widened, cursor, limit, deadline).await?;
            if self.is(Flaw::FirstPageOnly) {
                page.next = None;
            }
            Ok(page)
        })
    }

    fn counters(&self) -> Option<&dyn Counters> {
        Some(self)
    }
}

impl Counters for Broken {
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>> {
        let deadline = self.deadline(deadline);
        if !self.is(Flaw::CountsInTwoSteps) {
            return self.store.add(counter, by, window, deadline);
        }
        Box::pin(async move {
            let keys = [counter.clone()];
            let found = self.store.read(&keys, deadline).await?.remove(0);
            let text = found
                .as_deref()
                .map_or("0", |bytes| std::str::from_utf8(bytes).unwrap_or("0"));
            let sum = text.parse::<i64>().unwrap_or(0).saturating_add(by);
            yield_now().await;
            let bytes = sum.to_string().into_bytes();
            self.store
                .alter(|contents| contents.set(counter, bytes, window));
            Ok(sum)
        })
    }

    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        self.store.expire(counter, ttl, self.deadline(deadline))
    }
}
