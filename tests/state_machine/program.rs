//! What a program is made of.

use cache_core::testing::{Fault, Operation};
use proptest::prelude::*;

/// Keys of direct operations.
pub(crate) const KEYS: [&str; 5] = ["a", "a:x", "a:x:1", "a:y", "b:x"];

/// Of every kind: prefixes, nodes, keys, what widens, functions by their names and what covers nothing.
pub(crate) const PATTERNS: [&str; 14] = [
    "a",
    "a:*",
    "a:x",
    "a:x:*",
    "a:*:1",
    "b",
    "user",
    "user:1:*",
    "user:*:page",
    "user:2:page",
    "user:0:page:show",
    "user:1:page:show.v1",
    "total",
    "nobody:*",
];

/// What can be turned off.
pub(crate) const PREFIXES: [&str; 4] = ["a", "b", "user", "total"];

const OPERATIONS: [Operation; 9] = [
    Operation::Probe,
    Operation::Read,
    Operation::Mint,
    Operation::Write,
    Operation::Invalidate,
    Operation::Swap,
    Operation::Prolong,
    Operation::Remove,
    Operation::Scan,
];

const FAULTS: [Fault; 4] = [Fault::Outage, Fault::ReplyLost, Fault::Late, Fault::Refused];

/// What one of the processes does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Calls of cached functions, the one with a prefix, the other without.
    Show(u8, u8),
    Total(u8),
    /// A call whose body begins before another process invalidates and ends after it.
    ShowAround(u8, u8, usize),
    /// A writer that invalidates, and one that is dropped in its body.
    Write(u8),
    DropWriter(u8),
    /// A writer of a tag, and a tag that is named directly.
    WriteTagged(u8),
    InvalidateTag(u8),
    Invalidate(usize),
    Clear,
    Get(usize),
    GetMany(Vec<usize>),
    Set(usize, u64),
    SetMany(Vec<usize>, u64),
    /// A `set` that waits for one of its replies while another process invalidates.
    SetAround(usize, Operation, usize),
    GetOrSet(usize, u64),
    Exists(usize),
    TimeToLive(usize),
    Expire(usize, u64),
    Remove(usize),
    Rollout(usize, bool),
}

/// What happens next. What a tier does not have is passed over.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Deed(usize, Deed),
    Advance(u64),
    /// One key goes, whichever.
    Evict(usize),
    Flush,
    Fault(usize, Operation, Fault),
    Down(bool),
    RefuseWrites(bool),
    Full(bool),
    /// What came late is done.
    Deliver(usize),
    /// All faults are over, and some time passes.
    Heal,
}

pub(crate) fn programs(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..longest)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => (0..2_usize, deed()).prop_map(|(process, deed)| Step::Deed(process, deed)),
        4 => (1..8_u64).prop_map(Step::Advance),
        1 => any::<usize>().prop_map(Step::Evict),
        1 => Just(Step::Flush),
        2 => fault(),
        2 => Just(Step::Heal),
        1 => (0..3_usize).prop_map(Step::Deliver),
    ]
}

fn fault() -> impl Strategy<Value = Step> {
    let one = (1..4_usize, one_of(&OPERATIONS), one_of(&FAULTS));
    prop_oneof![
        6 => one.prop_map(|(times, operation, fault)| Step::Fault(times, operation, fault)),
        1 => any::<bool>().prop_map(Step::Down),
        1 => any::<bool>().prop_map(Step::RefuseWrites),
        1 => any::<bool>().prop_map(Step::Full),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let key = || 0..KEYS.len();
    let keys = || proptest::collection::vec(0..KEYS.len(), 1..4);
    let ttl = || prop_oneof![1 => Just(0), 9 => 1..30_u64];
    let pattern = || 0..PATTERNS.len();
    let held = one_of(&[Operation::Read, Operation::Mint, Operation::Swap]);
    let users = || (0..3_u8, 0..2_u8);
    prop_oneof![
        8 => users().prop_map(|(user, page)| Deed::Show(user, page)),
        4 => (0..2_u8).prop_map(Deed::Total),
        2 => (users(), pattern()).prop_map(|((user, page), over)| Deed::ShowAround(user, page, over)),
        2 => (0..3_u8).prop_map(Deed::Write),
        1 => (0..3_u8).prop_map(Deed::DropWriter),
        1 => (0..2_u8).prop_map(Deed::WriteTagged),
        1 => (0..2_u8).prop_map(Deed::InvalidateTag),
        2 => pattern().prop_map(Deed::Invalidate),
        1 => Just(Deed::Clear),
        6 => key().prop_map(Deed::Get),
        2 => keys().prop_map(Deed::GetMany),
        4 => (key(), ttl()).prop_map(|(key, ttl)| Deed::Set(key, ttl)),
        1 => (keys(), ttl()).prop_map(|(keys, ttl)| Deed::SetMany(keys, ttl)),
        2 => (key(), held, pattern()).prop_map(|(key, held, over)| Deed::SetAround(key, held, over)),
        4 => (key(), ttl()).prop_map(|(key, ttl)| Deed::GetOrSet(key, ttl)),
        1 => key().prop_map(Deed::Exists),
        1 => key().prop_map(Deed::TimeToLive),
        2 => (key(), ttl()).prop_map(|(key, ttl)| Deed::Expire(key, ttl)),
        2 => key().prop_map(Deed::Remove),
        1 => (0..PREFIXES.len(), any::<bool>()).prop_map(|(prefix, on)| Deed::Rollout(prefix, on)),
    ]
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}
