//! What an operation costs, told by what it touches and not by a clock.

use std::sync::Arc;

use cachewright::Cache;

#[tokio::test]
async fn an_invalidation_visits_no_entry() {
    const ENTRIES: u64 = 10_000;
    let cache = Cache::builder().build().unwrap();
    let value = Arc::new(7);
    for id in 0..ENTRIES {
        cache
            .set(&format!("user:{id}"), value.clone(), None)
            .await
            .unwrap();
    }
    assert_eq!(cache.keys().len() as u64, ENTRIES);

    cache.invalidate("user:*").await.unwrap();

    assert!(cache.keys().is_empty());
    assert_eq!(cache.get::<Arc<i32>>("user:0").await.unwrap(), None);
    // All are still where they were: nobody went through them to remove them.
    assert_eq!(cache.stats().entries, ENTRIES);
    assert_eq!(Arc::strong_count(&value) as u64, ENTRIES + 1);
}
