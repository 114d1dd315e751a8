use cachewright::cached;

struct Service {
    cache: String,
}

impl Service {
    #[cached(cache = self.cache)]
    fn get(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
