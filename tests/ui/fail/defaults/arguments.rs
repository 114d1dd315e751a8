//! Mistakes in defaults are told once, all of them, and the block stays.
use cachewright::cache_defaults;

struct Users;

#[cache_defaults(
    tll = 3,
    ttl = "10 minutes",
    key_prefix = "user:{self}",
    key(id),
    skip(db),
    outcome = "value",
    "user:*",
    entry = self.get(id),
    version = -1,
    on = "commit",
    scope = self.tenant,
    scope = (),
)]
impl Users {
    #[cachewright::cached]
    fn get(&self, id: u64) -> u64 {
        id
    }

    #[cachewright::invalidate_cache("user")]
    fn set(&self) {}
}

#[cache_defaults]
impl Users {
    #[cachewright::cached]
    fn nothing_said(&self) -> u64 {
        3
    }
}

fn main() {
    Users.get(Users.nothing_said());
    Users.set();
}
