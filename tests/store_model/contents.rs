//! What a store holds: bytes by name, for a time.

use std::collections::{BTreeMap, BTreeSet};

use cache_core::store::Generation;

use super::Class;

#[derive(Debug, Default)]
pub(crate) struct Contents {
    held: BTreeMap<String, Item>,
    now: u64,
}

#[derive(Debug)]
struct Item {
    bytes: Vec<u8>,
    /// `None` stays.
    ends: Option<u64>,
}

impl Contents {
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn advance(&mut self, units: u64) {
        self.now += units;
        let now = self.now;
        self.held
            .retain(|_, item| item.ends.is_none_or(|ends| ends > now));
    }

    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.held.get(name).map(|item| item.bytes.clone())
    }

    pub(crate) fn generation(&self, name: &str) -> Option<Generation> {
        Generation::from_bytes(&self.get(name)?)
    }

    pub(crate) fn time_left(&self, name: &str) -> Option<u128> {
        let ends = self.held.get(name)?.ends?;
        Some(u128::from(ends - self.now))
    }

    pub(crate) fn set(&mut self, name: &str, bytes: Vec<u8>, ttl: Option<u64>) {
        let ends = ttl.map(|ttl| self.now + ttl);
        self.held.insert(name.to_owned(), Item { bytes, ends });
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.held.remove(name);
    }

    /// The generation that is there since. What is none is deleted, so that the next mint finds
    /// nothing.
    pub(crate) fn mint(&mut self, name: &str, offered: Generation, ttl: u64) -> Option<Generation> {
        if !self.held.contains_key(name) {
            self.set(name, offered.to_bytes().to_vec(), Some(ttl));
        }
        let shown = self.generation(name);
        if shown.is_none() {
            self.remove(name);
        }
        shown
    }

    pub(crate) fn prolong(&mut self, name: &str, ttl: u64) {
        let ends = self.now + ttl;
        if let Some(item) = self.held.get_mut(name) {
            item.ends = item.ends.map(|before| before.max(ends));
        }
    }

    pub(crate) fn expire(&mut self, name: &str, ttl: u64) -> bool {
        let ends = self.now + ttl;
        let item = self.held.get_mut(name);
        item.map(|item| item.ends = Some(ends)).is_some()
    }

    pub(crate) fn add(&mut self, name: &str, by: i64, window: Option<u64>) -> Result<i64, Class> {
        let number = match self.held.get(name) {
            None => 0,
            Some(item) => std::str::from_utf8(&item.bytes)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or(Class::Data)?,
        };
        let sum = number.checked_add(by).ok_or(Class::InvalidInput)?;
        let ends = self.held.get(name).and_then(|item| item.ends);
        let ends = ends.or_else(|| window.map(|window| self.now + window));
        let bytes = sum.to_string().into_bytes();
        self.held.insert(name.to_owned(), Item { bytes, ends });
        Ok(sum)
    }

    pub(crate) fn below(&self, beginning: &str) -> BTreeSet<String> {
        let names = self.held.keys();
        names
            .filter(|name| name.starts_with(beginning))
            .cloned()
            .collect()
    }
}
