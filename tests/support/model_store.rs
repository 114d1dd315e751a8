//! A store that keeps the contract and uses every freedom it leaves: it forgets, fails, answers
//! nothing although it has done the work, and does the work later than anybody waits for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use cache_core::Error;
use cache_core::fence::Generation;
use cache_core::layout::Key;
use cache_core::store::{BoxFuture, Cursor, Deadline, Mint, Page, Store, Swap, Written};

/// What becomes of the next operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Answered,
    /// Done, but its caller is told of an error.
    ReplyLost,
    /// Not done, and its caller is told of an error.
    RequestLost,
    /// Its caller is told of an error, and it is done at [`ModelStore::deliver`].
    Late,
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Read(Vec<Key>),
    Mint(Vec<(Key, [u8; 16])>),
    Set(Key, Vec<u8>),
    Swap(Key, [u8; 16]),
    Delete(Vec<Key>),
    Scan(Key, Cursor, usize),
}

#[derive(Debug)]
pub(crate) enum Reply {
    Bytes(Vec<Option<Vec<u8>>>),
    Done,
    Full,
    Page(Page),
}

#[derive(Debug, Default)]
pub(crate) struct ModelStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: BTreeMap<Vec<u8>, Vec<u8>>,
    late: Vec<Command>,
    fate: Fate,
    full: bool,
}

impl ModelStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn set_fate(&self, fate: Fate) {
        self.state().fate = fate;
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    pub(crate) fn held(&self) -> usize {
        self.state().held.len()
    }

    /// Evicts, or lets expire, what stands at `index` in the order of names.
    pub(crate) fn evict(&self, index: usize) {
        let mut state = self.state();
        let name = state.held.keys().nth(index).cloned();
        name.and_then(|name| state.held.remove(&name));
    }

    pub(crate) fn late(&self) -> usize {
        self.state().late.len()
    }

    /// Does what came late.
    pub(crate) fn deliver(&self, index: usize) {
        let mut state = self.state();
        let command = state.late.swap_remove(index);
        state.apply(&command);
    }

    /// Runs any command under the next fate: what the protocol's broken variants need and the trait
    /// does not offer.
    pub(crate) fn run(&self, command: Command) -> Result<Reply, Error> {
        let mut state = self.state();
        let lost = || Err(Error::outage("the model lost it"));
        match std::mem::take(&mut state.fate) {
            Fate::Answered => Ok(state.apply(&command)),
            Fate::ReplyLost => {
                state.apply(&command);
                lost()
            }
            Fate::RequestLost => lost(),
            Fate::Late => {
                state.late.push(command);
                lost()
            }
        }
    }

    /// Nothing happens before the first poll, as the contract has it.
    fn answer<'a, T: 'a>(
        &'a self,
        command: Command,
        read: impl FnOnce(Reply) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>> {
        Box::pin(async move { self.run(command).map(read) })
    }
}

impl State {
    fn apply(&mut self, command: &Command) -> Reply {
        match command {
            Command::Read(keys) => Reply::Bytes(self.read(keys)),
            Command::Mint(mints) => {
                for (key, nonce) in mints {
                    if !self.full {
                        let generation = self.held.entry(key.as_bytes().into());
                        generation.or_insert_with(|| nonce.to_vec());
                    }
                }
                let keys: Vec<_> = mints.iter().map(|(key, _)| key.clone()).collect();
                // As of Redis, which refuses `SET NX GET` for want of memory even if the key
                // exists.
                Reply::Bytes(if self.full {
                    vec![None; keys.len()]
                } else {
                    self.read(&keys)
                })
            }
            Command::Set(..) | Command::Swap(..) if self.full => Reply::Full,
            Command::Set(key, value) => {
                self.held.insert(key.as_bytes().into(), value.clone());
                Reply::Done
            }
            Command::Swap(key, nonce) => Reply::Bytes(vec![
                self.held.insert(key.as_bytes().into(), nonce.to_vec()),
            ]),
            Command::Delete(keys) => {
                keys.iter()
                    .for_each(|key| drop(self.held.remove(key.as_bytes())));
                Reply::Done
            }
            Command::Scan(beginning, cursor, limit) => {
                Reply::Page(self.scan(beginning, cursor, *limit))
            }
        }
    }

