//! Placeholder until the first program stands beside it.
