//! What the protocol's broken variants ask of a store and the trait does not offer.

use cache_core::Error;
use cache_core::layout::Key;
use cache_core::testing::{Contents, Operation, ScriptedStore};

use crate::ready::ready;
use crate::world::{TTL, deadline};

#[derive(Clone)]
pub(crate) enum Command {
    Read(Vec<Key>),
    Mint(Vec<(Key, [u8; 16])>),
    Set(Key, Vec<u8>),
    Delete(Vec<Key>),
}

/// What is under the keys that were read or minted.
pub(crate) type Reply = Vec<Option<Vec<u8>>>;

impl Command {
    pub(crate) fn run(self, store: &ScriptedStore) -> Result<Reply, Error> {
        let operation = match self {
            Self::Read(_) => Operation::Read,
            Self::Mint(_) => Operation::Mint,
            Self::Set(..) => Operation::Write,
            Self::Delete(_) => Operation::Invalidate,
        };
        ready(store.perform(operation, deadline(), |contents| self.apply(contents)))
    }

    fn apply(self, contents: &mut Contents) -> Reply {
        match self {
            Self::Read(keys) => read(contents, &keys),
            Self::Mint(mints) => {
                for (key, nonce) in &mints {
                    if contents.get(key).is_none() {
                        contents.set(key, nonce.to_vec(), TTL);
                    }
                }
                let keys: Vec<_> = mints.into_iter().map(|(key, _)| key).collect();
                read(contents, &keys)
            }
            Self::Set(key, bytes) => {
                contents.set(&key, bytes, TTL);
                Vec::new()
            }
            Self::Delete(keys) => {
                keys.iter().for_each(|key| drop(contents.remove(key)));
                Vec::new()
            }
        }
    }
}

fn read(contents: &Contents, keys: &[Key]) -> Reply {
    let found = keys.iter().map(|key| contents.get(key));
    found.map(|bytes| bytes.map(<[u8]>::to_vec)).collect()
}
