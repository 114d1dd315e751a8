//! Which mutant is chased in which world, and which ones can't be caught from outside.

use std::time::Duration;

use super::scenes::{OUTSIDE, Scene};
use crate::plan::{CachePlan, Mix, Workload};

/// A rule that is broken, and where that shows.
pub struct Chase {
    /// As `CACHEWRIGHT_MUTANT` names it.
    pub mutant: &'static str,
    pub breaks: &'static str,
    pub world: World,
}

/// Small worlds in which something is in a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// One process and its memory.
    Memory,
    /// A few processes that compute slowly and invalidate often.
    Busy,
    /// Exact entries are invalidated, nothing else.
    Exact,
    /// Tags are invalidated, nothing else.
    Tags,
    /// The same, and invalidations are lost.
    DeafTags,
    /// Entries are written through, and now and then invalidated.
    Updates,
    /// The same, in one process and its memory.
    MemoryUpdates,
    /// Everything is cleared now and then, and there is much of it.
    Clears,
    /// Many futures are dropped, and their commits come later.
    Drops,
    /// Writers are parts of transactions.
    Transactions,
    /// The same, and many are dropped, and their commits come later.
    DroppedTransactions,
    /// The network is slow.
    Slow,
    /// Replies to mints and fills are lost.
    Losses,
    /// Invalidations are lost, nothing else.
    Deaf,
    /// Generations vanish from the server.
    Evictions,
    /// The server refuses to write, now and then.
    Refusals,
    /// What chance brings about too seldom.
    Scene(Scene),
}

const fn chase(mutant: &'static str, world: World, breaks: &'static str) -> Chase {
    Chase {
        mutant,
        breaks,
        world,
    }
}

pub const CHASES: &[Chase] = &[
    chase(
        "clock-stands-still",
        World::Memory,
        "an invalidation takes a new time",
    ),
    chase("slots-ignored", World::Memory, "a read compares the slots"),
    chase(
        "stamped-after-body",
        World::Memory,
        "an entry has the time from before its body",
    ),
    chase(
        "unannounced-computation",
        World::Memory,
        "a computation is announced to direct writes",
    ),
    chase(
        "stale-flight-joined",
        World::Busy,
        "no reader joins what an invalidation has overtaken",
    ),
    chase(
        "fence-read-after-body",
        World::Busy,
        "a fence is from before the body",
    ),
    chase(
        "fences-of-a-batch-read-after-body",
        World::Busy,
        "a batch reads its fences before its body, too",
    ),
    chase(
        "node-left-out",
        World::Busy,
        "every node of the prefix is in the fence",
    ),
    chase(
        "scan-and-delete",
        World::Busy,
        "generations, and not deletions, end entries",
    ),
    chase(
        "store-not-told",
        World::Busy,
        "the store is told of an invalidation",
    ),
    chase(
        "invalidated-before-body",
        World::Busy,
        "a writer invalidates after its body",
    ),
    chase(
        "tag-left-out",
        World::Tags,
        "every tag is among the slots and in the fence",
    ),
    chase(
        "leaf-depends-on-version",
        World::Exact,
        "a leaf is of all versions of a function",
    ),
    chase(
        "written-blindly",
        World::Updates,
        "what is written through outdates what was there",
    ),
    chase(
        "swap-blindly",
        World::Updates,
        "nothing is written through when somebody came in between",
    ),
    chase(
        "written-beside-others",
        World::MemoryUpdates,
        "nothing is written through beside a computation",
    ),
    chase(
        "written-with-late-stamp",
        World::MemoryUpdates,
        "what is written through has the time from before its body",
    ),
    chase(
        "clear-stops-early",
        World::Clears,
        "clearing goes on to the end of its scan",
    ),
    chase("no-guard", World::Drops, "a dropped writer invalidates"),
    chase(
        "guard-fires-once",
        World::Drops,
        "a dropped writer invalidates once more, later",
    ),
    chase(
        "set-not-guarded",
        World::Drops,
        "a dropped set leaves no older value",
    ),
    chase(
        "invalidated-before-commit",
        World::Transactions,
        "a block invalidates after its commit",
    ),
    chase(
        "block-stores",
        World::Transactions,
        "a block stores nothing of what it computes",
    ),
    chase(
        "block-not-guarded",
        World::DroppedTransactions,
        "a dropped block invalidates",
    ),
    chase(
        "acknowledgement-not-awaited",
        World::Slow,
        "an invalidation returns when it is acknowledged",
    ),
    chase("timeout-is-ok", World::Deaf, "what timed out is pending"),
    chase(
        "pending-dropped",
        World::Deaf,
        "what is pending is remembered",
    ),
    chase(
        "pending-tag-ignored",
        World::DeafTags,
        "a tag that is pending bars what carries it",
    ),
    chase(
        "pending-looked-at-late",
        World::Scene(Scene::HeldRead),
        "a reader looks at what is pending before it asks the store",
    ),
    chase(
        "pending-not-retried",
        World::Deaf,
        "what is pending is tried again",
    ),
    chase(
        "incomplete-fence-shared",
        World::Losses,
        "nobody joins without a fence",
    ),
    chase(
        "incomplete-fence-filled",
        World::Losses,
        "nothing is stored without a whole fence",
    ),
    chase(
        "nonce-repeated",
        World::Scene(Scene::RepeatedNonce),
        "a nonce is sent once",
    ),
    chase(
        "own-nonce-trusted",
        World::Scene(Scene::LateMint),
        "a nonce counts when a reply has shown it",
    ),
    chase(
        "attempt-settles-later-ones",
        World::Scene(Scene::HeldAcknowledgement),
        "an attempt settles what was entered before it alone",
    ),
    chase(
        "missing-is-zero",
        World::Evictions,
        "a missing generation is none",
    ),
    chase(
        "counter-instead-of-nonce",
        World::Scene(Scene::EvictedGeneration),
        "a generation never comes again",
    ),
    chase(
        "refusal-is-ok",
        World::Refusals,
        "a refusal acknowledges nothing",
    ),
    chase(
        "proof-ignored",
        World::Scene(Scene::DoubledReply),
        "a reply is proven to be this request's",
    ),
];

