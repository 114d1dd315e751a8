//! Defaults are said on blocks, once.
use cachewright::{cache_defaults, cached};

#[cache_defaults(ttl = 3)]
#[cached]
fn get() -> u64 {
    3
}

#[cache_defaults(ttl = 3)]
mod users {
    #[cachewright::cached]
    pub fn get() -> u64 {
        3
    }
}

struct Users;

#[cache_defaults(ttl = 3)]
#[cachewright::cache_defaults(key_prefix = "user")]
impl Users {
    #[cached]
    fn get(&self) -> u64 {
        3
    }
}

#[cached(defaults = 3)]
fn by_hand() -> u64 {
    3
}

fn main() {
    get();
    users::get();
    Users.get();
    by_hand();
}