    fn read(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        keys.iter()
            .map(|key| self.held.get(key.as_bytes()).cloned())
            .collect()
    }

    /// In the order of names, with the last one as the cursor: what stays is never passed over.
    fn scan(&self, beginning: &Key, cursor: &Cursor, limit: usize) -> Page {
        let after = self
            .held
            .keys()
            .filter(|name| name.as_slice() > cursor.as_bytes());
        let names: Vec<_> = after.take(limit).collect();
        let ours = names
            .iter()
            .filter(|name| name.starts_with(beginning.as_bytes()));
        Page {
            keys: ours.map(|name| Key::from_bytes(name.as_slice())).collect(),
            next: names.last().map(|name| Cursor::from_bytes(name.as_slice())),
        }
    }
}

fn bytes(reply: Reply) -> Vec<Option<Vec<u8>>> {
    match reply {
        Reply::Bytes(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

fn generations(reply: Reply) -> Vec<Option<Generation>> {
    let shown = bytes(reply).into_iter();
    shown
        .map(|bytes| bytes.as_deref().and_then(Generation::from_bytes))
        .collect()
}

impl Store for ModelStore {
    fn describe(&self) -> String {
        "model".to_owned()
    }

    fn probe<'a>(&'a self, canary: &'a Key, _: Deadline) -> BoxFuture<'a, Result<(), Error>> {
        self.answer(Command::Delete(vec![canary.clone()]), drop)
    }

    fn read<'a>(
        &'a self,
        keys: &'a [Key],
        _: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<u8>>>, Error>> {
        self.answer(Command::Read(keys.to_vec()), bytes)
    }

    fn mint(
        &self,
        mints: Vec<Mint>,
        _: Duration,
        _: Deadline,
    ) -> BoxFuture<'_, Result<Vec<Option<Generation>>, Error>> {
        let mints = mints
            .into_iter()
            .map(|mint| (mint.key, mint.nonce.to_bytes()));
        self.answer(Command::Mint(mints.collect()), generations)
    }

    fn write<'a>(
        &'a self,
        key: &'a Key,
        value: Vec<u8>,
        _: Duration,
        _: Deadline,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        self.answer(Command::Set(key.clone(), value), |reply| match reply {
            Reply::Full => Written::Full,
            _ => Written::Stored,
        })
    }

    fn invalidate<'a>(
        &'a self,
        generations: &'a [Key],
        _: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.answer(Command::Delete(generations.to_vec()), drop)
    }

    fn swap(&self, mint: Mint, _: Duration, _: Deadline) -> BoxFuture<'_, Result<Swap, Error>> {
        let Mint { key, nonce } = mint;
        let command = Command::Swap(key, nonce.to_bytes());
        self.answer(command, move |reply| match reply {
            Reply::Full => Swap::Full,
            shown => Swap::Done {
                previous: generations(shown)[0],
                now: nonce.into_generation(),
            },
        })
    }

    fn prolong<'a>(
        &'a self,
        _: &'a [Key],
        _: Duration,
        _: Deadline,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.answer(Command::Read(Vec::new()), drop)
    }

    fn remove<'a>(&'a self, values: &'a [Key], _: Deadline) -> BoxFuture<'a, Result<(), Error>> {
        self.answer(Command::Delete(values.to_vec()), drop)
    }

    fn scan<'a>(
        &'a self,
        beginning: &'a Key,
        cursor: Cursor,
        limit: usize,
        _: Deadline,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        self.answer(
            Command::Scan(beginning.clone(), cursor, limit),
            |reply| match reply {
                Reply::Page(page) => page,
                other => panic!("{other:?}"),
            },
        )
    }
}

/// The result of a future that waits for nobody.
pub(crate) fn ready<T>(mut future: BoxFuture<'_, T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => panic!("the model waits for nobody"),
    }
}
