use std::pin::Pin;

use cachewright::{cached, invalidate_cache};

struct Service;

// What `#[async_trait]` hands to the attributes below it.
impl Service {
    #[cached]
    fn get<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(async move { id })
    }

    #[invalidate_cache("user:*")]
    fn set<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(async move { id })
    }
}

fn main() {}
