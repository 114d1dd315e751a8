use cachewright::{cache_defaults, cached};

struct Filter {
    is_admin: bool,
    least: u64,
}

fn at_least(least: u64) -> impl Fn(&u64) -> bool {
    move |value| *value >= least
}

#[cached(store_if = filter.is_admin, ttl_with = 300, skip(filter))]
fn no_closures(filter: Filter) -> u64 {
    filter.least
}

#[cached(store_if = at_least(3))]
fn what_gives_a_closure(id: u64) -> u64 {
    id
}

#[cached(store_if, ttl_with(value), bypass_if = , jitter)]
fn not_their_form(id: u64) -> u64 {
    id
}

#[cached(jitter = 10)]
fn per_cent(id: u64) -> u64 {
    id
}

#[cached(jitter = 1.0)]
fn everything(id: u64) -> u64 {
    id
}

#[cached(jitter = 0.0)]
fn nothing(id: u64) -> u64 {
    id
}

#[cached(jitter = -0.1)]
fn longer(id: u64) -> u64 {
    id
}

#[cached(store_if = |value| *value > 1, store_if = |value| *value < 9, jitter = 0.1, jitter = 0.2)]
fn twice(id: u64) -> u64 {
    id
}

#[cached(bypass_if = left > 3, store_if = |value| *value > right, ttl = std::time::Duration::from_secs(left))]
fn taken_apart((left, right): (u64, u64)) -> u64 {
    left + right
}

#[cached(bypass_if = self.is_admin, store_if = |value| self.least < *value)]
fn without_self(id: u64) -> u64 {
    id
}

#[cache_defaults(bypass_if = id > 3, store_if = |value| *value > 1, ttl_with = seconds, jitter = 2.0)]
impl Filter {
    #[cached]
    fn of_a_block(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
