//! Conditions on calls and values: `bypass_if`, `store_if`, `ttl_with`, `jitter`.

#[path = "conditions/calls.rs"]
mod calls;
#[path = "conditions/jitter.rs"]
mod jitter;
#[path = "conditions/lifetimes.rs"]
mod lifetimes;
#[path = "conditions/shapes.rs"]
mod shapes;
#[path = "conditions/values.rs"]
mod values;
