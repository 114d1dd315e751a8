use std::pin::Pin;
use std::rc::Rc;

use cachewright::cached;

#[derive(Clone)]
struct Users {
    count: u64,
}

impl std::fmt::Display for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.count)
    }
}

impl Users {
    #[cached(refresh_ahead = 0.1)]
    async fn pinned(self: Pin<&Self>, id: u64) -> u64 {
        self.count + id
    }

    #[cached(refresh_ahead = 0.1)]
    fn local(self: Rc<Self>, id: u64) -> u64 {
        self.count + id
    }

    #[cached(refresh_ahead = 0.1)]
    async fn in_a_text(&self, id: u64) -> String {
        format!("{id} {self}")
    }

    #[cached(refresh_ahead = 0.1)]
    async fn changed(&mut self, id: u64) -> u64 {
        self.count += id;
        self.count
    }
}

fn main() {}
