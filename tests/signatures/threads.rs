//! A future is `Send` where its body is, and works where it is not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cachewright::{cached, invalidate_cache};
use serde::Serialize;

use super::{Database, assert_send};

/// Neither is it `Send`, nor does it go into a `Box<dyn Error + Send>`.
#[derive(Debug)]
struct LocalError(#[allow(dead_code)] Rc<str>);

impl Database {
    #[cached(cache = self.cache, skip(text))]
    async fn read(&self, id: u64, mut text: String) -> Result<u64, LocalError> {
        text.push('x');
        tokio::task::yield_now().await;
        if id == 0 {
            return Err(LocalError(text.as_str().into()));
        }
        Ok(id + self.ask())
    }

    #[invalidate_cache("shared", cache = self.cache)]
    async fn save(&self, id: u64, text: String) -> Result<u64, LocalError> {
        tokio::task::yield_now().await;
        (id > 0)
            .then_some(id)
            .ok_or_else(|| LocalError(text.as_str().into()))
    }

    #[cached(cache = self.cache, key_prefix = "local")]
    async fn read_locally(&self, id: Rc<u64>) -> Result<u64, LocalError> {
        let count = Rc::new(Cell::new(*id));
        tokio::task::yield_now().await;
        count.set(count.get() + self.ask());
        Ok(count.get())
    }

    #[invalidate_cache("local", cache = self.cache)]
    async fn write_locally(&self, log: Rc<RefCell<Vec<u64>>>) -> Rc<u64> {
        let count = Rc::new(self.asked());
        tokio::task::yield_now().await;
        log.borrow_mut().push(*count);
        count
    }
}

/// Has no `Sync`, so a reference to it is not `Send`: a key of it must not be held over an `await`.
#[derive(Serialize, Clone)]
struct Unshared(Cell<u64>);

#[cached(cache = database.cache, skip(database))]
async fn by_value_that_is_not_shared(database: &Database, id: Unshared) -> u64 {
    tokio::task::yield_now().await;
    id.0.get() + database.ask()
}

#[tokio::test]
async fn a_future_is_send_where_its_body_is() {
    let database = Database::new();
    assert_eq!(
        assert_send(database.read(1, String::new())).await.unwrap(),
        2
    );
    assert!(assert_send(database.read(0, String::new())).await.is_err());
    assert_eq!(
        assert_send(database.save(1, String::new())).await.unwrap(),
        1
    );
    let unshared = Unshared(Cell::new(1));
    let by_value = |unshared| by_value_that_is_not_shared(&database, unshared);
    assert_eq!(assert_send(by_value(unshared.clone())).await, 3);
    assert_eq!(assert_send(by_value(unshared)).await, 3);
    let task = tokio::spawn(async move {
        let read = database.read(1, String::new()).await.ok();
        let written = database.save(0, String::new()).await.ok();
        (read, written)
    });
    assert_eq!(task.await.unwrap(), (Some(2), None));
}

#[tokio::test]
async fn a_body_that_stays_on_its_thread_is_cached_there() {
    let database = Rc::new(Database::new());
    let log = Rc::default();
    let set = tokio::task::LocalSet::new();
    let (reader, writer) = (Rc::clone(&database), Rc::clone(&log));
    set.spawn_local(async move {
        assert_eq!(reader.read_locally(Rc::new(5)).await.unwrap(), 6);
        assert_eq!(reader.read_locally(Rc::new(5)).await.unwrap(), 6);
        reader.write_locally(writer).await;
        assert_eq!(reader.read_locally(Rc::new(5)).await.unwrap(), 7);
    });
    set.await;
    assert_eq!(*log.borrow(), [1]);
}
