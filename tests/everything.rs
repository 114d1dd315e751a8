//! Every argument of the attributes, in the newest edition; `tests/hygiene` does the same in an older one.

use cachewright as facade;

#[path = "everything/annotations.rs"]
mod annotations;
