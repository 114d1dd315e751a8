//! The placeholders of a default key prefix are those of every function that has no prefix of its own.
use cachewright::{cache_defaults, cached};

struct Users;

#[cache_defaults(key_prefix = "user:{user_id}")]
impl Users {
    #[cached]
    fn profile(&self, user_id: u64) -> u64 {
        user_id
    }

    #[cached]
    fn team(&self, user: u64) -> u64 {
        user
    }

    #[cached]
    fn pair(&self, (user_id, _): (u64, u64)) -> u64 {
        user_id
    }

    #[cached(key_prefix = "users")]
    fn all(&self) -> u64 {
        3
    }
}

fn main() {
    Users.profile(Users.team(Users.pair((3, Users.all()))));
}
