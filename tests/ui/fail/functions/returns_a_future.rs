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

    #[invalidate_cache("user:*")]
    fn in_a_result(&self) -> Result<Pending<'_, ()>, ()> {
        Ok(Box::pin(async {}))
    }

    #[invalidate_cache("user:*")]
    fn in_an_option(&self) -> Option<std::future::Ready<()>> {
        Some(std::future::ready(()))
    }

    // Its user knows better.
    #[invalidate_cache("user:*", outcome = "result")]
    async fn begun(&self) -> Result<std::future::Ready<()>, ()> {
        Ok(std::future::ready(()))
    }

    #[invalidate_cache("user:*", outcome = "value")]
    fn done(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

fn main() {}
