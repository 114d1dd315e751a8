//! The names under which entries and generations stand in a store.
//!
//! | key | name |
//! | --- | --- |
//! | value of a function's entry | `{namespace}:{key_prefix}:{function}:{args_hash}` |
//! | value of a plain entry | `{namespace}:{key}` |
//! | generation of a node | `{namespace}:~n:{node}`; a function is a node too, `user:42:get_profile`, and so is a plain key |
//! | generation of a leaf | `{namespace}:~l:{bucket}`, four hex digits |
//! | generation of a tag | `{namespace}:~t:{tag}` |
//! | counter | `{namespace}:!c:{key}` |
//! | lease of a sweep | `{namespace}:!s` |
//! | canary of a probe | `{namespace}:!{nonce}`, 32 hex digits |
//!
//! A rendered segment consists of `[A-Za-z0-9_.-]` and `%`, and a function's name is an identifier,
//! so no value's name has a segment that begins with `~` or `!`: the kinds can't collide, whatever
//! a user's keys and arguments are. [`Layout`] refuses a text that was not escaped.
//!
//! On one server a generation has one copy. A cluster will keep one in each bucket, so that a hit
//! touches one slot; therefore nobody composes these names but [`Layout`], which is asked by
//! purpose: the keys that *one read* needs ([`Layout::function_entry`], [`Layout::plain_entry`])
//! and all the keys that *an invalidation* must delete ([`Layout::copies`]).

mod key;
mod value;

use crate::Error;
use crate::entry::Echo;
use crate::fence::{Generation, Nonce, Observed};
use crate::key::hex;
use crate::mutants::{Mutant, active};
use crate::pattern::{named_by, nodes};
use crate::store::Mint;

pub use key::{Key, Leaf};
pub(crate) use value::ValueName;

/// What has a generation of its own: the parts of the cache that an invalidation can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region<'a> {
    /// Everything below a rendered prefix that ends at a segment's border, such as `user:42`, or
    /// below a function with its prefix before it and no version, such as `user:42:get_profile`.
    Node(&'a str),
    /// The entries of one bucket.
    Leaf(Leaf),
    /// Every entry with this rendered tag.
    Tag(&'a str),
}

/// What a function's entry is named by. The texts are rendered and escaped already.
#[derive(Clone, Copy, Debug)]
pub struct FunctionEntry<'a> {
    /// The rendered `key_prefix`, without a colon at either end; empty when there is none.
    pub prefix: &'a str,
    /// The bare name of the function.
    pub function: &'a str,
    /// The version, which shows in the key as `.v2` behind the name.
    pub version: Option<u32>,
    /// The 128-bit identity of function, type and arguments.
    pub args_hash: [u8; 16],
    /// The bucket of function and arguments.
    pub leaf: Leaf,
    /// The rendered tags.
    pub tags: &'a [&'a str],
}

/// The most generations that one entry may have: nine nodes and the leaf leave plenty for tags.
pub const MAX_GENERATIONS: usize = 64;

/// The names of one namespace.
///
/// # Example
///
/// ```
/// use cache_core::layout::{FunctionEntry, Layout, Leaf, Region};
///
/// let layout = Layout::new("myhibachi").unwrap();
/// let keys = layout
///     .function_entry(&FunctionEntry {
///         prefix: "user:42",
///         function: "get_profile",
///         version: Some(2),
///         args_hash: [0x3f; 16],
///         leaf: Leaf::of_call("get_profile", b"canonical bytes"),
///         tags: &[],
///     })
///     .unwrap();
/// assert_eq!(
///     keys.value().as_bytes(),
///     b"myhibachi:user:42:get_profile.v2:3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f"
/// );
/// assert_eq!(keys.generations().len(), 4); // the leaf, `user`, `user:42` and the function
/// assert_eq!(layout.copies(Region::Node("user:42"))[0].as_bytes(), b"myhibachi:~n:user:42");
/// ```
#[derive(Clone, Debug)]
pub struct Layout {
    namespace: Box<str>,
}

impl Layout {
    /// The names of `namespace`: one or more of `[A-Za-z0-9_.-]`.
    ///
    /// # Errors
    ///
    /// A configuration error for any other namespace. An empty one is refused because programs that
    /// share a store would then answer and invalidate for one another.
    pub fn new(namespace: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if namespace.is_empty() || !namespace.bytes().all(plain) {
            return Err(Error::configuration(
                "the namespace must be one or more letters, digits, `_`, `.` or `-`, for example \
                 `myhibachi`",
            ));
        }
        Ok(Self {
            namespace: namespace.into(),
        })
    }

