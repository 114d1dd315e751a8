//! Functions as they are while they are typed: their callers have no errors.
use cachewright::{cached, invalidate_cache};

struct Users {
    region: String,
}

impl Users {
    #[cached(ttl = 300, key_prefix = "user:{id")]
    fn template(&self, id: u64) -> u64 {
        id + self.region.len() as u64
    }

    #[cached(ttl = )]
    fn value(&self, id: u64) -> u64 {
        id
    }

    #[invalidate_cache(entry = self.)]
    fn entry(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    let users = Users {
        region: String::new(),
    };
    let sum: u64 = users.template(1) + users.value(2) + users.entry(3);
    assert_eq!(sum, 6);
}
