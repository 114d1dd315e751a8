use cachewright::cached;
use serde::{Serialize, de::DeserializeOwned};

struct Repository<Item>(Item);

impl<Item: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Repository<Item> {
    #[cached]
    fn get(&self, id: u64) -> Result<Item, ()> {
        let _ = id;
        Ok(self.0.clone())
    }
}

fn main() {}
