use std::cell::Cell;
use std::rc::Rc;

use cachewright::{cached, invalidate_cache};

#[cached]
async fn read(id: u64) -> u64 {
    let count = Rc::new(Cell::new(id));
    std::future::ready(()).await;
    count.get()
}

#[invalidate_cache("user:*")]
async fn write(id: u64) {
    let count = Rc::new(Cell::new(id));
    std::future::ready(()).await;
    count.set(1);
}

#[cached(skip(unsent))]
async fn by_argument(id: u64, unsent: Rc<u64>) -> u64 {
    std::future::ready(()).await;
    id + *unsent
}

fn is_send(_: impl Send) {}

fn main() {
    is_send(read(1));
    is_send(write(1));
    is_send(by_argument(1, Rc::new(2)));
}
