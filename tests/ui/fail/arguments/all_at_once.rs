use cachewright::cached;

struct Service;

impl Service {
    #[cached(ttl = 0, key_prefix = "user:{ident}:*", verison = 2, skip(db), scope = self.region)]
    fn get(&mut self, id: u64) {
        let _ = id;
    }
}

fn main() {
    Service.get(1);
}
