//! Functions that return a boxed future and are written by hand.

use std::pin::Pin;

use cachewright::{cached, invalidate_cache};

use super::{Database, assert_send};

/// As the crate `futures` has it.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl Database {
    #[cached(cache = self.cache, key_prefix = "boxed")]
    fn boxed(&self, id: u64) -> BoxFuture<'_, Option<u64>> {
        Box::pin(
            async move {
                #![allow(clippy::needless_return)]
                if id == 0 {
                    return None;
                }
                return Some(id + self.ask());
            },
        )
    }

    #[cached(cache = self.cache, key_prefix = "boxed")]
    fn spelled_out<'a>(
        &'a self,
        id: &'a str,
    ) -> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<Output = usize> + 'a>> {
        ::std::boxed::Box::pin(async { id.len() + usize::try_from(self.ask()).unwrap() })
    }

    #[invalidate_cache("boxed", cache = self.cache)]
    fn write(&self) -> LocalBoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            Err("nothing is written".to_owned())?;
            Ok(())
        })
    }

    #[invalidate_cache("boxed", cache = self.cache, on = "always")]
    fn write_perhaps(&self) -> LocalBoxFuture<'_, Result<(), String>> {
        std::boxed::Box::pin(async move { Err("perhaps it is written".to_owned()) })
    }
}

/// As the crate `futures` has it.
trait FutureExt: Future + Sized {
    fn boxed<'a>(self) -> BoxFuture<'a, Self::Output>
    where
        Self: Send + 'a,
    {
        Box::pin(self)
    }

    fn boxed_local<'a>(self) -> LocalBoxFuture<'a, Self::Output>
    where
        Self: 'a,
    {
        Box::pin(self)
    }
}

impl<F: Future> FutureExt for F {}

impl Database {
    #[cached(cache = self.cache, key_prefix = "boxed")]
    fn by_method(&self, id: u64) -> BoxFuture<'_, Option<u64>> {
        async move { Some(id + self.ask()) }.boxed()
    }

    #[invalidate_cache("boxed", cache = self.cache)]
    fn write_by_method(&self) -> LocalBoxFuture<'_, ()> {
        async move {
            self.ask();
        }
        .boxed_local()
    }
}

#[tokio::test]
async fn a_future_may_be_boxed_by_a_method() {
    let database = Database::new();
    assert_eq!(database.by_method(1).await, Some(2));
    drop(database.write_by_method());
    assert_eq!(assert_send(database.by_method(1)).await, Some(2));
    database.write_by_method().await;
    assert_eq!(database.by_method(1).await, Some(4));
}

#[tokio::test]
async fn the_future_is_computed_once_and_not_made_once() {
    let database = Database::new();
    let not_awaited = database.boxed(1);
    assert_eq!(assert_send(database.boxed(1)).await, Some(2));
    assert_eq!(database.boxed(1).await, Some(2));
    assert_eq!(not_awaited.await, Some(2));
    assert_eq!(database.boxed(0).await, None);
    assert_eq!(database.spelled_out("abc").await, 5);
    assert_eq!(database.spelled_out("abc").await, 5);
}

#[tokio::test]
async fn nothing_is_looked_up_before_the_future_is_polled() {
    let database = Database::new();
    assert_eq!(database.boxed(1).await, Some(2));
    let late = database.boxed(1);
    database.write_perhaps().await.unwrap_err();
    assert_eq!(late.await, Some(3));
}

#[tokio::test]
async fn a_writer_invalidates_when_its_future_is_done() {
    let database = Database::new();
    assert_eq!(database.boxed(1).await, Some(2));
    database.write().await.unwrap_err();
    drop(database.write_perhaps());
    assert_eq!(database.boxed(1).await, Some(2));
    database.write_perhaps().await.unwrap_err();
    assert_eq!(database.boxed(1).await, Some(3));
}

#[cached]
fn twice(n: u64) -> BoxFuture<'static, u64> {
    Box::pin(async move {
        match n {
            0 => 0,
            n => twice(n - 1).await + 2,
        }
    })
}

#[tokio::test]
async fn a_boxed_future_may_call_itself() {
    let task = tokio::spawn(twice(50));
    assert_eq!(task.await.unwrap(), 100);
}
