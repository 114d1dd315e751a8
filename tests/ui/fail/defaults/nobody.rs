//! A default that nobody can take over is a mistake.
use cachewright::{cache_defaults, cached, cached as memo, invalidate_cache};

struct Users;

#[cache_defaults(ttl = 3, on = "always")]
impl Users {
    #[cached]
    fn get(&self) -> u64 {
        3
    }
}

#[cache_defaults(ttl = 3, key_prefix = "user", cache = cachewright::installed())]
impl Users {
    #[invalidate_cache("user")]
    fn set(&self) {}
}

#[cache_defaults(ttl = 3, key_prefix = "user")]
impl Users {
    #[memo]
    fn under_another_name(&self) -> u64 {
        3
    }
}

fn main() {
    Users.get();
    Users.set();
    Users.under_another_name();
}
