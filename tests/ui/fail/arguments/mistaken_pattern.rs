use cachewright::{cached, invalidate_cache};

// What can't be read may be the pattern: that none is left is no mistake of its own.
#[invalidate_cache(booking)]
fn a_name() {}

#[invalidate_cache(["a", "b"])]
fn a_list() {}

#[cached("user")]
fn a_text_alone() -> u8 {
    0
}

#[cached]
const NO_FUNCTION: u8 = 3;

fn main() {}
