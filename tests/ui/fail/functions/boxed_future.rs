use std::pin::Pin;

use cachewright::{cached, invalidate_cache};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

struct Service;

impl Service {
    async fn load(&self, id: u64) -> u64 {
        id
    }

    #[cached]
    fn made_elsewhere<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(self.load(id))
    }

    #[cached]
    fn prepared(&self, id: u64) -> BoxFuture<'_, u64> {
        let id = id + 1;
        Box::pin(async move { id })
    }

    #[invalidate_cache("user:*")]
    fn stored(&self, id: u64) -> BoxFuture<'_, u64> {
        Box::pin(self.load(id))
    }

    #[cached]
    async fn awaited_twice(&self, id: u64) -> BoxFuture<'static, u64> {
        Box::pin(async move { id })
    }

    #[cached]
    fn nothing(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {})
    }
}

fn main() {}
