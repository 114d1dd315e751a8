use std::pin::Pin;

use cachewright::invalidate_cache;

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

struct Service;

impl Service {
    #[invalidate_cache("user:*")]
    fn opaque(&self) -> impl Future<Output = Result<(), ()>> + Send {
        async { Ok(()) }
    }

    #[invalidate_cache("user:*")]
    fn behind_an_alias(&self) -> Pending<'_, Result<(), ()>> {
        Box::pin(async { Ok(()) })
    }

    // Its user knows better.
    #[invalidate_cache("user:*", outcome = "value")]
    fn done(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

fn main() {}
