use std::pin::Pin;

use cachewright::cached;

struct Service;

impl Service {
    #[cached]
    fn mutable(&mut self, id: u64) -> u64 {
        id
    }

    #[cached]
    fn by_value(self, id: u64) -> u64 {
        id
    }

    #[cached]
    fn boxed(self: Box<Self>, id: u64) -> u64 {
        id
    }

    #[cached]
    fn pinned(self: Pin<&mut Self>, id: u64) -> u64 {
        id
    }
}

fn main() {}
