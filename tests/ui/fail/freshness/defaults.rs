use cachewright::{cache_defaults, cached};

struct Users;

#[cache_defaults(ttl = 60, refresh_ahead = "1m")]
impl Users {
    #[cached]
    fn told_once(id: u64) -> u64 {
        id
    }
}

#[cache_defaults(refresh_ahead = "1m", timeout = 1)]
impl Users {
    #[cached(ttl = 30, stale_if_error = 5)]
    fn shorter(id: u64) -> u64 {
        id
    }

    #[cached]
    fn nothing_may_answer(id: u64) -> u64 {
        id
    }

    #[cached(stale_if_error = 5, skip(names))]
    fn borrows(id: u64, names: Option<&str>) -> u64 {
        id + names.map_or(0, |name| name.len() as u64)
    }
}

fn main() {}
