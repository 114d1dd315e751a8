//! A store in memory that expires by a clock of the test's, counts what it is asked, and fails when
//! it is told to.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cache_core::Error;
use cache_core::fence::Generation;
use cache_core::layout::Key;
use cache_core::store::{BoxFuture, Counters, Cursor, Deadline, Mint, Page, Store, Swap, Written};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Probe,
    Read,
    Mint,
    Write,
    Invalidate,
    Swap,
    Prolong,
    Remove,
    Scan,
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done, and its caller gets an outage.
    Outage,
    /// It is done, and its caller gets an outage.
    ReplyLost,
}

/// Clones are handles of one store.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptedStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    held: BTreeMap<Vec<u8>, (Vec<u8>, Option<Duration>)>,
    now: Duration,
    log: Vec<Operation>,
    faults: Vec<(usize, Operation, Fault)>,
    down: bool,
    full: bool,
}

impl ScriptedStore {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, span: Duration) {
        let mut state = self.state();
        state.now += span;
        let now = state.now;
        let lives = |ends: &Option<Duration>| ends.is_none_or(|ends| ends > now);
        state.held.retain(|_, (_, ends)| lives(ends));
    }

    pub(crate) fn next(&self, times: usize, of: Operation, fault: Fault) {
        self.state().faults.push((times, of, fault));
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    pub(crate) fn count(&self, of: impl Into<Option<Operation>>) -> usize {
        let of = of.into();
        let counted = |kind: &&Operation| of.is_none_or(|of| of == **kind);
        self.state().log.iter().filter(counted).count()
    }

    pub(crate) fn forget_log(&self) {
        self.state().log.clear();
    }

    pub(crate) fn peek(&self, key: &Key) -> Option<Vec<u8>> {
        let state = self.state();
        Some(state.held.get(key.as_bytes())?.0.clone())
    }

    pub(crate) fn put(&self, key: &Key, bytes: &[u8]) {
        let entry = (bytes.to_vec(), None);
        self.state().held.insert(key.as_bytes().into(), entry);
    }

    pub(crate) fn time_to_live(&self, key: &Key) -> Option<Duration> {
        let state = self.state();
        Some(state.held.get(key.as_bytes())?.1? - state.now)
    }

    fn perform<'a, T: 'a>(
        &'a self,
        operation: Operation,
        effect: impl FnOnce(&mut State) -> Result<T, Error> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>> {
        Box::pin(async move {
            let mut state = self.state();
            state.log.push(operation);
            let lost = || Err(Error::outage("lost"));
            if state.down {
                return lost();
            }
            let fits =
                |(times, of, _): &&mut (usize, Operation, Fault)| *times > 0 && *of == operation;
            let fault = state.faults.iter_mut().find(fits).map(|(times, _, fault)| {
                *times -= 1;
                *fault
            });
            match fault {
                None => effect(&mut state),
                Some(Fault::Outage) => lost(),
                Some(Fault::ReplyLost) => effect(&mut state).and_then(|_| lost()),
            }
        })
    }
}

impl State {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        Some(self.held.get(key.as_bytes())?.0.clone())
    }

    fn set(&mut self, key: &Key, bytes: Vec<u8>, ttl: Option<Duration>) {
        let ends = ttl.map(|ttl| self.now + ttl);
        self.held.insert(key.as_bytes().into(), (bytes, ends));
    }

    fn add(&mut self, key: &Key, by: i64, window: Option<Duration>) -> Result<i64, Error> {
        let text = self.get(key).unwrap_or_else(|| b"0".to_vec());
        let count: i64 = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::data("no number"))?;
        let sum = count
            .checked_add(by)
            .ok_or_else(|| Error::invalid_input("too large"))?;
        let ends = self.held.get(key.as_bytes()).and_then(|(_, ends)| *ends);
        let ends = ends.or(window.map(|window| self.now + window));
        let entry = (sum.to_string().into_bytes(), ends);
        self.held.insert(key.as_bytes().into(), entry);
        Ok(sum)
    }
}

impl Store for ScriptedStore {
    fn describe(&self) -> String {
        "scripted".to_owned()
    }

    fn probe<'a>(&'a self, _: &'a Key, _: Deadline) -> BoxFuture<'a, Result<(), Error>> {
        self.perform(Operation::Probe, |_| Ok(()))
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        _: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        let read = |state: &mut State| Ok(keys.iter().map(|key| state.get(key)).collect());
        self.perform(Operation::Read, read)
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        ttl: Duration,
        _: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        self.perform(Operation::Mint, move |state| {
            let shown = mints.into_iter().map(|Mint { key, nonce }| {
                if state.full {
                    return None;
                }
                if state.get(&key).is_none() {
                    state.set(&key, nonce.to_bytes().to_vec(), Some(ttl));
                }
                Generation::from_bytes(&state.get(&key)?)
            });
            Ok(shown.collect())
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        ttl: Duration,
        _: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        self.perform(Operation::Write, move |state| {
            if state.full {
                return Ok(Written::Full);
            }
            state.set(key, value, Some(ttl));
            Ok(Written::Stored)
        })
    }

    fn invalidate<'a>(&'a self, keys: &'a [Key], _: Deadline) -> BoxFuture<'a, Result<(), Error>> {
        let delete = |state: &mut State| {
            keys.iter()
                .for_each(|key| drop(state.held.remove(key.as_bytes())))
        };
        self.perform(Operation::Invalidate, move |state| {
            delete(state);
            Ok(())
        })
    }

    fn swap(&self, mint: Mint, ttl: Duration, _: Deadline) -> BoxFuture<'_, Result<Swap, Error>> {
        self.perform(Operation::Swap, move |state| {
            if state.full {
                return Ok(Swap::Full);
            }
            let previous = state.get(&mint.key);
            state.set(&mint.key, mint.nonce.to_bytes().to_vec(), Some(ttl));
            Ok(Swap::Done {
                previous: previous.as_deref().and_then(Generation::from_bytes),
                now: mint.nonce.into_generation(),
            })
        })
    }

    fn prolong<'a>(
        &'a self,
        _: &'a [Key],
        _: Duration,
        _: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.perform(Operation::Prolong, |_| Ok(()))
    }

    fn remove<'a>(&'a self, keys: &'a [Key], _: Deadline) -> BoxFuture<'a, Result<(), Error>> {
        self.perform(Operation::Remove, move |state| {
            keys.iter()
                .for_each(|key| drop(state.held.remove(key.as_bytes())));
            Ok(())
        })
    }

    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        _: Cursor,
        _: usize,
        _: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        self.perform(Operation::Scan, move |state| {
            let names = state.held.keys();
            let ours = names.filter(|name| name.starts_with(beginning.as_bytes()));
            Ok(Page {
                keys: ours.map(|name| Key::from_bytes(name.as_slice())).collect(),
                next: None,
            })
        })
    }

    fn counters(&self) -> Option<&dyn Counters> {
        Some(self)
    }
}

impl Counters for ScriptedStore {
    fn add<'a>(
        &'a self,
        counter: &'a Key,
        by: i64,
        window: Option<Duration>,
        _: Deadline,
    ) -> BoxFuture<'a, Result<i64, Error>> {
        self.perform(Operation::Count, move |state| {
            state.add(counter, by, window)
        })
    }

    fn expire<'a>(
        &'a self,
        counter: &'a Key,
        ttl: Duration,
        _: Deadline,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        self.perform(Operation::Count, move |state| {
            let ends = state.now + ttl;
            let held = state.held.get_mut(counter.as_bytes());
            Ok(held.map(|(_, old)| *old = Some(ends)).is_some())
        })
    }
}
