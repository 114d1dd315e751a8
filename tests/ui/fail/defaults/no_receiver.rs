//! A default that needs `self` is not dropped where there is none.
use cachewright::{Cache, cache_defaults, cached, invalidate_cache};

struct Users {
    cache: Cache,
    tenant: u64,
}

#[cache_defaults(scope = self.tenant, cache = self.cache, key_prefix = "user:{self.tenant}", ttl = self.cache.ttl())]
impl Users {
    #[cached]
    fn load(id: u64) -> u64 {
        id
    }

    #[cached(scope = (), key_prefix = "user", ttl = 300)]
    fn load_scoped(id: u64) -> u64 {
        id
    }

    #[cached(scope = (), key_prefix = "user", ttl = 300, cache = cachewright::installed())]
    fn load_for_all(id: u64) -> u64 {
        id
    }

    #[invalidate_cache("user")]
    fn store() {}
}

fn main() {
    Users::store();
    Users::load(Users::load_scoped(Users::load_for_all(3)));
}
