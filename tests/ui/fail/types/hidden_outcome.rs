use cachewright::cached;

trait Source {
    type Out;

    #[cached]
    fn projection(&self) -> Self::Out {
        panic!()
    }

    #[cached]
    fn qualified(&self) -> <Self as Source>::Out {
        panic!()
    }
}

#[cached]
fn parameter<Item: Clone>(item: &Item) -> Item {
    item.clone()
}

#[cached]
fn in_a_result<T: Clone>(item: &T) -> Result<T, ()> {
    Ok(item.clone())
}

fn main() {}