    /// The namespace itself.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The keys that a read of a function's entry needs.
    ///
    /// # Errors
    ///
    /// An invalid-input error above [`MAX_GENERATIONS`], and for a prefix or tag that is not
    /// rendered and escaped.
    pub fn function_entry(&self, entry: &FunctionEntry<'_>) -> Result<EntryKeys, Error> {
        let FunctionEntry {
            prefix,
            function,
            version,
            args_hash,
            leaf,
            tags,
        } = *entry;
        let named = join(prefix, function);
        check_rendered(&named)?;
        let version = version.map_or(String::new(), |version| format!(".v{version}"));
        let mut digits = [0; 32];
        let args_hash = hex(&args_hash, &mut digits);
        let value = [&self.namespace, ":", &named, &version, ":", args_hash].concat();
        let echo = Echo::of_function(value.as_bytes());
        let nodes = nodes(prefix).filter(|node| !active(Mutant::NodeLeftOut) || *node != prefix);
        let nodes = nodes.chain([named.as_str()]);
        self.entry(value, echo, Region::Leaf(leaf), nodes, tags)
    }

    /// The keys that a read of the plain entry `key` needs. Each prefix of its segments is a node, and
    /// the whole key is its leaf: a node of its own and no bucket, because what is set directly swaps
    /// its leaf, and must not take others' entries with it.
    ///
    /// # Errors
    ///
    /// An invalid-input error above [`MAX_GENERATIONS`], and for a key that is not rendered and
    /// escaped: with an empty segment, one that begins with `~` or `!`, or a brace.
    pub fn plain_entry(&self, key: &str) -> Result<EntryKeys, Error> {
        check_rendered(key)?;
        let value = format!("{}:{key}", self.namespace);
        let echo = Echo::of_plain(value.as_bytes());
        let above = nodes(key).filter(|node| node.len() < key.len());
        self.entry(value, echo, Region::Node(key), above, &[])
    }

    /// The key of a counter.
    ///
    /// # Errors
    ///
    /// As [`plain_entry`](Self::plain_entry).
    pub fn counter(&self, key: &str) -> Result<Key, Error> {
        check_rendered(key)?;
        Ok(Key::from(format!("{}:!c:{key}", self.namespace)))
    }

    /// Every node is a part of what has been checked.
    fn entry<'a>(
        &self,
        value: String,
        echo: Echo,
        leaf: Region<'_>,
        nodes: impl Iterator<Item = &'a str>,
        tags: &[&str],
    ) -> Result<EntryKeys, Error> {
        let mut keys = Vec::with_capacity(8);
        keys.extend([Key::from(value), self.generation(leaf)]);
        keys.extend(nodes.map(|node| self.generation(Region::Node(node))));
        for tag in tags {
            check_rendered(tag)?;
            keys.push(self.generation(Region::Tag(tag)));
        }
        if keys.len() > 1 + MAX_GENERATIONS {
            return Err(Error::invalid_input(format!(
                "an entry may have at most {MAX_GENERATIONS} segments and tags in all"
            )));
        }
        let bucket = match leaf {
            Region::Leaf(leaf) => Some(leaf),
            _ => None,
        };
        Ok(EntryKeys { keys, echo, bucket })
    }

    /// What an invalidation of the pattern whose node is `node` must delete, all of it, to be
    /// acknowledged.
    ///
    /// A pattern can't know whether its last segment is one of a key prefix or the name of a
    /// function; both have the same node. A visible key in full is a pattern, too: its version and
    /// its hash of arguments are cut off to meet the function.
    #[must_use]
    pub fn covered_by(&self, node: &str) -> Vec<Key> {
        named_by(node)
            .flat_map(|name| self.copies(Region::Node(name)))
            .collect()
    }

    /// Every copy of a region's generation: what an invalidation must delete, all of it, to be
    /// acknowledged.
    #[must_use]
    pub fn copies(&self, region: Region<'_>) -> Vec<Key> {
        vec![self.generation(region)]
    }

    fn generation(&self, region: Region<'_>) -> Key {
        let namespace = &self.namespace;
        match region {
            Region::Node(node) => Key::of(&[namespace, ":~n:", node]),
            Region::Leaf(leaf) => Key::from(format!("{namespace}:~l:{:04x}", leaf.bucket())),
            Region::Tag(tag) => Key::of(&[namespace, ":~t:", tag]),
        }
    }

    /// The beginning that all generations' names have, and nothing else has: what `clear` scans
    /// for.
    #[must_use]
    pub fn all_generations(&self) -> Key {
        Key::from(format!("{}:~", self.namespace))
    }

    /// The beginning that the names of all values have whose path begins with this text, and which
    /// others may have: with `user:42` also `user:421`, and with an empty text everything in the
    /// namespace, generations, counters and canaries included. What the removal of unreachable values
    /// scans for. Look at each value's header before deleting it.
    ///
    /// It does not end at a segment's border, because what a node covers doesn't either: a plain key
    /// has the very name of its node, and behind a function's may follow a version.
    #[must_use]
    pub fn values_from(&self, path: &str) -> Key {
        Key::of(&[&self.namespace, ":", path])
    }

    /// Who holds this removes what is unreachable; the others wait. No promise rests on it.
    #[must_use]
    pub fn sweep_lease(&self) -> Key {
        Key::of(&[&self.namespace, ":!s"])
    }

    /// A name for a probe's own use, that no other probe, entry or generation has.
    #[must_use]
    pub fn canary(&self, nonce: &Nonce) -> Key {
        let nonce = u128::from_be_bytes(nonce.to_bytes());
        Key::from(format!("{}:!{nonce:032x}", self.namespace))
    }
}

