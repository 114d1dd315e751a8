//! A cache that is installed first thing, beside one that is handed in. A process of its own.

use cachewright::{Cache, cached, installed};

#[cached(key_prefix = "global")]
async fn global(id: u64) -> u64 {
    id
}

#[cached(cache = cache, skip(cache), key_prefix = "own")]
async fn own(cache: &Cache, id: u64) -> u64 {
    id
}

#[tokio::test]
async fn the_installed_cache_and_one_that_is_handed_in_work_side_by_side() {
    let first = Cache::builder().namespace("app").build().unwrap();
    first.clone().install().unwrap();
    let second = Cache::builder().namespace("test").build().unwrap();
    for id in [1, 1, 2] {
        assert_eq!((global(id).await, own(&second, id).await), (id, id));
    }
    assert_eq!(installed().namespace(), Some("app"));
    for (cache, name) in [(&first, "global"), (&second, "own")] {
        let stats = cache.stats();
        assert_eq!(stats.functions.len(), 1);
        let row = &stats.functions[0];
        assert_eq!((row.name, row.hits, row.misses), (name, 1, 2));
    }
    let error = Cache::builder().build().unwrap().install().unwrap_err();
    assert!(error.is_configuration(), "{error}");
}
