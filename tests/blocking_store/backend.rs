//! A backend in memory that blocks, panics or fails when a test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use cache_core::Error;
use cache_core::store::{BlockingCounters, BlockingStore, Cursor, Deadline, Key, Mint, Page};

type Found = Vec<Option<Vec<u8>>>;

/// What the backend does to the operations that begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Well,
    /// They stand still until the manner is another one.
    Hangs,
    Panics,
    /// They fail for lack of room, but for deletions and reads.
    Full,
    /// They all do.
    DeadFull,
    /// It answers for one key fewer.
    Short,
}

/// A test's hand on a backend.
#[derive(Clone)]
pub(crate) struct Hand(Arc<(Mutex<Seen>, Condvar)>);

struct Seen {
    manner: Manner,
    begun: Vec<String>,
    recovers: bool,
    recovered: usize,
    dropped: bool,
}

impl Hand {
    pub(crate) fn turn(&self, manner: Manner) {
        self.0.0.lock().unwrap().manner = manner;
        self.0.1.notify_all();
    }

    pub(crate) fn let_recover(&self, recovers: bool) {
        self.0.0.lock().unwrap().recovers = recovers;
    }

    pub(crate) fn recovered(&self) -> usize {
        self.0.0.lock().unwrap().recovered
    }

    /// What began, by name and first key, in order.
    pub(crate) fn begun(&self) -> Vec<String> {
        self.0.0.lock().unwrap().begun.clone()
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.0.0.lock().unwrap().dropped
    }

    pub(crate) fn wait_until_begun(&self, number: usize) {
        self.wait_until(|seen| seen.begun.len() >= number);
    }

    pub(crate) fn wait_until_dropped(&self) {
        self.wait_until(|seen| seen.dropped);
    }

    fn wait_until(&self, is_so: impl Fn(&Seen) -> bool) {
        let (seen, changed) = &*self.0;
        let long = Duration::from_secs(60);
        let not_yet = |seen: &mut Seen| !is_so(seen);
        let seen = seen.lock().unwrap();
        let (_seen, waited) = changed.wait_timeout_while(seen, long, not_yet).unwrap();
        assert!(!waited.timed_out());
    }

    fn begin(&self, operation: &str, key: Option<&Key>) -> Result<Manner, Error> {
        let (seen, changed) = &*self.0;
        let mut seen = seen.lock().unwrap();
        let key = String::from_utf8_lossy(key.map_or(b"", Key::as_bytes));
        seen.begun.push(format!("{operation} {key}"));
        changed.notify_all();
        let hangs = |seen: &mut Seen| seen.manner == Manner::Hangs;
        let manner = changed.wait_while(seen, hangs).unwrap().manner;
        match manner {
            Manner::Panics => panic!("the test says so"),
            Manner::Full if !["read", "invalidate", "scan"].contains(&operation) => {
                Err(Error::full("no room"))
            }
            Manner::DeadFull => Err(Error::full("no room")),
            manner => Ok(manner),
        }
    }
}

/// Bytes, and when they end.
pub(crate) struct Backend {
    held: BTreeMap<Key, (Vec<u8>, Option<Instant>)>,
    hand: Hand,
    counts: bool,
}

impl Backend {
    pub(crate) fn new() -> (Self, Hand) {
        let hand = Hand(Arc::new((
            Mutex::new(Seen {
                manner: Manner::Well,
                begun: Vec::new(),
                recovers: true,
                recovered: 0,
                dropped: false,
            }),
            Condvar::new(),
        )));
        let backend = Self {
            held: BTreeMap::new(),
            hand: hand.clone(),
            counts: true,
        };
        (backend, hand)
    }

    pub(crate) fn without_counters() -> Self {
        let mut backend = Self::new().0;
        backend.counts = false;
        backend
    }

    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let (bytes, ends) = self.held.get(key)?;
        ends.is_none_or(|ends| ends > Instant::now())
            .then(|| bytes.clone())
    }

    fn put(&mut self, key: &Key, bytes: &[u8], ttl: Duration) {
        let ends = Some(Instant::now() + ttl);
        self.held.insert(key.clone(), (bytes.to_vec(), ends));
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.hand.0.0.lock().unwrap().dropped = true;
        self.hand.0.1.notify_all();
    }
}

impl BlockingStore for Backend {
    type Error = Error;

    fn classify(error: Error) -> Error {
        error
    }