/// What processes can't be seen to do from outside, or not in a short time, and what shows it instead.
pub const LEFT_OUT: &[(&str, &str)] = &[
    (
        "slot-runs-backwards",
        "a race of two stores in memory: scripts/shuttle.sh",
    ),
    (
        "completed-too-early",
        "a race of two stores in memory: scripts/shuttle.sh",
    ),
    (
        "verified-too-late",
        "a race of two loads in memory: scripts/shuttle.sh",
    ),
    (
        "nothing-acquired",
        "orderings that this kind of processor does not weaken: scripts/loom.sh",
    ),
    (
        "announcement-ends-early",
        "a race between two steps without an await: scripts/shuttle.sh",
    ),
    (
        "stores-in-two-steps",
        "a race between two steps without an await: scripts/shuttle.sh",
    ),
    (
        "supersedes-in-two-steps",
        "a race between two steps without an await: scripts/shuttle.sh",
    ),
    (
        "no-hand-over",
        "somebody waits for as long as his patience, and gets the right value: scripts/shuttle.sh",
    ),
    (
        "no-release",
        "somebody waits for as long as his patience, and gets the right value: scripts/shuttle.sh",
    ),
    (
        "permit-kept",
        "somebody waits for as long as his patience, and gets the right value: scripts/shuttle.sh",
    ),
    ("retired-early", "a computation more: scripts/shuttle.sh"),
    ("no-second-look", "a computation more: scripts/shuttle.sh"),
    (
        "echo-ignored",
        "the second line of defence; the proof and the fence are before it: tests/redis_foreign.rs",
    ),
    (
        "swap-first",
        "all is within the time of the set, which may come before or after: docs/model/write_through.py",
    ),
    (
        "retry-gives-up",
        "another invalidation has what is pending tried again: scripts/shuttle.sh",
    ),
    (
        "no-last-look",
        "a race of two steps without an await: scripts/shuttle.sh",
    ),
    (
        "forgotten-when-opened",
        "the breaker has to open in a moment: scripts/shuttle.sh",
    ),
    (
        "no-retry-on-return",
        "another invalidation has what is pending tried again: scripts/shuttle.sh",
    ),
    (
        "not-settled-at-shutdown",
        "who is shut down is not asked any more: scripts/shuttle.sh",
    ),
    (
        "fallback-never-dropped",
        "no world begins without its store: tests/shared_fallback.rs",
    ),
];

