//! The shape of a type, as its `Deserialize` tells it: what changes it, what doesn't, and what can't be seen.

#[path = "schema/evolution.rs"]
mod evolution;
#[path = "schema/gaps.rs"]
mod gaps;
#[path = "schema/golden.rs"]
mod golden;
#[path = "schema/nesting.rs"]
mod nesting;
#[path = "schema/store.rs"]
mod store;
