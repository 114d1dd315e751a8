use std::rc::Rc;

use cachewright::cached;

#[cached(tier = "memory")]
fn local(id: u64) -> Rc<u64> {
    Rc::new(id)
}

#[cached]
async fn shared(id: u64) -> Option<Rc<u64>> {
    Some(Rc::new(id))
}

fn main() {}