impl World {
    pub fn has_store(self) -> bool {
        !matches!(self, Self::Memory | Self::MemoryUpdates)
    }

    pub fn processes(self) -> u16 {
        match self {
            Self::Memory | Self::MemoryUpdates => 1,
            Self::Scene(_) => 2,
            _ => 3,
        }
    }

    /// Whether nothing is between this process and the server.
    pub fn is_direct(self, number: u16) -> bool {
        matches!(self, Self::Scene(_)) && number == OUTSIDE
    }

    /// How long it is disturbed before it is asked to come to rest.
    pub fn span(self) -> Duration {
        Duration::from_millis(match self {
            Self::Drops | Self::DroppedTransactions => 3_500,
            Self::Deaf | Self::DeafTags | Self::Losses | Self::Refusals => 3_000,
            _ => 1_500,
        })
    }

    pub fn cache(self) -> CachePlan {
        CachePlan {
            settle: Duration::from_millis(500),
            store_timeout: Duration::from_millis(match self {
                Self::Slow => 250,
                Self::Scene(_) => 400,
                _ => 100,
            }),
            ..CachePlan::default()
        }
    }

    /// What each process does.
    pub fn workload(self) -> Workload {
        let quiet = Workload {
            ids: 2,
            tasks: 8,
            load_delay: Duration::from_millis(4),
            commit_delay: Duration::from_millis(1),
            rest: Duration::from_millis(2),
            dropped: 0,
            mix: self.mix(),
        };
        match self {
            Self::Clears => Workload { ids: 30, ..quiet },
            Self::Drops | Self::DroppedTransactions => Workload {
                commit_delay: Duration::from_millis(60),
                dropped: 40,
                ..quiet
            },
            Self::Scene(_) => Workload {
                tasks: 0,
                load_delay: Duration::ZERO,
                commit_delay: Duration::ZERO,
                ..quiet
            },
            _ => quiet,
        }
    }

    fn mix(self) -> Mix {
        let none = Mix {
            calls: 0,
            local_calls: 0,
            direct_reads: 0,
            direct_writes: 0,
            writers: 0,
            exact_writers: 0,
            updates: 0,
            invalidations: 0,
            clears: 0,
            transactions: 0,
            tags: 0,
        };
        match self {
            Self::Memory => Mix {
                calls: 20,
                local_calls: 20,
                direct_reads: 30,
                direct_writes: 10,
                writers: 10,
                exact_writers: 5,
                ..none
            },
            Self::Exact => Mix {
                calls: 80,
                exact_writers: 20,
                ..none
            },
            Self::Tags | Self::DeafTags => Mix {
                calls: 70,
                local_calls: 10,
                tags: 20,
                ..none
            },
            Self::Updates | Self::MemoryUpdates => Mix {
                calls: 60,
                local_calls: 10,
                writers: 5,
                updates: 25,
                ..none
            },
            Self::Clears => Mix {
                calls: 90,
                clears: 2,
                ..none
            },
            Self::Transactions | Self::DroppedTransactions => Mix {
                calls: 60,
                direct_reads: 20,
                transactions: 20,
                ..none
            },
            Self::Drops => Mix {
                calls: 50,
                direct_reads: 30,
                direct_writes: 10,
                writers: 10,
                ..none
            },
            _ => Mix {
                calls: 60,
                direct_reads: 15,
                direct_writes: 5,
                writers: 12,
                invalidations: 8,
                tags: 4,
                ..none
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mutant_stands_twice() {
        let chased = CHASES.iter().map(|chase| chase.mutant);
        let mut names: Vec<_> = chased
            .chain(LEFT_OUT.iter().map(|(name, _)| *name))
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
