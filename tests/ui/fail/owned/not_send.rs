use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cachewright::cached;

#[cached(refresh_ahead = 0.1)]
async fn over_an_await(id: u64) -> u64 {
    let count = Rc::new(Cell::new(id));
    std::future::ready(()).await;
    count.get()
}

#[derive(Clone, serde::Serialize)]
struct Local(Rc<u64>);

#[cached(refresh_ahead = 0.1)]
async fn by_value(id: Local) -> u64 {
    *id.0
}

#[cached(refresh_ahead = 0.1)]
fn lent(id: &Local) -> u64 {
    *id.0
}

#[derive(Clone)]
struct Users {
    count: RefCell<u64>,
}

impl Users {
    #[cached(refresh_ahead = 0.1)]
    async fn unshared(&self, id: u64) -> u64 {
        std::future::ready(()).await;
        *self.count.borrow() + id
    }
}

#[derive(Debug)]
struct LocalError(Rc<u64>);

#[cached(refresh_ahead = 0.1)]
async fn returned(id: u64) -> Result<u64, LocalError> {
    Err(LocalError(Rc::new(id)))
}

#[cached(stale_if_error = "1h")]
async fn held(id: u64) -> Result<u64, LocalError> {
    Err(LocalError(Rc::new(id)))
}

fn main() {}
