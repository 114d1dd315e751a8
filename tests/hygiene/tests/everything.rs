//! Every argument of the attributes, in an older edition.

use cw as facade;

#[path = "../../everything/annotations.rs"]
mod annotations;
