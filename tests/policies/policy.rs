//! The policies of a cached function, and which of them are tested together.

use std::fmt::Write as _;

/// One argument of `#[cached]` that says what is kept, for how long, and what answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Policy {
    BypassIf,
    Scope,
    Version,
    Key,
    Skip,
    Tags,
    MemoryOnly,
    SharedOnly,
    StoreIf,
    Ttl,
    TtlWith,
    NoneTtl,
    Jitter,
    RefreshAhead,
    StaleWhileRevalidate,
    StaleIfError,
    Timeout,
    Verify,
    Uncoalesced,
    Codec,
    Batch,
}

use Policy::*;

impl Policy {
    pub(crate) const ALL: [Self; 21] = [
        BypassIf,
        Scope,
        Version,
        Key,
        Skip,
        Tags,
        MemoryOnly,
        SharedOnly,
        StoreIf,
        Ttl,
        TtlWith,
        NoneTtl,
        Jitter,
        RefreshAhead,
        StaleWhileRevalidate,
        StaleIfError,
        Timeout,
        Verify,
        Uncoalesced,
        Codec,
        Batch,
    ];

    /// As it is written in the tested functions. [`Timeout`] asks for `stale_if_error` besides.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            BypassIf => "bypass_if = self.bypass",
            Scope => "scope = self.tenant",
            Version => "version = 2",
            Key => "key(id)",
            Skip => "skip(note)",
            Tags => "tags(\"team:{id}\")",
            MemoryOnly => "tier = \"memory\"",
            SharedOnly => "tier = \"shared\"",
            StoreIf => "store_if = Answer::is_kept",
            Ttl => "ttl = 100",
            TtlWith => "ttl_with = Answer::lease",
            NoneTtl => "none_ttl = 30",
            Jitter => "jitter = 0.04",
            RefreshAhead => "refresh_ahead = 20",
            StaleWhileRevalidate => "stale_while_revalidate = 50",
            StaleIfError => "stale_if_error = 200",
            Timeout => "timeout = 2",
            Verify => "verify = 0.999999",
            Uncoalesced => "single_flight = \"off\"",
            Codec => "codec = Turned",
            Batch => "batch = id",
        }
    }

    /// As users know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tags | Key | Skip => self.argument().split('(').next().unwrap_or_default(),
            MemoryOnly | SharedOnly | Uncoalesced => self.argument(),
            _ => self.argument().split(' ').next().unwrap_or_default(),
        }
    }
}

/// Pairs that are compile errors, with the case in `tests/ui/fail` that says so.
pub(crate) const REFUSED: &[(Policy, Policy, &str)] = &[
    (Key, Skip, "arguments/key_and_skip"),
    (MemoryOnly, SharedOnly, "arguments/repeated"),
    (MemoryOnly, Codec, "arguments/codec"),
    (Key, Batch, "arguments/batch"),
    (RefreshAhead, Batch, "arguments/batch"),
    (StaleWhileRevalidate, Batch, "arguments/batch"),
    (StaleIfError, Batch, "arguments/batch"),
    (Timeout, Batch, "arguments/batch"),
    (Verify, Batch, "arguments/batch"),
];

pub(crate) fn refused(a: Policy, b: Policy) -> Option<&'static str> {
    let is_it = |x, y| (x, y) == (a, b) || (y, x) == (a, b);
    let found = REFUSED.iter().find(|(x, y, _)| is_it(*x, *y));
    found.map(|(.., case)| *case)
}

/// Policies that one function has, in their order.
pub(crate) type Combination = Vec<Policy>;

fn is_possible(combination: &[Policy]) -> bool {
    let pairs = combination.iter().enumerate();
    pairs
        .flat_map(|(at, a)| combination[at + 1..].iter().map(move |b| (*a, *b)))
        .all(|(a, b)| a != b && refused(a, b).is_none())
}

/// The seed of the sample of triples, and larger combinations, that are tested.
pub(crate) const SEED: u64 = 0x5eed_0001;

const TRIPLES: usize = 50;
const LARGER: usize = 14;

/// Every combination that is tested: none, each alone, each pair, a sample of others, and all at once.
pub(crate) fn combinations() -> Vec<Combination> {
    let mut all = vec![Vec::new()];
    all.extend(Policy::ALL.map(|one| vec![one]));
    for (at, a) in Policy::ALL.iter().enumerate() {
        let pairs = Policy::ALL[at + 1..].iter().map(|b| vec![*a, *b]);
        all.extend(pairs.filter(|pair| is_possible(pair)));
    }
    let mut dice = Dice(SEED);
    for (count, size) in [(TRIPLES, 3), (LARGER, 6)] {
        let wanted = all.len() + count;
        while all.len() < wanted {
            let mut drawn: Vec<_> = (0..size)
                .map(|_| Policy::ALL[dice.below(Policy::ALL.len())])
                .collect();
            drawn.sort();
            if is_possible(&drawn) && !all.contains(&drawn) {
                all.push(drawn);
            }
        }
    }
    for first in [Key, Skip, MemoryOnly, SharedOnly, Batch] {
        all.push(all_with(first));
    }
    all
}

/// One policy with as many others as go with it.
fn all_with(first: Policy) -> Combination {
    let mut all = vec![first];
    for one in Policy::ALL {
        if all.iter().all(|other| is_possible(&[*other, one])) {
            all.push(one);
        }
    }
    all.sort();
    all
}

/// The source of the functions that are tested.
pub(crate) fn source() -> String {
    let mut text = String::from(
        "// Written by `the_functions_are_those_of_the_combinations`, with `UPDATE_SNAPSHOTS=1`.\n\n\
         functions! {\n    self, id, note;\n",
    );
    for (number, combination) in combinations().iter().enumerate() {
        let policies: Vec<_> = combination.iter().map(|one| format!("{one:?}")).collect();
        let mut arguments: Vec<_> = combination.iter().map(|one| one.argument()).collect();
        if combination.contains(&Timeout) && !combination.contains(&StaleIfError) {
            arguments.push(StaleIfError.argument());
        }
        let (policies, arguments) = (policies.join(" "), arguments.join(", "));
        let kind = if combination.contains(&Batch) {
            "many"
        } else {
            "one"
        };
        writeln!(text, "    [{policies}] {kind} f{number}({arguments});").unwrap();
    }
    text + "}\n"
}

/// Numbers that are the same in each run.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The SplitMix64 generator.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}
