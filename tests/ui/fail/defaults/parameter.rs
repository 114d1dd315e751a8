//! The block tells its parameters, so that a return type that is one is told as such.
use cachewright::{cache_defaults, cached};

struct Repository<Item>(Item);

#[cache_defaults(key_prefix = "items")]
impl<Item: cachewright::CacheValue> Repository<Item> {
    #[cached]
    fn first(&self) -> Item {
        self.0.clone()
    }
}

fn main() {
    Repository(3_u64).first();
}
