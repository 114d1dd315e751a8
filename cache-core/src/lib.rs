//! The runtime of cachewright: what the attribute macros expand into calls of.
//!
//! Programs depend on the facade, `cachewright`, which re-exports what is public here. A backend
//! depends on this crate alone.

mod agenda;
mod ambient;
pub mod audit;
mod background;
mod body;
mod breaker;
mod builder;
mod cache;
mod call;
mod chance;
mod clock;
pub mod codec;
mod counter;
mod deferral;
mod duration;
pub mod entry;
mod error;
pub mod fence;
mod flight;
mod freshness;
mod function;
mod handling;
mod health;
mod installed;
mod invalidation;
mod invalidator;
mod key;
pub mod layout;
mod memory;
#[cfg(mutants)]
#[doc(hidden)]
pub mod mutants;
#[cfg(not(mutants))]
mod mutants;
mod observation;
#[cfg(all(test, weak_memory))]
mod orderings;
mod outcome;
mod owned;
mod pattern;
mod pending;
mod plain;
mod policy;
mod refreshes;
mod registry;
mod rehearsal;
mod rollout;
mod round_trip;
#[cfg(all(test, shuttle))]
mod schedules;
mod schema;
mod segment;
mod setting;
mod settling;
mod shared;
mod stats;
pub mod store;
mod subject;
mod sync;
mod tag;
#[cfg(feature = "metrics")]
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod traffic;
mod update;
mod value_type;
mod warm;

pub use audit::audit;
pub use builder::CacheBuilder;
pub use cache::Cache;
pub use call::{CacheValue, LocalValue};
pub use counter::Counter;
pub use deferral::{defer, defer_blocking, in_current_deferral};
pub use error::Error;
pub use health::{Health, StoreHealth, TierHealth};
pub use installed::installed;
pub use pattern::Pattern;
pub use policy::{DEFAULT_TTL, MAX_TTL};
pub use rollout::{Rollout, Rollouts};
pub use stats::{FunctionStats, Stats};
pub use warm::{Warm, WarmProgress, WarmReport, WarmStream, Warming, warm, warm_stream};

/// All that an expansion may name. Not public API: it changes without notice.
#[doc(hidden)]
pub mod private {
    pub use crate::cache::Cache;
    pub use crate::call::{
        Batch, BatchArgument, BatchElement, Elements, Given, Lent, Missing, Repeatable,
        lookup_batch, lookup_batch_local,
    };
    pub use crate::call::{Call, Condition, Unconditional, Verdict, lookup, lookup_local};
    pub use crate::duration::parse_duration;
    pub use crate::function::Function;
    pub use crate::installed::installed;
    pub use crate::invalidation::call::{EntryArgument, EntryCall, Exactly};
    pub use crate::invalidation::{Invalidation, invalidation};
    pub use crate::invalidator::{CalledEntry, Invalidator};
    pub use crate::key::{ArgsHash, Identity, KeyArgument, KeyWriter, function_path, leaf_bucket};
    pub use crate::outcome::{
        Answers, BatchOf, BatchReturns, Batched, OrBatch, Ordered, Taken, Unordered,
    };
    pub use crate::outcome::{
        Compared, Equality, Fits, FutureIn, FutureOf, HasAbsence, OptionOf, OrComparedOption,
        OrComparedResult, OrComparedValue, OrFuture, OrFutureInOption, OrFutureInResult, OrOption,
        OrResult, OrResultOption, OrValue, Outcome, ResultOf, ResultOptionOf, Returns, Settled,
        Shape, Value,
    };
    pub use crate::owned::{Borrowed, Kept, Lend, Owned, future_of};
    pub use crate::pattern::nodes;
    pub use crate::registry::{CACHEWRIGHT_FUNCTIONS_0_1, CACHEWRIGHT_INVALIDATORS_0_1};
    pub use crate::rehearsal::{Rehearsed, Unknown, rehearse, rehearse_blocking};
    pub use crate::schema::{Gap, Reason, Schema};
    pub use crate::segment::{Segment, SegmentWriter, escape, render, render_widened};
    pub use crate::update::{
        Answered, AnsweredAtOnce, AtOnce, Awaited, Begun, Caller, Ending, KeptAs, Mode, Ready,
        Update, update,
    };
    pub use crate::value_type::{AnyBatch, AnyValue, NoBatch, Unseen, ValueOf, ValuesOf};
    pub use crate::value_type::{ValueType, value_of, values_of};
    pub use crate::{__function as function, __invalidator as invalidator};
    pub use linkme;
}
