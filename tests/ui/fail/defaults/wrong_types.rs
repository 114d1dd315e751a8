//! A default of the wrong type is told where it stands.
use cachewright::{cache_defaults, cached};

struct Users {
    cache: u64,
}

#[cache_defaults(cache = self.cache, scope = self.tenant)]
impl Users {
    #[cached]
    fn get(&self) -> u64 {
        3
    }

    #[cached]
    fn get_again(&self) -> u64 {
        3
    }
}

fn main() {
    let users = Users { cache: 3 };
    users.get();
    users.get_again();
}