    fn describe(&self) -> String {
        "a test's backend".into()
    }

    fn read(&mut self, keys: &[Key], _: Deadline) -> Result<Found, Error> {
        let manner = self.hand.begin("read", keys.first())?;
        let fewer = usize::from(manner == Manner::Short);
        let keys = &keys[..keys.len() - fewer];
        Ok(keys.iter().map(|key| self.get(key)).collect())
    }

    fn mint(&mut self, mints: &[Mint], ttl: Duration, _: Deadline) -> Result<Found, Error> {
        let manner = self
            .hand
            .begin("mint", mints.first().map(|mint| &mint.key))?;
        let fewer = usize::from(manner == Manner::Short);
        let mut shown = Vec::new();
        for Mint { key, nonce } in &mints[..mints.len() - fewer] {
            if self.get(key).is_none() {
                self.put(key, &nonce.to_bytes(), ttl);
            }
            shown.push(self.get(key));
        }
        Ok(shown)
    }

    fn write(&mut self, key: &Key, value: &[u8], ttl: Duration, _: Deadline) -> Result<(), Error> {
        self.hand.begin("write", Some(key))?;
        self.put(key, value, ttl);
        Ok(())
    }

    fn invalidate(&mut self, generations: &[Key], _: Deadline) -> Result<(), Error> {
        self.hand.begin("invalidate", generations.first())?;
        for key in generations {
            self.held.remove(key);
        }
        Ok(())
    }

    fn swap(&mut self, mint: &Mint, ttl: Duration, _: Deadline) -> Result<Option<Vec<u8>>, Error> {
        self.hand.begin("swap", Some(&mint.key))?;
        let before = self.get(&mint.key);
        self.put(&mint.key, &mint.nonce.to_bytes(), ttl);
        Ok(before)
    }

    fn prolong(&mut self, generations: &[Key], ttl: Duration, _: Deadline) -> Result<(), Error> {
        self.hand.begin("prolong", generations.first())?;
        let (now, named) = (Instant::now(), BTreeSet::from_iter(generations));
        for (key, (_, ends)) in &mut self.held {
            if let Some(ends) = ends
                && *ends > now
                && named.contains(key)
            {
                *ends = (*ends).max(now + ttl);
            }
        }
        Ok(())
    }

    fn scan(
        &mut self,
        beginning: &Key,
        cursor: Cursor,
        limit: usize,
        _: Deadline,
    ) -> Result<Page, Error> {
        self.hand.begin("scan", Some(beginning))?;
        let from = Key::from_bytes(cursor.place(beginning));
        let keys = self.held.range(from..).map(|(key, _)| key.clone());
        Ok(Page::sorted(keys.take(limit).collect(), beginning, limit))
    }

    fn recover(&mut self) -> Result<(), Error> {
        let mut seen = self.hand.0.0.lock().unwrap();
        if !seen.recovers {
            return Err(Error::configuration("the test says so"));
        }
        seen.recovered += 1;
        Ok(())
    }

    fn counters(&mut self) -> Option<&mut dyn BlockingCounters> {
        self.counts.then_some(self as _)
    }
}

impl BlockingCounters for Backend {
    fn add(
        &mut self,
        counter: &Key,
        by: i64,
        window: Option<Duration>,
        _: Deadline,
    ) -> Result<i64, Error> {
        let text = match self.get(counter) {
            Some(bytes) => String::from_utf8(bytes).map_err(|_| Error::data("no number"))?,
            None => "0".into(),
        };
        let count: i64 = text.parse().map_err(|_| Error::data("no number"))?;
        let too_many = || Error::invalid_input("too many");
        let sum = count.checked_add(by).ok_or_else(too_many)?;
        let ends = self
            .held
            .get(counter)
            .filter(|_| self.get(counter).is_some());
        let ends = ends.and_then(|(_, ends)| *ends);
        let ends = ends.or_else(|| Some(Instant::now() + window?));
        let bytes = sum.to_string().into_bytes();
        self.held.insert(counter.clone(), (bytes, ends));
        Ok(sum)
    }

    fn expire(&mut self, counter: &Key, ttl: Duration, _: Deadline) -> Result<bool, Error> {
        let Some(bytes) = self.get(counter) else {
            return Ok(false);
        };
        self.put(counter, &bytes, ttl);
        Ok(true)
    }
}