/// What reaches a layout is escaped already. This refuses what would forge the name of a
/// generation, or on a cluster the slot of one, should it ever not be.
fn check_rendered(text: &str) -> Result<(), Error> {
    // By bytes and in one go: a hit in a store pays for it.
    let bytes = text.as_bytes();
    let begins = |at: usize| at == 0 || bytes[at - 1] == b':';
    let forges = |(at, byte): (usize, &u8)| match byte {
        b'{' | b'}' => true,
        b'~' | b'!' | b':' => begins(at),
        _ => false,
    };
    if bytes.is_empty() || bytes.ends_with(b":") || bytes.iter().enumerate().any(forges) {
        return Err(Error::invalid_input(
            "a key can't have empty segments, segments that begin with `~` or `!`, or braces",
        ));
    }
    Ok(())
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}:{name}")
    }
}

/// The keys that one read of one entry needs, and what the entry must echo.
#[derive(Clone, Debug)]
pub struct EntryKeys {
    /// The value's, then those of the generations: the leaf's, the nodes', the tags'.
    keys: Vec<Key>,
    echo: Echo,
    bucket: Option<Leaf>,
}

impl EntryKeys {
    /// What to pass to [`Store::read`](crate::store::Store::read): the value's key and behind it
    /// the generations'.
    #[must_use]
    pub fn read(&self) -> &[Key] {
        &self.keys
    }

    /// The key of the value.
    #[must_use]
    pub fn value(&self) -> &Key {
        &self.keys[0]
    }

    /// The keys of the generations: the leaf's, then the nodes', then the tags'.
    #[must_use]
    pub fn generations(&self) -> &[Key] {
        &self.keys[1..]
    }

    /// The key of the leaf's generation: what a write-through swaps.
    #[must_use]
    pub fn leaf(&self) -> &Key {
        &self.keys[1]
    }

    /// The bucket of a function's entry. None for a plain one, whose leaf is a node of its own.
    #[must_use]
    pub(crate) fn bucket(&self) -> Option<Leaf> {
        self.bucket
    }

    /// What the entry must echo to be taken for this one.
    #[must_use]
    pub fn echo(&self) -> Echo {
        self.echo
    }

    /// Splits the store's reply to [`read`](Self::read) into the value and the generations shown.
    ///
    /// # Errors
    ///
    /// A data error for a reply of another length, which belongs to another request.
    pub fn receive(
        &self,
        reply: Vec<Option<Vec<u8>>>,
    ) -> Result<(Option<Vec<u8>>, Observed), Error> {
        if reply.len() != self.keys.len() {
            return Err(Error::data(format!(
                "the store answered {} of {} keys",
                reply.len(),
                self.keys.len()
            )));
        }
        let mut reply = reply.into_iter();
        let value = reply.next().flatten();
        let shown = reply.map(|bytes| bytes.as_deref().and_then(Generation::from_bytes));
        Ok((value, Observed::new(shown)))
    }

    /// What to pass to [`Store::mint`](crate::store::Store::mint) for the holes of `observed`: each
    /// with a nonce of its own.
    ///
    /// # Errors
    ///
    /// As [`Nonce::random`].
    pub fn mints(&self, observed: &Observed) -> Result<Vec<Mint>, Error> {
        let holes = observed
            .missing()
            .filter_map(|hole| self.generations().get(hole));
        holes
            .map(|key| {
                Ok(Mint {
                    key: key.clone(),
                    #[cfg(not(mutants))]
                    nonce: Nonce::random()?,
                    #[cfg(mutants)]
                    nonce: Nonce::random()?.offered(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
