use std::rc::Rc;

use async_trait::async_trait;
use cachewright::{cached, invalidate_cache};

#[async_trait]
trait Users {
    async fn read(&self, id: u64) -> u64;
    async fn write(&self, id: u64);
}

struct Stored;

#[async_trait]
impl Users for Stored {
    #[cached]
    async fn read(&self, id: u64) -> u64 {
        let count = Rc::new(id);
        std::future::ready(()).await;
        *count
    }

    #[invalidate_cache("user:{id}")]
    async fn write(&self, id: u64) {
        let count = Rc::new(id);
        std::future::ready(()).await;
        drop(count);
    }
}

fn main() {}
