//! What the benchmarks share: a harness for comparisons inside one run, a workload, and an allocator that counts.
//!
//! Absolute times differ between machines and between runs on one machine, so the benchmarks here report ratios: every
//! contender does the same work in the same process, and the contenders take turns (see [`harness`]).

pub mod allocations;
pub mod by_hand;
pub mod harness;
pub mod latency;
pub mod workload;
