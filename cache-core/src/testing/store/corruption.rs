//! Replies that are not what is stored.

use super::Contents;

/// What is wrong with the reply to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Corruption {
    /// One bit of it is another: of the longest value among what was read, which is the entry.
    Flipped,
    /// The longest value ends in its middle.
    Truncated,
    /// In the place of the longest value stands another one of the store; nothing, if there is none.
    Another,
    /// It is the reply to the read before: replies have got out of step with their requests. The first
    /// is empty.
    Shifted,
}

/// What a read gives: the bytes of each key.
type Reply = Vec<Option<Vec<u8>>>;

/// What the store does to its replies.
#[derive(Debug, Default)]
pub(super) struct Replies {
    /// To the next read.
    pub(super) corruption: Option<Corruption>,
    before: Reply,
}

impl Contents {
    /// The reply to a read as it gets to who asked.
    pub(super) fn corrupted(&mut self, reply: Reply) -> Reply {
        let before = std::mem::replace(&mut self.replies.before, reply.clone());
        match self.replies.corruption {
            None => reply,
            Some(Corruption::Shifted) => before,
            Some(Corruption::Flipped) => with_longest(reply, |mut bytes| {
                let middle = bytes.len() / 2;
                if let Some(byte) = bytes.get_mut(middle) {
                    *byte ^= 1;
                }
                Some(bytes)
            }),
            Some(Corruption::Truncated) => with_longest(reply, |mut bytes| {
                bytes.truncate(bytes.len() / 2);
                Some(bytes)
            }),
            Some(Corruption::Another) => with_longest(reply, |bytes| {
                let all = self
                    .keys()
                    .filter_map(|key| self.get(&key).map(<[u8]>::to_vec));
                all.filter(|other| *other != bytes).max_by_key(Vec::len)
            }),
        }
    }
}

fn with_longest(mut reply: Reply, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) -> Reply {
    let longest = reply
        .iter_mut()
        .max_by_key(|value| value.as_ref().map(Vec::len));
    if let Some(longest) = longest {
        *longest = longest.take().and_then(change);
    }
    reply
}
