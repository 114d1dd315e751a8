//! Deliberate faults, so that tests of the promise can show that they would notice.
//!
//! A test of a protocol is only worth something if it fails when a rule of the protocol is broken.
//! Each [`Mutant`] is one rule broken, the way somebody might break it by mistake. They can be
//! chosen in three builds, none of which is ever published:
//!
//! - Under `cfg(shuttle)` and `cfg(weak_memory)`, where schedules and orderings are explored, a test
//!   runs [`with`] one.
//! - Under `cfg(mutants)` a whole process runs with the one that the environment variable
//!   `CACHEWRIGHT_MUTANT` names, in words with hyphens or underscores: `missing-is-zero`. Without
//!   the variable no rule is broken; a name that does not exist is a panic when a cache is built.
//!
//! In every other build [`active`] is a constant `false` and disappears. A mutant that takes more
//! than a line has its code in a module named `broken`, which only `cfg(mutants)` compiles.
#![cfg_attr(
    not(mutants),
    allow(unreachable_pub, reason = "public for the build with mutants alone")
)]

#[cfg(mutants)]
mod broken;

#[cfg(mutants)]
pub(crate) use broken::{or_default, verify_around_holes};

macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A rule that a test may break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(not(mutants), allow(dead_code, reason = "some are of that build alone"))]
        pub enum Mutant {
            $($(#[doc = $doc])+ $name,)+
        }

        #[cfg(mutants)]
        impl Mutant {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

mutants! {
    /// An invalidation takes no new time of the clock.
    ClockStandsStill,
    /// A slot takes the time of the last invalidation instead of the highest.
    SlotRunsBackwards,
    /// An invalidation counts as completed before its slots are raised.
    CompletedTooEarly,
    /// A read remembers a count of completed invalidations that it took after looking at slots.
    VerifiedTooLate,
    /// An entry is stamped with the time after its body ran.
    StampedAfterBody,
    /// A computation does not announce itself to direct writes.
    UnannouncedComputation,
    /// The clock and the count of completed invalidations are read without `Acquire`.
    NothingAcquired,
    /// A computation is no longer announced when its result can still be had from its flight.
    AnnouncementEndsEarly,
    /// A computation that ends may be overtaken between its last look at the slots and its store.
    StoresInTwoSteps,
    /// A computation may begin while a value is being set that is not in its place yet.
    SupersedesInTwoSteps,
    /// A read does not compare the slots with the entry.
    SlotsIgnored,
    /// A reader joins a computation that an invalidation has overtaken, here or in the store.
    StaleFlightJoined,
    /// A leader that is dropped tells nobody.
    NoHandOver,
    /// An error of the leader tells nobody.
    NoRelease,
    /// A leader does not look again after it took the lead.
    NoSecondLook,
    /// A follower that is dropped keeps the permit it was woken for.
    PermitKept,
    /// A flight leaves the table while followers are waiting.
    RetiredEarly,

    /// The generations are read again after the body ran, and the entry is filled under those.
    FenceReadAfterBody,
    /// The same for the entries of a batch alone.
    FencesOfABatchReadAfterBody,
    /// A missing generation counts as a fixed one, which is never minted; an invalidation sets
    /// another one.
    MissingIsZero,
    /// Generations are counted up, so that one which was lost begins anew.
    CounterInsteadOfNonce,
    /// Who can't complete a fence joins whoever computes this key already.
    IncompleteFenceShared,
    /// What was computed under an incomplete fence is stored, and its holes are not compared.
    IncompleteFenceFilled,
    /// A nonce whose mint was not answered is taken for the generation.
    OwnNonceTrusted,
    /// The nonce of a mint or swap that was not answered is sent again a little later.
    NonceRepeated,
    /// The innermost node of a key prefix is not part of the fence of the entries below it.
    NodeLeftOut,
    /// The last tag of an entry is neither among its slots nor part of its fence.
    TagLeftOut,
    /// The leaf of a call depends on the function's version, which an invalidation does not know.
    LeafDependsOnVersion,
    /// An entry's echo is not compared with the key that was read.
    EchoIgnored,
    /// There are no generations: an invalidation scans for values and deletes those that it finds.
    ScanAndDelete,

    /// An invalidation that the store did not acknowledge is reported as done, and not tried again.
    TimeoutIsOk,
    /// An invalidation returns before the store has acknowledged it.
    AcknowledgementNotAwaited,
    /// An invalidation is done in this process alone.
    StoreNotTold,
    /// What was not acknowledged is not remembered.
    PendingDropped,
    /// What is pending is looked at after the store was asked, instead of before.
    PendingLookedAtLate,
    /// What is pending of tags is not looked at.
    PendingTagIgnored,
    /// What is pending is never tried again by itself.
    PendingNotRetried,
    /// An acknowledgement settles also what was entered after the attempt had been sent.
    AttemptSettlesLaterOnes,
    /// What is pending is not tried again after an attempt that failed.
    RetryGivesUp,
    /// Nobody looks whether anything was entered between an errand's last attempt and its end.
    NoLastLook,
    /// What is pending is forgotten when the breaker opens.
    ForgottenWhenOpened,
    /// A store that is back is not told what is pending.
    NoRetryOnReturn,
    /// What dropped writers have still to do is not done at a shutdown.
    NotSettledAtShutdown,
    /// Clearing deletes the generations that the first step of its scan names.
    ClearStopsEarly,
    /// A refusal of the store counts as an acknowledgement.
    RefusalIsOk,
    /// No echo is asked for behind a request, so that shifted replies are believed.
    ProofIgnored,

    /// A writer that is dropped invalidates nothing.
    NoGuard,
    /// A writer that is dropped invalidates at once, and not again when its outcome has settled.
    GuardFiresOnce,
    /// A writer invalidates before its body runs.
    InvalidatedBeforeBody,

    /// A writer that writes through stores in memory although something else is being computed.
    WrittenBesideOthers,
    /// What is written through is stamped with the time after the body.
    WrittenWithLateStamp,
    /// What is written through is stored in a store under the generations from before the body, with
    /// no swap.
    WrittenBlindly,

    /// A writer inside a block that defers invalidates when it returns, and not when the block does.
    InvalidatedBeforeCommit,
    /// A block that is dropped invalidates nothing.
    BlockNotGuarded,
    /// What is computed inside of a block is stored, and shared with others.
    BlockStores,

    /// A direct write swaps its leaf first and reads the other generations afterwards.
    SwapFirst,
    /// A direct write stores its value whatever the swap had found.
    SwapBlindly,
    /// A direct write that was dropped or failed leaves the key as it was.
    SetNotGuarded,
    /// What was kept in memory instead of in the store still answers when the store was reached.
    FallbackNeverDropped,
}

#[cfg(not(any(mutants, shuttle, weak_memory)))]
#[inline(always)]
pub(crate) const fn active(_mutant: Mutant) -> bool {
    false
}

#[cfg(mutants)]
pub use by_name::{active, chosen};

#[cfg(mutants)]
mod by_name {
    use super::Mutant;
    use std::sync::OnceLock;

    const VARIABLE: &str = "CACHEWRIGHT_MUTANT";

    /// Whether this process breaks this rule.
    #[inline]
    pub fn active(mutant: Mutant) -> bool {
        chosen() == Some(mutant)
    }

    /// The rule that this process breaks.
    ///
    /// # Panics
    ///
    /// If the environment variable names none that exists.
    pub fn chosen() -> Option<Mutant> {
        static CHOSEN: OnceLock<Option<Mutant>> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let name = std::env::var(VARIABLE).unwrap_or_default();
            (!name.is_empty()).then(|| Mutant::named(&name))
        })
    }

    impl Mutant {
        /// The name to choose it by, with hyphens.
        pub fn name(self) -> String {
            let mut name = String::new();
            for letter in format!("{self:?}").chars() {
                if letter.is_uppercase() && !name.is_empty() {
                    name.push('-');
                }
                name.push(letter.to_ascii_lowercase());
            }
            name
        }

        fn named(name: &str) -> Self {
            let wanted = name.replace('_', "-");
            let named = Self::ALL.iter().find(|mutant| mutant.name() == wanted);
            *named.unwrap_or_else(|| {
                let all: Vec<_> = Self::ALL.iter().map(|mutant| mutant.name()).collect();
                panic!("{VARIABLE} is {name:?} and not one of {}", all.join(", "))
            })
        }
    }
}

#[cfg(all(not(mutants), any(shuttle, weak_memory)))]
pub(crate) use under_test::{active, with};

#[cfg(all(not(mutants), any(shuttle, weak_memory)))]
mod under_test {
    use super::Mutant;
    use std::sync::Mutex;

    // Tests of different mutants run in turn: shuttle's threads are not the test's thread, so the
    // choice can't be thread-local.
    static TURN: Mutex<()> = Mutex::new(());
    static ACTIVE: Mutex<Option<Mutant>> = Mutex::new(None);

    pub(crate) fn active(mutant: Mutant) -> bool {
        *ACTIVE.lock().unwrap_or_else(|e| e.into_inner()) == Some(mutant)
    }

    /// Runs `test` with one rule broken, or none.
    pub(crate) fn with<T>(mutant: Option<Mutant>, test: impl FnOnce() -> T) -> T {
        let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
        *ACTIVE.lock().unwrap_or_else(|e| e.into_inner()) = mutant;
        let result = test();
        *ACTIVE.lock().unwrap_or_else(|e| e.into_inner()) = None;
        result
    }
}
