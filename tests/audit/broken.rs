//! Modules in which there is something to find.

pub(crate) mod shop {
    use cachewright::{cached, invalidate_cache};

    #[cached(ttl = "1h", key_prefix = "order:stats:{day}")]
    pub(crate) fn stats(day: u32) -> u64 {
        day.into()
    }

    #[cached(key_prefix = "order:{number}")]
    pub(crate) fn order(number: u64) -> u64 {
        number
    }

    #[cached(key_prefix = "country")]
    pub(crate) fn countries() -> u64 {
        195
    }

    #[invalidate_cache("order:{number}", "order_stats:*")]
    pub(crate) fn place(number: u64) {
        let _ = number;
    }
}

pub(crate) mod patterns {
    use cachewright::invalidate_cache;

    #[invalidate_cache("booking_stats:*")]
    pub(crate) fn cancel() {}
}

pub(crate) mod calls {
    use cachewright::invalidate_cache;

    fn uncached(id: u64) -> u64 {
        id
    }

    #[invalidate_cache(entry = uncached(id))]
    pub(crate) fn rename(id: u64) {
        let _ = id;
    }
}

pub(crate) mod updates {
    use cachewright::update_cache;

    fn uncached(id: u64) -> u64 {
        id
    }

    #[update_cache(entry = uncached(id))]
    pub(crate) fn replace(id: u64) -> u64 {
        id
    }
}

pub(crate) mod forgotten {
    #[cachewright::cached(key_prefix = "country:all")]
    pub(crate) fn countries() -> u64 {
        195
    }
}

pub(crate) mod wide {
    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "reader:{id}:name")]
    pub(crate) fn name(id: u64) -> u64 {
        id
    }

    #[invalidate_cache("reader:*:name")]
    pub(crate) fn rename() {}
}

pub(crate) mod wide_calls {
    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "author:{id}", key(id / 2))]
    pub(crate) fn author(id: u64) -> u64 {
        id
    }

    #[invalidate_cache(entry = author(id))]
    pub(crate) fn rename(id: u64) {
        let _ = id;
    }
}

pub(crate) mod colliding {
    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "person:{id}")]
    pub(crate) fn by_id(id: u64) -> u64 {
        id
    }

    #[cached(key_prefix = "person:{email}")]
    pub(crate) fn by_email(email: &str) -> u64 {
        email.len() as u64
    }

    #[invalidate_cache("person:{id}")]
    pub(crate) fn rename(id: u64) {
        let _ = id;
    }
}

pub(crate) mod unusual {
    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "club:{id}")]
    pub(crate) fn club(id: u64) -> u64 {
        id
    }

    #[cached(key_prefix = "club_members:{id}")]
    pub(crate) fn members(id: u64) -> u64 {
        id
    }

    #[invalidate_cache("club:*", "club_members:*")]
    pub(crate) fn join() {}
}

pub(crate) mod unscoped {
    use cachewright::{cached, invalidate_cache};

    pub(crate) struct Exchange;

    impl Exchange {
        #[cached(key_prefix = "rate:{currency}")]
        pub(crate) fn rate(&self, currency: &str) -> u64 {
            currency.len() as u64
        }

        #[invalidate_cache("rate:*")]
        pub(crate) fn set(&self) {}
    }
}

pub(crate) mod sessions {
    use std::time::Duration;

    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "session:{token}", ttl = "1h")]
    pub(crate) fn basket_of(token: &str) -> u64 {
        token.len() as u64
    }

    #[cached(key_prefix = "session:{token}", ttl = Duration::from_secs(60))]
    pub(crate) fn name_of(token: &str) -> u64 {
        token.len() as u64
    }

    #[invalidate_cache("session:{token}")]
    pub(crate) fn leave(token: &str) {
        let _ = token;
    }
}

pub(crate) mod unequal {
    use cachewright::{cached, invalidate_cache};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Draft {
        id: u64,
        #[serde(skip)]
        note: String,
    }

    #[cached(key_prefix = "draft:{id}")]
    pub(crate) fn draft(id: u64) -> Draft {
        let note = "to be lost".to_owned();
        Draft { id, note }
    }

    #[invalidate_cache("draft:{id}")]
    pub(crate) fn edit(id: u64) {
        let _ = id;
    }
}

pub(crate) mod hidden {
    use std::collections::BTreeMap;

    use cachewright::{cached, invalidate_cache};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    pub(crate) struct Page<Item> {
        items: Vec<Item>,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }

    pub(crate) type Notes = Page<String>;

    #[cached(key_prefix = "note:page")]
    pub(crate) fn notes() -> Option<Notes> {
        None
    }

    pub(crate) struct Shelf<Item>(pub(crate) Vec<Item>);

    impl<Item: Clone + Send + Sync + Serialize + serde::de::DeserializeOwned + 'static> Shelf<Item> {
        #[cached(key_prefix = "note:shelf", cache = shelf_cache())]
        pub(crate) fn page(&self) -> Result<Page<Item>, ()> {
            Ok(Page {
                items: self.0.clone(),
                rest: BTreeMap::new(),
            })
        }
    }

    fn shelf_cache() -> cachewright::Cache {
        cachewright::Cache::builder().build().unwrap()
    }

    #[invalidate_cache("note:*")]
    pub(crate) fn write() {}
}
