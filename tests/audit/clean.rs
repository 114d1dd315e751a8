//! Modules in which there is nothing to find.

pub(crate) mod bookings {
    use cachewright::{cached, invalidate_cache};

    // stats
    #[cached(key_prefix = "booking:stats:{day}")]
    pub(crate) fn stats(day: u32) -> u64 {
        day.into()
    }

    #[invalidate_cache("booking:*")]
    pub(crate) fn book() {}
}

pub(crate) mod generics {
    use std::marker::PhantomData;

    use cachewright::{cached, invalidate_cache};
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    pub(crate) struct Table<T>(PhantomData<T>);

    impl<T: Serialize + DeserializeOwned + Clone + Default + Send + Sync + 'static> Table<T> {
        // generic impl
        #[cached(key_prefix = "row:{id}")]
        pub(crate) async fn find(id: u64) -> Option<T> {
            let _ = id;
            Some(T::default())
        }

        #[invalidate_cache("row:{id}")]
        pub(crate) async fn put(id: u64, row: T) {
            let _ = (id, row);
        }
    }

    pub(crate) trait Load {
        fn load(id: u64) -> u64;
    }

    pub(crate) struct Disk;

    impl Load for Disk {
        // trait
        #[cached(key_prefix = "page:{id}")]
        fn load(id: u64) -> u64 {
            id
        }
    }

    #[invalidate_cache("page:{page}:*", "sum:*")]
    pub(crate) fn write(page: u64) {
        let _ = page;
    }

    // generic function
    #[cached(key_prefix = "sum:{day}")]
    pub(crate) fn sum<T: Serialize>(day: u32, kind: T) -> u64 {
        let _ = kind;
        day.into()
    }

    pub(crate) fn call_several() {
        sum(1, "a");
        sum(1, 1_u8);
        sum(1, [1_u8; 3]);
    }
}

pub(crate) mod calls {
    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "member:{id}")]
    pub(crate) fn member(id: u64) -> u64 {
        id
    }

    #[invalidate_cache(entry = member(id))]
    pub(crate) fn expel(id: u64) {
        let _ = id;
    }
}

pub(crate) mod clean_sessions {
    use cachewright::{cached, invalidate_cache};

    #[cached(key_prefix = "session:{token}", ttl = "15m")]
    pub(crate) fn user_of(token: &str) -> u64 {
        token.len() as u64
    }

    #[invalidate_cache("session:{token}")]
    pub(crate) fn leave(token: &str) {
        let _ = token;
    }
}

pub(crate) mod shapes {
    use cachewright::{cached, invalidate_cache};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    pub(crate) struct Note {
        text: String,
        #[serde(flatten)]
        rest: std::collections::BTreeMap<String, String>,
    }

    // A version stands for what is hidden.
    #[cached(key_prefix = "note:text", version = 1)]
    pub(crate) fn note(id: u64) -> Option<Note> {
        let _ = id;
        None
    }

    // It never leaves the process.
    #[cached(key_prefix = "note:draft", tier = "memory")]
    pub(crate) fn draft(id: u64) -> Option<Note> {
        let _ = id;
        None
    }

    #[invalidate_cache("note:*")]
    pub(crate) fn write() {}
}

pub(crate) mod updates {
    use cachewright::{cached, update_cache};

    #[cached(key_prefix = "counter:{id}")]
    pub(crate) async fn counted(id: u64) -> Option<u64> {
        Some(id)
    }

    // Nothing else changes it.
    #[update_cache(entry = counted(id))]
    pub(crate) fn count(id: u64) -> u64 {
        id + 1
    }
}
